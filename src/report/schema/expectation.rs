//! What scenarios expect.

use serde_json::{Value, json};

use super::value::{any, list, object, of, one_or_list, words};
use crate::scenario::{ApprovalEnd, RequestSort, ResultWant};
use crate::trace::{Boundary, Execution, LaneName, LimitName, StateName, StopReason, Verb};

/// The schema of `expect`: tasks by their ids, `all`, and `kinds`.
pub(super) fn expect() -> Value {
    json!({
        "type": "object",
        "properties": {
            "all": group(),
            "kinds": { "type": "object", "additionalProperties": group() },
        },
        "additionalProperties": task(),
    })
}

fn state() -> Value {
    words(StateName::ALL.iter().map(|state| state.word()))
}

fn outcome_words() -> Vec<&'static str> {
    let states = StateName::ALL.iter().copied();
    let lasting = states.filter(|state| state.is_terminal() || *state == StateName::NeedsIntervention);
    lasting.map(StateName::word).chain(["refused"]).collect()
}

fn task() -> Value {
    let boolean = json!({ "type": "boolean" });
    let states = list(&state(), 1);
    let results = [ResultWant::Whole, ResultWant::Partial, ResultWant::Nothing];
    let effect = object(
        &[
            ("sink", of("name")),
            ("operation", of("text")),
            ("arguments", of("arguments")),
        ],
        &["sink"],
    );
    let mut keys = vec![
        ("lane", words(LaneName::ALL.iter().map(|lane| lane.word()))),
        ("execution", words(Execution::ALL.iter().map(|one| one.word()))),
        ("boundary", words(Boundary::ALL.iter().map(|one| one.word()))),
        ("rule", of("text")),
        ("refused_because", of("text")),
        ("handed_over", boolean.clone()),
        ("attempts", of("range")),
        ("charged", of("range")),
        ("turns", of("range")),
        ("states", states.clone()),
        ("passes_through", states.clone()),
        ("never", states),
        (
            "limits_fired",
            list(&words(LimitName::ALL.iter().map(|limit| limit.word())), 0),
        ),
        (
            "stopped_because",
            words(StopReason::ALL.iter().map(|reason| reason.word())),
        ),
        ("cancel_too_late", boolean.clone()),
        ("webhooks", of("range")),
        ("orphans", of("range")),
        ("effects", list(&effect, 0)),
        ("approvals", approvals()),
        ("shown", one_or_list(&view())),
        ("not_shown", one_or_list(&view())),
        ("retrieved", boolean),
        ("outcome", words(outcome_words())),
        ("not_before", of("duration")),
        ("within", of("duration")),
        ("cause", of("text")),
        ("result", words(results.map(ResultWant::word))),
    ];
    keys.extend(RequestSort::ALL.map(|sort| (sort.key(), of("range"))));
    object(&keys, &[])
}

fn approvals() -> Value {
    let mut keys = vec![("asked", of("range"))];
    keys.extend(ApprovalEnd::ALL.map(|end| (end.word(), of("range"))));
    any(&[of("range"), object(&keys, &[])])
}

fn view() -> Value {
    object(
        &[
            ("to", words(["user", "operator"])),
            ("state", state()),
            (
                "liveness",
                words(["fresh", "quiet", "stalled", "status_unknown", "lost", "resting"]),
            ),
            ("words", of("text")),
            ("cause", of("text")),
            ("attempt", json!({ "type": "integer", "minimum": 0 })),
            ("verbs", list(&words(Verb::ALL.iter().map(|verb| verb.word())), 0)),
            ("at", of("duration")),
            ("by", of("duration")),
            ("not_before", of("duration")),
        ],
        &["to"],
    )
}

fn group() -> Value {
    let counted = |names: Vec<&'static str>| {
        let keys: Vec<_> = names.into_iter().map(|name| (name, of("amount"))).collect();
        object(&keys, &[])
    };
    object(
        &[
            ("tasks", of("amount")),
            ("handed_over", of("amount")),
            ("effects", of("amount")),
            ("creates", of("amount")),
            ("outcome", counted(outcome_words())),
            (
                "lane",
                counted(LaneName::ALL.iter().map(|lane| lane.word()).collect()),
            ),
            ("each", task()),
        ],
        &[],
    )
}
