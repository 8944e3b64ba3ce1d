//! What holds for any calls at any times: the order of arrival inside a tick never shows, a status only moves
//! forward, and every reader sees a run of one and the same log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::backend_bench::{
    Bench, Wish, background, constant, create_of, foreground, foreground_stream, function, hosted, mcp,
    message, profile, reasoning, script, secs, streamed,
};
use lanebench::backend::{Auth, CallKey, Face, Input, Output, Profile, Service, Setup};
use lanebench::fault::{Fault, FaultPlan, FaultRule, Place, Select, Share, Target};
use lanebench::rng::{Law, Seed};
use lanebench::trace::{BackendEvent, Notes, Record, ServiceEvent, WireEvent};
use lanebench::units::{ExchangeKind, JobId, Probability, SimDuration, SimTime};
use lanebench::wire::{ApiError, Ask, Event, Reply, ResponseId, Status, StreamEvent};

/// One thing that a client does.
#[derive(Debug, Clone)]
enum Deed {
    Create(Wish),
    Poll(usize),
    Cancel(usize),
    Delete(usize),
    Stream(usize, Option<u64>),
    Leave(ExchangeKind, u32),
}

fn deeds() -> impl Strategy<Value = Vec<(u64, Deed)>> {
    let wish = (
        0..4_u8,
        0..3_u32,
        0..2_u8,
        1..4_u16,
        proptest::option::of(1..40_u32),
    )
        .prop_map(wish_of);
    let deed = prop_oneof![
        3 => wish.prop_map(Deed::Create),
        3 => (1..6_usize).prop_map(Deed::Poll),
        1 => (1..6_usize).prop_map(Deed::Cancel),
        1 => (1..6_usize).prop_map(Deed::Delete),
        2 => (1..6_usize, proptest::option::of(0..20_u64)).prop_map(|(nth, after)| Deed::Stream(nth, after)),
        1 => (0..5_usize, 1..4_u32).prop_map(|(kind, nth)| Deed::Leave(ExchangeKind::ALL[kind], nth)),
    ];
    proptest::collection::vec((gap(), deed), 1..24)
}

/// Often the same tick, often moments, sometimes ages.
fn gap() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1..20_u64, 1..3_000_000_u64, 1..700_000_000_u64]
}

fn wish_of((shape, job, store, turn, max_output_tokens): (u8, u32, u8, u16, Option<u32>)) -> Wish {
    let wish = match shape {
        0 => background(),
        1 => streamed(),
        2 => foreground(),
        _ => foreground_stream(),
    };
    Wish {
        job,
        turn,
        store: store == 0,
        max_output_tokens,
        ..wish
    }
}

