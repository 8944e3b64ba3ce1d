//! One response and its life.
//!
//! Invariants: the status only moves forward, an ended response never changes; events are numbered from 0 by 1 and
//! are never taken back.

mod acting;

use std::sync::Arc;

use acting::Doing;

use super::acts::Acts;
use super::agenda::Due;
use super::asks::details_of;
use super::contract::{CancelOutput, CancelRace, EndedUsage};
use super::desk::Desk;
use super::fate::{Fate, Finale};
use super::item::{Draft, including};
use super::ledger::AccountNo;
use super::log::Log;
use super::slots::Handle;
use super::turn::Work;
use super::{CallKey, CancelledEnd, FailedEnd, ResumeWindow, StepWork, name};
use crate::fault::Probe;
use crate::rng::{Law, Purpose};
use crate::trace::BackendEvent;
use crate::units::{JobId, SimDuration, SimTime};
use crate::wire::{Create, Details, Event, Failure, Item, Response, ResponseId, Status, Usage};

/// A response of the service.
///
/// What a look at it asks stands first and together: where there are many, nothing of it is in a cache by then.
#[derive(Debug, Clone)]
#[repr(C)]
pub(super) struct Run {
    /// As it would be read now; whoever read it keeps what was read.
    pub(super) object: Arc<Response>,
    /// How it is kept and to whom it is bound.
    pub(super) hold: Hold,
    /// The project that it belongs to.
    pub(super) owner: AccountNo,
    /// The account that pays for it.
    pub(super) account: AccountNo,
    alarm: u32,
    /// How many events there were when the time to the next keepalive began.
    pub(super) beat: Option<usize>,
    /// The tier that was asked for, if one was named.
    tier: Option<Arc<str>>,
    /// Its own handle.
    pub(super) me: Handle,
    /// The call that made it.
    pub(super) key: CallKey,
    stage: Stage,
    /// When the stage was planned to begin; a late step does not push everything behind it.
    mark: SimTime,
    pub(super) bits: u64,
    pub(super) entity: u64,
    pub(super) acts: Acts,
    pub(super) fate: Arc<Fate>,
    /// The events so far; none if it was not made with a stream.
    pub(super) log: Option<Box<Log>>,
    /// The calls that read its events.
    pub(super) readers: Vec<Handle>,
    /// What was asked, if it came over a wire.
    pub(super) asked: Option<Arc<Create>>,
    /// Tokens so far.
    pub(super) usage: Usage,
    /// The turn, from 1.
    pub(super) turn: u32,
    /// The script that was chosen for it, if it is none of the usual ones.
    pub(super) choice: Option<u32>,
    /// Whether everybody was told of its end.
    pub(super) settled: bool,
    /// The response of the turn before.
    pub(super) parent: Option<ResponseId>,
    /// When it was made.
    pub(super) created: SimTime,
    /// The rules that were injected for it.
    pins: Option<Arc<[u32]>>,
    /// What it weighed when that was last counted.
    pub(super) counted: u64,
}

/// What a response takes beside its texts, in bytes, with everything that finds it.
const ITSELF: usize = 1_536;

/// What an event takes that a stream keeps, in bytes: most are pieces of a text.
const EVENT: usize = 224;

/// How a response is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// Outlives its connection, and can be read from the start.
    Background(Keep),
    /// Dies with the call that made it, and can be read when it has ended.
    Foreground {
        /// Whether it can be read at all.
        keep: Keep,
        /// The call, until it is over.
        patron: Option<Handle>,
    },
}

/// Whether a response is kept after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// For the time of the profile.
    Stored,
    /// Not, or hardly.
    Unstored,
}

#[derive(Debug, Clone)]
enum Stage {
    /// Its connection is open and nothing is said yet.
    Admitting,
    Queued,
    Acting(Doing),
    Stuck,
    /// A slow cancel was accepted: what was being done stays as it is.
    Winding(Option<Box<Item>>),
    Ended,
}

/// What a new response is made of.
pub(super) struct Seedling {
    pub(super) key: CallKey,
    pub(super) turn: u32,
    pub(super) parent: Option<ResponseId>,
    pub(super) owner: AccountNo,
    pub(super) account: AccountNo,
    pub(super) asked: Option<Arc<Create>>,
    pub(super) tier: Option<Arc<str>>,
    pub(super) hold: Hold,
    pub(super) streamed: bool,
    pub(super) object: Arc<Response>,
    pub(super) bits: u64,
    pub(super) acts: Acts,
    pub(super) fate: Arc<Fate>,
    pub(super) choice: Option<u32>,
    pub(super) pins: Option<Arc<[u32]>>,
    pub(super) input_tokens: u32,
}

