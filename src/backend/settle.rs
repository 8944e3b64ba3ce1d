//! What follows when a response moved on or a client left: events leave, calls end, responses go.

use std::sync::Arc;

use super::agenda::Due;
use super::call::{Call, PIECES, Reading, Spoil, Stage, spoil_of};
use super::desk::Desk;
use super::run::{Hold, Keep};
use super::service::Spent;
use super::slots::Handle;
use super::{CallKey, Output, Service, StreamEnd};
use crate::fault::Fault;
use crate::rng::Law;
use crate::trace::WireEvent;
use crate::units::push_with;
use crate::wire::{Event, Reply, StreamEvent};

/// How a reader stands after it was given what there is.
enum Fed {
    /// More may come.
    Open,
    /// The stream is over; the call too.
    Over,
    /// No more will come, and the call stays.
    Hung,
}

impl Service {
    /// Draws the consequences of what a response just did.
    pub(super) fn settle(&mut self, handle: Handle) {
        if let Some(run) = self.runs.get_mut(handle) {
            run.stamp(&self.desk);
        }
        self.feed_all(handle);
        let Some(run) = self.runs.get_mut(handle) else {
            return;
        };
        if !run.is_ended() || std::mem::replace(&mut run.settled, true) {
            return;
        }
        self.ledger.spend(
            run.account,
            u64::from(run.usage.input) + u64::from(run.usage.output),
        );
        if let Some(spent) = &mut self.spent {
            spent.push(Spent {
                job: run.job(),
                input: run.usage.input,
                output: run.usage.output,
                tier: run.object.service_tier.clone(),
            });
        }
        if run.is_background() {
            self.deliveries.plan(run, &mut self.desk);
        }
        let keep = match run.hold {
            Hold::Background(keep) | Hold::Foreground { keep, .. } => keep,
        };
        let kept_for = match (keep, run.is_background()) {
            (Keep::Stored, _) => Some(self.desk.profile.retention),
            (Keep::Unstored, true) => Some(self.desk.profile.contract.unstored_kept),
            (Keep::Unstored, false) => None,
        };
        if let Some(kept_for) = kept_for {
            let weight = self.runs.count(handle);
            self.desk
                .agenda
                .put_expiry(self.desk.after(kept_for), keep, handle, weight);
        }
        self.release_conversation(handle);
        self.answer_patron(handle);
    }

    /// Lets the reply of a plain foreground response leave, now that it has ended.
    fn answer_patron(&mut self, handle: Handle) {
        let Some(run) = self.runs.get(handle) else {
            return;
        };
        let Hold::Foreground {
            patron: Some(patron), ..
        } = run.hold
        else {
            return self.free(handle);
        };
        let is_waiting = |call: &Call| matches!(call.stage, Stage::Waiting { .. });
        if !self.calls.get_mut(patron).is_some_and(|call| is_waiting(call)) {
            return;
        }
        let reply = Reply::Response(run.object.clone());
        if let Some(Call { key, strike, .. }) = self.calls.remove(patron) {
            self.reply(key, strike, || reply);
        }
        self.release_patron(Some(handle));
    }

    /// Notes that nobody is bound to a foreground response any more: one that still runs is abandoned, one that
    /// nobody will read goes.
    #[inline(never)]
    pub(super) fn release_patron(&mut self, run: Option<Handle>) {
        let Some((handle, run)) = run.and_then(|run| Some((run, self.runs.get_mut(run)?))) else {
            return;
        };
        let is_ended = run.is_ended();
        let Hold::Foreground { keep, patron } = &mut run.hold else {
            return;
        };
        *patron = None;
        if !is_ended {
            *keep = Keep::Unstored;
            run.end_cancelled(&mut self.desk);
            return self.settle(handle);
        }
        self.free(handle);
    }

    /// Lets the events of a foreground response go that is over and unbound, for nobody else may read them; and the
    /// response, if it is not stored.
    fn free(&mut self, handle: Handle) {
        let Some(run) = self.runs.get_mut(handle).filter(|run| run.is_ended()) else {
            return;
        };
        let Hold::Foreground { keep, patron: None } = run.hold else {
            return;
        };
        run.log = None;
        if keep == Keep::Unstored {
            self.let_go(handle);
        }
    }

