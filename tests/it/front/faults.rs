//! Faults that a request asks for itself, and faults that wait for the next that fits.

use lanebench::fault::INJECTED_MAX;
use serde_json::json;

use super::{CREATE, Came, FOREGROUND, Line, STREAM, Served, healthy, options, with};

const FAULT: &str = "x-lanebench-fault";

async fn create_with(served: &Served, fault: &str, body: &str) -> Option<Came> {
    served.ask("POST", "/v1/responses", &[(FAULT, fault)], body).await
}

#[test]
fn a_request_asks_for_its_own_fault() {
    healthy(|served| async move {
        let limited = create_with(&served, "status=429; retry_after=7s", CREATE)
            .await
            .unwrap();
        assert_eq!(
            (limited.status, limited.headers["retry-after"].as_bytes()),
            (429, &b"7"[..])
        );
        let page = create_with(&served, "reply=503; body=html", CREATE)
            .await
            .unwrap();
        assert_eq!(
            (page.status, page.headers["content-type"].as_bytes()),
            (503, &b"text/html; charset=utf-8"[..])
        );
        let named = create_with(
            &served,
            "status=400; code=odd; param=temperature; message=it's a trap, really",
            CREATE,
        )
        .await
        .unwrap();
        let error = &named.json()["error"];
        assert_eq!(
            (error["code"].as_str(), error["param"].as_str()),
            (Some("odd"), Some("temperature"))
        );
        assert_eq!(
            (error["code"].as_str(), error["message"].as_str()),
            (Some("odd"), Some("it's a trap, really"))
        );
        assert!(create_with(&served, "reset_before", CREATE).await.is_none());
        assert!(create_with(&served, "cut_before_id", CREATE).await.is_none());
        assert_eq!(
            served.came("POST", "/v1/responses", &[], CREATE).await.status,
            200,
            "only that request"
        );
        let listed: Vec<_> = served
            .lines()
            .iter()
            .map(|line| {
                (
                    line["fault"]["does"].clone(),
                    line["end"].clone(),
                    line["headers"][FAULT].clone(),
                )
            })
            .collect();
        assert_eq!(
            listed,
            [
                (
                    json!("reply"),
                    json!("whole"),
                    json!("status=429; retry_after=7s")
                ),
                (json!("reply"), json!("whole"), json!("reply=503; body=html")),
                (
                    json!("reply"),
                    json!("whole"),
                    json!("status=400; code=odd; param=temperature; message=it's a trap, really")
                ),
                (json!("reset_before"), json!("spoiled"), json!("reset_before")),
                (json!("cut_before_id"), json!("spoiled"), json!("cut_before_id")),
                (json!(null), json!("whole"), json!(null)),
            ]
        );
    });
}

#[test]
fn streams_responses_and_steps_are_disturbed_by_header_too() {
    healthy(|served| async move {
        let mut line = Line::to(&served.front).await;
        let cut = tokio::spawn(async move {
            line.send("POST", "/v1/responses", &[(FAULT, "cut_stream=3")], STREAM)
                .await
        });
        assert!(
            cut.await.unwrap().is_none(),
            "the first three events leave at once"
        );
        assert_eq!(served.lines()[0]["fault"]["does"], "cut_stream");

        let failed = create_with(&served, "fail=server_error; at_step=2", CREATE)
            .await
            .unwrap()
            .good();
        let slow = create_with(&served, "step=1; delay=20s", CREATE)
            .await
            .unwrap()
            .good();
        let id = |made: &serde_json::Value| made["id"].as_str().unwrap().to_owned();
        served.advance("10s").await;
        assert_eq!(served.status(&id(&failed)).await, "failed");
        assert_eq!(served.status(&id(&slow)).await, "in_progress");
        served.advance("20s").await;
        assert_eq!(served.status(&id(&slow)).await, "completed");
    });
}

#[test]
fn a_fault_of_a_request_goes_before_those_of_the_scenario() {
    with(
        "service: s\nfaults: [{ exchange: create, reply: 500 }]",
        options(),
        |served| async move {
            assert_eq!(
                served.came("POST", "/v1/responses", &[], CREATE).await.status,
                500
            );
            assert_eq!(
                create_with(&served, "status=429", CREATE).await.unwrap().status,
                429
            );
            let faults = served.get("/_lanebench/faults").await;
            assert_eq!(
                faults["declared"],
                json!([{ "rule": 1, "is": "exchange: create, reply", "struck": 1 }])
            );
            assert_eq!(faults["injected_struck"], 1);
        },
    );
}

