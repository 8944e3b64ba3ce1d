//! What one turn plays: the acts between the answer to the last turn and the next question to the client.

use std::sync::Arc;

use super::{Script, Step, StepWork};
use crate::rng::Law;
use crate::units::SimDuration;
use crate::wire::Details;

/// One thing that a response does.
#[derive(Debug, Clone)]
pub(super) struct Act {
    /// What appears in the output.
    pub(super) work: Work,
    /// How long it takes.
    pub(super) takes: Law,
    /// Its index among the draws of the turn.
    pub(super) index: u64,
    /// Its place among the steps of the turn, unless the script does not name it.
    pub(super) step: Option<u16>,
}

/// What an act does.
#[derive(Debug, Clone)]
pub(super) enum Work {
    /// A step of the script.
    Scripted(StepWork),
    /// An MCP call that the client approved.
    Approved(Arc<Approved>),
    /// Text that ends early.
    Cut {
        /// The tokens of the whole text.
        tokens: u32,
        /// How many of them appear.
        shown: u32,
    },
}

/// The approved request behind an MCP call.
#[derive(Debug, Clone)]
pub(super) struct Approved {
    /// The item that asked.
    pub(super) request: Arc<str>,
    /// The server.
    pub(super) server_label: Arc<str>,
    /// The tool.
    pub(super) name: Arc<str>,
    /// JSON text.
    pub(super) arguments: Arc<str>,
}

/// What the client answered to the requests of the turn before.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers {
    /// What may run.
    pub(super) approved: Vec<Arc<Approved>>,
    /// How many requests were denied.
    pub(super) denied: usize,
}

/// The message of a turn that has nothing left to do.
const CLOSING: Step = Step {
    work: StepWork::Message { tokens: 12 },
    takes: Law::Constant(SimDuration::from_millis(200)),
};

/// How long an approved MCP call takes.
const CALL_TAKES: Law = Law::Constant(SimDuration::from_millis(500));

/// Indices of draws for acts that no step stands behind.
const UNSCRIPTED: u64 = 1 << 32;

/// The acts of turn number `turn`, counted from 1.
///
/// After a denial and no approval the turn speaks and does nothing else.
pub(super) fn acts(script: &Script, turn: u32, answers: Answers, details: Option<&Details>) -> Vec<Act> {
    let only_words = answers.denied > 0 && answers.approved.is_empty();
    let steps = segment(&script.steps, turn);
    let mut acts = Vec::with_capacity(answers.approved.len() + steps.len().max(1));
    for (approved, index) in answers.approved.into_iter().zip(UNSCRIPTED + 1..) {
        acts.push(Act {
            work: Work::Approved(approved),
            takes: CALL_TAKES,
            index,
            step: None,
        });
    }
    let called = acts.len();
    let mut calls_left = details
        .and_then(|details| details.max_tool_calls)
        .unwrap_or(u32::MAX);
    for (step, place) in steps.iter().zip(0_u16..) {
        if matches!(step.work, StepWork::Hosted(_)) {
            // Further calls of built-in tools are passed over, without a word.
            if calls_left == 0 {
                continue;
            }
            calls_left -= 1;
        }
        if !only_words || matches!(step.work, StepWork::Message { .. }) {
            acts.push(scripted(step, u64::from(place), Some(place)));
        }
    }
    if acts.len() == called {
        acts.push(scripted(&CLOSING, UNSCRIPTED, None));
    }
    acts
}

fn scripted(step: &Step, index: u64, place: Option<u16>) -> Act {
    Act {
        work: Work::Scripted(step.work.clone()),
        takes: step.takes,
        index,
        step: place,
    }
}

/// The steps of turn number `turn`; empty behind the end.
fn segment(steps: &[Step], turn: u32) -> &[Step] {
    let mut rest = steps;
    for _ in 1..turn {
        if rest.is_empty() {
            break;
        }
        rest = &rest[turn_len(rest)..];
    }
    &rest[..turn_len(rest)]
}

/// How many of these steps stand before the end of the first run of questions to the client.
fn turn_len(steps: &[Step]) -> usize {
    let asks = |step: &Step| step.work.asks_client();
    let first = steps.iter().position(asks).unwrap_or(steps.len());
    first + steps[first..].iter().take_while(|step| asks(step)).count()
}

/// Caps the text of the turn at `max` tokens: the message that passes it is cut and is the last act.
///
/// - returns: whether anything was cut.
pub(super) fn cap_tokens(acts: &mut Vec<Act>, max: u32) -> bool {
    let mut left = max;
    for place in 0..acts.len() {
        let Work::Scripted(StepWork::Message { tokens }) = acts[place].work else {
            continue;
        };
        if tokens > left {
            cut(acts, place, left);
            return true;
        }
        left -= tokens;
    }
    false
}

/// Cuts the last message in half, and all acts behind it away; without a message nothing is cut.
pub(super) fn cut_last_message(acts: &mut Vec<Act>) {
    let tokens = |act: &Act| match act.work {
        Work::Scripted(StepWork::Message { tokens }) => Some(tokens),
        Work::Scripted(_) | Work::Approved(_) | Work::Cut { .. } => None,
    };
    let last = acts.iter().rposition(|act| tokens(act).is_some());
    if let Some((place, tokens)) = last.and_then(|place| Some((place, tokens(&acts[place])?))) {
        cut(acts, place, tokens / 2);
    }
}

fn cut(acts: &mut Vec<Act>, place: usize, shown: u32) {
    if let Work::Scripted(StepWork::Message { tokens }) = acts[place].work {
        acts[place].work = Work::Cut { tokens, shown };
    }
    acts.truncate(place + 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(work: StepWork) -> Step {
        let takes = Law::ZERO;
        Step { work, takes }
    }

    fn call(name: &str) -> Step {
        step(StepWork::FunctionCall {
            name: name.into(),
            arguments: "{}".into(),
        })
    }

    fn script() -> Script {
        let message = |tokens| step(StepWork::Message { tokens });
        Script {
            queued: Law::ZERO,
            steps: [
                step(StepWork::Reasoning),
                call("a"),
                call("b"),
                message(5),
                call("c"),
            ]
            .into(),
        }
    }

    fn words(turn: u32) -> String {
        let acts = acts(&script(), turn, Answers::default(), None);
        let word = |act: &Act| match &act.work {
            Work::Scripted(StepWork::Message { tokens }) => format!("message {tokens}"),
            Work::Scripted(StepWork::FunctionCall { name, .. }) => format!("call {name}"),
            work => format!("{work:?}"),
        };
        acts.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_turn_ends_behind_a_run_of_questions_and_the_next_goes_on_there() {
        assert_eq!(words(1), "Scripted(Reasoning), call a, call b");
        assert_eq!(words(2), "message 5, call c");
        assert_eq!(words(3), "message 12");
        assert_eq!(words(u32::MAX), "message 12");
    }

    #[test]
    fn a_cap_cuts_the_message_that_passes_it() {
        let mut second = acts(&script(), 2, Answers::default(), None);
        assert!(!cap_tokens(&mut second.clone(), 5));
        assert!(cap_tokens(&mut second, 3));
        assert!(matches!(
            second.as_slice(),
            [Act {
                work: Work::Cut { tokens: 5, shown: 3 },
                ..
            }]
        ));
    }
}