    /// Takes a response out, and says so.
    fn let_go(&mut self, handle: Handle) {
        if let Some(response) = self.runs.remove(handle) {
            push_with(&mut self.desk.out, || Output::Dropped { response });
        }
    }

    /// A fault makes the service forget a response; what still runs on a connection runs on.
    pub(super) fn vanish(&mut self, handle: Handle) {
        let Some(run) = self.runs.get_mut(handle) else {
            return;
        };
        let job = run.job();
        if let Some((_, rule)) = run.fate.vanish {
            self.desk.fired(job, rule);
        }
        if let Hold::Foreground {
            keep,
            patron: Some(_),
        } = &mut run.hold
        {
            *keep = Keep::Unstored;
            self.desk.dropped(job, &run.object.id, "vanished");
            return self.runs.hide(handle);
        }
        self.drop_run(handle, "vanished");
    }

    /// Lets a response go and closes its streams.
    pub(super) fn drop_run(&mut self, handle: Handle, why: &'static str) {
        let Some(run) = self.runs.get_mut(handle) else {
            return;
        };
        let readers = std::mem::take(&mut run.readers);
        self.desk.dropped(run.job(), &run.object.id, why);
        if why == "deleted" {
            let id = run.object.id.clone();
            self.runs.remember_deleted(&id);
        }
        self.let_go(handle);
        for call in readers {
            if let Some(call) = self.calls.remove(call) {
                self.close(call.key, Closing::Broken);
            }
        }
    }

    /// The client of a call left.
    pub(super) fn gone(&mut self, key: &CallKey) {
        let Some((handle, call)) = self
            .calls
            .find(key)
            .and_then(|handle| Some((handle, self.calls.remove(handle)?)))
        else {
            return;
        };
        let exchange = key.exchange;
        self.headings.remove(key);
        self.unpin(key);
        self.desk.note(exchange.job(), || WireEvent::Gone { exchange });
        if let Some(run) = call.run().and_then(|run| self.runs.get_mut(run)) {
            run.readers.retain(|reader| *reader != handle);
            let me = run.me;
            self.release_patron(Some(me));
        }
    }

    /// Keeps a call open on which nothing will come.
    #[inline(never)]
    pub(super) fn hang(&mut self, key: CallKey, run: Option<Handle>) {
        let call = self.calls.insert(Call {
            key,
            strike: None,
            stage: Stage::Hung { run },
        });
        self.rebind(run, call);
    }

    /// Begins to send events behind the head of a stream.
    #[inline(never)]
    pub(super) fn begin_reading(&mut self, key: CallKey, strike: Option<u32>, reading: Reading) {
        let Some(run) = self.runs.get_mut(reading.run) else {
            return self.close(key, Closing::Broken);
        };
        let stage = Stage::Reading(reading);
        let call = self.calls.insert(Call { key, strike, stage });
        run.readers.push(call);
        run.begin_beat(&mut self.desk);
        self.rebind(Some(reading.run), call);
        self.feed_all(reading.run);
    }

    /// The call that made a foreground response goes by another handle now.
    fn rebind(&mut self, run: Option<Handle>, call: Handle) {
        let hold = run
            .and_then(|run| self.runs.get_mut(run))
            .map(|run| &mut run.hold);
        if let Some(Hold::Foreground { patron, .. }) = hold {
            *patron = Some(call);
        }
    }

    /// Gives every reader of a response what it has not had yet.
    fn feed_all(&mut self, handle: Handle) {
        let Some(run) = self.runs.get_mut(handle).filter(|run| !run.readers.is_empty()) else {
            return;
        };
        let readers = std::mem::take(&mut run.readers);
        let mut staying = Vec::with_capacity(readers.len());
        let mut over = false;
        for reader in readers {
            match self.feed(reader, handle) {
                Fed::Open => staying.push(reader),
                Fed::Hung => {}
                Fed::Over => {
                    self.calls.remove(reader);
                    over = true;
                }
            }
        }
        if let Some(run) = self.runs.get_mut(handle) {
            run.readers = staying;
        }
        if over {
            self.release_patron(Some(handle));
        }
    }

