//! Strategies and runtimes that cheat: none rises above its honest parent on a metric that decides.
//!
//! Each cheat does what would make a careless measurement look better: it drops what is hard, calls work by another name,
//! holds failures back, or claims what is not so. The world is calm, so that dropping work relieves nobody: what would
//! rise could only rise by how things are counted.

use std::sync::Arc;

use lanebench::job::{self, HandOver, Told, Viewers};
use lanebench::people::FromCore;
use lanebench::policy::Attribute;
use lanebench::sim::compare::{Comparison, Findings, GateVerdict, Named, Outcome, Standing};
use lanebench::sim::metric::Metric;
use lanebench::sim::stats::{Direction, Moments};
use lanebench::sim::strategy::{Choice, Sight, Strategy};
use lanebench::sim::{Honest, Seams};
use lanebench::trace::{Audience, Execution};
use lanebench::units::{SimDuration, SimTime};
use lanebench::wire::{Reply, Status};

use super::{changed, read};

/// What a report may decide by, whatever is held: whole populations, nobody left out; and what is lost between lanes.
fn headlines() -> impl Iterator<Item = Metric> {
    let all = Metric::ALL.iter().copied();
    all.filter(|metric| metric.counts_everything() || *metric == Metric::HandOffLoss)
}

const WORLD: &str = "
comparison: a calm day with some failures
metric: goodput
policy: scenarios/policies/three-lane.yaml
kinds: scenarios/kinds.yaml
workload:
  arrivals: { poisson: { every: 8s } }
  length: 14m
  warm_up: 2m
  mix:
    - { kind: short_answer, share: 40%, targets: { first_output: 10s, result: 20s } }
    - { kind: conversation, share: 15%, targets: { first_output: 25s, result: 25s } }
    - { kind: report_generation, share: 30%, targets: { result: 10m }, retry: { attempts: 2 } }
    - { kind: customer_email, share: 15%, targets: { acknowledged: 1s, result: 1h } }
  tenants: { acme: 80%, small: 20% }
lanes:
  interactive: { capacity: 1000 }
  background: { capacity: 1000 }
  approval: { capacity: 1000 }
faults:
  - { response: any, fail: server_error, probability: 20%, window: 5s }
people:
  - user: { leaves_after: { lognormal: { p50: 3m, p99: 30m } } }
  - staff: { name: desk, people: 20, takes: { lognormal: { p50: 2m, p99: 20m } } }
prices: { default: { input: 1.25, output: 10 } }
strategies: { honest: policy, other: all_background, quick: { hand_over: { after: 1s } }, guess: { predicted_duration: { over: 1m, error: 0 } } }
";

fn world(changes: &[(&str, &str)]) -> Comparison {
    changed("calm.yaml", WORLD, changes)
}

const SEEDS: u32 = 4;

/// How a strategy fares over some replications, with somebody in the traffic.
fn fares<S: Seams>(comparison: &Comparison, named: &Named, seams: impl Fn() -> S) -> Vec<Outcome> {
    let outcomes = (0..SEEDS).map(|place| {
        let stage = comparison.stage(comparison.seed(place));
        comparison.play_behind(&stage, named, seams())
    });
    outcomes.collect()
}

/// The mean of what the first has ahead of the second, and its standard error; more is better.
fn lead(cheats: &[Outcome], parents: &[Outcome], metric: Metric) -> (f64, f64) {
    let better = match metric.direction() {
        Some(Direction::Up) => 1.0,
        _ => -1.0,
    };
    let value = |outcome: &Outcome| outcome.measures.value(metric).unwrap_or(0.0);
    let leads: Vec<f64> = cheats
        .iter()
        .zip(parents)
        .map(|(cheat, parent)| better * (value(cheat) - value(parent)))
        .collect();
    let moments = Moments::of(&leads);
    (moments.mean().unwrap(), moments.error().unwrap())
}

/// That a cheat is ahead of its parent in nothing that decides, and behind in something.
#[track_caller]
fn gains_nothing(what: &str, cheats: &[Outcome], parents: &[Outcome]) {
    let mut loses = false;
    for metric in headlines() {
        let (lead, error) = lead(cheats, parents, metric);
        assert!(
            lead <= 1e-9 + 2.0 * error && (lead <= 1e-9 || error > 0.0),
            "{what} rises by {lead} in {}",
            metric.word()
        );
        loses |= lead < -1e-9;
    }
    assert!(loses, "{what} does nothing at all");
}

