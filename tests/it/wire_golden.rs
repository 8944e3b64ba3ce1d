//! Bodies that we did not render ourselves, and ours against the published description.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;

use lanebench::wire::{
    Item, ItemStatus, Response, Shown, Status, Usage, parse_create, parse_response, render_response,
};
use serde_json::Value;

const QUEUED: &str = include_str!("../golden/response_queued.json");
const COMPLETED: &str = include_str!("../golden/response_completed.json");

fn keys(body: &[u8]) -> BTreeSet<String> {
    let body: Value = serde_json::from_slice(body).unwrap();
    body.as_object().unwrap().keys().cloned().collect()
}

fn rendered(response: &Response) -> Vec<u8> {
    let (_, echo) = parse_create(br#"{"model":"gpt-5","input":"weather?"}"#).unwrap();
    let mut out = Vec::new();
    render_response(response, &echo, &mut out);
    out
}

#[test]
fn a_queued_response_is_read_and_has_all_its_keys() {
    let response = parse_response(QUEUED.as_bytes()).unwrap();
    assert_eq!(
        (&*response.id.0.text(), &response.status),
        ("resp_q1", &Status::Queued)
    );
    let origin = response.origin.unwrap();
    assert_eq!((origin.job.0, origin.attempt.0, origin.turn.0), (7, 2, 1));
    assert_eq!(keys(&rendered(&response)), keys(QUEUED.as_bytes()));
}

#[test]
fn a_completed_response_is_read_and_loses_no_item() {
    let response = parse_response(COMPLETED.as_bytes()).unwrap();
    assert_eq!(response.completed_at, Some(1_785_000_140));
    assert_eq!(
        response.usage,
        Some(Usage {
            input: 21,
            output: 12,
            reasoning: 5
        })
    );
    let expected = [
        Item::Reasoning {
            id: "rs_1".into(),
            shown: Shown::default(),
        },
        Item::Hosted {
            id: "ts_1".into(),
            tool: "tool_search_call".into(),
            status: ItemStatus::Completed,
            shown: Shown::default(),
        },
        Item::Message {
            id: "msg_1".into(),
            text: "Rain in Köln.".into(),
            status: ItemStatus::Completed,
            phase: None,
            shown: Shown::default(),
        },
    ];
    assert_eq!(*response.output, expected);
    let mut wanted = keys(COMPLETED.as_bytes());
    wanted.remove("tool_usage");
    assert_eq!(keys(&rendered(&response)), wanted);
}