impl Run {
    /// A response that has not begun.
    pub(super) fn new(seedling: Seedling, me: Handle, desk: &Desk) -> Self {
        let now = desk.now;
        let gaps = desk.profile.streaming.gaps;
        let usage = Usage {
            input: seedling.input_tokens,
            ..Usage::default()
        };
        Self {
            key: seedling.key,
            me,
            turn: seedling.turn,
            parent: seedling.parent,
            owner: seedling.owner,
            account: seedling.account,
            asked: seedling.asked,
            tier: seedling.tier,
            hold: seedling.hold,
            created: now,
            entity: name::run_entity(seedling.object.origin, &seedling.key),
            object: seedling.object,
            log: seedling
                .streamed
                .then(|| Box::new(Log::new(gaps, desk.seed, seedling.bits))),
            readers: Vec::new(),
            beat: None,
            usage,
            settled: false,
            bits: seedling.bits,
            acts: seedling.acts,
            fate: seedling.fate,
            choice: seedling.choice,
            pins: seedling.pins,
            counted: 0,
            stage: Stage::Queued,
            alarm: 0,
            mark: now,
        }
    }

    /// The job it serves.
    pub(super) fn job(&self) -> JobId {
        let origin = self.object.origin.map(|origin| origin.job);
        origin.unwrap_or(self.key.exchange.job())
    }

    /// The object, to change it: what was handed out before stays as it was.
    fn object_mut(&mut self) -> &mut Response {
        Arc::make_mut(&mut self.object)
    }

    /// Whether it outlives its connection.
    pub(super) const fn is_background(&self) -> bool {
        matches!(self.hold, Hold::Background(_))
    }