/// A strategy that cheats.
#[derive(Debug, Clone, Copy)]
enum Cheat {
    /// Refuses everything that takes several steps.
    DropsLongWork,
    /// Refuses every task in three.
    DropsAThird,
    /// Refuses what somebody has to approve, for approvals take their time.
    DropsConsequences,
    /// Refuses what users wait for, so that nobody ever waits.
    DropsChats,
    /// Refuses the tenant that few would miss.
    DropsTheSmallTenant,
    /// Takes one task at a time, so that whoever is taken is served at once.
    TakesOneAtATime,
    /// Calls chats background work, so that the interactive lane has no slow ones.
    CallsChatsBackground,
    /// Calls long work interactive, so that the background lane has none that is late.
    CallsLongWorkInteractive,
    /// Puts everything before approvers, so that waiting is somebody else's.
    HidesBehindApprovers,
}

impl Strategy for Cheat {
    fn choose(&self, sight: &Sight<'_>) -> Choice {
        let refuse = || Choice::Refuse("come back later".into());
        let holds = |attribute| sight.attributes.truth(attribute).is_true();
        let long = holds(Attribute::MultiStepOrSlow);
        let consequences = holds(Attribute::CustomerComm);
        let execute = |execution| Choice::Execute {
            execution,
            hand_over: HandOver::Forbidden,
            rule: "cheat",
        };
        match self {
            Self::DropsLongWork if long => refuse(),
            Self::DropsAThird if sight.chance < 1.0 / 3.0 => refuse(),
            Self::DropsConsequences if consequences => refuse(),
            Self::DropsTheSmallTenant if sight.tenant == Some("small") => refuse(),
            Self::DropsChats if !long => refuse(),
            Self::TakesOneAtATime if sight.lanes.iter().any(|lane| lane.active > 0) => refuse(),
            Self::CallsChatsBackground if !long => execute(Execution::Background),
            Self::CallsLongWorkInteractive if long => execute(Execution::Interactive),
            Self::HidesBehindApprovers => Choice::Gate {
                execution: match long {
                    true => Execution::Background,
                    false => Execution::Interactive,
                },
                rule: "cheat",
            },
            _ => Choice::ByPolicy,
        }
    }
}

#[test]
fn strategies_that_cheat_gain_nothing() {
    // Without failures, from which work in the background recovers better than a chat can.
    let comparison = world(&[
        (
            "  - { response: any, fail: server_error, probability: 20%, window: 5s }\n",
            "",
        ),
        ("faults:\n", ""),
    ]);
    let honest = &comparison.strategies[0];
    let parents = fares(&comparison, honest, Honest::default);
    for cheat in [
        Cheat::DropsLongWork,
        Cheat::DropsAThird,
        Cheat::DropsConsequences,
        Cheat::DropsChats,
        Cheat::DropsTheSmallTenant,
        Cheat::TakesOneAtATime,
        Cheat::CallsChatsBackground,
        Cheat::CallsLongWorkInteractive,
    ] {
        let named = Named {
            strategy: Arc::new(cheat),
            ..honest.clone()
        };
        gains_nothing(
            &format!("{cheat:?}"),
            &fares(&comparison, &named, Honest::default),
            &parents,
        );
    }
}

#[test]
fn hiding_behind_approvers_is_seen_as_over_gating() {
    let comparison = world(&[]);
    let honest = &comparison.strategies[0];
    let named = Named {
        strategy: Arc::new(Cheat::HidesBehindApprovers),
        ..honest.clone()
    };
    let parents = fares(&comparison, honest, Honest::default);
    let cheats = fares(&comparison, &named, Honest::default);
    for (cheat, parent) in cheats.iter().zip(&parents) {
        let value = |outcome: &Outcome, metric| outcome.measures.value(metric).unwrap();
        assert_eq!(value(parent, Metric::OverGating), 0.0);
        assert_eq!(value(cheat, Metric::OverGating), 1.0);
        // Whose home a lane is does not depend on what the cheat calls it.
        assert!(cheat.measures.value(Metric::AttainmentInteractive).is_some());
        assert!(value(cheat, Metric::Goodput) <= value(parent, Metric::Goodput));
    }
}

