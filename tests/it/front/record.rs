//! The record of requests and the lines of the log.

use std::net::{Ipv4Addr, SocketAddr};

use lanebench::mock::FrontOptions;
use serde_json::{Value, json};

use super::{CREATE, FOREGROUND, KEY, Line, STREAM, healthy, options, with};

#[test]
fn a_line_says_everything_of_a_request_and_no_secret() {
    healthy(|served| async move {
        let headers = [
            ("user-agent", "test/1"),
            ("x-stainless-retry-count", "2"),
            ("cookie", "secret=1"),
        ];
        let came = served
            .came("POST", "/v1/responses?a=b", &headers, CREATE)
            .await
            .good();
        let lines = served.lines();
        let [line] = lines.as_slice() else {
            panic!("{lines:?}")
        };
        assert_eq!(line["body"]["bytes"], CREATE.len());
        assert_eq!(line["body"]["sha256"].as_str().unwrap().len(), 64);
        let mut rest = line.clone();
        rest.as_object_mut().unwrap().remove("body");
        assert_eq!(
            rest,
            json!({
                "session": "default", "seq": 1, "at_us": 0, "ended_us": 1, "connection": 1, "method": "POST",
                "path": "/v1/responses?a=b",
                "headers": {
                    "authorization": "Bearer sk-la***ch", "user-agent": "test/1", "x-stainless-retry-count": "2",
                },
                "status": 200, "response": came["id"], "end": "whole",
            })
        );
        assert_eq!(served.get("/_lanebench/requests/1").await, *line);
        assert!(!served.lines.lock().unwrap()[0].contains(KEY));
        // A key that is wrong is no less a secret.
        let wrong = [("authorization", "sk-very-secret-thing")];
        served.came("GET", "/v1/models", &wrong, "").await;
        assert_eq!(served.lines()[1]["headers"]["authorization"], "sk-ve***ng");
        assert_eq!(served.lines()[1]["status"], 401);
    });
}

#[test]
fn the_digest_is_that_of_the_body() {
    healthy(|served| async move {
        served.came("POST", "/v1/responses", &[], "abc").await;
        let line = &served.lines()[0];
        // The test vector of FIPS 180-4.
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(line["body"], json!({ "bytes": 3, "sha256": digest }));
        assert_eq!((&line["status"], &line["end"]), (&json!(400), &json!("whole")));
    });
}

#[test]
fn a_stream_is_over_when_its_last_event_left_and_a_client_that_left_is_gone() {
    healthy(|served| async move {
        let mut line = Line::to(&served.front).await;
        let reading = tokio::spawn(async move { line.send("POST", "/v1/responses", &[], STREAM).await });
        served
            .until("/_lanebench/sessions", |all| {
                all["sessions"][0]["streams_open"] == 1
            })
            .await;
        assert!(served.lines().is_empty());
        served.advance("10s").await;
        assert!(
            reading
                .await
                .unwrap()
                .unwrap()
                .text
                .contains("event: response.completed")
        );
        assert_eq!(served.lines()[0]["end"], "whole");
        assert_eq!(
            served.get("/_lanebench/sessions").await["sessions"][0]["streams_open"],
            0
        );

        let mut line = Line::to(&served.front).await;
        let waiting = tokio::spawn(async move { line.send("POST", "/v1/responses", &[], FOREGROUND).await });
        served
            .until("/_lanebench/responses", |all| {
                all["responses"].as_array().unwrap().len() == 2
            })
            .await;
        waiting.abort();
        let gone = r#"{requests: {count: 2}, within: 20s}"#;
        let seen = served.post("/_lanebench/wait_for", gone).await;
        assert_eq!(seen["seen"][1]["end"], "gone");
        assert_eq!(seen["seen"][1]["status"], Value::Null);
    });
}

