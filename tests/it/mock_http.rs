//! What the mock server makes of requests, apart from what the backend decides.

use lanebench::backend::{Auth, ConnectionNo, Face, Input, Output};
use lanebench::mock::{BODY_MAX, MockOptions};
use lanebench::units::{JobId, SimDuration, SimTime};
use lanebench::wire::{ApiError, Ask, Reply, ResponseId, Status, Wait};

use crate::mock_world::{Over, World, answering, bare, keyed, play, request, response, scripted};

const CREATE: &str = r#"{"model":"gpt-5","input":"hello","background":true,"metadata":{"colour":"green"}}"#;

fn queued() -> Reply {
    Reply::Response(response("resp_1", Status::Queued, true).into())
}

fn options() -> MockOptions {
    MockOptions::default()
}

#[test]
fn a_reply_carries_the_headers_of_the_contract_and_repeats_its_request() {
    let (core, _) = answering(queued(), Face::Whole);
    play(Over::Memory, core, options(), |world| async move {
        let mut line = world.line().await;
        let (status, headers, body) = line.send(request("POST", "/v1/responses", CREATE)).await.whole();
        assert_eq!(status, 200);
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["openai-version"], "2020-10-01");
        assert_eq!(headers["openai-processing-ms"], "0");
        let id = headers["x-request-id"].to_str().unwrap();
        assert!(id.starts_with("req_") && id.len() == 36, "{id}");
        assert!(!headers.contains_key("date"));
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["id"], "resp_1");
        assert_eq!(body["model"], "gpt-5-2025-08-07");
        assert_eq!(body["metadata"]["colour"], "green");
        // A later poll on another connection still knows the request.
        let mut other = world.line().await;
        let (_, later) = other
            .send(request("GET", "/v1/responses/resp_1?stream=false", ""))
            .await
            .json();
        assert_eq!(later["metadata"]["colour"], "green");
    });
}

#[test]
fn a_deletion_forgets_the_request_and_says_so() {
    let (core, _) = scripted(|input| {
        let Input::Request { call, ask, .. } = input else {
            return Vec::new();
        };
        let mut out = Vec::new();
        let reply = match ask {
            Ok(Ask::Delete(response)) => {
                let response = response.clone();
                out.push((SimDuration::ZERO, Output::Dropped { response }));
                Reply::Deleted
            }
            _ => queued(),
        };
        let (call, face) = (*call, Face::Whole);
        out.push((SimDuration::ZERO, Output::Reply { call, reply, face }));
        out
    });
    play(Over::Memory, core, options(), |world| async move {
        let mut line = world.line().await;
        line.send(request("POST", "/v1/responses", CREATE)).await.json();
        let (status, body) = line
            .send(request("DELETE", "/v1/responses/resp_1", ""))
            .await
            .json();
        let expected = serde_json::json!({"id": "resp_1", "object": "response.deleted", "deleted": true});
        assert_eq!((status, body), (200, expected));
        let (_, later) = line.send(request("GET", "/v1/responses/resp_1", "")).await.json();
        assert_eq!(later["metadata"], serde_json::json!({}));
    });
}

