//! Sessions are kept apart.

use lanebench::mock::FrontOptions;

use super::{CREATE, KEY, Line, healthy, options, with};

const SESSION: &str = "x-lanebench-session";

#[test]
fn what_one_session_has_another_cannot_see() {
    healthy(|served| async move {
        let (one, two) = ([(SESSION, "one")], [(SESSION, "two")]);
        let first = served.create(&one).await;
        let second = served.create(&two).await;
        let third = served.create(&[]).await;
        assert!(first != second && second != third && first != third);
        let path = format!("/v1/responses/{first}");
        assert_eq!(served.came("GET", &path, &one, "").await.status, 200);
        assert_eq!(served.came("GET", &path, &two, "").await.status, 404);
        assert_eq!(served.came("GET", &path, &[], "").await.status, 404);
        let listed = served.get("/_lanebench/responses?session=one").await;
        assert_eq!(listed["responses"].as_array().unwrap().len(), 1);
        assert_eq!(listed["responses"][0]["id"], first.as_str());
        // Each has its own clock.
        served.post("/_lanebench/advance?session=one", "by: 10s").await;
        let read = served.came("GET", &path, &one, "").await.good();
        assert_eq!(read["status"], "completed");
        let other = served
            .came("GET", &format!("/v1/responses/{second}"), &two, "")
            .await
            .good();
        assert_eq!(other["status"], "queued");
        // The same name has the same ids in every run.
        served.post("/_lanebench/reset?session=one", "").await;
        assert_eq!(served.create(&one).await, first);
    });
}

#[test]
fn a_key_names_a_session_and_the_header_goes_before() {
    healthy(|served| async move {
        let key = format!("Bearer {KEY}:by-key");
        let by_key = [("authorization", key.as_str())];
        let id = served.create(&by_key).await;
        let path = format!("/v1/responses/{id}");
        assert_eq!(
            served.came("GET", &path, &[(SESSION, "by-key")], "").await.status,
            200
        );
        let both = [("authorization", key.as_str()), (SESSION, "other")];
        assert_eq!(served.came("GET", &path, &both, "").await.status, 404);
        // A wrong key stays wrong, whatever stands behind it.
        let wrong = [("authorization", "Bearer sk-nobody:by-key")];
        assert_eq!(served.came("GET", &path, &wrong, "").await.status, 401);
        // What is no name is part of the key.
        let odd = format!("Bearer {KEY}:not a name");
        assert_eq!(
            served
                .came("GET", &path, &[("authorization", odd.as_str())], "")
                .await
                .status,
            401
        );
    });
}

#[test]
fn one_connection_may_visit_many_sessions() {
    healthy(|served| async move {
        let mut line = Line::to(&served.front).await;
        let mut ids = Vec::new();
        for name in ["a", "b", "a"] {
            let came = line
                .send("POST", "/v1/responses", &[(SESSION, name)], CREATE)
                .await
                .unwrap();
            ids.push(came.good()["id"].as_str().unwrap().to_owned());
        }
        let listed = served.get("/_lanebench/requests?session=a").await;
        assert_eq!(listed["seen"], 2);
        assert_eq!(listed["requests"][1]["response"], ids[2].as_str());
        assert_eq!(served.get("/_lanebench/requests?session=b").await["seen"], 1);
    });
}

#[test]
fn there_are_only_so_many_and_it_says_so() {
    let bounded = FrontOptions {
        sessions_max: 2,
        ..options()
    };
    with("service: s", bounded, |served| async move {
        served.create(&[(SESSION, "one")]).await;
        let refused = served
            .came("POST", "/v1/responses", &[(SESSION, "two")], CREATE)
            .await;
        let error = refused.json()["error"].clone();
        assert_eq!(
            (refused.status, error["code"].as_str()),
            (400, Some("too_many_sessions"))
        );
        assert_eq!(refused.headers["x-should-retry"], "false");
        let says = "there are 2 sessions already, as many as may be: end one with DELETE /_lanebench/sessions/NAME, \
                    or start the server with a higher `--sessions`";
        assert_eq!(error["message"], says);
        let control = served
            .came("GET", "/_lanebench/verdict?session=two", &[], "")
            .await;
        assert_eq!(
            (control.status, control.json()["error"]["message"].as_str()),
            (409, Some(says))
        );
        let metrics = served.came("GET", "/metrics", &[], "").await.text;
        assert!(
            metrics.contains("\nlanebench_sessions_refused_total 2\n"),
            "{metrics}"
        );
        assert_eq!(
            served
                .came("DELETE", "/_lanebench/sessions/one", &[], "")
                .await
                .status,
            200
        );
        served.create(&[(SESSION, "two")]).await;
        assert_eq!(
            served
                .came("DELETE", "/_lanebench/sessions/one", &[], "")
                .await
                .status,
            404
        );
        assert_eq!(
            served
                .came("DELETE", "/_lanebench/sessions/default", &[], "")
                .await
                .status,
            409
        );
    });
}

#[test]
fn a_name_is_a_short_word() {
    healthy(|served| async move {
        for name in ["", "two words", "ä", &"x".repeat(65)] {
            let refused = served
                .came("POST", "/v1/responses", &[(SESSION, name)], CREATE)
                .await;
            assert_eq!(refused.json()["error"]["code"], "invalid_session", "{name}");
        }
        served.create(&[(SESSION, &"x".repeat(64))]).await;
    });
}

#[test]
fn whoever_waits_when_a_session_ends_is_told() {
    healthy(|served| async move {
        let mut waiting = Line::to(&served.front).await;
        let foreground = tokio::spawn(async move {
            let headers = [(SESSION, "short")];
            waiting
                .send("POST", "/v1/responses", &headers, super::FOREGROUND)
                .await
        });
        let mut reading = Line::to(&served.front).await;
        let stream = tokio::spawn(async move {
            let headers = [(SESSION, "short")];
            reading
                .send("POST", "/v1/responses", &headers, super::STREAM)
                .await
        });
        let seen = r#"{requests: {count: 1, status: 200}, within: 0s}"#;
        let path = "/_lanebench/wait_for?session=short";
        // Both are under way once the service made a response of each.
        served
            .until("/_lanebench/responses?session=short", |all| {
                all["responses"].as_array().unwrap().len() == 2
            })
            .await;
        assert_eq!(served.came("POST", path, &[], seen).await.status, 408);
        served
            .came("DELETE", "/_lanebench/sessions/short", &[], "")
            .await
            .good();
        let told = foreground.await.unwrap().unwrap();
        assert_eq!(
            (told.status, told.json()["error"]["code"].as_str()),
            (503, Some("session_ended"))
        );
        assert_eq!(told.headers["x-should-retry"], "false");
        assert!(stream.await.unwrap().is_none(), "the stream is broken off");
        let ends: Vec<_> = served.lines().iter().map(|line| line["end"].clone()).collect();
        assert_eq!(ends, ["reset", "reset"]);
    });
}
