//! Replies that leave in parts, connections that stay silent, and rules that look at a header, over both transports.

use std::sync::Arc;

use http_body_util::BodyExt;
use lanebench::backend::{Service, Setup};
use lanebench::clock::Pace;
use lanebench::fault::{Fault, FaultPlan, FaultRule, HeaderMatch, Place, Select, Target};
use lanebench::mock::MockOptions;
use lanebench::rng::Seed;
use lanebench::trace::Notes;
use lanebench::units::ExchangeKind::Create;
use lanebench::units::SimDuration;
use lanebench::wire::ApiError;

use crate::backend_bench::{constant, first, message, profile, script};
use crate::mock_world::{Got, Over, World, keyed, play, play_at, request};

const CREATE: &str = r#"{"model":"gpt-5","input":"hello","background":true}"#;
const STREAMED: &str = r#"{"model":"gpt-5","input":"hello","stream":true}"#;

fn service(rules: Vec<FaultRule>) -> Service {
    Service::new(Setup {
        profile: profile(script(&[message("400ms", 4)])),
        scripts: Arc::from([]),
        plan: FaultPlan::new(rules.into(), Seed(7)),
        seed: Seed(7),
        notes: Notes::off(),
    })
}

fn over_both(fault: &Fault, main: impl AsyncFn(World, Over)) {
    for over in [Over::Memory, Over::Tcp] {
        let core = service(vec![first(Create, fault.clone())]);
        play(over, core, MockOptions::default(), async |world| {
            main(world, over).await;
        });
    }
}

/// The same where time is not real: in memory it goes by when everybody waits, and over TCP when this test moves it. On
/// a clock of its own, a machine that is busy brings several parts at once.
fn over_both_unhurried(fault: &Fault, main: impl AsyncFn(World, Over)) {
    for (pace, over) in [(Pace::Virtual, Over::Memory), (Pace::Manual, Over::Tcp)] {
        let core = service(vec![first(Create, fault.clone())]);
        play_at(pace, over, core, MockOptions::default(), async |world| {
            main(world, over).await;
        });
    }
}

/// How often all others get their turns, and the sockets are looked at, before time moves on by [`MOVES_BY`].
const TURNS: u32 = 16;

/// Shorter than every pause here.
const MOVES_BY: SimDuration = SimDuration::from_millis(1);

/// Waits for `what`; over TCP time is moved as long as it does not come.
async fn unhurried<F: Future>(world: &World, over: Over, what: F) -> F::Output {
    let mut what = std::pin::pin!(what);
    loop {
        let turns = async {
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            came = &mut what => return came,
            () = turns, if over == Over::Tcp => {
                world.clock.advance(MOVES_BY);
            }
        }
    }
}

/// The parts in which the body of a create came, and how long after its head the last of them.
async fn parts(world: &World, over: Over, body: &str) -> (Vec<Vec<u8>>, SimDuration) {
    let mut line = world.line().await;
    let asking = line.open(keyed("POST", "/v1/responses", "0.1.1.create.1", body));
    let (head, mut body) = unhurried(world, over, asking).await.into_parts();
    assert_eq!(head.status, 200);
    let since = world.clock.now();
    let mut parts = Vec::new();
    while let Some(frame) = unhurried(world, over, body.frame()).await {
        parts.push(frame.unwrap().into_data().unwrap().to_vec());
    }
    (parts, world.clock.now().since(since))
}

fn millis(length: SimDuration) -> u64 {
    length.ticks() / 1_000
}

#[test]
fn a_body_waits_behind_its_head() {
    let law = constant("120ms");
    let place = Place::Body;
    over_both_unhurried(&Fault::Delay { place, law }, async |world, over| {
        let (parts, waited) = parts(&world, over, CREATE).await;
        assert_eq!(parts.len(), 1, "{over:?}");
        assert!(millis(waited) >= 120, "{over:?}: {waited}");
        serde_json::from_slice::<serde_json::Value>(&parts[0]).unwrap();
    });
}

#[test]
fn a_body_trickles_and_is_whole() {
    let pause = constant("30ms");
    over_both_unhurried(&Fault::Trickle { pause }, async |world, over| {
        let (parts, waited) = parts(&world, over, CREATE).await;
        assert_eq!(parts.len(), 4, "{over:?}");
        assert!(millis(waited) >= 119, "{over:?}: {waited}");
        serde_json::from_slice::<serde_json::Value>(&parts.concat()).unwrap();
    });
}