#[test]
fn a_record_is_bounded_and_says_what_it_forgot() {
    let small = FrontOptions { kept: 3, ..options() };
    with("service: s", small, |served| async move {
        for _ in 0..5 {
            served.create(&[]).await;
        }
        let listed = served.get("/_lanebench/requests").await;
        assert_eq!((&listed["seen"], &listed["forgotten"]), (&json!(5), &json!(2)));
        let seqs: Vec<_> = listed["requests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["seq"])
            .collect();
        assert_eq!(seqs, [3, 4, 5]);
        let since = served.get("/_lanebench/requests?since=4&limit=9").await;
        assert_eq!(since["requests"].as_array().unwrap().len(), 1);
        assert_eq!(
            served.came("GET", "/_lanebench/requests/2", &[], "").await.status,
            404
        );
        let responses = served.get("/_lanebench/responses").await;
        assert_eq!(responses["forgotten"], 2);
        let made_by: Vec<_> = responses["responses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["request"])
            .collect();
        assert_eq!(made_by, [3, 4, 5]);
        // The log itself has them all.
        assert_eq!(served.lines().len(), 5);
    });
}

#[test]
fn where_no_rule_struck_the_nearest_one_is_named() {
    let text = "service: s\nfaults:\n  - exchange: create\n    nth: 2-3\n    reply: 500\n  - exchange: poll\n    \
                header: x-slow\n    within: 10s-20s\n    reply: 503\n";
    with(text, options(), |served| async move {
        let id = served.create(&[]).await;
        let path = format!("/v1/responses/{id}");
        served.came("GET", &path, &[], "").await;
        served.came("GET", &path, &[("x-slow", "1")], "").await;
        served.came("POST", "/v1/responses", &[], CREATE).await;
        served.came("GET", "/v1/models", &[], "").await;
        let near: Vec<Value> = served
            .lines()
            .iter()
            .map(|line| line["nearest"].clone())
            .collect();
        let first = json!({
            "rule": 1, "about": "exchange: create, reply", "kept_by": ["`nth: 2-3`, and this is number 1"],
        });
        assert_eq!(near[0], first);
        assert_eq!(near[1]["rule"], 2);
        assert_eq!(near[1]["kept_by"][1], "`header: x-slow`, which it does not show");
        let kept = near[2]["kept_by"].as_array().unwrap();
        assert_eq!(kept.len(), 1);
        assert!(
            kept[0]
                .as_str()
                .unwrap()
                .starts_with("`within: 10s-20s`, and this came at 0."),
            "{kept:?}"
        );
        assert_eq!(near[3], Value::Null, "a rule struck");
        assert_eq!(near[4]["kept_by"][0], "`exchange: create`, and this is a other");
        let struck = &served.lines()[3];
        assert_eq!(
            struck["fault"],
            json!({ "rule": 1, "does": "reply", "by": "rule" })
        );
        assert_eq!(struck["status"], 500);
    });
}

#[test]
fn a_stray_request_is_told_the_nearest_route() {
    healthy(|served| async move {
        for (method, path, status, hint) in [
            ("POST", "/v1/reponses", 404, "did you mean POST /v1/responses?"),
            ("POST", "/responses", 404, "did you mean POST /v1/responses?"),
            ("GET", "/v1/responses", 405, "/v1/responses takes POST, not GET"),
        ] {
            let came = served.came(method, path, &[], "").await;
            assert_eq!(came.status, status);
            assert_eq!(came.headers["x-lanebench-hint"], hint);
            assert_eq!(served.lines().last().unwrap()["hint"], hint);
        }
    });
}

#[test]
fn the_same_over_a_socket() {
    healthy(|served| async move {
        let listener = tokio::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let front = served.front.clone();
        let accepting = tokio::spawn(async move { front.accept(&listener).await });
        let mut line = Line::over(tokio::net::TcpStream::connect(address).await.unwrap()).await;
        line.send("POST", "/v1/responses", &[], CREATE)
            .await
            .unwrap()
            .good();
        assert_eq!(served.get("/_lanebench/requests").await["seen"], 1);
        served.front.stop();
        served.front.drained().await;
        accepting.abort();
    });
}
