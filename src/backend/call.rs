//! The calls that are not over yet.

use std::sync::Arc;

use super::slots::{Handle, Lookup, Slots};
use super::{Auth, CallKey, Face, Input};
use crate::fault::{Fault, Place};
use crate::rng::Law;
use crate::units::SimDuration;
use crate::wire::{ApiError, Ask, Reply, Side};

/// A call from its arrival to the end of its reply.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// Its key.
    pub(super) key: CallKey,
    /// The rule that struck it.
    pub(super) strike: Option<u32>,
    /// Where it stands.
    pub(super) stage: Stage,
}

/// A request, as it stands among the inputs of a tick.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    /// Whether it may.
    pub(super) auth: &'a Auth,
    /// What it asks; or why it is no valid one.
    pub(super) ask: Result<Asked<'a>, &'a ApiError>,
}

/// What a call asks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked<'a> {
    /// Something about the life of a response.
    Main(&'a Ask),
    /// Something else.
    Side(&'a Side),
}

impl<'a> Request<'a> {
    /// The request of an input, if it is one.
    pub(super) fn of(input: &'a Input) -> Option<Self> {
        match input {
            Input::Request { auth, ask, .. } => {
                let ask = ask.as_ref().map(Asked::Main).map_err(|error| &**error);
                Some(Self { auth, ask })
            }
            Input::Side { auth, ask, .. } => {
                let ask = ask.as_ref().map(|side| Asked::Side(side));
                let ask = ask.map_err(|error| &**error);
                Some(Self { auth, ask })
            }
            Input::Marked { .. }
            | Input::Injected { .. }
            | Input::Gone { .. }
            | Input::Refused { .. }
            | Input::Crowded { .. }
            | Input::WebhookAnswered { .. } => None,
        }
    }
}

/// Where a call stands.
#[derive(Debug, Clone)]
pub(super) enum Stage {
    /// Held up before it is handled: the request.
    Held(Box<Input>),
    /// Waits for the end of the foreground response that it made.
    Waiting {
        /// The response.
        run: Handle,
    },
    /// The reply is fixed and will leave.
    Leaving {
        /// The reply.
        reply: Reply,
        /// The stream that it opens.
        stream: Option<Box<Reading>>,
        /// How many parts have left before the rest.
        parts: u32,
    },
    /// Events leave on it.
    Reading(Reading),
    /// Nothing leaves on it any more, and it stays open.
    Hung {
        /// The response whose reply or stream it was.
        run: Option<Handle>,
    },
}

/// Which events leave on a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// The response.
    pub(super) run: Handle,
    /// The number of the next event.
    pub(super) next: u64,
    /// How many have had their turn on this call.
    pub(super) sent: u32,
    /// How many pieces of the next event have left, where events leave in pieces.
    pub(super) piece: u32,
}

impl Call {
    /// The response whose reply or stream it waits for.
    pub(super) const fn run(&self) -> Option<Handle> {
        match &self.stage {
            Stage::Held(_) | Stage::Leaving { stream: None, .. } => None,
            Stage::Waiting { run } => Some(*run),
            Stage::Leaving {
                stream: Some(reading),
                ..
            } => Some(reading.run),
            Stage::Reading(reading) => Some(reading.run),
            Stage::Hung { run } => *run,
        }
    }
}

/// All calls that are not over.
///
/// A call is looked for by its key only when its client leaves before it is over. A reply that leaves soon is therefore
/// not listed: it is nearly always over first, and looked for among all calls if it is not.
#[derive(Debug, Clone)]
pub(super) struct Calls {
    slots: Slots<Open>,
    by_key: Lookup<CallKey, Handle>,
}

#[derive(Debug, Clone)]
struct Open {
    call: Call,
    listed: Listed,
}

/// Whether a call is found by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listed {
    Yes,
    No,
}

/// A reply that leaves within this time is not listed.
const SOON: SimDuration = SimDuration::from_secs(1);

impl Calls {
    pub(super) fn new() -> Self {
        Self {
            slots: Slots::new(),
            by_key: Lookup::default(),
        }
    }

    /// How many are not over.
    pub(super) const fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn insert(&mut self, call: Call) -> Handle {
        let (key, listed) = (call.key, Listed::Yes);
        let handle = self.slots.insert(Open { call, listed });
        self.by_key.insert(key, handle);
        handle
    }

    /// Takes in a call whose reply leaves in so long; it is written where it stays.
    #[inline]
    pub(super) fn insert_for(
        &mut self,
        key: CallKey,
        strike: Option<u32>,
        wait: SimDuration,
        stage: impl FnOnce() -> Stage,
    ) -> Handle {
        if wait >= SOON {
            let stage = stage();
            return self.insert(Call { key, strike, stage });
        }
        self.slots.insert_with(|_| {
            let (stage, listed) = (stage(), Listed::No);
            let call = Call { key, strike, stage };
            Open { call, listed }
        })
    }

    /// The key of a call that is not over.
    pub(super) fn key_of(&self, call: Handle) -> Option<CallKey> {
        self.get(call).map(|call| call.key)
    }

