//! Webhooks: sent at the end of a background response, again until they are answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::agenda::Due;
use super::desk::Desk;
use super::run::Run;
use super::slots::{Handle, Slots};
use super::{CallKey, Genuine, Output, Signatures, WebhookSend, name};
use crate::fault::{Fault, Target};
use crate::rng::Purpose;
use crate::trace::WireEvent;
use crate::units::{JobId, SimDuration};
use crate::wire::{ResponseId, Status};

/// How long a receiver may take to answer.
const ANSWER_WITHIN: SimDuration = SimDuration::from_secs(15);
/// How far off the stamp of a stale webhook is: a second over the tolerance of receivers.
const OFF_SECS: u64 = 301;

/// An event on its way to the receiver.
#[derive(Debug, Clone)]
struct Delivery {
    key: CallKey,
    job: JobId,
    id: Arc<str>,
    event: Arc<str>,
    kind: Arc<str>,
    response: ResponseId,
    ended: u64,
    genuine: Genuine,
    stamped: Stamped,
    signatures: Signatures,
    /// How long it waits at most for another to overtake it; none if that is over.
    overtaken_within: Option<SimDuration>,
    /// Sendings so far.
    sent: u16,
    /// Retries so far.
    retried: usize,
    /// What is still to come by itself: a first sending, a retry, a repetition.
    planned: u32,
    /// The sendings that wait for their answers.
    awaited: Vec<u16>,
    /// Whether a sending was answered with 2xx.
    accepted: bool,
}

/// All events on their way.
#[derive(Debug, Clone)]
pub(super) struct Deliveries {
    slots: Slots<Delivery>,
    by_id: BTreeMap<Arc<str>, Handle>,
    /// Those that wait for another to overtake them.
    held_back: Vec<Handle>,
}

/// What faults do to one delivery.
struct Disturbed {
    lost: bool,
    late: SimDuration,
    again: Option<SimDuration>,
    overtaken_within: Option<SimDuration>,
    genuine: Genuine,
    stamped: Stamped,
    signatures: Signatures,
}

/// When a webhook says that it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stamped {
    Now,
    Before,
    Ahead,
}

impl Deliveries {
    pub(super) const fn new() -> Self {
        Self {
            slots: Slots::new(),
            by_id: BTreeMap::new(),
            held_back: Vec::new(),
        }
    }

    /// The key of the call that made the response which a delivery is about.
    pub(super) fn key_of(&self, delivery: Handle) -> Option<CallKey> {
        self.slots.get(delivery).map(|delivery| delivery.key)
    }

    /// Plans the webhook about the end of `run`, if there are webhooks and its status has one.
    pub(super) fn plan(&mut self, run: &Run, desk: &mut Desk) {
        let Some((law, kind)) = desk.profile.webhook.zip(kind_of(&run.object.status)) else {
            return;
        };
        let disturbed = disturb(run, desk);
        if disturbed.lost {
            return;
        }
        let drawn = desk.draw(law, Purpose::WebhookFor, run.entity, 0);
        let at = desk.after(drawn + disturbed.late);
        let delivery = self.slots.insert(Delivery {
            key: run.key,
            job: run.job(),
            id: name::id("wh_", desk.seed.bits(Purpose::Id, run.bits, WEBHOOK_ID)),
            event: name::id("evt_", desk.seed.bits(Purpose::Id, run.bits, EVENT_ID)),
            kind: kind.into(),
            response: run.object.id.clone(),
            ended: desk.unix(),
            genuine: disturbed.genuine,
            stamped: disturbed.stamped,
            signatures: disturbed.signatures,
            overtaken_within: disturbed.overtaken_within,
            sent: 0,
            retried: 0,
            planned: 1 + u32::from(disturbed.again.is_some()),
            awaited: Vec::new(),
            accepted: false,
        });
        if let Some(new) = self.slots.get(delivery) {
            self.by_id.insert(new.id.clone(), delivery);
        }
        desk.agenda.put(at, Due::Send(delivery));
        if let Some(gap) = disturbed.again {
            let again = at + gap.max(SimDuration::TICK);
            desk.agenda.put(again, Due::Repeat(delivery));
        }
    }