fn faults() -> impl Strategy<Value = Vec<FaultRule>> {
    let of_exchange = prop_oneof![
        Just(Fault::Reply(ApiError::overloaded())),
        Just(Fault::ResetBefore),
        Just(Fault::ResetAfter),
        Just(Fault::LoseReply),
        Just(Fault::CutBeforeId),
        Just(Fault::StallBody),
        Just(Fault::Malformed),
        (0..9_u32).prop_map(|after| Fault::CutStream { after }),
        (0..9_u32).prop_map(|after| Fault::CutInsideEvent { after }),
        (0..9_u32).prop_map(|after| Fault::StallStream { after }),
        (0..9_u32).prop_map(|after| Fault::SkipEvent { after }),
        (0..9_u32).prop_map(|after| Fault::UnknownEvent { after }),
        (0..9_u32).prop_map(|after| Fault::ErrorEvent {
            after,
            code: "server_error".into()
        }),
        (0..9_u64).prop_map(|delay| Fault::Delay {
            place: Place::Handling,
            law: Law::Constant(secs(delay))
        }),
        (0..9_u64).prop_map(|delay| Fault::Delay {
            place: Place::Reply,
            law: Law::Constant(secs(delay))
        }),
    ];
    let of_response = prop_oneof![
        (0..4_u16).prop_map(|at_step| Fault::Fail {
            code: "server_error".into(),
            at_step
        }),
        (0..4_u16).prop_map(|at_step| Fault::CancelledByService { at_step }),
        Just(Fault::Incomplete {
            reason: "content_filter".into()
        }),
        Just(Fault::StuckQueued),
        Just(Fault::StuckInProgress),
        Just(Fault::UnknownStatus {
            word: "paused".into()
        }),
        (0..9_u64).prop_map(|after| Fault::Vanish { after: secs(after) }),
        (0..9_u64).prop_map(|lag| Fault::SlowCancel { lag: secs(lag) }),
    ];
    let of_webhook = prop_oneof![
        Just(Fault::LoseWebhook),
        Just(Fault::StaleWebhook),
        (0..9_u64).prop_map(|gap| Fault::RepeatWebhook { gap: secs(gap) }),
    ];
    let exchanges = (0..5_usize, of_exchange)
        .prop_map(|(kind, fault)| (Target::Exchange(ExchangeKind::ALL[kind]), fault));
    let rule = prop_oneof![
        exchanges,
        of_response.prop_map(|fault| (Target::Response, fault)),
        of_webhook.prop_map(|fault| (Target::Webhook, fault)),
    ];
    proptest::collection::vec(rule.prop_map(shared), 0..4)
}

fn shared((target, fault): (Target, Fault)) -> FaultRule {
    let share = Share {
        probability: Probability::new(0.5).unwrap(),
        window: secs(3),
    };
    let select = Select {
        share: Some(share),
        ..Select::default()
    };
    FaultRule {
        target,
        select,
        fault,
    }
}

/// Everything a script can do, with chance in every length.
fn busy() -> Profile {
    let steps = [
        reasoning("700ms"),
        hosted("1s", "file_search_call"),
        message("2s", 30),
        function("300ms", "a"),
        message("1s", 9),
        mcp("100ms", "send"),
    ];
    let mut profile = profile(script(&steps));
    let (min, max) = (SimDuration::ZERO, secs(1));
    profile.latency = Law::Uniform { min, max };
    profile.tokens_per_delta = 4;
    profile.limiter = super::backend_bench::limiter(4, "200ms");
    profile.webhook = Some(constant("1s"));
    profile.webhook_retries = Arc::from([secs(1), secs(9)]);
    profile
}

/// Plays deeds to the end of everything.
fn play(deeds: &[(u64, Deed)], rules: &[FaultRule]) -> Bench {
    let mut bench = Bench::with(busy(), rules);
    bench.receiver = vec![Some(500), Some(200), None, Some(200)];
    let mut at = SimDuration::ZERO;
    for (gap, deed) in deeds {
        at += SimDuration::from_ticks(*gap);
        bench.at(&at.to_string());
        match deed {
            Deed::Create(wish) => bench.create(wish),
            Deed::Poll(nth) => bench.poll(*nth),
            Deed::Cancel(nth) => bench.cancel(*nth),
            Deed::Delete(nth) => bench.delete(*nth),
            Deed::Stream(nth, after) => bench.stream(*nth, *after),
            Deed::Leave(kind, nth) => bench.leave(*kind, *nth),
        };
    }
    bench.finish();
    // Long behind everything, so that all that is kept expires.
    bench.at("100d").poll(9).finish();
    bench
}

/// The statuses of every response in the order in which it took them.
fn histories(records: &[Record<ServiceEvent>]) -> BTreeMap<ResponseId, Vec<Status>> {
    let mut histories: BTreeMap<ResponseId, Vec<Status>> = BTreeMap::new();
    for record in records {
        if let ServiceEvent::Backend(BackendEvent::Became { response, status, .. }) = &record.event {
            histories
                .entry(response.clone())
                .or_default()
                .push(status.clone());
        }
    }
    histories
}