    pub(super) fn get(&self, call: Handle) -> Option<&Call> {
        self.slots.get(call).map(|open| &open.call)
    }

    pub(super) fn get_mut(&mut self, call: Handle) -> Option<&mut Call> {
        self.slots.get_mut(call).map(|open| &mut open.call)
    }

    /// The latest call of this key.
    pub(super) fn find(&self, key: &CallKey) -> Option<Handle> {
        let unlisted = |open: &Open| open.listed == Listed::No && open.call.key == *key;
        let listed = self.by_key.get(key).copied();
        listed.or_else(|| self.slots.find(unlisted))
    }

    /// Lets a call go where it is, without what is `wanted` of it; if nothing is, it stays.
    #[inline]
    pub(super) fn take_of<R>(
        &mut self,
        call: Handle,
        wanted: impl FnOnce(&mut Call) -> Option<R>,
    ) -> Option<R> {
        let by_key = &mut self.by_key;
        self.slots.take_of(call, |Open { call: gone, listed }| {
            let taken = wanted(gone)?;
            if *listed == Listed::Yes && by_key.get(&gone.key) == Some(&call) {
                by_key.remove(&gone.key);
            }
            Some(taken)
        })
    }

    pub(super) fn remove(&mut self, call: Handle) -> Option<Call> {
        let Open { call: gone, listed } = self.slots.remove(call)?;
        if listed == Listed::Yes && self.by_key.get(&gone.key) == Some(&call) {
            self.by_key.remove(&gone.key);
        }
        Some(gone)
    }
}

/// How `fault` spoils `reply`; a fault that does not fit the kind of reply spoils nothing.
pub(super) const fn face_of(fault: &Fault, reply: &Reply) -> Face {
    match (fault, reply) {
        (Fault::Refuse | Fault::ResetBefore | Fault::ResetAfter, _) => Face::Reset,
        (Fault::LoseReply, _) => Face::Silent,
        (Fault::StallBody, Reply::Response(_) | Reply::Deleted | Reply::Document(_) | Reply::Error(_)) => {
            Face::Stall
        }
        (Fault::CutBeforeId, Reply::Response(_) | Reply::Deleted | Reply::Document(_)) => Face::CutBeforeId,
        (Fault::CutAfterId, Reply::Response(_) | Reply::Deleted | Reply::Document(_)) => Face::CutAfterId,
        (Fault::Malformed, Reply::Response(_) | Reply::Deleted | Reply::Document(_)) => Face::Malformed,
        (Fault::WrongLength, Reply::Response(_) | Reply::Deleted | Reply::Document(_)) => Face::WrongLength,
        (Fault::WrongType, Reply::Response(_) | Reply::Deleted | Reply::Document(_) | Reply::StreamOpen) => {
            Face::WrongType
        }
        (Fault::HtmlPage, Reply::Response(_) | Reply::Deleted | Reply::Document(_) | Reply::StreamOpen) => {
            Face::HtmlPage
        }
        _ => Face::Whole,
    }
}

/// Parts of a slow reply before the rest: its head, then pieces of its body.
pub(super) const PARTS: u32 = 4;

/// Pieces of each event of a slow stream.
pub(super) const PIECES: u32 = 3;

/// How long `fault` lets a part of `reply` wait for the next, and how many parts there are before the rest: the head
/// alone, or the head and pieces of the body.
pub(super) const fn pace_of(fault: &Fault, reply: &Reply) -> Option<(Law, u32)> {
    match (fault, reply) {
        (
            Fault::Delay {
                place: Place::Body,
                law,
            },
            _,
        ) => Some((*law, 1)),
        (
            Fault::Trickle { pause },
            Reply::Response(_) | Reply::Deleted | Reply::Document(_) | Reply::Error(_),
        ) => Some((*pause, PARTS)),
        _ => None,
    }
}

/// What a fault does to the stream of events on a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spoil {
    /// Closes it between two events.
    Cut,
    /// Closes it inside an event.
    CutInside,
    /// Closes it between the two lines of an event.
    CutBetweenLines,
    /// Resets the connection.
    Reset,
    /// Keeps it open and silent.
    Stall,
    /// Leaves one event out.
    Skip,
    /// Takes the name and the content from one event.
    Rename,
    /// Puts an error with this code in the place of one event and closes it.
    Error(Arc<str>),
}

/// What `fault` does to a stream, and after how many events.
pub(super) fn spoil_of(fault: &Fault) -> Option<(Spoil, u32)> {
    match fault {
        Fault::CutStream { after } => Some((Spoil::Cut, *after)),
        Fault::CutInsideEvent { after } => Some((Spoil::CutInside, *after)),
        Fault::CutBetweenLines { after } => Some((Spoil::CutBetweenLines, *after)),
        Fault::ResetStream { after } => Some((Spoil::Reset, *after)),
        Fault::StallStream { after } => Some((Spoil::Stall, *after)),
        Fault::SkipEvent { after } => Some((Spoil::Skip, *after)),
        Fault::UnknownEvent { after } => Some((Spoil::Rename, *after)),
        Fault::ErrorEvent { after, code } => Some((Spoil::Error(code.clone()), *after)),
        _ => None,
    }
}