    /// Sends a webhook that is due; one that was accepted in the meantime is sent only if it is a repetition.
    pub(super) fn send(&mut self, delivery: Handle, repeated: Repeated, desk: &mut Desk) {
        let Some(found) = self.slots.get_mut(delivery) else {
            return;
        };
        if let Some(limit) = found.overtaken_within.take() {
            self.held_back.push(delivery);
            return desk.agenda.put(desk.after(limit), Due::Overdue(delivery));
        }
        found.planned -= 1;
        if found.accepted && matches!(repeated, Repeated::No) {
            return self.tidy(delivery);
        }
        found.sent = found.sent.saturating_add(1);
        found.awaited.push(found.sent);
        let (send, stamped) = (found.leaving(desk.unix()), found.stamped);
        desk.note(found.job, || WireEvent::WebhookSent {
            delivery: send.delivery.clone(),
            send: send.send,
            response: send.response.clone(),
            signature: word_of(send.genuine, stamped),
        });
        let unanswered = Due::Unanswered {
            delivery,
            send: send.send,
        };
        desk.agenda.put(desk.after(ANSWER_WITHIN), unanswered);
        desk.out.push(Output::Webhook(send.into()));
        self.let_go(desk);
    }

    /// Lets those go that were held back for another to overtake them.
    fn let_go(&mut self, desk: &mut Desk) {
        for behind in self.held_back.drain(..) {
            if self.slots.get(behind).is_some() {
                desk.agenda.put(desk.after(SimDuration::TICK), Due::Send(behind));
            }
        }
    }

    /// Sends a webhook that no other has overtaken in time.
    pub(super) fn overdue(&mut self, delivery: Handle, desk: &mut Desk) {
        self.held_back.retain(|held| *held != delivery);
        self.send(delivery, Repeated::No, desk);
    }

    /// Whether a webhook waits for another to overtake it.
    pub(super) fn holds_back(&self, delivery: Handle) -> bool {
        self.held_back.contains(&delivery)
    }

    /// Takes the receiver's answer; none if it could not be reached. An answer that comes too late means nothing.
    pub(super) fn answered(&mut self, delivery: &str, send: u16, http: Option<u16>, desk: &mut Desk) {
        if let Some(&handle) = self.by_id.get(delivery) {
            self.settle(handle, send, http, desk);
        }
    }

    /// Gives up waiting for an answer, unless it came.
    pub(super) fn unanswered(&mut self, delivery: Handle, send: u16, desk: &mut Desk) {
        self.settle(delivery, send, None, desk);
    }

    /// Whether a sending still waits for its answer.
    pub(super) fn awaits(&self, delivery: Handle, send: u16) -> bool {
        self.slots
            .get(delivery)
            .is_some_and(|found| found.awaited.contains(&send))
    }

    /// How many are on their way.
    pub(super) const fn len(&self) -> usize {
        self.slots.len()
    }

    fn settle(&mut self, delivery: Handle, send: u16, http: Option<u16>, desk: &mut Desk) {
        let Some(found) = self.slots.get_mut(delivery) else {
            return;
        };
        let Some(place) = found.awaited.iter().position(|awaited| *awaited == send) else {
            return;
        };
        found.awaited.remove(place);
        desk.note(found.job, || WireEvent::WebhookAnswered {
            delivery: found.id.clone(),
            http,
        });
        found.accepted |= http.is_some_and(|http| (200..300).contains(&http));
        if found.needs_retry() {
            found.plan_retry(delivery, desk);
        }
        self.tidy(delivery);
    }

