//! The mock server with the real backend core behind it.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use lanebench::backend::{Service, Setup, StepWork};
use lanebench::fault::{Fault, FaultPlan, FaultRule, Target};
use lanebench::mock::{ByteStream, MockOptions, WebhookTarget, pipe};
use lanebench::rng::Seed;
use lanebench::trace::Notes;
use lanebench::units::{ExchangeKind, SimDuration, SimTime};
use lanebench::wire::{Authenticity, Secret, SignatureHeaders, parse_webhook, verify};
use serde_json::Value;

use crate::backend_bench::{always, constant, first, profile, script, step};
use crate::mock_world::{Got, Line, Over, World, bare, keyed, play, request};

fn service(rules: Vec<FaultRule>, webhooks: bool) -> Service {
    let steps = [
        step("2s", StepWork::Reasoning),
        step("4s", StepWork::Message { tokens: 6 }),
    ];
    let mut profile = profile(script(&steps));
    if webhooks {
        profile.webhook = Some(constant("50ms"));
        profile.webhook_retries = Arc::from([SimDuration::from_secs(5), SimDuration::from_secs(5)]);
    }
    Service::new(Setup {
        profile,
        scripts: Arc::from([]),
        plan: FaultPlan::new(rules.into(), Seed(7)),
        seed: Seed(7),
        notes: Notes::off(),
    })
}

fn options() -> MockOptions {
    MockOptions::default()
}

const BACKGROUND: &str =
    r#"{"model":"gpt-5","input":"hello","background":true,"metadata":{"colour":"green"}}"#;

async fn until_ended(world: &World, line: &mut Line, id: &str) -> Value {
    for poll in 1.. {
        world
            .clock
            .sleep_until(SimTime::from_ticks(poll * 1_000_000))
            .await;
        let (status, body) = line
            .send(request("GET", &format!("/v1/responses/{id}"), ""))
            .await
            .json();
        assert_eq!(status, 200);
        if !["queued", "in_progress"].contains(&body["status"].as_str().unwrap()) {
            return body;
        }
    }
    unreachable!()
}

fn id_of(body: &Value) -> String {
    body["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_background_response_lives_its_whole_life() {
    play(
        Over::Memory,
        service(Vec::new(), false),
        options(),
        |world| async move {
            let mut line = world.line().await;
            let (status, headers, body) = line
                .send(request("POST", "/v1/responses", BACKGROUND))
                .await
                .whole();
            assert_eq!(
                (status, &headers["openai-processing-ms"]),
                (StatusCode::OK, &"10".parse().unwrap())
            );
            let created: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(
                (&created["status"], &created["output"]),
                (&"queued".into(), &serde_json::json!([]))
            );
            let id = id_of(&created);
            let ended = until_ended(&world, &mut line, &id).await;
            assert_eq!(ended["status"], "completed");
            assert_eq!(ended["output"][1]["type"], "message");
            assert_eq!(ended["metadata"]["colour"], "green");
            let path = format!("/v1/responses/{id}");
            let (status, refused) = line
                .send(request("POST", &format!("{path}/cancel"), ""))
                .await
                .json();
            assert_eq!(
                (status, &refused["error"]["message"]),
                (400, &"Cannot cancel a completed response.".into())
            );
            assert_eq!(line.send(request("DELETE", &path, "")).await.json().0, 200);
            let (status, missing) = line.send(request("GET", &path, "")).await.json();
            assert_eq!(status, 404);
            assert_eq!(
                missing["error"]["message"],
                format!("Response with id '{id}' not found.")
            );
        },
    );
}

#[test]
fn a_running_response_is_cancelled_and_stays_so() {
    play(
        Over::Memory,
        service(Vec::new(), false),
        options(),
        |world| async move {
            let mut line = world.line().await;
            let (_, created) = line
                .send(request("POST", "/v1/responses", BACKGROUND))
                .await
                .json();
            let path = format!("/v1/responses/{}/cancel", id_of(&created));
            for body in ["", "{}"] {
                let (status, cancelled) = line.send(request("POST", &path, body)).await.json();
                assert_eq!((status, &cancelled["status"]), (200, &"cancelled".into()));
            }
        },
    );
}

fn numbers(body: &[u8]) -> Vec<u64> {
    let text = std::str::from_utf8(body).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| {
        serde_json::from_str::<Value>(data).unwrap()["sequence_number"]
            .as_u64()
            .unwrap()
    })
    .collect()
}