/// A runtime that cheats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// Never hears of a failure, so that nothing ever failed.
    HidesFailures,
    /// Calls every failed response complete.
    CallsFailuresComplete,
    /// Cancels what has run for a minute, so that it neither fails nor times out.
    CancelsWhatIsSlow,
    /// Says that the user is gone as soon as the task is there, so that nobody waits.
    SaysThatUsersLeft,
    /// Shows nothing before the end, and so no failure either.
    ShowsNothing,
    /// Asks for everything twice, so that half of it is done twice as soon.
    AsksTwice,
}

impl Seams for Lie {
    fn told(&mut self, _: SimTime, batch: &mut Vec<job::Input>) {
        let failed = |input: &job::Input| match &input.told {
            Told::Reply {
                reply: Reply::Response(response),
                ..
            } => response.status == Status::Failed,
            _ => false,
        };
        match self {
            Self::HidesFailures => batch.retain(|input| !failed(input)),
            Self::CallsFailuresComplete => {
                for input in batch.iter_mut() {
                    if let Told::Reply {
                        reply: Reply::Response(response),
                        ..
                    } = &mut input.told
                        && response.status == Status::Failed
                    {
                        let response = Arc::make_mut(response);
                        response.status = Status::Completed;
                        response.error = None;
                    }
                }
            }
            Self::SaysThatUsersLeft => {
                let left = batch.iter().filter(|input| matches!(input.told, Told::Submitted));
                let left: Vec<job::Input> = left
                    .map(|input| job::Input {
                        job: input.job,
                        told: Told::SessionEnded,
                    })
                    .collect();
                batch.extend(left);
            }
            Self::AsksTwice => {
                let again: Vec<job::Input> = batch
                    .iter()
                    .filter(|input| matches!(input.told, Told::Submitted))
                    .cloned()
                    .collect();
                batch.extend(again);
            }
            Self::CancelsWhatIsSlow => {
                let polled = batch.iter().filter(|input| match &input.told {
                    Told::Reply {
                        exchange,
                        reply: Reply::Response(response),
                    } => exchange.nth() > 8 && response.status.is_open(),
                    _ => false,
                });
                let cancels: Vec<job::Input> = polled
                    .map(|input| job::Input {
                        job: input.job,
                        told: Told::CancelAsked {
                            by: lanebench::trace::Principal("user".into()),
                        },
                    })
                    .collect();
                batch.extend(cancels);
            }
            Self::ShowsNothing => {}
        }
    }

    fn shown(&mut self, _: SimTime, batch: &mut Vec<FromCore>) {
        if *self == Self::ShowsNothing {
            batch.retain_mut(|message| match &mut message.message {
                job::ToOutside::Show { to, view } if !view.state.is_terminal() => {
                    let operators_too = to.include(Audience::Operator);
                    *to = Viewers::Operator;
                    operators_too
                }
                _ => true,
            });
        }
    }
}

#[test]
fn runtimes_that_lie_gain_nothing() {
    let comparison = world(&[]);
    let honest = &comparison.strategies[0];
    let parents = fares(&comparison, honest, Honest::default);
    for lie in [
        Lie::HidesFailures,
        Lie::CallsFailuresComplete,
        Lie::CancelsWhatIsSlow,
    ] {
        gains_nothing(&format!("{lie:?}"), &fares(&comparison, honest, || lie), &parents);
    }
    // These change nothing that is measured: what counts is what the world saw.
    for lie in [Lie::SaysThatUsersLeft, Lie::ShowsNothing, Lie::AsksTwice] {
        let cheats = fares(&comparison, honest, || lie);
        for metric in headlines() {
            let (lead, _) = lead(&cheats, &parents, metric);
            assert!(lead <= 1e-9, "{lie:?} rises by {lead} in {}", metric.word());
        }
    }
}