    /// Whether it is over.
    pub(super) const fn is_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended)
    }

    /// Whether it can be read: in background always, otherwise when it was kept and has ended.
    pub(super) const fn is_visible(&self) -> bool {
        match self.hold {
            Hold::Background(_) => true,
            Hold::Foreground { keep, .. } => self.is_ended() && matches!(keep, Keep::Stored),
        }
    }

    /// What it said in this tick came now, where the age of events counts.
    pub(super) fn stamp(&mut self, desk: &Desk) {
        if matches!(desk.profile.resume_window, ResumeWindow::OfEvent(_))
            && let Some(log) = &mut self.log
        {
            log.stamp(desk.now);
        }
    }

    /// Begins its life.
    pub(super) fn start(&mut self, desk: &mut Desk) {
        desk.note(self.job(), || BackendEvent::Created {
            response: self.object.id.clone(),
            exchange: self.key.exchange,
            origin: self.object.origin,
            background: self.is_background(),
        });
        if let Some((after, _)) = self.fate.vanish {
            desk.agenda.put(desk.after(after), Due::Vanish(self.me));
        }
        match self.fate.admission {
            None => self.admit(desk),
            Some((law, rule)) => {
                let length = self.admission(desk, law, rule);
                desk.fired(self.job(), rule);
                self.stage = Stage::Admitting;
                self.mark = desk.after(length);
                self.arm(desk, self.mark);
            }
        }
    }

    /// How long it takes until something is said of it.
    pub(super) fn admission(&self, desk: &Desk, law: Law, rule: u32) -> SimDuration {
        desk.plan.delay(rule, law, self.entity, name::ADMISSIONS)
    }

    fn admit(&mut self, desk: &mut Desk) {
        self.stage = Stage::Queued;
        self.say(|run| Event::Created(run.object.clone()));
        if !self.is_background() {
            return self.begin(desk);
        }
        self.note_status(desk, None);
        self.say(|run| Event::Queued(run.object.clone()));
        let law = desk.script_of(self.job(), self.choice).queued;
        let of_tier = desk
            .profile
            .tier_of(self.tier.as_ref())
            .map_or(Law::ZERO, |tier| tier.queued);
        let queued = desk.draw(law, Purpose::QueuedFor, self.entity, 0);
        self.mark = desk.after(queued + desk.draw(of_tier, Purpose::QueuedFor, self.entity, 1));
        self.arm(desk, self.mark);
    }

    /// Goes on when alarm number `alarm` rings; an older alarm means nothing.
    pub(super) fn advance(&mut self, desk: &mut Desk, alarm: u32) {
        if alarm != self.alarm {
            return;
        }
        match self.stage {
            Stage::Admitting => self.admit(desk),
            Stage::Queued => match self.fate.stuck_queued {
                Some(rule) => self.stick(desk, rule),
                None => self.begin(desk),
            },
            Stage::Acting(_) => self.go_on(desk),
            Stage::Stuck | Stage::Winding(_) | Stage::Ended => {}
        }
    }

    /// What a cancel is told although the response runs on.
    pub(super) fn told_cancelled(&self) -> Option<Arc<Response>> {
        self.fate.ignored_cancel.filter(|_| !self.is_ended()).map(|_| {
            let status = Status::Cancelled;
            let object = Response::clone(&self.object);
            Arc::new(Response { status, ..object })
        })
    }

    /// Cancels it, at once or after the lag of a fault; or not, if a fault has it so.
    pub(super) fn cancel(&mut self, desk: &mut Desk) {
        if desk.profile.contract.switches.cancel_race == CancelRace::ModelWins {
            return;
        }
        if let Some(rule) = self.fate.ignored_cancel {
            return desk.fired(self.job(), rule);
        }
        match self.fate.slow_cancel {
            None => self.end_cancelled(desk),
            Some((lag, rule)) if !matches!(self.stage, Stage::Winding(_) | Stage::Ended) => {
                desk.fired(self.job(), rule);
                self.stage = Stage::Winding(self.broken_off(desk.now).map(Box::new));
                self.alarm += 1;
                desk.agenda.put(desk.after(lag), Due::WindDown(self.me));
            }
            Some(_) => {}
        }
    }

    /// Ends it as cancelled, with what it has so far.
    pub(super) fn end_cancelled(&mut self, desk: &mut Desk) {
        if self.is_ended() {
            return;
        }
        let broken_off = self.broken_off(desk.now);
        if desk.profile.contract.switches.cancel_output == CancelOutput::Cleared {
            self.object_mut().output = desk.no_output.clone();
        } else if let Some(item) = broken_off {
            self.put_out(item);
        }
        self.end(desk, Status::Cancelled, None);
    }

    fn begin(&mut self, desk: &mut Desk) {
        self.object_mut().status = Status::InProgress;
        self.note_status(desk, None);
        self.say(|run| Event::InProgress(run.object.clone()));
        if let Some(rule) = self.fate.disorder {
            desk.fired(self.job(), rule);
            self.object_mut().status = Status::Queued;
            self.say(|run| Event::Queued(run.object.clone()));
        }
        match self.fate.stuck_in_progress {
            Some(rule) => self.stick(desk, rule),
            None => self.start_act(desk, 0),
        }
    }

    fn stick(&mut self, desk: &mut Desk, rule: u32) {
        desk.fired(self.job(), rule);
        self.stage = Stage::Stuck;
    }

    /// What its request says beside what our own runtime ever says.
    fn details(&self) -> Option<&Details> {
        self.asked.as_ref().and_then(|asked| details_of(asked))
    }

    /// How many bytes it keeps: itself; of its request what it repeats of it, and its input twice; and once it has ended,
    /// what it says and the events of its stream. Of what jobs of our own ask nothing counts.
    pub(super) fn weight(&self) -> u64 {
        let Some(echo) = self.asked.as_ref().and_then(|create| create.request.as_ref()) else {
            return 0;
        };
        let mut bytes = ITSELF + echo.weight();
        if self.is_ended() {
            bytes += self.object.output.iter().map(Item::bytes).sum::<usize>();
            // The events of others are let go of with their end.
            let log = self.log.as_ref().filter(|_| self.is_background());
            bytes += log.map_or(0, |log| log.len()) * EVENT;
        }
        bytes as u64
    }

    /// The response with more of its items than its request asked for.
    pub(super) fn including(&self, include: &[Arc<str>]) -> Arc<Response> {
        let mut details = self.details().cloned().unwrap_or_default();
        details.include.extend_from_slice(include);
        let mut before = None;
        let shown = self.object.output.iter().zip(0_u32..).map(|(item, output)| {
            let id = item.id().clone();
            let draft = Draft {
                id: id.clone(),
                output,
                text: Arc::from(""),
                after: before.replace(id),
                parts: 0,
                response: self.object.id.clone(),
                logprobs: None,
            };
            let place = output as usize;
            let act = self.acts.get(place);
            match act.as_deref().map(|act| &act.work) {
                Some(work @ Work::Scripted(StepWork::Tool(_))) => work.ended(draft, Some(&details)),
                _ => including(item.clone(), Some(&details)),
            }
        });
        Arc::new(Response {
            output: shown.collect(),
            ..Response::clone(&self.object)
        })
    }

    /// What a rule about this response is asked.
    pub(super) fn probe(&self, at: SimTime) -> Probe<'_> {
        Probe {
            marks: self.pins.as_deref().unwrap_or_default(),
            ..name::probe(self.key.exchange, at)
        }
    }

    /// One more item stands in the output; what was read before stays as it was.
    fn put_out(&mut self, item: Item) {
        let output = self.object.output.iter().cloned().chain([item]).collect();
        self.object_mut().output = output;
    }

    fn halt(&mut self, desk: &mut Desk) {
        let Some(halt) = self.fate.halt.clone() else {
            return;
        };
        desk.fired(self.job(), halt.rule);
        match halt.code {
            Some(code) => self.fail(desk, code),
            None => self.end(desk, Status::Cancelled, None),
        }
    }

    fn fail(&mut self, desk: &mut Desk, code: Arc<str>) {
        let message: Arc<str> = format!("The run ended with an error: {code}.").into();
        self.object_mut().error = Some(Failure {
            code: code.clone(),
            message: message.clone(),
        });
        if desk.profile.streaming.failed != FailedEnd::FailedOnly {
            self.say(|_| Event::Error {
                code: code.clone(),
                message,
            });
        }
        self.end(desk, Status::Failed, Some(code));
    }

    fn close(&mut self, desk: &mut Desk) {
        match self.fate.finale.clone() {
            Finale::Completed => {
                if let Some(rule) = self.fate.truncated {
                    desk.fired(self.job(), rule);
                }
                self.end(desk, Status::Completed, None);
            }
            Finale::Incomplete { reason, rule } => {
                if let Some(rule) = rule {
                    desk.fired(self.job(), rule);
                }
                // What was thought when the cap was reached is not thought to its end.
                let cap = self.fate.cap.unwrap_or(u32::MAX);
                self.usage.output = self.usage.output.min(cap);
                self.usage.reasoning = self.usage.reasoning.min(cap);
                self.object_mut().incomplete = Some(reason.clone());
                self.end(desk, Status::Incomplete, Some(reason));
            }
            Finale::Unknown { word, rule } => {
                desk.fired(self.job(), rule);
                self.end(desk, Status::Unknown(word), None);
            }
        }
    }

    fn end(&mut self, desk: &mut Desk, status: Status, code: Option<Arc<str>>) {
        let tier = self.tier.clone();
        let is_used = matches!(status, Status::Completed | Status::Incomplete);
        let shows_usage = is_used || desk.profile.contract.switches.ended_usage == EndedUsage::Shown;
        let usage = shows_usage.then_some(self.usage);
        let object = self.object_mut();
        if status == Status::Completed {
            object.completed_at = Some(desk.unix());
        }
        object.status = status;
        object.service_tier = tier.unwrap_or_else(|| desk.profile.tier.clone());
        object.usage = usage;
        self.stage = Stage::Ended;
        // Only tools can be asked later for more than they have shown.
        if !self.acts.have_tools() {
            self.acts = Acts::NONE;
        }
        self.alarm += 1;
        self.note_status(desk, code);
        let streaming = desk.profile.streaming;
        let is_silent = match &self.object.status {
            Status::Failed => streaming.failed == FailedEnd::ErrorOnly,
            Status::Cancelled => streaming.cancelled == CancelledEnd::Silent,
            Status::Queued
            | Status::InProgress
            | Status::Completed
            | Status::Incomplete
            | Status::Unknown(_) => false,
        };
        if is_silent {
            return;
        }
        self.say(|run| {
            let object = run.object.clone();
            match &object.status {
                Status::Completed => Event::Completed(object),
                Status::Incomplete => Event::Incomplete(object),
                Status::Unknown(word) => Event::Unknown {
                    name: format!("response.{word}").into(),
                },
                // There is no event of its own for a cancelled response.
                Status::Queued | Status::InProgress | Status::Failed | Status::Cancelled => {
                    Event::Failed(object)
                }
            }
        });
    }

    fn arm(&mut self, desk: &mut Desk, at: SimTime) {
        self.alarm += 1;
        let due = Due::Advance {
            run: self.me,
            alarm: self.alarm,
        };
        desk.agenda.put(at.max(desk.now.next()), due);
    }

    fn note_status(&self, desk: &mut Desk, code: Option<Arc<str>>) {
        desk.note(self.job(), || BackendEvent::Became {
            response: self.object.id.clone(),
            status: self.object.status.clone(),
            code,
        });
    }

    /// Begins the time to the next keepalive, if there are any and it does not run yet.
    pub(super) fn begin_beat(&mut self, desk: &mut Desk) {
        let Some(pause) = desk.profile.streaming.keepalive else {
            return;
        };
        if self.beat.is_none() && !self.is_ended() {
            self.beat = Some(self.log.as_ref().map_or(0, |log| log.len()));
            desk.agenda.put(desk.after(pause), Due::Beat(self.me));
        }
    }

    /// The time to the next keepalive is over: it is said if somebody reads and nothing else was said.
    pub(super) fn beat(&mut self, desk: &mut Desk) {
        let before = self.beat.take();
        if self.is_ended() || self.readers.is_empty() {
            return;
        }
        if before == self.log.as_ref().map(|log| log.len()) {
            self.say(|_| Event::Keepalive);
        }
        self.begin_beat(desk);
    }

    fn say(&mut self, event: impl FnOnce(&Self) -> Event) {
        if self.log.is_some() {
            let event = event(self);
            if let Some(log) = &mut self.log {
                log.append(event);
            }
        }
    }
}