const fn rank(status: &Status) -> u8 {
    match status {
        Status::Queued => 0,
        Status::InProgress => 1,
        _ => 2,
    }
}

/// Statuses move forward, and what was read once ended is read the same ever after.
fn check_statuses(bench: &Bench) {
    for (id, history) in histories(bench.service.notes().records()) {
        assert!(
            history.windows(2).all(|pair| rank(&pair[0]) < rank(&pair[1])),
            "{id}: {history:?}"
        );
    }
    let mut ended = BTreeMap::new();
    for (_, output) in bench.outputs() {
        if let Output::Reply {
            reply: Reply::Response(response),
            ..
        } = output
            && !response.status.is_open()
        {
            let first = ended
                .entry(response.id.clone())
                .or_insert_with(|| response.clone());
            assert_eq!(first, response, "an ended response changed");
        }
    }
}

/// On every call at most one reply, then events with rising numbers, then at most one close; and all calls tell the
/// same events.
fn check_streams(bench: &Bench) {
    let mut logs: BTreeMap<(ResponseId, u64), Arc<StreamEvent>> = BTreeMap::new();
    let mut open: BTreeMap<CallKey, Option<u64>> = BTreeMap::new();
    let mut over: BTreeSet<CallKey> = BTreeSet::new();
    let mut of_call: BTreeMap<CallKey, ResponseId> = BTreeMap::new();
    for (call, id) in streams(bench) {
        of_call.insert(call, id);
    }
    for (_, output) in bench.outputs() {
        match output {
            Output::Reply { call, reply, face } => {
                assert!(!over.contains(call) && !open.contains_key(call), "a second reply");
                if *reply == Reply::StreamOpen && *face == Face::Whole {
                    open.insert(*call, None);
                } else {
                    over.insert(*call);
                }
            }
            Output::Made { .. } | Output::Dropped { .. } => {}
            Output::Heading { .. } => panic!("nothing beside the usual headers"),
            Output::Event { call, event } => {
                let last = open.get_mut(call).expect("an event on an open stream");
                let gap = last.map_or(0, |last| event.seq - last - 1);
                assert!(gap <= u64::from(skipped(bench, *call)), "a gap");
                *last = Some(event.seq);
                if is_foreign(event) {
                    continue;
                }
                let known = logs
                    .entry((of_call[call].clone(), event.seq))
                    .or_insert_with(|| event.clone());
                assert_eq!(known, event, "two readers were told different things");
            }
            Output::Close { call, .. } => {
                assert!(open.remove(call).is_some(), "a stream closes once");
                over.insert(*call);
            }
            Output::Part { .. } | Output::EventPart { .. } | Output::Webhook(_) => {}
        }
    }
}

/// Whether a rule left an event of this call out.
fn skipped(bench: &Bench, call: CallKey) -> bool {
    let of_it = ServiceEvent::Wire(WireEvent::Spoiled {
        exchange: call.exchange,
        how: "skip_event",
    });
    bench
        .service
        .notes()
        .records()
        .iter()
        .any(|record| record.event == of_it)
}

/// Whether an event is one that a rule puts in the place of another.
fn is_foreign(event: &StreamEvent) -> bool {
    match &event.event {
        Event::Unknown { name } => &**name == "response.unheard_of",
        Event::Error { message, .. } => message.starts_with("The stream ended with an error"),
        _ => false,
    }
}