#[test]
fn a_stream_is_cut_and_resumed_without_gap_or_repetition() {
    let rules = vec![first(ExchangeKind::Create, Fault::CutStream { after: 4 })];
    let body = r#"{"model":"gpt-5","input":"hello","background":true,"stream":true}"#;
    play(
        Over::Memory,
        service(rules, false),
        options(),
        |world| async move {
            let got = world
                .line()
                .await
                .send(request("POST", "/v1/responses", body))
                .await;
            let Got::Cut { body: begun, .. } = got else {
                panic!("{got:?}")
            };
            let mut seen = numbers(&begun);
            assert_eq!(seen, [0, 1, 2, 3]);
            let text = std::str::from_utf8(&begun).unwrap();
            let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
            let id = id_of(&serde_json::from_str::<Value>(data).unwrap()["response"]);
            let rest = format!("/v1/responses/{id}?stream=true&starting_after=3");
            let (_, _, body) = world.line().await.send(request("GET", &rest, "")).await.whole();
            assert!(
                std::str::from_utf8(&body)
                    .unwrap()
                    .contains("event: response.completed\n")
            );
            seen.extend(numbers(&body));
            assert_eq!(seen, (0..seen.len() as u64).collect::<Vec<_>>());
            // The same again, from the start, gives the same numbers.
            let all = format!("/v1/responses/{id}?stream=true");
            let (_, _, body) = world.line().await.send(request("GET", &all, "")).await.whole();
            assert_eq!(numbers(&body), seen);
        },
    );
}

#[test]
fn two_readers_of_one_run_each_see_everything() {
    let body = r#"{"model":"gpt-5","input":"hello","background":true,"stream":true}"#;
    play(
        Over::Memory,
        service(Vec::new(), false),
        options(),
        |world| async move {
            let mut one = world.line().await;
            let (_, mut events) = one
                .open(request("POST", "/v1/responses", body))
                .await
                .into_parts();
            let start = events.frame().await.unwrap().unwrap().into_data().unwrap();
            let data = std::str::from_utf8(&start)
                .unwrap()
                .lines()
                .find_map(|line| line.strip_prefix("data: "));
            let id = id_of(&serde_json::from_str::<Value>(data.unwrap()).unwrap()["response"]);
            let all = format!("/v1/responses/{id}?stream=true");
            let mut other = world.line().await;
            let ((_, _, second), rest) = tokio::join!(
                async { other.send(request("GET", &all, "")).await.whole() },
                async { events.collect().await.unwrap().to_bytes() }
            );
            assert_eq!(numbers(&second), numbers(&[start, rest].concat()));
        },
    );
}

