//! Faults inside a stream have two faces: the typed events that the backend core gives, and the bytes that the mock
//! server writes. A naive account of each fault says what both have to come to.

use std::sync::Arc;

use lanebench::backend::{Output, Profile, Service, Setup};
use lanebench::fault::{Fault, FaultPlan, FaultRule, Place};
use lanebench::mock::MockOptions;
use lanebench::rng::{Law, Seed};
use lanebench::runtime::EventReader;
use lanebench::trace::Notes;
use lanebench::units::ExchangeKind::Create;
use lanebench::units::{Probability, SimDuration};
use lanebench::wire::{Event, SseLimits, StreamEvent};
use proptest::prelude::*;

use crate::backend_bench::{
    Bench, first, foreground_stream, hosted, message, profile, reasoning, script, streamed,
};
use crate::mock_world::{Got, Over, keyed, play};

/// What a reader has to see of `events` under `fault`.
fn told(events: &[StreamEvent], fault: &Fault) -> Vec<StreamEvent> {
    let mut told = events.to_vec();
    match fault {
        Fault::SkipEvent { after } if (*after as usize) < told.len() => {
            told.remove(*after as usize);
        }
        Fault::UnknownEvent { after } => {
            if let Some(event) = told.get_mut(*after as usize) {
                event.event = Event::Unknown {
                    name: "response.unheard_of".into(),
                };
            }
        }
        Fault::ErrorEvent { after, code } => {
            told.truncate(*after as usize + 1);
            if let Some(event) = told.get_mut(*after as usize) {
                event.event = Event::Error {
                    code: code.clone(),
                    message: format!("The stream ended with an error: {code}.").into(),
                };
            }
        }
        Fault::CutStream { after }
        | Fault::CutInsideEvent { after }
        | Fault::CutBetweenLines { after }
        | Fault::ResetStream { after } => told.truncate(*after as usize),
        _ => {}
    }
    told
}

/// The typed face: what the core gives on the create, and how often its stream closes.
fn typed(profile: Profile, rules: &[FaultRule], background: bool) -> (Vec<StreamEvent>, usize) {
    let mut bench = Bench::with(profile, rules);
    let wish = if background {
        streamed()
    } else {
        foreground_stream()
    };
    bench.at("0s").create(&wish).at("1h");
    let closes = bench.outputs().iter();
    let closes = closes
        .filter(|(_, output)| matches!(output, Output::Close { .. }))
        .count();
    (bench.events(Create, 1), closes)
}

/// The byte face: what the reader of the runtime makes of what a bare client got.
fn parsed(profile: Profile, rules: Vec<FaultRule>, background: bool, piece: usize) -> Vec<StreamEvent> {
    let service = Service::new(Setup {
        profile,
        scripts: Arc::from([]),
        plan: FaultPlan::new(rules.into(), Seed(7)),
        seed: Seed(7),
        notes: Notes::off(),
    });
    let body = format!(r#"{{"model":"gpt-5","input":"hello","background":{background},"stream":true}}"#);
    let got = play(
        Over::Memory,
        service,
        MockOptions::default(),
        |world| async move {
            let request = keyed("POST", "/v1/responses", "0.1.1.create.1", &body);
            world.line().await.send(request).await
        },
    );
    let (Got::Cut { body, .. } | Got::Whole { body, .. }) = got else {
        panic!("{got:?}")
    };
    let mut events = Vec::new();
    let mut reader = EventReader::new(SseLimits::default(), None);
    for piece in body.chunks(piece) {
        reader.read(piece, |event| events.push(event)).unwrap();
    }
    events
}

fn faults() -> impl Strategy<Value = Fault> {
    let code = prop_oneof![
        Just("server_error"),
        Just("server_is_overloaded"),
        Just("odd \"code\"")
    ];
    prop_oneof![
        (0..24_u32).prop_map(|after| Fault::SkipEvent { after }),
        (0..24_u32).prop_map(|after| Fault::UnknownEvent { after }),
        (0..24_u32).prop_map(|after| Fault::CutStream { after }),
        (0..24_u32).prop_map(|after| Fault::CutInsideEvent { after }),
        (0..24_u32).prop_map(|after| Fault::CutBetweenLines { after }),
        (0..24_u32).prop_map(|after| Fault::ResetStream { after }),
        (1..900_u64).prop_map(|millis| Fault::Trickle {
            pause: Law::Constant(SimDuration::from_millis(millis))
        }),
        (1..900_u64).prop_map(|millis| Fault::Delay {
            place: Place::Body,
            law: Law::Constant(SimDuration::from_millis(millis))
        }),
        (0..24_u32, code).prop_map(|(after, code)| Fault::ErrorEvent {
            after,
            code: code.into()
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_parser_turns_the_bytes_of_a_stream_fault_into_its_events(
        fault in faults(),
        tokens in 1..6_u32,
        steps in 0..3_usize,
        background in any::<bool>(),
        gaps in any::<bool>(),
        piece in 1..200_usize,
    ) {
        let steps = [&[reasoning("2s"), hosted("1s", "file_search")][..steps], &[message("4s", tokens)]].concat();
        let mut profile = profile(script(&steps));
        profile.streaming.gaps = gaps.then(|| Probability::new(0.3).unwrap());
        let rules = vec![first(Create, fault.clone())];
        let (whole, _) = typed(profile.clone(), &[], background);
        let (struck, closes) = typed(profile.clone(), &rules, background);
        prop_assert_eq!(&struck, &told(&whole, &fault), "typed");
        prop_assert_eq!(closes, 1);
        let whole = parsed(profile.clone(), Vec::new(), background, piece);
        let seen = parsed(profile, rules, background, piece);
        prop_assert_eq!(&seen, &told(&whole, &fault), "bytes");
        // Apart from what derives from the keys of the calls, ids and gaps, both faces are one.
        let names = |events: &[StreamEvent]| events
            .iter()
            .map(|event| ((!gaps).then_some(event.seq), event.event.name().to_owned()))
            .collect::<Vec<_>>();
        prop_assert_eq!(names(&seen), names(&struck));
    }
}
