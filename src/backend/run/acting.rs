//! What a response does while it runs: its acts, one after the other.

use std::sync::Arc;

use super::{Run, Stage};
use crate::backend::acts::Acts;
use crate::backend::desk::Desk;
use crate::backend::document::document;
use crate::backend::item::Draft;
use crate::backend::text::{PIECES_MAX, piece_end};
use crate::backend::turn::{Act, Approved, Work};
use crate::backend::{Words, name};
use crate::fault::{Fault, Target};
use crate::job::digest;
use crate::rng::Purpose;
use crate::trace::BackendEvent;
use crate::units::{SimDuration, SimTime};
use crate::wire::{Details, Event, IdText, Item, Status};

/// Words of each text in a document.
const DOCUMENT_WORDS: u32 = 3;

/// An act in progress.
#[derive(Debug, Clone)]
pub(super) struct Doing {
    place: usize,
    length: SimDuration,
    draft: Draft,
    /// How many pieces of its text have left on the stream.
    sent: u32,
}

impl Run {
    /// Begins the act at this place; behind the last one the response is over.
    pub(super) fn start_act(&mut self, desk: &mut Desk, place: usize) {
        if self.fate.halt.as_ref().is_some_and(|halt| halt.place <= place) {
            return self.halt(desk);
        }
        let Some(act) = self.acts.get(place) else {
            return self.close(desk);
        };
        let usual = self.drawn_length(desk, &act);
        let length = desk.profile.paced(self.tier.as_ref(), usual) + self.delay(desk, &act);
        let id_bits = desk.seed.bits(Purpose::Id, self.bits, place as u64 + 1);
        let text_key = desk.seed.bits(Purpose::Text, self.entity, act.index);
        let text = self.text_of(desk, &act.work, text_key);
        let tokens = match act.work.text_tokens() {
            Some(tokens) => tokens,
            None if act.work.words().is_some() => words_of(&text),
            None => 0,
        };
        let doing = Doing {
            place,
            length: length.max(SimDuration::TICK),
            draft: Draft {
                id: act.work.item_id(id_bits),
                output: u32::try_from(self.object.output.len()).unwrap_or(u32::MAX),
                text,
                after: self.named_after(&act.work),
                parts: tokens
                    .div_ceil(desk.profile.tokens_per_delta.max(1))
                    .min(PIECES_MAX),
                response: self.object.id.clone(),
                logprobs: self.details().and_then(Details::logprobs),
            },
            sent: 0,
        };
        let mut first = self.mark + doing.length;
        if let Some(log) = &mut self.log {
            act.work
                .begin_events(&doing.draft, &mut |event| log.append(event));
            first = doing.due(self.mark, 1);
        }
        self.stage = Stage::Acting(doing);
        self.arm(desk, first);
    }

    /// The id of the item before an act, if anything that the act says may name it.
    fn named_after(&self, work: &Work) -> Option<IdText> {
        let before = self.object.output.last();
        let before = before.filter(|_| self.log.is_some() || work.is_tool());
        before.map(|item| item.id().clone())
    }

    /// The text of an act: filler, or a document where the request has a schema for it.
    fn text_of(&self, desk: &mut Desk, work: &Work, key: u64) -> Arc<str> {
        if let Some(thought) = work.thought() {
            return thought.into();
        }
        let Some(tokens) = work.text_tokens() else {
            return desk.texts.of(key, 0);
        };
        if matches!(work.words(), Some(Words::Refusal { .. })) {
            return desk.texts.of(key, tokens);
        }
        let Some(schema) = self.details().and_then(|details| details.schema.as_deref()) else {
            return desk.texts.of(key, tokens);
        };
        let whole = document(schema, &desk.texts.of(key, DOCUMENT_WORDS));
        match work {
            Work::Cut { tokens, shown, .. } => whole[..piece_end(&whole, *shown, *tokens)].into(),
            Work::Scripted(_) | Work::Approved(_) | Work::CutCall { .. } => whole,
        }
    }

    fn drawn_length(&self, desk: &Desk, act: &Act) -> SimDuration {
        let drawn = desk.draw(act.takes, Purpose::StepFor, self.entity, act.index);
        match act.work {
            Work::Cut { tokens, shown, .. } => part_of(drawn, shown, tokens),
            Work::Scripted(_) | Work::Approved(_) | Work::CutCall { .. } => drawn,
        }
    }

    /// The delay by faults of the step that starts now.
    fn delay(&self, desk: &mut Desk, act: &Act) -> SimDuration {
        let mut delay = SimDuration::ZERO;
        let Some(step) = act.step.filter(|_| !desk.plan.is_empty()) else {
            return delay;
        };
        let plan = desk.plan.clone();
        for struck in plan.strikes(&Target::Step(step), self.probe(desk.now)) {
            if let Fault::Delay { law, .. } = struck.fault {
                delay += plan.delay(struck.rule, *law, self.entity, name::STEP_DELAYS + act.index);
                desk.fired(self.job(), struck.rule);
            }
        }
        delay
    }