#[test]
fn events_trickle_in_pieces_that_end_inside_lines() {
    let pause = constant("3ms");
    over_both_unhurried(&Fault::Trickle { pause }, async |world, over| {
        let (parts, _) = parts(&world, over, STREAMED).await;
        assert_eq!(parts[0], b"event: resp".to_vec(), "{over:?}");
        let inside = parts.iter().filter(|part| !part.ends_with(b"\n\n")).count();
        assert!(inside >= 20, "{over:?}: {inside} of {}", parts.len());
        let whole = parts.concat();
        assert!(whole.ends_with(b"\n\n"), "{over:?}");
        let text = String::from_utf8(whole).unwrap();
        assert_eq!(text.matches("event: response.completed\n").count(), 1, "{over:?}");
    });
}

#[test]
fn a_half_open_connection_says_nothing_and_makes_nothing() {
    over_both(&Fault::HalfOpen, async |world, over| {
        let mut line = world.line().await;
        let mut sent = std::pin::pin!(line.send(keyed("POST", "/v1/responses", "0.1.1.create.1", CREATE)));
        let others = async {
            let mut line = world.line().await;
            line.send(keyed("POST", "/v1/responses", "0.1.1.create.2", CREATE))
                .await
        };
        tokio::select! {
            biased;
            got = &mut sent => panic!("{over:?}: {got:?}"),
            got = others => assert!(matches!(got, Got::Whole { .. }), "{over:?}"),
        }
    });
}

#[test]
fn bodies_that_are_not_the_contracts_and_redirects() {
    let html = (
        "text/html; charset=utf-8",
        "<html><body><h1>502</h1></body></html>",
    );
    for (error, media, body) in [
        (ApiError::page(502), Some(html.0), html.1),
        (ApiError::without_body(503), None, ""),
    ] {
        over_both(&Fault::Reply(error), async |world, _| {
            let got = world
                .line()
                .await
                .send(request("POST", "/v1/responses", CREATE))
                .await;
            let (status, headers, got) = got.whole();
            assert!(status.is_server_error());
            let found = headers.get("content-type").map(|value| value.to_str().unwrap());
            assert_eq!((found, &*got), (media, body.as_bytes()));
        });
    }
    over_both(&Fault::Reply(ApiError::of_status(307)), async |world, _| {
        let got = world
            .line()
            .await
            .send(request("POST", "/v1/responses", CREATE))
            .await;
        let (status, headers, _) = got.whole();
        assert_eq!(
            (status.as_u16(), headers["location"].to_str().unwrap()),
            (307, "/moved")
        );
    });
}

#[test]
fn a_rule_looks_at_a_header() {
    let header = |value: Option<&str>| HeaderMatch {
        name: "x-fault".into(),
        value: value.map(Into::into),
    };
    let rule = |header, status| FaultRule {
        target: Target::Exchange(Create),
        select: Select {
            header: Some(header),
            ..Select::default()
        },
        fault: Fault::Reply(ApiError::of_status(status)),
    };
    for over in [Over::Memory, Over::Tcp] {
        let rules = vec![rule(header(Some("slow")), 408), rule(header(None), 409)];
        let plan = FaultPlan::new(rules.clone().into(), Seed(7));
        let options = MockOptions {
            headers: plan.header_rules(),
            ..MockOptions::default()
        };
        play(over, service(rules), options, async |world| {
            for (value, status) in [
                (None, 200),
                (Some("slow"), 408),
                (Some("other"), 409),
                (None, 200),
            ] {
                let mut asked = request("POST", "/v1/responses", CREATE);
                if let Some(value) = value {
                    asked.headers_mut().insert("x-fault", value.parse().unwrap());
                }
                let (found, _, _) = world.line().await.send(asked).await.whole();
                assert_eq!(found, status, "{value:?} over {over:?}");
            }
        });
    }
}

#[test]
fn a_stranger_is_reset_where_a_connection_was_to_be_refused() {
    over_both(&Fault::Refuse, async |world, over| {
        let got = world
            .line()
            .await
            .send(request("POST", "/v1/responses", CREATE))
            .await;
        assert!(matches!(got, Got::NoReply), "{over:?}: {got:?}");
    });
}
