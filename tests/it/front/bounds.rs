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

const AT_ONCE: &str = "\
service: everything ends at once
backend: { script: { steps: [ { message: { tokens: 3 tokens, takes: 0s } } ] } }
";

/// A create that keeps some 10 KB.
fn long(background: bool) -> String {
    let input = json!([{ "role": "user", "content": "long ".repeat(930) }]);
    json!({ "model": "m", "input": input, "background": background }).to_string()
}

async fn as_session(served: &Served, session: &str, method: &str, path: &str, body: &str) -> Came {
    let headers = [("x-lanebench-session", session)];
    served.came(method, path, &headers, body).await
}

/// What all sessions keep, of each sort.
#[derive(Debug)]
struct Kept {
    ended: u64,
    open: u64,
    records: u64,
}

async fn kept(served: &Served) -> Kept {
    let page = served.came("GET", "/metrics", &[], "").await.text;
    let of = |sort: &str| {
        let name = format!("lanebench_kept_bytes{{of=\"{sort}\"}} ");
        let value = page.lines().find_map(|line| line.strip_prefix(&name));
        value.unwrap().parse().unwrap()
    };
    Kept {
        ended: of("ended"),
        open: of("open"),
        records: of("records"),
    }
}

async fn made(served: &Served, session: &str, body: &str) -> String {
    let made = as_session(served, session, "POST", "/v1/responses", body)
        .await
        .good();
    made["id"].as_str().unwrap().to_owned()
}

async fn reads(served: &Served, session: &str, id: &str) -> u16 {
    as_session(served, session, "GET", &format!("/v1/responses/{id}"), "")
        .await
        .status
}

#[test]
fn what_all_sessions_keep_is_bounded_and_whoever_keeps_the_most_gives_way() {
    let options = FrontOptions {
        kept_bytes_max: 400_000,
        sessions_max: 50,
        ..options()
    };
    with(AT_ONCE, options, |served| async move {
        let body = long(false);
        let mut small = Vec::new();
        for number in 0..10 {
            let session = format!("small-{number}");
            let id = made(&served, &session, &body).await;
            small.push((session, id));
        }
        let mut large = Vec::new();
        for _ in 0..60 {
            large.push(made(&served, "large", &body).await);
            let kept = kept(&served).await;
            assert!(kept.ended + kept.open + kept.records <= 400_000, "{kept:?}");
        }
        for (session, id) in &small {
            assert_eq!(reads(&served, session, id).await, 200, "{session}");
        }
        assert_eq!(reads(&served, "large", &large[0]).await, 404);
        assert_eq!(reads(&served, "large", &large[59]).await, 200);
        let listed = as_session(&served, "large", "GET", "/_lanebench/responses", "")
            .await
            .good();
        let oldest = listed["responses"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["id"] == large[0]);
        assert_eq!(oldest.unwrap()["dropped"], "crowded_out");
        // What a session kept goes with it.
        let before = kept(&served).await.ended;
        as_session(&served, "large", "DELETE", "/_lanebench/sessions/large", "")
            .await
            .good();
        served.get("/_lanebench").await;
        assert!(kept(&served).await.ended < before * 5 / 8);
    });
}

#[test]
fn a_session_may_always_begin_its_part_whatever_the_others_hold() {
    let options = FrontOptions {
        kept_bytes_max: 400_000,
        sessions_max: 15,
        ..options()
    };
    with(HELD, options, |served| async move {
        let body = long(true);
        let mut large = Vec::new();
        let refusal = loop {
            let came = as_session(&served, "large", "POST", "/v1/responses", &body).await;
            match came.status {
                200 => large.push(came.good()["id"].as_str().unwrap().to_owned()),
                _ => break came,
            }
        };
        refused(&refusal, "too_much_kept");
        // Half of the bound is for whoever comes first.
        assert!((16..=18).contains(&large.len()), "{}", large.len());
        let items =
            json!({ "items": [{ "type": "message", "role": "user", "content": "long ".repeat(2_000) }] });
        let talk = as_session(&served, "large", "POST", "/v1/conversations", &items.to_string()).await;
        refused(&talk, "too_much_kept");
        made(&served, "small", &body).await;
        let again = as_session(&served, "small", "POST", "/v1/responses", &long(true)).await;
        refused(&again, "too_much_kept");
        made(&served, "small", CREATE).await;
        for id in &large[..3] {
            as_session(
                &served,
                "large",
                "POST",
                &format!("/v1/responses/{id}/cancel"),
                "",
            )
            .await
            .good();
        }
        made(&served, "small", &body).await;
    });
}