    fn feed(&mut self, reader: Handle, handle: Handle) -> Fed {
        loop {
            let (Some(run), Some(call)) = (self.runs.get(handle), self.calls.get_mut(reader)) else {
                return Fed::Over;
            };
            let (key, strike) = (call.key, call.strike);
            let Stage::Reading(reading) = &mut call.stage else {
                return Fed::Hung;
            };
            let spoil = strike.and_then(|rule| spoil_of(self.desk.fault(rule)?));
            let spoil = spoil
                .filter(|(_, after)| *after == reading.sent)
                .map(|(spoil, _)| spoil);
            let Some(event) = run.log.as_ref().and_then(|log| log.from(reading.next)) else {
                if run.is_ended() {
                    let whole = run.log.as_ref().is_some_and(|log| log.is_whole());
                    self.close(key, if whole { Closing::Whole } else { Closing::Broken });
                    return Fed::Over;
                }
                return match spoil {
                    Some(Spoil::Cut) => self.spoil(key, strike, Closing::Broken),
                    Some(Spoil::Reset) => self.spoil(key, strike, Closing::Reset),
                    _ => Fed::Open,
                };
            };
            let event = event.clone();
            if let Some(slow) = strike.and_then(|rule| trickle_of(rule, self.desk.fault(rule)?)) {
                if reading.piece == 0 {
                    let first = reading.sent == 0;
                    reading.piece = 1;
                    self.send_piece(reader, key, slow, event, 1);
                    if first {
                        self.desk.fired(key.exchange.job(), slow.0);
                    }
                }
                return Fed::Open;
            }
            let due = std::mem::replace(&mut reading.next, event.seq + 1);
            reading.sent += 1;
            note_gap(&mut self.desk, key, due, event.seq);
            let Some(spoil) = spoil else {
                self.send(key, event);
                continue;
            };
            if spoil == Spoil::Stall {
                call.stage = Stage::Hung { run: Some(handle) };
            }
            let fed = self.feed_spoiled(key, strike, spoil, event);
            if !matches!(fed, Fed::Open) {
                return fed;
            }
        }
    }

    /// The turn of an event that a rule strikes.
    fn feed_spoiled(
        &mut self,
        key: CallKey,
        strike: Option<u32>,
        spoil: Spoil,
        mut event: Arc<StreamEvent>,
    ) -> Fed {
        let is_last = event.event.is_last();
        match spoil {
            Spoil::Cut => return self.spoil(key, strike, Closing::Broken),
            Spoil::CutBetweenLines => return self.spoil(key, strike, Closing::BetweenLines),
            Spoil::Reset => return self.spoil(key, strike, Closing::Reset),
            Spoil::CutInside => return self.spoil(key, strike, Closing::InsideEvent),
            Spoil::Stall => {
                self.struck(key, strike, "stall_stream");
                return Fed::Hung;
            }
            Spoil::Error(code) => {
                Arc::make_mut(&mut event).event = stream_error(&code);
                self.send(key, event);
                return self.spoil(key, strike, Closing::Broken);
            }
            Spoil::Skip => self.struck(key, strike, "skip_event"),
            Spoil::Rename => {
                self.struck(key, strike, "unknown_event");
                Arc::make_mut(&mut event).event = Event::Unknown {
                    name: UNHEARD_OF.into(),
                };
                self.send(key, event);
            }
        }
        // A stream without its last event is not whole.
        if is_last {
            self.close(key, Closing::Broken);
            return Fed::Over;
        }
        Fed::Open
    }

    /// Lets a piece of an event leave and plans the next.
    fn send_piece(
        &mut self,
        reader: Handle,
        key: CallKey,
        (rule, law): (u32, Law),
        event: Arc<StreamEvent>,
        part: u32,
    ) {
        let place = event.seq.wrapping_mul(u64::from(PIECES)) + u64::from(part);
        let pause = self.pause(&key, rule, law, place);
        let of = PIECES;
        let call = key;
        self.desk.out.push(Output::EventPart {
            call,
            event,
            part,
            of,
        });
        self.desk.agenda.put(self.desk.after(pause), Due::Piece(reader));
    }