    /// Lets the next pieces of a text leave, and ends the act with the last.
    pub(super) fn go_on(&mut self, desk: &mut Desk) {
        let Stage::Acting(doing) = &mut self.stage else {
            return;
        };
        if let Some(log) = &mut self.log {
            while doing.sent < doing.draft.parts && doing.due(self.mark, doing.sent + 1) <= desk.now {
                doing.sent += 1;
                let act = self.acts.begun(doing.place);
                act.work
                    .piece_events(&doing.draft, doing.sent, &mut |event| log.append(event));
            }
            if doing.sent < doing.draft.parts {
                let next = doing.due(self.mark, doing.sent + 1);
                return self.arm(desk, next);
            }
        }
        self.finish_act(desk);
    }

    fn finish_act(&mut self, desk: &mut Desk) {
        let Stage::Acting(doing) = std::mem::replace(&mut self.stage, Stage::Stuck) else {
            return;
        };
        let Doing {
            place, length, draft, ..
        } = doing;
        let act = self.acts.begun(place);
        // What is written goes into the item as it stands, unless events tell of it too.
        let told = self.log.is_some().then(|| draft.clone());
        let item = act.work.ended(draft, self.details());
        if let (Some(log), Some(draft)) = (&mut self.log, told) {
            act.work
                .end_events(&draft, item.clone(), &mut |event| log.append(event));
        }
        let (cost, reasoning) = act.work.cost();
        self.usage.output = self.usage.output.saturating_add(cost);
        self.usage.reasoning = self.usage.reasoning.saturating_add(reasoning);
        self.put_out(item);
        if self.object.status == Status::Queued {
            self.object_mut().status = Status::InProgress;
            self.say(|run| Event::InProgress(run.object.clone()));
        }
        self.note_act(desk, place);
        self.mark += length;
        self.start_act(desk, place + 1);
    }

    fn note_act(&self, desk: &mut Desk, place: usize) {
        if let Acts::Made(acts) = &self.acts
            && let Work::Approved(call) = &acts[place].work
        {
            desk.note(self.job(), || BackendEvent::McpActed {
                response: self.object.id.clone(),
                server_label: call.server_label.clone(),
                name: call.name.clone(),
                digest: digest_of(call),
                approval_request_id: call.request.clone(),
            });
        }
    }

    /// What is being written, as it stands at `now`.
    pub(super) fn broken_off(&mut self, now: SimTime) -> Option<Item> {
        match &mut self.stage {
            Stage::Acting(doing) => {
                let sent = if self.log.is_some() {
                    doing.sent
                } else {
                    doing.shown(self.mark, now)
                };
                self.acts.begun(doing.place).work.broken_off(&doing.draft, sent)
            }
            Stage::Winding(item) => item.take().map(|item| *item),
            Stage::Admitting | Stage::Queued | Stage::Stuck | Stage::Ended => None,
        }
    }
}

impl Doing {
    /// When the first `part` pieces of the text have appeared; without text, when the act ends.
    fn due(&self, since: SimTime, part: u32) -> SimTime {
        match self.draft.parts {
            0 => since + self.length,
            parts => since + part_of(self.length, part, parts),
        }
    }

    /// How many pieces of the text appeared before `now`.
    fn shown(&self, since: SimTime, now: SimTime) -> u32 {
        let elapsed = u128::from(now.since(since).ticks());
        let length = u128::from(self.length.ticks().max(1));
        let reached = (elapsed * u128::from(self.draft.parts)).div_ceil(length);
        let before = reached.saturating_sub(1).min(u128::from(self.draft.parts));
        u32::try_from(before).unwrap_or(self.draft.parts)
    }
}

/// How many words a text has.
fn words_of(text: &str) -> u32 {
    u32::try_from(text.split_whitespace().count()).unwrap_or(u32::MAX)
}

/// The digest of the act that was run; empty if its arguments have no canonical form, which no grant can match.
fn digest_of(call: &Approved) -> Arc<str> {
    digest(&call.server_label, &call.name, &call.arguments).unwrap_or_else(|_| "".into())
}

/// `part` of `parts` of a length, rounded down.
fn part_of(length: SimDuration, part: u32, parts: u32) -> SimDuration {
    let ticks = u128::from(length.ticks()) * u128::from(part) / u128::from(parts.max(1));
    SimDuration::from_ticks(u64::try_from(ticks).unwrap_or(u64::MAX))
}
