//! How the reply of a call leaves: when, in how many parts, and spoiled by what.

use std::sync::Arc;

use super::agenda::Due;
use super::call::{Call, Stage, pace_of};
use super::slots::Handle;
use super::{CallKey, Face, Output, Service};
use crate::fault::{Fault, Place};
use crate::trace::WireEvent;
use crate::units::{Exchange, SimDuration, SimTime, push_with};
use crate::wire::{Reply, ResponseId};

impl Service {
    /// Lets a reply leave.
    #[inline]
    pub(super) fn leave(&mut self, call: Handle) {
        let is_unseen = !self.desk.notes.is_on() && self.headings.is_empty();
        if !(is_unseen && self.leave_plainly(call)) {
            self.leave_in_full(call);
        }
    }

    /// Lets a reply leave that nothing spoils and that nothing follows, as nearly all are, if this is one.
    #[inline(always)]
    fn leave_plainly(&mut self, call: Handle) -> bool {
        let out = &mut self.desk.out;
        let wanted = |call: &mut Call| match &mut call.stage {
            Stage::Leaving {
                reply, stream: None, ..
            } if call.strike.is_none() => {
                push_with(out, || Output::Reply {
                    call: call.key,
                    reply: std::mem::replace(reply, Reply::StreamOpen),
                    face: Face::Whole,
                });
                Some(())
            }
            _ => None,
        };
        if self.calls.take_of(call, wanted).is_none() {
            return false;
        }
        if let Some(Output::Reply { reply, .. }) = self.desk.out.last()
            && let Some(response) = self.gone_before(reply)
        {
            self.desk.out.push(Output::Dropped { response });
        }
        true
    }

    /// Lets any reply leave, with all that may spoil it, tell of it or follow it.
    #[inline(never)]
    fn leave_in_full(&mut self, call: Handle) {
        let is_struck = self.calls.get_mut(call).is_some_and(|call| call.strike.is_some());
        if is_struck && self.leave_part(call) {
            return;
        }
        // What is wanted is taken out, and the rest let go where it is: it would be moved for nothing.
        let wanted = |call: &mut Call| match &mut call.stage {
            Stage::Leaving { reply, stream, parts } => {
                let reply = std::mem::replace(reply, Reply::StreamOpen);
                Some((call.key, call.strike, reply, stream.take(), *parts))
            }
            Stage::Held(_) | Stage::Waiting { .. } | Stage::Reading(_) | Stage::Hung { .. } => None,
        };
        let Some((key, strike, reply, stream, parts)) = self.calls.take_of(call, wanted) else {
            return;
        };
        if let Some(reading) = &stream
            && parts > 0
        {
            return self.begin_reading(key, strike, **reading);
        }
        let face = strike.map_or(Face::Whole, |rule| self.face(rule, &reply));
        if self.desk.notes.is_on() || strike.is_some() {
            self.note_reply(key.exchange, &reply, &face, strike);
        }
        let stays = matches!(face, Face::Silent | Face::Stall);
        let whole = face == Face::Whole;
        if !self.headings.is_empty()
            && let Some(fields) = self.headings.remove(&key)
        {
            self.desk.out.push(Output::Heading { call: key, fields });
        }
        let gone = self.gone_before(&reply);
        let output = Output::Reply {
            call: key,
            reply,
            face,
        };
        self.desk.out.push(output);
        if let Some(response) = gone {
            self.desk.out.push(Output::Dropped { response });
        }
        let run = stream.as_ref().map(|reading| reading.run);
        match stream {
            Some(reading) if whole => self.begin_reading(key, strike, *reading),
            _ if stays => self.hang(key, run),
            _ if run.is_some() => self.release_patron(run),
            _ => {}
        }
    }

    /// The response of this reply, if it ended and was dropped before its own reply left.
    fn gone_before(&self, reply: &Reply) -> Option<ResponseId> {
        match reply {
            Reply::Response(response) if !response.status.is_open() && !self.runs.is_taken(&response.id) => {
                Some(response.id.clone())
            }
            _ => None,
        }
    }

    /// Lets the head or the next part of a slow reply leave, if one is due before the rest.
    ///
    /// - returns: whether more is to come.
    #[inline(never)]
    fn leave_part(&mut self, handle: Handle) -> bool {
        let Some(call) = self.calls.get_mut(handle) else {
            return false;
        };
        let Some(rule) = call.strike else {
            return false;
        };
        let key = call.key;
        let Stage::Leaving { reply, stream, parts } = &mut call.stage else {
            return false;
        };
        let pace = self.desk.fault(rule).and_then(|fault| pace_of(fault, reply));
        let Some((law, of)) = pace.filter(|(_, of)| *parts < *of) else {
            return false;
        };
        let (part, reply, opens) = (*parts, reply.clone(), stream.is_some());
        *parts += 1;
        if part == 0 {
            self.desk.fired(key.exchange.job(), rule);
        }
        if opens {
            self.note_reply(key.exchange, &reply, &Face::Whole, None);
        }
        let pause = self.pause(&key, rule, law, u64::from(part));
        self.desk.out.push(match opens {
            true => Output::Reply {
                call: key,
                reply,
                face: Face::Whole,
            },
            false => Output::Part {
                call: key,
                reply,
                part,
                of,
            },
        });
        self.desk.agenda.put(self.desk.after(pause), Due::Leave(handle));
        true
    }