#[test]
fn what_is_asked_reaches_the_backend_as_of_its_tick() {
    let (core, told) = answering(queued(), Face::Whole);
    play(Over::Memory, core, options(), |world| async move {
        let mut line = world.line().await;
        world.clock.sleep_until(SimTime::from_ticks(1_000)).await;
        line.send(keyed("POST", "/v1/responses", "3.1.1.create.1", CREATE))
            .await
            .json();
        line.send(request("GET", "/v1/responses/r", "")).await.json();
        line.send(request("GET", "/v1/responses/r?stream=true", "")).await;
        line.send(request("GET", "/v1/responses/r?stream=true&starting_after=7", ""))
            .await;
        line.send(request("POST", "/v1/responses/r/cancel", "")).await;
        line.send(request("POST", "/v1/responses/r/cancel", "{}")).await;
        line.send(request("DELETE", "/v1/responses/r", "")).await;
    });
    let told = told.all();
    let times: Vec<u64> = told.iter().map(|(at, _)| at.ticks()).collect();
    assert_eq!(times, [1_000, 1_001, 1_002, 1_003, 1_004, 1_005, 1_006]);
    let id = || ResponseId("r".into());
    let asks = [
        Ask::Poll(id()),
        Ask::Stream {
            id: id(),
            after: None,
        },
        Ask::Stream {
            id: id(),
            after: Some(7),
        },
        Ask::Cancel(id()),
        Ask::Cancel(id()),
        Ask::Delete(id()),
    ];
    for (number, (_, input)) in told.into_iter().enumerate() {
        let Input::Request { call, auth, ask } = input else {
            panic!("{input:?}")
        };
        assert_eq!(auth, Auth::Granted);
        match (number, ask.unwrap()) {
            (0, Ask::Create(create)) => {
                assert_eq!(call.exchange.to_string(), "3.1.1.create.1");
                assert_eq!(call.connection, ConnectionNo(0));
                assert!(create.background);
            }
            (_, ask) => {
                assert_eq!(ask, asks[number - 1]);
                assert_eq!(
                    (call.exchange.job(), call.connection),
                    (JobId::NONE, ConnectionNo(1))
                );
            }
        }
    }
}