#[test]
fn a_product_that_shifts_its_limits_gains_nothing() {
    let comparison = world(&[]);
    let honest = &comparison.strategies[0];
    let parents = fares(&comparison, honest, Honest::default);
    let waiting = |wait| Named {
        wait: Some(SimDuration::from_secs(wait)),
        ..honest.clone()
    };
    // Gives up after two seconds, so that nobody is kept waiting: a limit that fires early is no success.
    gains_nothing(
        "a short wait",
        &fares(&comparison, &waiting(2), Honest::default),
        &parents,
    );
    // Delays every output, so that the gaps between its pieces look even: what counts begins at the submission.
    // Nothing fails here, for what fails depends on when it is asked for.
    let failure = "  - { response: any, fail: server_error, probability: 20%, window: 5s }\n";
    let late = "  - { exchange: create, delay: 15s, may_stay_unused: it strikes in most runs }\n";
    let (calm, slow) = (
        world(&[("faults:\n", ""), (failure, "")]),
        world(&[(failure, late)]),
    );
    let cheats = fares(&slow, &slow.strategies[0], Honest::default);
    gains_nothing(
        "delayed tokens",
        &cheats,
        &fares(&calm, &calm.strategies[0], Honest::default),
    );
    // Tries nothing again, so that its attempts all succeed or are never heard of.
    let once = world(&[("retry: { attempts: 2 }", "retry: { attempts: 1 }")]);
    let cheats = fares(&once, &once.strategies[0], Honest::default);
    gains_nothing("no second try", &cheats, &parents);
}

#[test]
fn dropped_work_costs_what_was_done_of_it() {
    let comparison = world(&[]);
    let honest = &comparison.strategies[0];
    let cancelled = fares(&comparison, honest, || Lie::CancelsWhatIsSlow);
    for outcome in &cancelled {
        let value = |metric| outcome.measures.value(metric).unwrap();
        // What was cancelled never said what it cost; the service's bill does.
        assert!(
            value(Metric::TokensWasted) > 0.01,
            "{}",
            value(Metric::TokensWasted)
        );
        assert!(value(Metric::CostPerGood) > value(Metric::Cost));
    }
}

#[test]
fn whoever_serves_one_tenant_only_is_unfair() {
    let comparison = world(&[]);
    let honest = &comparison.strategies[0];
    let named = Named {
        strategy: Arc::new(Cheat::DropsTheSmallTenant),
        ..honest.clone()
    };
    let parents = fares(&comparison, honest, Honest::default);
    let cheats = fares(&comparison, &named, Honest::default);
    for (cheat, parent) in cheats.iter().zip(&parents) {
        let value = |outcome: &Outcome, metric| outcome.measures.value(metric).unwrap();
        assert_eq!(value(cheat, Metric::TenantLeast), 0.0);
        assert_eq!(value(cheat, Metric::TenantLeastServed), 0.0);
        assert!((value(cheat, Metric::TenantFairness) - 0.5).abs() < 1e-12);
        assert!(value(parent, Metric::TenantFairness) > 0.9);
        assert!(value(parent, Metric::TenantLeast) > 0.5);
    }
    // Every strategy meets the same tenants, as often as declared.
    let stage = comparison.stage(comparison.seed(0));
    let small = stage.tenants().iter().filter(|tenant| **tenant == 1).count();
    let share = small as f64 / stage.tenants().len() as f64;
    assert!((share - 0.2).abs() < 0.1, "{share}");
}

/// Metrics that whoever does less looks better in decide nothing unless what is done is held.
#[test]
fn doing_less_is_cheaper_and_decides_nothing() {
    let held = "gates: [{ metric: goodput, no_worse_than: honest, by: 1% }]\n";
    let less = "strategies: { honest: policy, less: { shed: { waiting: 0 } } }\n";
    let usual = WORLD.lines().last().unwrap();
    let changes = |gates: &str| {
        let mut text = WORLD.replace("metric: goodput\n", "metric: cost\n");
        text = text.replace(
            usual,
            &format!("{less}replications: {{ min: 3, max: 3 }}\n{gates}"),
        );
        // Somebody always waits, so that everything is refused.
        text.replace("interactive: { capacity: 1000 }", "interactive: { capacity: 1 }")
    };
    let (refused, said) = read("less.yaml", &changes(""));
    assert!(
        refused.is_none() && said.contains("`cost` cannot decide while nothing holds what is done"),
        "{said}"
    );
    let (comparison, said) = read("less.yaml", &changes(held));
    let comparison = comparison.unwrap_or_else(|| panic!("{said}"));
    let study = super::played(&comparison);
    let findings = Findings::of(&comparison, &study);
    let cost = |place| super::series_mean(&study, place, Metric::Cost);
    assert!(cost(1) < 0.8 * cost(0), "{} {}", cost(1), cost(0));
    assert_eq!(findings.gates[0].verdict, GateVerdict::Failed);
    assert_eq!(findings.standing(), Standing::Failed);
}