    /// How long nothing leaves behind a part of a reply or of a stream.
    pub(super) fn pause(&self, key: &CallKey, rule: u32, law: crate::rng::Law, part: u64) -> SimDuration {
        let (entity, index) = (
            super::name::call_entity(key),
            super::name::call_index(key.exchange),
        );
        let index = index ^ (super::name::PAUSES + (part << 44));
        self.desk.plan.delay(rule, law, entity, index)
    }

    #[inline(never)]
    fn note_reply(&mut self, exchange: Exchange, reply: &Reply, face: &Face, strike: Option<u32>) {
        let job = exchange.job();
        if let Some(rule) = strike.filter(|_| *face != Face::Whole) {
            let how = self.desk.fault(rule).map_or("", Fault::word);
            self.desk.fired(job, rule);
            return self.desk.note(job, || WireEvent::Spoiled { exchange, how });
        }
        let (epoch, now) = (self.desk.profile.epoch, self.desk.now);
        self.desk.note(job, || WireEvent::Replied {
            exchange,
            http: http_of(reply),
            told: told_of(reply, epoch, now),
        });
    }

    /// The rules that were injected for the response of this call, which has been made or never will be.
    pub(super) fn unpin(&mut self, key: &CallKey) -> Option<Arc<[u32]>> {
        match self.pins.is_empty() {
            true => None,
            false => self.pins.remove(key),
        }
    }

    /// Plans a reply whose content is fixed now, and which is written where it stays.
    #[inline]
    pub(super) fn reply(&mut self, key: CallKey, strike: Option<u32>, reply: impl FnOnce() -> Reply) {
        self.unpin(&key);
        self.plan_reply(key, strike, SimDuration::ZERO, reply);
    }

    /// The same for a call of which nothing is pinned, so much later than is usual.
    #[inline]
    pub(super) fn plan_reply(
        &mut self,
        key: CallKey,
        strike: Option<u32>,
        later: SimDuration,
        reply: impl FnOnce() -> Reply,
    ) {
        self.plan_leave(key, strike, later, || Stage::Leaving {
            reply: reply(),
            stream: None,
            parts: 0,
        });
    }

    /// Plans the leaving of a call's reply, so much later than is usual.
    #[inline]
    pub(super) fn plan_leave(
        &mut self,
        key: CallKey,
        strike: Option<u32>,
        later: SimDuration,
        stage: impl FnOnce() -> Stage,
    ) -> Handle {
        let mut wait = self.desk.latency(&key).max(SimDuration::TICK) + later;
        if let Some(rule) = strike {
            wait += self.delay_of_reply(&key, rule);
        }
        let handle = self.calls.insert_for(key, strike, wait, stage);
        self.desk.agenda.put(self.desk.after(wait), Due::Leave(handle));
        handle
    }

    /// How long the rule holds the reply up.
    #[inline(never)]
    fn delay_of_reply(&mut self, key: &CallKey, rule: u32) -> SimDuration {
        let Some(Fault::Delay {
            place: Place::Reply,
            law,
        }) = self.desk.fault(rule)
        else {
            return SimDuration::ZERO;
        };
        let wait = self.delay(key, rule, *law);
        self.desk.fired(key.exchange.job(), rule);
        wait
    }

    pub(super) fn delay(&self, key: &CallKey, rule: u32, law: crate::rng::Law) -> SimDuration {
        let (entity, index) = (
            super::name::call_entity(key),
            super::name::call_index(key.exchange),
        );
        self.desk.plan.delay(rule, law, entity, index)
    }

    #[inline(never)]
    fn face(&self, rule: u32, reply: &Reply) -> Face {
        self.desk
            .fault(rule)
            .map_or(Face::Whole, |fault| super::call::face_of(fault, reply))
    }
}

const fn http_of(reply: &Reply) -> u16 {
    match reply {
        Reply::Response(_) | Reply::StreamOpen | Reply::Deleted | Reply::Document(_) => 200,
        Reply::Error(error) => error.http,
    }
}

/// The wait that a reply tells, counted from `now`.
fn told_of(reply: &Reply, epoch: u64, now: SimTime) -> Option<SimDuration> {
    use crate::wire::Wait;
    let Reply::Error(error) = reply else {
        return None;
    };
    error.wait.map(|wait| match wait {
        Wait::Millis(millis) => SimDuration::from_millis(millis),
        Wait::Seconds(secs) => SimDuration::from_secs(secs),
        Wait::Date(date) => {
            let at = SimTime::START + SimDuration::from_secs(date.saturating_sub(epoch));
            at.since(now)
        }
    })
}