#[test]
fn the_bound_holds_over_thousands_of_sessions() {
    const SESSIONS: usize = 2_000;
    const MAX: u64 = 12_000_000;
    let options = FrontOptions {
        kept_bytes_max: MAX,
        sessions_max: SESSIONS + 1,
        ..options()
    };
    with(AT_ONCE, options, |served| async move {
        let body = long(false);
        let mut line = super::Line::to(&served.front).await;
        for number in 0..SESSIONS {
            let session = format!("s{number}");
            let headers = [("x-lanebench-session", &*session)];
            let came = line.send("POST", "/v1/responses", &headers, &body).await.unwrap();
            came.good();
        }
        let kept = kept(&served).await;
        assert!((MAX / 2..=MAX).contains(&(kept.ended + kept.records)), "{kept:?}");
        assert_eq!(kept.open, 0);
        // There is room for a small one everywhere.
        for session in ["s0", "s1999"] {
            let id = made(&served, session, r#"{"model":"m","input":"hello"}"#).await;
            assert_eq!(reads(&served, session, &id).await, 200);
        }
    });
}

#[test]
fn no_more_give_way_than_it_takes_where_one_response_is_all_that_a_session_has() {
    const MAX: u64 = 1_000_000;
    let options = FrontOptions {
        kept_bytes_max: MAX,
        sessions_max: 201,
        ..options()
    };
    with(AT_ONCE, options, |served| async move {
        let mut full = false;
        for number in 0..200 {
            made(&served, &format!("s{number}"), &long(false)).await;
            let kept = kept(&served).await;
            let all = kept.ended + kept.open + kept.records;
            assert!(all <= MAX, "{number}: {kept:?}");
            full |= all > MAX * 3 / 4;
            // Three quarters are left each time, less one response.
            assert!(!full || all > MAX * 11 / 16, "{number}: {kept:?}");
        }
        assert!(full);
    });
}

#[test]
fn long_paths_and_headers_count_and_give_way_with_the_record_that_they_stand_in() {
    let options = FrontOptions {
        kept_bytes_max: 400_000,
        ..options()
    };
    with(AT_ONCE, options, |served| async move {
        let id = made(&served, "small", r#"{"model":"m","input":"hello"}"#).await;
        let before = kept(&served).await.records;
        let path = format!("/v1/responses/{id}?include={}", "x".repeat(3_000));
        let came = as_session(&served, "large", "GET", &path, "").await;
        assert_eq!(came.status, 400);
        let one = kept(&served).await.records - before;
        assert!((1_024..2_048).contains(&one), "{one}");
        for number in 0..600 {
            let agent = format!("{number:0200}");
            let headers = [("x-lanebench-session", "large"), ("user-agent", &agent)];
            served.came("GET", &path, &headers, "").await;
        }
        let kept = kept(&served).await;
        assert!(kept.ended + kept.records <= 400_000, "{kept:?}");
        assert!(kept.records > 100_000, "{kept:?}");
        let requests = as_session(&served, "large", "GET", "/_lanebench/requests", "")
            .await
            .good();
        let listed = requests["requests"].as_array().unwrap();
        assert_eq!(requests["seen"], 601);
        assert!(listed.len() < 601 && listed.last().unwrap()["seq"] == 601);
        assert!(listed[0]["path"].as_str().unwrap().ends_with("..."));
        assert_eq!(reads(&served, "small", &id).await, 200);
    });
}

#[test]
fn what_a_session_loads_counts_until_it_plays_something_else() {
    let options = FrontOptions {
        kept_bytes_max: 4_000_000,
        sessions_max: 20,
        ..options()
    };
    with(AT_ONCE, options, |served| async move {
        let text = |length: usize| format!("service: s\n# {}\n", "x".repeat(length));
        let load = |session: &'static str, text: String| {
            let served = &served;
            async move { as_session(served, session, "POST", "/_lanebench/scenario", &text).await }
        };
        load("large", text(400_000)).await.good();
        let open = kept(&served).await.open;
        assert!((1_600_000..1_700_000).contains(&open), "{open}");
        let came = load("other", text(200_000)).await;
        assert_eq!(came.status, 429, "{}", came.text);
        assert_eq!(came.json()["error"]["code"], "too_much_kept");
        // Its part is left to everybody.
        load("other", text(20_000)).await.good();
        load("large", "service: short\n".to_owned()).await.good();
        let open = kept(&served).await.open;
        assert!(open < 100_000, "{open}");
        load("other", text(200_000)).await.good();
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