    /// The next piece of an event is due on a slow stream; behind the last one it is the turn of the next event.
    pub(super) fn next_piece(&mut self, reader: Handle) {
        let Some(Call {
            key,
            strike: Some(rule),
            stage: Stage::Reading(reading),
        }) = self.calls.get_mut(reader)
        else {
            return;
        };
        let (key, rule, handle) = (*key, *rule, reading.run);
        let slow = self.desk.fault(rule).and_then(|fault| trickle_of(rule, fault));
        let log = self.runs.get(handle).and_then(|run| run.log.as_ref());
        let event = log.and_then(|log| log.from(reading.next)).cloned();
        let (Some(slow), Some(event)) = (slow, event) else {
            return;
        };
        reading.piece += 1;
        if reading.piece < PIECES {
            let piece = reading.piece;
            return self.send_piece(reader, key, slow, event, piece);
        }
        reading.piece = 0;
        let due = std::mem::replace(&mut reading.next, event.seq + 1);
        reading.sent += 1;
        note_gap(&mut self.desk, key, due, event.seq);
        self.send(key, event);
        self.feed_all(handle);
    }

    fn send(&mut self, call: CallKey, event: Arc<StreamEvent>) {
        let (exchange, seq) = (call.exchange, event.seq);
        self.desk
            .note(exchange.job(), || WireEvent::StreamSent { exchange, seq });
        self.desk.out.push(Output::Event { call, event });
    }

    fn spoil(&mut self, key: CallKey, strike: Option<u32>, how: Closing) -> Fed {
        if let Some(rule) = strike {
            self.desk.fired(key.exchange.job(), rule);
        }
        self.close(key, how);
        Fed::Over
    }

    /// A rule struck a stream that stays open.
    fn struck(&mut self, key: CallKey, strike: Option<u32>, how: &'static str) {
        let exchange = key.exchange;
        if let Some(rule) = strike {
            self.desk.fired(exchange.job(), rule);
        }
        self.desk
            .note(exchange.job(), || WireEvent::Spoiled { exchange, how });
    }

    fn close(&mut self, call: CallKey, how: Closing) {
        let exchange = call.exchange;
        let whole = how == Closing::Whole;
        self.desk
            .note(exchange.job(), || WireEvent::StreamClosed { exchange, whole });
        let how = match how {
            Closing::Whole | Closing::Broken => StreamEnd::BetweenEvents,
            Closing::InsideEvent => StreamEnd::InsideEvent,
            Closing::BetweenLines => StreamEnd::BetweenLines,
            Closing::Reset => StreamEnd::Reset,
        };
        self.desk.out.push(Output::Close { call, how });
    }
}

/// The name of an event that no contract has.
const UNHEARD_OF: &str = "response.unheard_of";

/// What the service says when a stream breaks down.
fn stream_error(code: &Arc<str>) -> Event {
    Event::Error {
        code: code.clone(),
        message: format!("The stream ended with an error: {code}.").into(),
    }
}

/// How a stream closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    /// Behind its last event.
    Whole,
    /// Before its last event, between two.
    Broken,
    /// Inside an event.
    InsideEvent,
    /// Between the two lines of an event.
    BetweenLines,
    /// With a reset.
    Reset,
}

/// How long the rule lets the pieces of events wait, if it makes a stream slow.
const fn trickle_of(rule: u32, fault: &Fault) -> Option<(u32, Law)> {
    match fault {
        Fault::Trickle { pause } => Some((rule, *pause)),
        _ => None,
    }
}

/// Notes the numbers from `due` to the one that leaves: the service leaves them out on every stream.
fn note_gap(desk: &mut Desk, key: CallKey, due: u64, seq: u64) {
    let exchange = key.exchange;
    for _ in due..seq {
        desk.note(exchange.job(), || WireEvent::Spoiled { exchange, how: "gap" });
    }
}