#[test]
fn strangers_are_counted_by_kind_over_all_connections() {
    let (core, told) = answering(queued(), Face::Whole);
    play(Over::Memory, core, options(), |world| async move {
        let (mut one, mut other) = (world.line().await, world.line().await);
        one.send(request("GET", "/v1/responses/r", "")).await;
        other.send(request("GET", "/v1/responses/r", "")).await;
        other.send(request("DELETE", "/v1/responses/r", "")).await;
    });
    let keys: Vec<String> = told
        .all()
        .iter()
        .map(|(_, input)| match input {
            Input::Request { call, .. } => format!("{}@{}", call.exchange, call.connection.0),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(keys, ["-.0.0.poll.1@1", "-.0.0.poll.2@2", "-.0.0.delete.1@2"]);
}

#[test]
fn keys_are_judged_and_never_shown_whole() {
    let (core, told) = answering(queued(), Face::Whole);
    play(Over::Memory, core, options(), |world| async move {
        let mut line = world.line().await;
        for value in [
            "",
            "Bearer sk-abcdefghijxyz",
            "bearer sk-lanebench",
            "Basic c2s6",
            "Bearer short",
        ] {
            let with = |builder: http::request::Builder| match value {
                "" => builder,
                value => builder.header("authorization", value),
            };
            line.send(bare("GET", "/v1/responses/r", "", with)).await;
        }
    });
    let auths: Vec<Auth> = told
        .all()
        .into_iter()
        .map(|(_, input)| match input {
            Input::Request { auth, .. } => auth,
            other => panic!("{other:?}"),
        })
        .collect();
    let wrong = |shown: &str| Auth::Wrong { shown: shown.into() };
    assert_eq!(
        auths,
        [
            Auth::Missing,
            wrong("sk-ab***yz"),
            Auth::Granted,
            Auth::Missing,
            wrong("***")
        ]
    );
}

#[test]
fn errors_carry_their_waits() {
    for (wait, name, value) in [
        (Wait::Millis(1_500), "retry-after-ms", "1500"),
        (Wait::Seconds(7), "retry-after", "7"),
        (
            Wait::Date(784_111_777),
            "retry-after",
            "Sun, 06 Nov 1994 08:49:37 GMT",
        ),
    ] {
        let error = ApiError::plain(429, "requests", Some("rate_limit_exceeded"), None, "Slow down.");
        let error = error.with_wait(wait).with_should_retry(false);
        let (core, _) = answering(Reply::Error(error.into()), Face::Whole);
        play(Over::Memory, core, options(), |world| async move {
            let mut line = world.line().await;
            let got = line.send(request("POST", "/v1/responses", CREATE)).await;
            let (status, headers, body) = got.whole();
            assert_eq!(status, 429);
            assert_eq!(headers[name], value);
            assert_eq!(headers["x-should-retry"], "false");
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["error"]["code"], "rate_limit_exceeded");
        });
    }
}

async fn refused(world: &World, http: http::Request<http_body_util::Full<bytes::Bytes>>) -> (u16, String) {
    let (status, headers, body) = world.line().await.send(http).await.whole();
    assert!(headers.contains_key("x-request-id") && headers.contains_key("openai-processing-ms"));
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let error = body["error"].as_object().unwrap();
    assert_eq!(error["type"], "invalid_request_error");
    assert!(error.contains_key("param") && error.contains_key("code"));
    (status.as_u16(), error["message"].as_str().unwrap().to_owned())
}

#[test]
fn what_is_no_call_is_refused_without_the_backend() {
    let (core, told) = answering(queued(), Face::Whole);
    play(Over::Memory, core, options(), |world| async move {
        let cases = [
            (
                request("GET", "/v1/nothing", ""),
                404,
                "Invalid URL (GET /v1/nothing)",
            ),
            (request("GET", "/", ""), 404, "Invalid URL (GET /)"),
            (
                request("POST", "/v1/responses/", ""),
                404,
                "Invalid URL (POST /v1/responses/)",
            ),
            (
                request("GET", "/v1/responses/%FF", ""),
                404,
                "Invalid URL (GET /v1/responses/%FF)",
            ),
            (
                request("GET", "/v1/responses", ""),
                405,
                "Not allowed to GET on /v1/responses.",
            ),
            (
                request("PUT", "/v1/responses/r", ""),
                405,
                "Not allowed to PUT on /v1/responses/r.",
            ),
            (
                request("GET", "/v1/responses/r/cancel", ""),
                405,
                "Not allowed to GET on /v1/responses/r/cancel.",
            ),
            (
                keyed("GET", "/v1/responses/r", "junk", ""),
                400,
                "Invalid header 'x-lanebench-exchange': `junk` is no exchange key: \
                 expected `job.attempt.turn.kind.nth`.",
            ),
            (
                keyed("GET", "/v1/responses/r", "0.1.1.create.1", ""),
                400,
                "The exchange '0.1.1.create.1' is not of the kind 'poll'.",
            ),
        ];
        for (http, status, message) in cases {
            assert_eq!(refused(&world, http).await, (status, message.to_owned()));
        }
    });
    assert_eq!(told.all(), []);
}

#[test]
fn requests_that_cannot_be_read_reach_the_backend_with_the_reason() {
    let (core, told) = answering(queued(), Face::Whole);
    play(Over::Memory, core, options(), |world| async move {
        let mut line = world.line().await;
        for body in [
            "",
            "nonsense",
            "{}",
            r#"{"model":"m","input":"i","frobnicate":1}"#,
        ] {
            line.send(request("POST", "/v1/responses", body)).await;
        }
        line.send(request("GET", "/v1/responses/r?stream=maybe", ""))
            .await;
        line.send(request("GET", "/v1/responses/r?stream=true&starting_after=x", ""))
            .await;
    });
    let errors: Vec<(String, Option<String>)> = told
        .all()
        .into_iter()
        .map(|(_, input)| match input {
            Input::Request {
                call,
                ask: Err(error),
                ..
            } => {
                assert_eq!(error.http, 400);
                (
                    call.exchange.kind().word().to_owned(),
                    error.code.map(|code| code.to_string()),
                )
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let some = |kind: &str, code: &str| (kind.to_owned(), Some(code.to_owned()));
    assert_eq!(
        errors[..2],
        [("create".to_owned(), None), ("create".to_owned(), None)]
    );
    assert_eq!(
        errors[2..],
        [
            some("create", "missing_required_parameter"),
            some("create", "unknown_parameter"),
            some("poll", "invalid_value"),
            some("stream", "invalid_type"),
        ]
    );
}

#[test]
fn bodies_over_the_limit_are_refused_and_those_at_it_are_read() {
    let (core, told) = answering(queued(), Face::Whole);
    play(Over::Memory, core, options(), |world| async move {
        let padded = |length: usize| {
            let frame = r#"{"model":"m","input":""}"#.len();
            format!(r#"{{"model":"m","input":"{}"}}"#, "x".repeat(length - frame))
        };
        let got = refused(&world, request("POST", "/v1/responses", &padded(BODY_MAX + 1))).await;
        assert_eq!(
            got,
            (
                413,
                "The body of the request is longer than 16777216 bytes.".to_owned()
            )
        );
        let fits = request("POST", "/v1/responses", &padded(BODY_MAX));
        assert_eq!(world.line().await.send(fits).await.json().0, 200);
    });
    assert_eq!(told.all().len(), 1);
}

#[test]
fn a_client_that_leaves_is_reported_once() {
    let (core, told) = scripted(|_| Vec::new());
    play(Over::Memory, core, options(), |world| async move {
        let mut line = world.line().await;
        let waiting = line.send(keyed("POST", "/v1/responses", "0.1.1.create.1", CREATE));
        tokio::select! {
            biased;
            got = waiting => panic!("{got:?}"),
            () = world.clock.sleep_until(SimTime::from_ticks(500)) => {}
        }
        drop(line);
        let (at, gone) = told.until(|input| matches!(input, Input::Gone { .. })).await;
        assert_eq!(at, SimTime::from_ticks(500));
        let Input::Gone { call } = gone else { panic!() };
        assert_eq!(call.exchange.to_string(), "0.1.1.create.1");
        world.clock.sleep_until(SimTime::from_ticks(10_000)).await;
        assert_eq!(told.all().len(), 2);
    });
}

#[test]
fn an_exchange_that_is_in_progress_is_not_begun_again() {
    let (core, told) = scripted(|_| Vec::new());
    play(Over::Memory, core, options(), |world| async move {
        let (mut one, mut other) = (world.line().await, world.line().await);
        let again = || keyed("GET", "/v1/responses/r", "0.1.1.poll.1", "");
        let mut first = std::pin::pin!(one.send(again()));
        tokio::select! {
            biased;
            got = &mut first => panic!("{got:?}"),
            _ = told.until(|_| true) => {}
        }
        let (status, body) = other.send(again()).await.json();
        assert_eq!(status, 400);
        assert_eq!(
            body["error"]["message"],
            "The exchange '0.1.1.poll.1' is already in progress."
        );
    });
}

#[test]
fn an_orphaned_create_keeps_its_echo() {
    let (core, told) = scripted(|input| match input {
        Input::Request { call, .. } => {
            let (call, reply, face) = (*call, queued(), Face::Whole);
            vec![(SimDuration::from_millis(1), Output::Reply { call, reply, face })]
        }
        _ => Vec::new(),
    });
    play(Over::Memory, core, options(), |world| async move {
        let mut line = world.line().await;
        let waiting = line.send(request("POST", "/v1/responses", CREATE));
        tokio::select! {
            biased;
            got = waiting => panic!("{got:?}"),
            _ = told.until(|_| true) => {}
        }
        drop(line);
        world.clock.sleep_until(SimTime::from_ticks(5_000)).await;
        let (_, body) = world
            .line()
            .await
            .send(request("GET", "/v1/responses/resp_1", ""))
            .await
            .json();
        assert_eq!(body["metadata"]["colour"], "green");
    });
}

#[test]
fn the_log_holds_what_the_server_saw_and_is_bounded() {
    let (core, _) = answering(queued(), Face::Whole);
    let options = MockOptions {
        seen_max: 3,
        ..options()
    };
    play(Over::Memory, core, options, |world| async move {
        let mut line = world.line().await;
        line.send(request("GET", "/v1/responses/gone", "")).await;
        line.send(keyed("POST", "/v1/responses", "0.1.1.create.1", CREATE))
            .await;
        line.send(request("GET", "/v1/responses/r?stream=false", ""))
            .await;
        line.send(request("PATCH", "/elsewhere", "")).await;
        let log = world.mock.seen();
        assert_eq!(log.forgotten(), 1);
        let lines: Vec<String> = log
            .iter()
            .map(|seen| {
                let key = seen
                    .exchange
                    .map_or_else(|| "-".to_owned(), |key| key.to_string());
                format!(
                    "{} {} {} {key} {}",
                    seen.at.ticks(),
                    seen.method,
                    seen.path,
                    seen.connection.0
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                "1 POST /v1/responses 0.1.1.create.1 1",
                "2 GET /v1/responses/r?stream=false - 1",
                "3 PATCH /elsewhere - 1",
            ]
        );
    });
}
