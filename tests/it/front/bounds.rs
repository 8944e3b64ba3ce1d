//! What a session holds of things that only their clients end is bounded, and told.

use lanebench::backend::{Bounds, SwitchSet};
use lanebench::mock::FrontOptions;
use serde_json::{Value, json};

use super::{CREATE, Came, Served, healthy, options, with};

const HELD: &str = "\
service: nothing ends by itself
backend: { script: { queued: 1h, steps: [ { message: { tokens: 3 tokens, takes: 0s } } ] } }
";

fn bounded(bounds: Bounds) -> FrontOptions {
    FrontOptions { bounds, ..options() }
}

#[track_caller]
fn refused(came: &Came, code: &str) {
    let error = &came.json()["error"];
    assert_eq!(
        (came.status, &error["code"]),
        (429, &json!(code)),
        "{}",
        came.text
    );
    assert_eq!(came.headers["x-should-retry"], "false");
}

async fn post(served: &Served, path: &str, body: &str) -> Came {
    served.came("POST", path, &[], body).await
}

#[test]
fn responses_in_progress_are_bounded_by_their_number() {
    let bounds = Bounds {
        open_max: 2,
        ..Bounds::default()
    };
    with(HELD, bounded(bounds), |served| async move {
        let first = served.create(&[]).await;
        served.create(&[]).await;
        refused(
            &post(&served, "/v1/responses", CREATE).await,
            "too_many_responses",
        );
        post(&served, &format!("/v1/responses/{first}/cancel"), "")
            .await
            .good();
        served.create(&[]).await;
        refused(
            &post(&served, "/v1/responses", CREATE).await,
            "too_many_responses",
        );
        let other = [("x-lanebench-session", "other")];
        served.create(&other).await;
    });
}

#[test]
fn responses_in_progress_are_bounded_by_what_they_were_asked() {
    let bounds = Bounds {
        open_bytes_max: 20_000,
        ..Bounds::default()
    };
    let long = json!({
        "model": "m", "background": true,
        "input": [{ "role": "user", "content": "long ".repeat(2_000) }],
    });
    with(HELD, bounded(bounds), |served| async move {
        post(&served, "/v1/responses", &long.to_string()).await.good();
        refused(
            &post(&served, "/v1/responses", CREATE).await,
            "too_many_responses",
        );
    });
}

#[test]
fn conversations_and_their_items_are_bounded() {
    let bounds = Bounds {
        conversations_max: 2,
        conversation_bytes_max: 1_000,
        ..Bounds::default()
    };
    with("service: s\n", bounded(bounds), |served| async move {
        let made = post(&served, "/v1/conversations", "{}").await.good();
        let path = format!("/v1/conversations/{}", made["id"].as_str().unwrap());
        let second = post(&served, "/v1/conversations", "{}").await.good();
        refused(
            &post(&served, "/v1/conversations", "{}").await,
            "too_many_conversations",
        );
        let item = json!({ "type": "message", "role": "user", "content": "long ".repeat(200) });
        let items = json!({ "items": [item] }).to_string();
        let added = post(&served, &format!("{path}/items"), &items).await.good();
        refused(
            &post(&served, &format!("{path}/items"), &items).await,
            "too_many_items",
        );
        let inside = json!({ "model": "m", "input": "hello", "conversation": second["id"] });
        refused(
            &post(&served, "/v1/responses", &inside.to_string()).await,
            "too_many_items",
        );
        let item = added["data"][0]["id"].as_str().unwrap();
        served
            .came("DELETE", &format!("{path}/items/{item}"), &[], "")
            .await
            .good();
        post(&served, &format!("{path}/items"), &items).await.good();
        served.came("DELETE", &path, &[], "").await.good();
        let again = json!({ "items": [{ "type": "message", "role": "user", "content": "short" }] });
        post(&served, "/v1/conversations", &again.to_string())
            .await
            .good();
    });
}

#[test]
fn a_switch_of_the_server_outlives_what_is_loaded() {
    let mut switches = SwitchSet::default();
    assert!(switches.add("get_after_delete=never").is_err());
    switches.add("get_after_delete=bad_request").unwrap();
    let options = FrontOptions {
        switches,
        ..options()
    };
    with("service: s\n", options, |served| async move {
        for load in [false, true] {
            if load {
                let text = "service: another\nbackend: { switches: { get_after_delete: not_found } }\n";
                served.post("/_lanebench/scenario", text).await;
            }
            let id = served.create(&[]).await;
            served.advance("1m").await;
            let path = format!("/v1/responses/{id}");
            served.came("DELETE", &path, &[], "").await.good();
            assert_eq!(served.came("GET", &path, &[], "").await.status, 400, "{load}");
        }
    });
}

#[test]
fn a_request_that_is_refused_for_what_it_says_uses_up_no_one_shot_fault() {
    healthy(|served| async move {
        let shot = r#"{"exchange": "create", "reply": {"status": 503}}"#;
        served.post("/_lanebench/faults", shot).await;
        for wrong in ["{", r#"{"model":"m"}"#, r#"{"model":"m","input":"x","no":1}"#] {
            assert_eq!(post(&served, "/v1/responses", wrong).await.status, 400, "{wrong}");
        }
        let waiting = served.get("/_lanebench/faults").await["waiting"].clone();
        assert_eq!(waiting[0]["left"], 1);
        assert_eq!(post(&served, "/v1/responses", CREATE).await.status, 503);
        assert_eq!(
            served.get("/_lanebench/faults").await["waiting"],
            Value::from(Vec::<Value>::new())
        );
        served.create(&[]).await;
    });
}

#[test]
fn whoever_may_get_may_ask_for_the_head() {
    healthy(|served| async move {
        let id = served.create(&[]).await;
        for path in [
            "/v1/models",
            &format!("/v1/responses/{id}"),
            &format!("/v1/responses/{id}/input_items"),
        ] {
            let head = served.came("HEAD", path, &[], "").await;
            let get = served.came("GET", path, &[], "").await;
            assert_eq!((head.status, &*head.text), (200, ""), "{path}");
            assert_eq!(
                head.headers["content-length"],
                get.text.len().to_string(),
                "{path}"
            );
        }
        let refused = served.came("GET", "/v1/responses/compact", &[], "").await;
        assert_eq!(refused.status, 405);
        assert_eq!(refused.headers["allow"], "POST");
        let hint = "/v1/responses/compact takes POST, not GET";
        assert_eq!(refused.headers["x-lanebench-hint"], hint);
    });
}