#[test]
fn what_is_wrong_in_the_header_is_told() {
    healthy(|served| async move {
        for (fault, says) in [
            ("", "names no fault"),
            ("cut_streem=3", "did you mean `cut_stream`?"),
            ("status=42", "the number `42` is out of range"),
            ("status=429; retry_later=7s", "did you mean `retry_after`?"),
            ("delay=soon", "x-lanebench-fault:2:10"),
            ("hang", "does not fit the exchange `create`"),
            ("delay=1s; reset_after", "only one fault can strike an exchange"),
            ("step=0; delay=1s", "step"),
            (&"cut_stream=3;".repeat(200), "longer than 2048 bytes"),
        ] {
            let refused = create_with(&served, fault, CREATE).await.unwrap();
            let error = refused.json()["error"].clone();
            assert_eq!(
                (refused.status, error["code"].as_str()),
                (400, Some("invalid_fault")),
                "{fault}"
            );
            assert!(
                error["message"].as_str().unwrap().contains(says),
                "{fault}: {error}"
            );
        }
        let id = served.create(&[]).await;
        let poll = served
            .came(
                "GET",
                &format!("/v1/responses/{id}"),
                &[(FAULT, "fail=server_error")],
                "",
            )
            .await;
        let says = "`fail` disturbs a response, and a poll makes none";
        assert!(
            poll.json()["error"]["message"].as_str().unwrap().contains(says),
            "{}",
            poll.text
        );
        // A header of ours that does not exist would do nothing, and nobody would notice.
        let misspelt = served
            .came(
                "POST",
                "/v1/responses",
                &[("x-lanebench-falt", "reset_after")],
                CREATE,
            )
            .await;
        let says = "Unknown header 'x-lanebench-falt': did you mean 'x-lanebench-fault'?";
        assert_eq!(
            (misspelt.status, misspelt.json()["error"]["message"].as_str()),
            (400, Some(says))
        );
        assert_eq!(
            served.get("/_lanebench/responses").await["responses"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    });
}

#[test]
fn a_one_shot_fault_waits_for_the_next_that_fits() {
    healthy(|served| async move {
        let id = served.create(&[]).await;
        let shot = r#"{"exchange": "poll", "reply": {"status": 503}, "times": 2}"#;
        assert_eq!(
            served.post("/_lanebench/faults", shot).await,
            json!({ "fault": 1 })
        );
        let marked = "exchange: poll\nheader: { name: x-who, value: me }\nreply: 404\n";
        served.post("/_lanebench/faults", marked).await;
        let waiting = served.get("/_lanebench/faults").await["waiting"].clone();
        assert_eq!(
            waiting[0],
            json!({ "fault": 1, "is": "exchange: poll, reply", "left": 2 })
        );
        let path = format!("/v1/responses/{id}");
        let mut statuses = Vec::new();
        for who in ["you", "you", "you", "me", "me"] {
            statuses.push(served.came("GET", &path, &[("x-who", who)], "").await.status);
        }
        assert_eq!(statuses, [503, 503, 200, 404, 200]);
        served.post("/_lanebench/faults", shot).await;
        let forgotten = served.came("DELETE", "/_lanebench/faults", &[], "").await.good();
        assert_eq!(forgotten, json!({ "forgotten": 1 }));
        assert_eq!(served.came("GET", &path, &[], "").await.status, 200);
    });
}

#[test]
fn a_fault_of_a_response_waits_for_a_create_that_makes_one() {
    healthy(|served| async move {
        served
            .post(
                "/_lanebench/faults",
                "response: any\nincomplete: content_filter\n",
            )
            .await;
        served
            .came("POST", "/v1/responses", &[], r#"{"model":"m"}"#)
            .await;
        let (first, second) = (served.create(&[]).await, served.create(&[]).await);
        served.advance("10s").await;
        assert_eq!(served.status(&first).await, "incomplete");
        assert_eq!(served.status(&second).await, "completed");
    });
}

#[test]
fn a_wrong_one_shot_changes_nothing_and_says_where() {
    healthy(|served| async move {
        for (body, says) in [
            ("exchange: poll\nrepply: 503\n", "did you mean `reply`?"),
            ("exchange: poll\nfail: x\n", "does not fit the exchange `poll`"),
            ("sink: mail\nhang: true\n", "one of the keys"),
            ("exchange: poll\nreply: 503\ntimes: 0\n", "times"),
            ("exchange: poll\nreply: 503\nnth: 3\n", "unknown key `nth`"),
            ("{", "body:"),
            ("", "empty"),
        ] {
            let refused = served.came("POST", "/_lanebench/faults", &[], body).await;
            assert_eq!(refused.status, 422, "{body}");
            let text = refused.json()["error"]["diagnostics"]
                .as_str()
                .unwrap()
                .to_owned();
            assert!(
                text.starts_with("error: ") && text.contains(says),
                "{body}: {text}"
            );
        }
        assert_eq!(served.get("/_lanebench/faults").await["waiting"], json!([]));
        let path = "/v1/responses";
        assert_eq!(served.came("POST", path, &[], CREATE).await.status, 200);
        let waiting = tokio::spawn(async move { served.ask("POST", path, &[], FOREGROUND).await });
        waiting.abort();
    });
}

#[test]
fn a_session_takes_only_so_many_different_faults_and_says_so() {
    healthy(|served| async move {
        let mut line = Line::to(&served.front).await;
        let mut last = 0;
        for number in 0..=INJECTED_MAX {
            let fault = format!("status=500; message=number {number}");
            let came = line
                .send("DELETE", "/v1/responses/x", &[(FAULT, &fault)], "")
                .await
                .unwrap();
            last = came.status;
            if last != 500 {
                assert_eq!(
                    (number, came.json()["error"]["code"].as_str()),
                    (INJECTED_MAX, Some("too_many_faults"))
                );
            }
        }
        assert_eq!(last, 400);
        // One that was seen before is no other one.
        let again = line
            .send(
                "DELETE",
                "/v1/responses/x",
                &[(FAULT, "status=500; message=number 7")],
                "",
            )
            .await;
        assert_eq!(again.unwrap().status, 500);
        served.post("/_lanebench/reset", "").await;
        assert_eq!(
            create_with(&served, "status=501", CREATE).await.unwrap().status,
            501
        );
    });
}