    /// Forgets a delivery for which nothing is to come.
    fn tidy(&mut self, delivery: Handle) {
        let is_over = |found: &Delivery| found.planned == 0 && found.awaited.is_empty();
        if self.slots.get(delivery).is_some_and(is_over)
            && let Some(gone) = self.slots.remove(delivery)
        {
            self.by_id.remove(&gone.id);
        }
    }
}

/// Whether a sending is one that nobody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeated {
    /// The first sending or a retry.
    No,
    /// The work of a fault.
    Yes,
}

/// Indices of the ids of a delivery and its event among the ids of a response.
const WEBHOOK_ID: u64 = 1 << 32;
const EVENT_ID: u64 = WEBHOOK_ID + 1;

impl Delivery {
    fn leaving(&self, now: u64) -> WebhookSend {
        let stamp = match self.stamped {
            Stamped::Now => now,
            Stamped::Before => now.saturating_sub(OFF_SECS),
            Stamped::Ahead => now + OFF_SECS,
        };
        WebhookSend {
            delivery: self.id.clone(),
            send: self.sent,
            event: self.event.clone(),
            kind: self.kind.clone(),
            response: self.response.clone(),
            created_at: self.ended,
            stamp,
            genuine: self.genuine,
            signatures: self.signatures,
        }
    }

    const fn needs_retry(&self) -> bool {
        !self.accepted && self.planned == 0 && self.awaited.is_empty()
    }

    fn plan_retry(&mut self, me: Handle, desk: &mut Desk) {
        if let Some(&gap) = desk.profile.webhook_retries.get(self.retried) {
            self.retried += 1;
            self.planned += 1;
            desk.agenda.put(desk.after(gap), Due::Send(me));
        }
    }
}

fn disturb(run: &Run, desk: &mut Desk) -> Disturbed {
    let mut disturbed = Disturbed {
        lost: false,
        late: SimDuration::ZERO,
        again: None,
        overtaken_within: None,
        genuine: Genuine::Valid,
        stamped: Stamped::Now,
        signatures: Signatures::One,
    };
    let plan = desk.plan.clone();
    for struck in plan.strikes(&Target::Webhook, run.probe(desk.now)) {
        match struck.fault {
            Fault::LoseWebhook => disturbed.lost = true,
            Fault::LateWebhook { law } => {
                disturbed.late += plan.delay(struck.rule, *law, run.entity, name::WEBHOOK_DELAYS);
            }
            Fault::RepeatWebhook { gap } => disturbed.again = Some(*gap),
            Fault::OvertakenWebhook { limit } => disturbed.overtaken_within = Some(*limit),
            Fault::StaleWebhook => {
                (disturbed.genuine, disturbed.stamped) = (Genuine::Stale, Stamped::Before);
            }
            Fault::FutureWebhook => {
                (disturbed.genuine, disturbed.stamped) = (Genuine::Stale, Stamped::Ahead);
            }
            Fault::TwoSignatures => disturbed.signatures = Signatures::Two,
            Fault::ForgedWebhook => disturbed.genuine = Genuine::Forged,
            // The rest disturbs no webhook.
            _ => continue,
        }
        desk.fired(run.job(), struck.rule);
    }
    disturbed
}

const fn kind_of(status: &Status) -> Option<&'static str> {
    match status {
        Status::Completed => Some("response.completed"),
        Status::Failed => Some("response.failed"),
        Status::Cancelled => Some("response.cancelled"),
        Status::Incomplete => Some("response.incomplete"),
        Status::Queued | Status::InProgress | Status::Unknown(_) => None,
    }
}

const fn word_of(genuine: Genuine, stamped: Stamped) -> &'static str {
    match (genuine, stamped) {
        (Genuine::Valid, _) => "valid",
        (Genuine::Stale, Stamped::Ahead) => "future",
        (Genuine::Stale, Stamped::Now | Stamped::Before) => "stale",
        (Genuine::Forged, _) => "forged",
    }
}
