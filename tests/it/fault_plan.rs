//! Which rule strikes: ranges, shares, and the first that matches.

use lanebench::fault::{Fault, FaultPlan, FaultRule, Probe, Select, Share, Target};
use lanebench::rng::Seed;
use lanebench::units::{AttemptNo, Exchange, ExchangeKind, JobId, Probability, SimDuration, SimTime, TurnNo};

fn exchange(job: u32, attempt: u16, turn: u16, nth: u32) -> Exchange {
    Exchange::new(
        JobId(job),
        AttemptNo(attempt),
        TurnNo(turn),
        ExchangeKind::Poll,
        nth,
    )
}

fn secs(at: u64) -> SimTime {
    SimTime::START + SimDuration::from_secs(at)
}

fn rule(select: Select) -> FaultRule {
    let target = Target::Exchange(ExchangeKind::Poll);
    let fault = Fault::ResetAfter;
    FaultRule {
        target,
        select,
        fault,
    }
}

fn plan(selects: &[Select]) -> FaultPlan {
    let rules: Vec<FaultRule> = selects.iter().cloned().map(rule).collect();
    FaultPlan::new(rules.into(), Seed(11))
}

fn strikes(select: &Select, exchange: Exchange, at: u64) -> bool {
    plan(std::slice::from_ref(select))
        .exchange(exchange, secs(at))
        .is_some()
}

#[test]
fn ranges_are_inclusive_and_what_is_absent_does_not_restrict() {
    let here = exchange(2, 3, 4, 5);
    let attempts = |low, high| Select {
        attempts: Some((AttemptNo(low), AttemptNo(high))),
        ..Select::default()
    };
    let turns = |low, high| Select {
        turns: Some((TurnNo(low), TurnNo(high))),
        ..Select::default()
    };
    let nth = |low, high| Select {
        nth: Some((low, high)),
        ..Select::default()
    };
    let within = |from, to| Select {
        within: Some((secs(from), secs(to))),
        ..Select::default()
    };
    let jobs = |jobs: &[u32]| Select {
        jobs: Some(jobs.iter().copied().map(JobId).collect()),
        ..Select::default()
    };
    for hit in [
        Select::default(),
        attempts(3, 3),
        attempts(1, 3),
        turns(4, 9),
        nth(5, 5),
        within(7, 7),
        jobs(&[1, 2]),
    ] {
        assert!(strikes(&hit, here, 7), "{hit:?}");
    }
    for miss in [
        attempts(4, 9),
        attempts(1, 2),
        turns(5, 9),
        nth(1, 4),
        nth(6, 9),
        within(8, 9),
        within(1, 6),
        jobs(&[]),
        jobs(&[1, 3]),
    ] {
        assert!(!strikes(&miss, here, 7), "{miss:?}");
    }
}

#[test]
fn a_rule_is_about_its_own_target_alone() {
    let select = Select::default();
    let create = exchange(0, 1, 1, 1).beside(ExchangeKind::Create, 1);
    assert!(!strikes(&select, create, 0));
    let probe = probe_of("mail");
    let plan = |target| {
        let fault = Fault::Hang;
        let rule = FaultRule {
            target,
            select: Select::default(),
            fault,
        };
        FaultPlan::new([rule].into(), Seed(0))
    };
    let hits = |rule, asked| plan(rule).strikes(&asked, probe).count();
    assert_eq!(hits(Target::Sink(None), Target::Sink(None)), 1);
    assert_eq!(hits(Target::Sink(Some("mail".into())), Target::Sink(None)), 1);
    assert_eq!(hits(Target::Sink(Some("shop".into())), Target::Sink(None)), 0);
    assert_eq!(hits(Target::Tool(None), Target::Sink(None)), 0);
    assert_eq!(hits(Target::Step(1), Target::Step(1)), 1);
    assert_eq!(hits(Target::Step(1), Target::Step(2)), 0);
    assert_eq!(hits(Target::Webhook, Target::Response), 0);
}

const fn probe_of(name: &str) -> Probe<'_> {
    Probe {
        job: JobId(0),
        attempt: AttemptNo(1),
        turn: TurnNo(1),
        nth: 1,
        name,
        at: SimTime::START,
        marks: &[],
    }
}

#[test]
fn of_an_exchange_the_first_match_counts_and_of_the_rest_all_do() {
    let late = Select {
        nth: Some((2, 9)),
        ..Select::default()
    };
    let plan = plan(&[late, Select::default(), Select::default()]);
    let rule = |nth| plan.exchange(exchange(0, 1, 1, nth), secs(0)).unwrap().rule;
    assert_eq!((rule(1), rule(2)), (1, 0));
    let target = Target::Exchange(ExchangeKind::Poll);
    let all: Vec<u32> = plan
        .strikes(&target, probe_of(""))
        .map(|struck| struck.rule)
        .collect();
    assert_eq!(all, [1, 2]);
}

fn shared(probability: f64, window: u64) -> Select {
    Select {
        share: Some(Share {
            probability: Probability::new(probability).unwrap(),
            window: SimDuration::from_secs(window),
        }),
        ..Select::default()
    }
}

#[test]
fn a_share_is_drawn_once_per_job_and_window_whatever_the_number_of_the_exchange() {
    let select = shared(0.5, 10);
    let mut changes = 0;
    for job in 0..200 {
        let verdicts: Vec<bool> = (0..40)
            .map(|at| strikes(&select, exchange(job, 1, 1, at as u32 + 1), at))
            .collect();
        for window in verdicts.chunks(10) {
            assert!(
                window.iter().all(|verdict| *verdict == window[0]),
                "one verdict a window"
            );
        }
        changes += usize::from(verdicts[0] != verdicts[10]);
    }
    assert!((70..130).contains(&changes), "windows are drawn apart: {changes}");
}

#[test]
fn a_share_strikes_as_often_as_it_says_and_rules_are_drawn_apart() {
    let hits = |select: &Select| {
        (0..10_000)
            .filter(|job| strikes(select, exchange(*job, 1, 1, 1), 0))
            .count()
    };
    assert_eq!((hits(&shared(0.0, 10)), hits(&shared(1.0, 10))), (0, 10_000));
    let few = hits(&shared(0.1, 10));
    assert!((900..1100).contains(&few), "{few}");
    let pair = plan(&[shared(0.5, 10), shared(0.5, 10)]);
    let second = |job| {
        pair.exchange(exchange(job, 1, 1, 1), secs(0))
            .is_some_and(|struck| struck.rule == 1)
    };
    let second = (0..10_000).filter(|job| second(*job)).count();
    assert!(
        (2300..2700).contains(&second),
        "a quarter reaches the second rule: {second}"
    );
}