/// Which response every stream is about.
fn streams(bench: &Bench) -> Vec<(CallKey, ResponseId)> {
    let about = |record: &Record<ServiceEvent>| match &record.event {
        ServiceEvent::Wire(WireEvent::Arrived {
            exchange,
            response: Some(response),
            ..
        }) => Some((*exchange, response.clone())),
        ServiceEvent::Backend(BackendEvent::Created {
            response, exchange, ..
        }) => Some((*exchange, response.clone())),
        _ => None,
    };
    let records = bench.service.notes().records().iter().filter_map(about);
    let key = |exchange| CallKey {
        exchange,
        connection: lanebench::backend::ConnectionNo(0),
    };
    records
        .map(|(exchange, response)| (key(exchange), response))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_calls_at_any_times_keep_the_promises(deeds in deeds(), rules in faults()) {
        let bench = play(&deeds, &rules);
        check_statuses(&bench);
        check_streams(&bench);
        // What is left over hangs by a fault: a silent call, a stuck response, or one that such a call holds.
        let held = bench.service.held();
        prop_assert_eq!(held.webhooks, 0);
        if rules.is_empty() {
            prop_assert_eq!((held.responses, held.calls), (0, 0));
        }
    }

    #[test]
    fn the_order_of_arrival_inside_a_tick_never_shows(
        deeds in deeds(),
        rules in faults(),
        turn in 0..24_usize,
    ) {
        let ticks = inputs_by_tick(&deeds);
        let forward = replay(&ticks, &rules, |_| {});
        let backward = replay(&ticks, &rules, |batch| batch.reverse());
        let turned = replay(&ticks, &rules, |batch| {
            let by = turn % batch.len().max(1);
            batch.rotate_left(by);
        });
        prop_assert_eq!(&forward, &backward);
        prop_assert_eq!(&forward, &turned);
    }

    #[test]
    fn a_clone_goes_on_like_its_original(deeds in deeds(), rules in faults(), cut in 0..24_usize) {
        let ticks = inputs_by_tick(&deeds);
        let whole = replay(&ticks, &rules, |_| {});
        let mut service = service(&rules);
        let mut out = Vec::new();
        for (place, (at, batch)) in ticks.iter().enumerate() {
            if place == cut {
                service = service.clone();
            }
            step_to(&mut service, *at, batch.clone(), &mut out);
        }
        drain(&mut service, &mut out);
        prop_assert_eq!(whole.0, out);
    }

    #[test]
    fn steps_that_come_late_keep_the_promises(deeds in deeds(), rules in faults(), late in 1..5_000_000_u64) {
        let mut service = service(&rules);
        let mut out = Vec::new();
        let mut now = SimTime::START;
        for (at, batch) in inputs_by_tick(&deeds) {
            now = now.max(at) + SimDuration::from_ticks(late);
            let mut batch = batch;
            service.step(now, &mut batch, &mut out);
        }
        for _ in 0..20_000 {
            let Some(due) = service.next_deadline() else { break };
            now = now.max(due) + SimDuration::from_ticks(late);
            service.step(now, &mut Vec::new(), &mut out);
        }
        prop_assert_eq!(service.next_deadline(), None);
        for (id, history) in histories(service.notes().records()) {
            prop_assert!(history.windows(2).all(|pair| rank(&pair[0]) < rank(&pair[1])), "{}: {:?}", id, history);
        }
    }
}

type Ticks = Vec<(SimTime, Vec<Input>)>;

/// The inputs of the deeds as a bench would give them, with several in one tick.
fn inputs_by_tick(deeds: &[(u64, Deed)]) -> Ticks {
    let mut keys = Bench::with(busy(), &[]);
    let mut created: Vec<ResponseId> = Vec::new();
    let mut ticks: Ticks = Vec::new();
    let mut at = SimTime::START;
    for (gap, deed) in deeds {
        // Half of the deeds share their tick with the one before.
        at += SimDuration::from_ticks(if gap % 2 == 0 { 0 } else { *gap });
        let input = input_of(&mut keys, &mut created, deed);
        match ticks.last_mut().filter(|(last, _)| *last == at) {
            Some((_, batch)) => batch.push(input),
            None => ticks.push((at, vec![input])),
        }
    }
    ticks
}