#[test]
fn a_foreground_run_dies_with_its_connection_and_keys_are_checked() {
    play(
        Over::Memory,
        service(Vec::new(), false),
        options(),
        |world| async move {
            let mut line = world.line().await;
            let waiting = line.send(request("POST", "/v1/responses", r#"{"model":"m","input":"i"}"#));
            tokio::select! {
                biased;
                got = waiting => panic!("{got:?}"),
                () = world.clock.sleep_until(SimTime::from_ticks(1_000_000)) => {}
            }
            drop(line);
            let mut line = world.line().await;
            let (status, body) = line
                .send(bare("GET", "/v1/responses/r", "", |builder| builder))
                .await
                .json();
            assert_eq!(status, 401);
            assert_eq!(
                body["error"]["message"],
                "Missing bearer or basic authentication in header"
            );
            let wrong =
                |builder: http::request::Builder| builder.header("authorization", "Bearer sk-abcdefghijxyz");
            let (status, body) = line.send(bare("GET", "/v1/responses/r", "", wrong)).await.json();
            assert_eq!((status, &body["error"]["code"]), (401, &"invalid_api_key".into()));
            assert!(!body.to_string().contains("abcdefg"), "{body}");
            // With a stream the same mistakes are still no stream.
            let (status, body) = line
                .send(request("POST", "/v1/responses", r#"{"stream":true}"#))
                .await
                .json();
            assert_eq!(
                (status, &body["error"]["code"]),
                (400, &"missing_required_parameter".into())
            );
        },
    );
}

#[test]
fn real_time_over_tcp_is_the_same_service() {
    let clock = "1000".parse().unwrap();
    let core = service(Vec::new(), false);
    let ended = lanebench::clock::run(lanebench::clock::Pace::Real(clock), |clock| async move {
        let (mock, driver) = lanebench::mock::Mock::new(core, clock.clone(), options());
        tokio::spawn(driver.run());
        let world = World::tcp(mock, clock).await;
        let mut line = world.line().await;
        let body = r#"{"model":"gpt-5","input":"hello","background":true,"stream":true}"#;
        let (_, _, events) = line.send(request("POST", "/v1/responses", body)).await.whole();
        numbers(&events)
    })
    .unwrap();
    assert_eq!(ended, (0..ended.len() as u64).collect::<Vec<_>>());
    assert!(ended.len() > 10);
}

type Deliveries = Arc<Mutex<Vec<(HeaderMap, Bytes, SimTime)>>>;

/// A receiver in memory that answers with these statuses in turn.
fn receiver(
    world_clock: &Arc<Mutex<Option<lanebench::clock::Clock>>>,
    statuses: &[u16],
) -> (WebhookTarget, Deliveries) {
    let taken: Deliveries = Arc::default();
    let statuses: Arc<Mutex<Vec<u16>>> = Arc::new(Mutex::new(statuses.iter().rev().copied().collect()));
    let (kept, clock) = (Arc::clone(&taken), Arc::clone(world_clock));
    let dial = Arc::new(move || {
        let (near, far) = pipe();
        let (kept, statuses, clock) = (Arc::clone(&kept), Arc::clone(&statuses), Arc::clone(&clock));
        tokio::spawn(async move {
            let take = service_fn(move |request: Request<hyper::body::Incoming>| {
                let (kept, statuses, clock) = (Arc::clone(&kept), Arc::clone(&statuses), Arc::clone(&clock));
                async move {
                    let (head, body) = request.into_parts();
                    assert_eq!((head.method.as_str(), head.uri.path()), ("POST", "/hooks/openai"));
                    let body = body.collect().await.unwrap().to_bytes();
                    let now = clock.lock().unwrap().as_ref().unwrap().now();
                    kept.lock().unwrap().push((head.headers, body, now));
                    let status = statuses.lock().unwrap().pop().unwrap_or(200);
                    Response::builder().status(status).body(Full::new(Bytes::new()))
                }
            });
            let server = hyper::server::conn::http1::Builder::new();
            let _ = server.serve_connection(TokioIo::new(far), take).await;
        });
        let opened: lanebench::mock::Dialling =
            Box::pin(async move { Ok(Box::new(near) as Box<dyn ByteStream>) });
        opened
    });
    (
        WebhookTarget::new(dial, "/hooks/openai", Secret::new("whsec_AAEC").unwrap()),
        taken,
    )
}

fn judge(headers: &HeaderMap, body: &[u8], now: u64) -> Authenticity {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
    let headers = SignatureHeaders {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    verify(&[Secret::new("whsec_AAEC").unwrap()], headers, body, now)
}

/// Runs one response to its end and gives what the receiver took, judged.
fn notified(rules: Vec<FaultRule>, statuses: &[u16]) -> Vec<(String, Authenticity, u64)> {
    let clock = Arc::new(Mutex::new(None));
    let (target, taken) = receiver(&clock, statuses);
    let options = MockOptions {
        webhook: Some(target),
        ..options()
    };
    play(Over::Memory, service(rules, true), options, |world| async move {
        *clock.lock().unwrap() = Some(world.clock.clone());
        let mut line = world.line().await;
        let (_, created) = line
            .send(request("POST", "/v1/responses", BACKGROUND))
            .await
            .json();
        world.clock.sleep_until(SimTime::from_ticks(60_000_000)).await;
        let taken = taken.lock().unwrap();
        for (headers, body, _) in taken.iter() {
            assert_eq!(
                headers["user-agent"],
                "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)"
            );
            assert_eq!(headers["content-type"], "application/json");
            assert_eq!(parse_webhook(body).unwrap().response.to_string(), id_of(&created));
        }
        let judged = taken.iter().map(|(headers, body, at)| {
            let id = headers["webhook-id"].to_str().unwrap().to_owned();
            let secs = at.ticks() / 1_000_000;
            (id, judge(headers, body, 1_786_000_000 + secs), secs)
        });
        judged.collect()
    })
}

#[test]
fn a_webhook_is_signed_sent_and_sent_again_until_it_is_taken() {
    let taken = notified(Vec::new(), &[500, 302, 204]);
    assert_eq!(taken.len(), 3);
    assert!(taken.iter().all(|(id, ..)| *id == taken[0].0));
    assert!(taken.iter().all(|(_, worth, _)| *worth == Authenticity::Valid));
    let secs: Vec<u64> = taken.iter().map(|(.., secs)| *secs - taken[0].2).collect();
    assert_eq!(secs, [0, 5, 10]);
}

#[test]
fn forged_and_stale_webhooks_are_known_by_their_bytes() {
    for (fault, worth) in [
        (Fault::ForgedWebhook, Authenticity::Forged),
        (Fault::StaleWebhook, Authenticity::Stale),
    ] {
        let taken = notified(vec![always(Target::Webhook, fault)], &[]);
        assert_eq!(
            taken.iter().map(|(_, worth, _)| *worth).collect::<Vec<_>>(),
            [worth]
        );
    }
}

/// Ten thousand requests of twenty clients, faults on; everything that the server and the clients saw, as text.
fn ten_thousand() -> String {
    let spread = |fault, kind, low, high| {
        let mut rule = first(kind, fault);
        rule.select.nth = Some((low, high));
        rule
    };
    let rules = vec![
        spread(Fault::ResetAfter, ExchangeKind::Poll, 3, 3),
        spread(Fault::CutBeforeId, ExchangeKind::Poll, 7, 8),
        spread(Fault::Malformed, ExchangeKind::Poll, 20, 22),
    ];
    play(
        Over::Memory,
        service(rules, false),
        options(),
        |world| async move {
            let mut clients = Vec::new();
            for job in 0..20 {
                let world = world.clone();
                clients.push(tokio::spawn(async move { five_hundred(&world, job).await }));
            }
            let mut text = String::new();
            for client in clients {
                text.push_str(&client.await.unwrap());
            }
            for seen in world.mock.seen().iter() {
                writeln!(text, "{seen:?}").unwrap();
            }
            text
        },
    )
}

async fn five_hundred(world: &World, job: u32) -> String {
    let mut text = String::new();
    let mut line = world.line().await;
    let mut id = String::new();
    for number in 0..500_u32 {
        let http = match number % 10 {
            0 => {
                let key = format!("{job}.1.1.create.{}", number / 10 + 1);
                keyed("POST", "/v1/responses", &key, BACKGROUND)
            }
            step => {
                let nth = number / 10 * 9 + step;
                keyed(
                    "GET",
                    &format!("/v1/responses/{id}"),
                    &format!("{job}.1.1.poll.{nth}"),
                    "",
                )
            }
        };
        let got = line.send(http).await;
        writeln!(text, "{job} {number} {} {got:?}", world.clock.now().ticks()).unwrap();
        match &got {
            Got::Whole { body, .. } if number % 10 == 0 => id = id_of(&serde_json::from_slice(body).unwrap()),
            Got::Whole { .. } => {}
            Got::NoReply | Got::Cut { .. } => line = world.line().await,
        }
        let pause = world.clock.now().ticks() + u64::from(job % 3) * 100_000;
        world.clock.sleep_until(SimTime::from_ticks(pause)).await;
    }
    text
}

#[test]
fn ten_thousand_requests_leave_the_same_bytes_twice() {
    let (one, other) = (ten_thousand(), ten_thousand());
    assert!(one == other, "two runs differ");
    assert_eq!(
        one.lines().filter(|line| line.starts_with("SeenRequest")).count(),
        10_000
    );
    assert!(one.contains("NoReply") && one.contains("Cut {") && one.contains("completed"));
}