fn input_of(keys: &mut Bench, created: &mut Vec<ResponseId>, deed: &Deed) -> Input {
    let known = |nth: &usize| {
        created
            .get(nth - 1)
            .cloned()
            .unwrap_or_else(|| ResponseId("resp_x".into()))
    };
    let (kind, ask) = match deed {
        Deed::Create(wish) => {
            let call = keys.key(wish.job, ExchangeKind::Create, wish.turn);
            created.push(id_made_by(call));
            let ask = Ask::Create(Arc::new(create_of(wish, call)));
            return request(call, ask);
        }
        Deed::Leave(kind, nth) => {
            let mut call = keys.clone().key(0, *kind, 1);
            call.exchange = call.exchange.beside(*kind, *nth);
            return Input::Gone { call };
        }
        Deed::Poll(nth) => (ExchangeKind::Poll, Ask::Poll(known(nth))),
        Deed::Cancel(nth) => (ExchangeKind::Cancel, Ask::Cancel(known(nth))),
        Deed::Delete(nth) => (ExchangeKind::Delete, Ask::Delete(known(nth))),
        Deed::Stream(nth, after) => {
            let (id, after) = (known(nth), *after);
            (ExchangeKind::Stream, Ask::Stream { id, after })
        }
    };
    request(keys.key(0, kind, 1), ask)
}

fn request(call: CallKey, ask: Ask) -> Input {
    let (auth, ask) = (Auth::Granted, Ok(ask));
    Input::Request { call, auth, ask }
}

/// The id of the response that a call makes in a service of its own: the same as in any other.
fn id_made_by(call: CallKey) -> ResponseId {
    let mut alone = service(&[]);
    let ask = Ask::Create(Arc::new(create_of(&background(), call)));
    alone.step(SimTime::START, &mut vec![request(call, ask)], &mut Vec::new());
    let created = |record: &Record<ServiceEvent>| match &record.event {
        ServiceEvent::Backend(BackendEvent::Created { response, .. }) => Some(response.clone()),
        _ => None,
    };
    alone.notes().records().iter().find_map(created).unwrap()
}

fn service(rules: &[FaultRule]) -> Service {
    Service::new(Setup {
        profile: busy(),
        scripts: Arc::from([]),
        plan: FaultPlan::new(rules.into(), Seed(3)),
        seed: Seed(3),
        notes: Notes::kept(),
    })
}

fn step_to(service: &mut Service, at: SimTime, mut batch: Vec<Input>, out: &mut Vec<Output>) {
    while let Some(due) = service.next_deadline().filter(|due| *due < at) {
        service.step(due, &mut Vec::new(), out);
    }
    service.step(at, &mut batch, out);
}

fn drain(service: &mut Service, out: &mut Vec<Output>) {
    while let Some(due) = service.next_deadline() {
        service.step(due, &mut Vec::new(), out);
    }
}

fn replay(
    ticks: &Ticks,
    rules: &[FaultRule],
    arrange: impl Fn(&mut Vec<Input>),
) -> (Vec<Output>, Vec<Record<ServiceEvent>>) {
    let mut service = service(rules);
    let mut out = Vec::new();
    for (at, batch) in ticks {
        let mut batch = batch.clone();
        arrange(&mut batch);
        step_to(&mut service, *at, batch, &mut out);
    }
    drain(&mut service, &mut out);
    (out, service.take_notes())
}

#[test]
fn ids_and_contents_derive_from_keys_and_not_from_what_others_do() {
    let completed = |others: u32| {
        let mut bench = Bench::with(busy(), &[]);
        for job in 1..=others {
            bench.create(&Wish { job, ..streamed() });
        }
        bench.at("2s").create(&streamed()).at("60s");
        let is_ours = |event: &StreamEvent| {
            let response = event.event.response().filter(|_| event.event.is_last());
            response
                .and_then(|response| response.origin)
                .is_some_and(|origin| origin.job == JobId(0))
        };
        bench
            .events(ExchangeKind::Create, 1)
            .into_iter()
            .find(is_ours)
            .unwrap()
    };
    assert_eq!(completed(0), completed(3));
}
