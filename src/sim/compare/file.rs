//! Comparison files: from their text to everything that is played.
//!
//! | key | value | default |
//! |---|---|---|
//! | `comparison` | what is compared, in one line | required |
//! | `hypothesis` | what is expected to come out | |
//! | `metric` | the metric that decides | required |
//! | `indifference` | differences of it below this do not matter | |
//! | `alpha` | how likely a false alarm may be | `5%` |
//! | `policy`, `kinds`, `include`, `sinks`, `tools`, `lanes`, `backend`, `people`, `faults`, `ends` | the world, as in a scenario | |
//! | `workload` | the tasks, below | required |
//! | `strategies` | what is compared, by name: see [`strategies`](super::strategies) | required |
//! | `reference` | what the others are compared with | the first strategy |
//! | `metrics` | what else is reported | |
//! | `worst` | what a wait without end counts as | `1h` |
//! | `spinner` | a user's view that does not change for longer is a long silence | `10s` |
//! | `prices` | by tier `{ input, output }`: what a million tokens cost; every tier that the strategy `tiers` names has one | none |
//! | `replications` | `{ min, max, half_width, round }` | `{ min: 10, max: 40, half_width: 5%, round: 5 }` |
//! | `regret` | `{ decisions }`: at so many decisions of each run the world is forked, with what a learner knows, see [`regret`](super::regret) | |
//! | `sweep` | plays it at several values of one thing: see [`sweep`](super::sweep) | |
//! | `gates` | what has to hold: a list of `{ strategy, metric }` with `at_least`, `at_most`, or `no_worse_than` and `by`; without `strategy` of every one, or of every other one | none |
//!
//! A metric that whoever does less looks better in (`lanebench compare --metrics` says which) decides only where gates hold
//! what is done: `goodput`, `goodput_rate` or `in_time` of every other strategy `no_worse_than` that of the reference.
//!
//! | key of `workload` | value | default |
//! |---|---|---|
//! | `arrivals` | `{ poisson: { every } }`, `{ renewal: { every, cv2 } }`, `{ bursts: [{ every, lasts }] }` or `{ daily: { every, hours } }` | one of the three is required |
//! | `trace`, `clients` | requests of a published trace, or of clients that draw: see [`feed`](super::feed) | |
//! | `length` | for how long tasks arrive | required |
//! | `warm_up` | tasks submitted before do not count: a length, or `mser-5` to have pilots find it, see [`pilot`](super::pilot) | `0s`: every task counts |
//! | `mix` | the sorts of tasks: see [`Setting`] | required |
//! | `tenants` | by name, how many of all tasks are theirs: a map of shares | nobody is told from another |

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::feed::{Files, Spring, spring};
use super::pilot::WarmUp;
use super::plan::{Comparison, Gate, GateBound, Named, Repeats};
use super::strategies::{Draft, Drafts, check_prices, drafts};
use crate::job::{Plan, ToolAct};
use crate::policy::{Attribute, Policy, condition_of};
use crate::scenario::decode::{
    MapReader, decimal, duration, integer, keyed, list, map, mismatch, non_empty, probability, spanned,
    string, variant, word, words,
};
use crate::scenario::{
    Diagnostic, Diagnostics, Node, NodeKind, Portion, Resolver, Scenario, Setting, Sources, Span, Spanned,
    quoted, suggest,
};
use crate::sim::metric::{Metric, Price, Prices, SortFacts, Targets, Unit};
use crate::sim::strategy::{RiskTiers, SortRoutes};
use crate::sim::workload::{Arrivals, ArrivalsError, Phase};
use crate::units::{Probability, SimDuration, SimTime};

/// The usual level of false alarms.
const ALPHA: f64 = 0.05;
/// An hour: longer than anybody waits for an answer, so that giving up is never better than being late.
const WORST: SimDuration = SimDuration::from_secs(3_600);
/// What people take for a screen that has died.
const SPINNER: SimDuration = SimDuration::from_secs(10);
/// Enough for an interval at all, and for a night at most.
const REPEATS: Repeats = Repeats {
    least: 10,
    most: 40,
    half_width: 0.05,
    round: 5,
};

impl Comparison {
    /// Reads the comparison `root`, the whole file called `name`, with so many times the load, and every file it names.
    ///
    /// What is broken goes to `out`; then there is no comparison.
    pub(super) fn decode(
        (name, root, load): (&str, &Node, f64),
        resolver: &mut dyn Resolver,
        sources: &mut Sources,
        out: &mut Diagnostics,
    ) -> Option<Self> {
        let before = out.errors();
        let mut keys = map(root, out)?;
        // What is varied is seen to where the points are made.
        keys.node("sweep");
        let setting = Setting::of("comparison", &mut keys);
        let registered = registered(&mut keys);
        let workload = keys.required("workload", workload).unwrap_or_default();
        let drafts = keys.required("strategies", drafts);
        let reference = keys.optional("reference", spanned(word));
        let metrics = keys.or("metrics", Vec::new(), list(metric));
        let worst = keys.or("worst", WORST, positive);
        let spinner = keys.or("spinner", SPINNER, positive);
        let prices = keys.or("prices", Vec::new(), keyed(price));
        let repeats = keys.or("replications", REPEATS, repeats);
        let regret_of = keys.optional("regret", |node, out| {
            let mut keys = map(node, out)?;
            let decisions = keys.required("decisions", integer(1..=10_000));
            keys.finish();
            decisions
        });
        let gates = keys.node("gates");
        keys.finish();
        let mut files = Files {
            from: name,
            resolver: &mut *resolver,
            digests: Vec::new(),
        };
        let source = workload
            .spring
            .and_then(|spring| spring.open(load, &mut files, sources, out));
        let requests = files.digests;
        let mut reading = Reading {
            setting,
            root,
            name,
            resolver,
        };
        let world = workload
            .mix
            .and_then(|mix| reading.world(None, mix, sources, out));
        let drafts = drafts?;
        if let Some(prices) = &prices {
            let priced: Vec<&str> = prices.iter().map(|(tier, _)| &**tier).collect();
            check_prices(&drafts, &priced, out);
        }
        let reference = reference_of(&drafts, reference?, out);
        let gates = match gates {
            Some(node) => non_empty(|node, out| gate(&drafts, node, out))(node, out),
            None => Some(Vec::new()),
        };
        let gates = gates.map(|gates| gates.concat());
        if let (Some(registered), Some(reference), Some(gates), true) =
            (&registered, reference, &gates, drafts.whole)
        {
            held(registered, &drafts, reference, gates, out);
        }
        let (world, portions) = world?;
        let strategies = reading.strategies(&drafts, &world, workload.mix?, sources, out);
        let strategies = strategies.map(|list| with_targets(list, &portions));
        let (registered, metrics) = (registered?, metrics?);
        if out.errors() > before {
            return None;
        }
        Some(Self {
            name: Arc::from(name),
            point: 0,
            digest: digest(sources, &requests),
            title: world.title.clone(),
            hypothesis: registered.hypothesis,
            indifference: registered.indifference,
            alpha: registered.alpha,
            metrics: unique(registered.metric, &metrics),
            metric: registered.metric,
            sorts: sorts(&world, &portions),
            shares: portions.iter().map(|portion| portion.share).collect(),
            source: source?,
            until: SimTime::START + workload.length?,
            warm_up: SimTime::START + workload.warm_up?.unwrap_or(SimDuration::ZERO),
            rule: match workload.warm_up? {
                Some(_) => WarmUp::Fixed,
                None => WarmUp::Mser5(None),
            },
            regret_of: regret_of?,
            worst: worst?,
            spinner: spinner?,
            tenants: workload.tenants?,
            prices: Arc::new(prices?.into_iter().collect::<Prices>()),
            strategies: strategies?,
            reference: reference?,
            repeats: repeats?,
            gates: gates?,
            world,
        })
    }
}

/// What tells one comparison from another: the texts of its files, wherever they stand, and the digests of those that
/// its tasks come out of.
fn digest(sources: &Sources, requests: &[[u8; 32]]) -> Arc<str> {
    let mut hash = Sha256::new();
    for source in sources.iter() {
        hash.update((source.text().len() as u64).to_le_bytes());
        hash.update(source.text().as_bytes());
    }
    for request in requests {
        hash.update(request);
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    hex.into()
}

/// The deciding metric and the others, each once.
fn unique(first: Metric, others: &[Metric]) -> Vec<Metric> {
    let mut metrics = vec![first];
    for metric in others {
        if !metrics.contains(metric) {
            metrics.push(*metric);
        }
    }
    metrics
}

/// Reads the world, once for each policy.
struct Reading<'n, 'r> {
    setting: Setting<'n>,
    root: &'n Node,
    name: &'n str,
    resolver: &'r mut dyn Resolver,
}

impl Reading<'_, '_> {
    fn world(
        &mut self,
        behind: Option<&Spanned<String>>,
        mix: &Node,
        sources: &mut Sources,
        out: &mut Diagnostics,
    ) -> Option<(Scenario, Vec<Portion>)> {
        let file = (self.name, self.root);
        self.setting
            .scenario(behind, mix, file, self.resolver, (sources, out))
    }

    fn strategies(
        &mut self,
        drafts: &Drafts,
        world: &Scenario,
        mix: &Node,
        sources: &mut Sources,
        out: &mut Diagnostics,
    ) -> Option<Vec<Named>> {
        let own = routes(world);
        let mut all = Some(Vec::new());
        for draft in &drafts.list {
            let behind = match &draft.policy {
                None => Some((Arc::clone(&world.policy), Arc::clone(&own))),
                Some(path) => self
                    .world(Some(path), mix, sources, out)
                    .map(|(other, _)| (Arc::clone(&other.policy), routes(&other))),
            };
            let named = behind.and_then(|(policy, routes)| {
                let risks = risks(draft, &policy, out)?;
                let quorum = |sort: &SortRoutes| Some(risks.as_ref()?.quorum(&sort.attributes).unwrap_or(0));
                let quorums: Option<Arc<[u16]>> = routes.iter().map(quorum).collect();
                Some(Named {
                    quorums: quorums.unwrap_or_else(|| Arc::from([])),
                    windows: draft.windows,
                    name: Arc::clone(&draft.name),
                    span: draft.span,
                    strategy: match risks {
                        Some(risks) => Arc::new(risks),
                        None => Arc::clone(&draft.strategy),
                    },
                    program: draft.program.clone(),
                    policy,
                    routes,
                    predictor: draft.predictor,
                    wait: draft.wait,
                    hedge: draft.hedge,
                })
            });
            match (named, &mut all) {
                (Some(named), Some(list)) => list.push(named),
                (None, _) | (_, None) => all = None,
            }
        }
        all
    }
}

/// The strategies, shown what is declared to be wanted of each sort.
fn with_targets(list: Vec<Named>, portions: &[Portion]) -> Vec<Named> {
    let shown = |named: Named| {
        let pairs = named.routes.iter().cloned().zip(portions);
        let routes = pairs.map(|(routes, portion)| routes.wanted_within(portion.result));
        Named {
            routes: routes.collect(),
            ..named
        }
    };
    list.into_iter().map(shown).collect()
}

/// What a strategy takes for risky, if it does, by the names of its policy.
fn risks(draft: &Draft, policy: &Arc<Policy>, out: &mut Diagnostics) -> Option<Option<RiskTiers>> {
    let mut tiers = Some(Vec::new());
    for (node, quorum) in &draft.risks {
        match (condition_of(policy, node, out), &mut tiers) {
            (Some(condition), Some(tiers)) => tiers.push((condition, *quorum)),
            (None, _) | (_, None) => tiers = None,
        }
    }
    let tiers = tiers?;
    Some((!tiers.is_empty()).then(|| RiskTiers {
        policy: Arc::clone(policy),
        tiers: tiers.into(),
    }))
}

fn routes(world: &Scenario) -> Arc<[SortRoutes]> {
    let tasks = world.tasks.iter();
    tasks
        .map(|task| {
            SortRoutes::new(
                &world.policy,
                Arc::clone(&task.task.kind),
                task.attributes.clone(),
            )
        })
        .collect()
}

fn sorts(world: &Scenario, portions: &[Portion]) -> Vec<SortFacts> {
    let routes = routes(world);
    let parts = world.tasks.iter().zip(portions).zip(routes.iter());
    parts
        .map(|((task, portion), routes)| SortFacts {
            name: Arc::clone(&task.task.name),
            home: routes.home(),
            targets: Targets {
                acknowledged: portion.acknowledged,
                first_output: portion.first_output,
                result: portion.result,
            },
            outlives: task.attributes.truth(Attribute::ValueAfterSession).is_true(),
            consequential: is_consequential(&task.task.plan),
        })
        .collect()
}

/// Whether tasks with this plan can ask for an act that has consequences.
fn is_consequential(plan: &Plan) -> bool {
    let effects = plan
        .tools
        .values()
        .any(|tool| matches!(tool.act, ToolAct::Effect { .. }));
    effects || !plan.mcp.is_empty()
}

/// What is laid down before anything is played.
struct Registered {
    span: Span,
    hypothesis: Option<String>,
    metric: Metric,
    indifference: Option<f64>,
    alpha: f64,
}

fn registered(keys: &mut MapReader<'_, '_>) -> Option<Registered> {
    let hypothesis = keys.optional("hypothesis", string);
    let metric = keys.required("metric", metric);
    let indifference = keys.optional("indifference", |node, out| match metric {
        Some(metric) => amount(metric)(node, out),
        None => None,
    });
    let alpha = keys.or("alpha", ALPHA, |node, out| {
        let alpha = probability(node, out)?.value();
        if alpha > 0.0 && alpha < 0.5 {
            return Some(alpha);
        }
        let error = Diagnostic::error(format!("{} is no level of false alarms", node.describe()));
        out.push(
            error
                .at(node.mark(), "")
                .help("write a share above 0 and below 50%, such as `5%`"),
        );
        None
    });
    let metric = metric?;
    if metric.direction().is_none() {
        let error = Diagnostic::error(format!("`{}` cannot decide", metric.word()));
        let span = keys.key_span("metric");
        keys.out()
            .push(error.at(span, "more of it is neither better nor worse"));
        return None;
    }
    Some(Registered {
        span: keys.key_span("metric"),
        hypothesis: hypothesis?,
        metric,
        indifference: indifference?,
        alpha: alpha?,
    })
}

/// A metric, by its word.
fn metric(node: &Node, out: &mut Diagnostics) -> Option<Metric> {
    let table: Vec<(&str, Metric)> = Metric::ALL
        .iter()
        .map(|metric| (metric.word(), *metric))
        .collect();
    words("metric", &table)(node, out)
}

/// So much of a metric, written as it is measured.
fn amount(metric: Metric) -> impl Fn(&Node, &mut Diagnostics) -> Option<f64> {
    move |node, out| match metric.unit() {
        Unit::Share | Unit::Index => probability(node, out).map(|share| share.value()),
        Unit::Seconds => duration(node, out).map(SimDuration::as_secs_f64),
        Unit::Count | Unit::PerTask | Unit::PerHour | Unit::Money => decimal(0.0..=1e12)(node, out),
    }
}

pub(super) fn positive(node: &Node, out: &mut Diagnostics) -> Option<SimDuration> {
    let length = duration(node, out)?;
    if !length.is_zero() {
        return Some(length);
    }
    let error = Diagnostic::error("expected a duration longer than nothing");
    out.push(error.at(node.mark(), "is no time at all"));
    None
}

/// The workload, as far as it could be read.
#[derive(Default)]
struct Workload<'n> {
    spring: Option<Spring>,
    length: Option<SimDuration>,
    /// None, once it could be read, where a rule finds it.
    warm_up: Option<Option<SimDuration>>,
    mix: Option<&'n Node>,
    tenants: Option<Vec<(Arc<str>, Probability)>>,
}

fn workload<'n>(node: &'n Node, out: &mut Diagnostics) -> Option<Workload<'n>> {
    let mut keys = map(node, out)?;
    let spring = spring(&mut keys, arrivals);
    let length = keys.required("length", positive);
    let warm_up = keys.or("warm_up", Some(SimDuration::ZERO), warm_up);
    let mix = keys.required("mix", |node, _| Some(node));
    let tenants = keys.or("tenants", Vec::new(), tenants);
    if let (Some(length), Some(Some(warm_up))) = (length, warm_up)
        && warm_up >= length
    {
        let error = Diagnostic::error("no task counts");
        let span = keys.key_span("warm_up");
        let help = "let the warm-up be shorter than the `length`";
        keys.out()
            .push(error.at(span, "lasts as long as tasks arrive").help(help));
    }
    keys.finish();
    Some(Workload {
        spring,
        length,
        warm_up,
        mix,
        tenants,
    })
}

/// Tenants with their shares of all tasks.
fn tenants(node: &Node, out: &mut Diagnostics) -> Option<Vec<(Arc<str>, Probability)>> {
    let shares = keyed(|key: &crate::scenario::Key, node: &Node, out: &mut Diagnostics| {
        Some((Arc::<str>::from(key.text.as_str()), probability(node, out)?))
    })(node, out)?;
    let sum: u64 = shares
        .iter()
        .map(|(_, share)| u64::from(share.millionths()))
        .sum();
    // Thirds are written with four decimals of a per cent.
    if sum.abs_diff(1_000_000) > shares.len() as u64 {
        let error = Diagnostic::error(format!("the shares sum up to {}%", sum as f64 / 10_000.0));
        out.push(error.at(node.header, "").help("let them sum up to 100%"));
        return None;
    }
    Some(shares)
}

/// A length, or the rule that finds it.
fn warm_up(node: &Node, out: &mut Diagnostics) -> Option<Option<SimDuration>> {
    match node.text() {
        Some("mser-5") => Some(None),
        _ => duration(node, out).map(Some),
    }
}

fn arrivals(node: &Node, out: &mut Diagnostics) -> Option<Arrivals> {
    let case = variant("arrivals", &["poisson", "renewal", "bursts", "daily"], node, out)?;
    let made = case.value(
        |node, out| match case.name {
            "bursts" => non_empty(phase)(node, out).map(|phases| Arrivals::bursts(&phases)),
            "daily" => daily(node, out),
            "renewal" => renewal(node, out),
            _ => {
                let mut keys = map(node, out)?;
                let every = keys.required("every", duration);
                keys.finish();
                Some(Arrivals::poisson(every?))
            }
        },
        out,
    )?;
    match made {
        Ok(arrivals) => Some(arrivals),
        Err(cause) => {
            out.push(Diagnostic::error(cause.to_string()).at(case.span, ""));
            None
        }
    }
}

fn renewal(node: &Node, out: &mut Diagnostics) -> Option<Result<Arrivals, ArrivalsError>> {
    let mut keys = map(node, out)?;
    let every = keys.required("every", duration);
    let cv2 = keys.required("cv2", decimal(0.0..=1e6));
    keys.finish();
    Some(Arrivals::renewal(every?, cv2?))
}

fn daily(node: &Node, out: &mut Diagnostics) -> Option<Result<Arrivals, ArrivalsError>> {
    let mut keys = map(node, out)?;
    let every = keys.required("every", duration);
    let hours = keys.required("hours", |node, out| {
        let hours = list(decimal(0.0..=1e6))(node, out)?;
        match <[f64; 24]>::try_from(hours) {
            Ok(hours) => Some(hours),
            Err(_) => {
                mismatch(node, "24 numbers, one for each hour of the day", out);
                None
            }
        }
    });
    keys.finish();
    Some(Arrivals::daily(every?, hours?))
}

fn phase(node: &Node, out: &mut Diagnostics) -> Option<Phase> {
    let mut keys = map(node, out)?;
    let gap = keys.optional("every", duration);
    let lasts = keys.required("lasts", positive);
    keys.finish();
    Some(Phase {
        gap: gap?,
        lasts: lasts?,
    })
}

fn price(key: &crate::scenario::Key, node: &Node, out: &mut Diagnostics) -> Option<(Arc<str>, Price)> {
    let mut keys = map(node, out)?;
    let input = keys.required("input", decimal(0.0..=1e6));
    let output = keys.required("output", decimal(0.0..=1e6));
    keys.finish();
    let price = Price {
        input: input?,
        output: output?,
    };
    Some((Arc::from(key.text.as_str()), price))
}

fn repeats(node: &Node, out: &mut Diagnostics) -> Option<Repeats> {
    let mut keys = map(node, out)?;
    let least = keys.or("min", REPEATS.least, integer(2..=100_000));
    let most = keys.or("max", REPEATS.most, integer(2..=100_000));
    let half_width = keys.or("half_width", REPEATS.half_width, |node, out| {
        let share = probability(node, out)?.value();
        if share > 0.0 {
            return Some(share);
        }
        let error = Diagnostic::error("no interval is that narrow");
        out.push(
            error
                .at(node.mark(), "")
                .help("write a share above 0, such as `5%`"),
        );
        None
    });
    let round = keys.or("round", REPEATS.round, integer(1..=100_000));
    if let (Some(least), Some(most)) = (least, most)
        && least > most
    {
        let error = Diagnostic::error(format!("at least {least} and at most {most} replications"));
        let span = keys.key_span("min");
        keys.out()
            .push(error.at(span, "").help("let `min` be no more than `max`"));
        return None;
    }
    keys.finish();
    Some(Repeats {
        least: least?,
        most: most?,
        half_width: half_width?,
        round: round?,
    })
}

fn reference_of(drafts: &Drafts, wanted: Option<Spanned<String>>, out: &mut Diagnostics) -> Option<usize> {
    match wanted {
        Some(wanted) => strategy(drafts, &wanted, out),
        None => Some(0),
    }
}

/// The place of a strategy; an unknown one is reported.
fn strategy(drafts: &Drafts, wanted: &Spanned<String>, out: &mut Diagnostics) -> Option<usize> {
    let found = drafts.list.iter().position(|draft| *draft.name == *wanted.value);
    if found.is_none() && drafts.whole {
        let known: Vec<&str> = drafts.list.iter().map(|draft| &*draft.name).collect();
        let error = Diagnostic::error(format!("unknown strategy {}", quoted(&wanted.value)));
        let help = suggest(&wanted.value, "strategies", &known);
        out.push(error.at(wanted.span, "").help(help));
    }
    found
}

/// Whether a metric that whoever does less looks better in is let decide only while what is done is held.
fn held(registered: &Registered, drafts: &Drafts, reference: usize, gates: &[Gate], out: &mut Diagnostics) {
    if registered.metric.counts_everything() {
        return;
    }
    let holds = |strategy: usize| {
        gates.iter().any(|gate| {
            gate.strategy == strategy
                && gate.metric.holds_completion()
                && matches!(gate.bound, GateBound::NoWorseThan(other, _) if other == reference)
        })
    };
    let mut others = drafts
        .list
        .iter()
        .enumerate()
        .filter(|(place, _)| *place != reference);
    let Some((_, loose)) = others.find(|(place, _)| !holds(*place)) else {
        return;
    };
    let name = &drafts.list[reference].name;
    let error = Diagnostic::error(format!(
        "`{}` cannot decide while nothing holds what is done",
        registered.metric.word()
    ));
    out.push(
        error
            .at(registered.span, "whoever does less looks better in it")
            .at(loose.span, "may do less")
            .help(format!(
                "hold every other strategy: `gates: [{{ metric: goodput, no_worse_than: {name}, by: 1% }}]`"
            )),
    );
}

/// The gates of an entry: one, or one for every strategy that it can speak of.
fn gate(drafts: &Drafts, node: &Node, out: &mut Diagnostics) -> Option<Vec<Gate>> {
    if !matches!(node.kind, NodeKind::Map(_)) {
        mismatch(node, "a map of a gate", out);
        return None;
    }
    let mut keys = map(node, out)?;
    let own = keys.optional("strategy", spanned(word));
    let metric = keys.required("metric", metric);
    let by = keys.optional("by", |node, out| match metric {
        Some(metric) => amount(metric)(node, out),
        None => None,
    });
    let bound = match (keys.one_of(&["at_least", "at_most", "no_worse_than"]), metric) {
        (Some(("no_worse_than", node)), Some(metric)) => {
            no_worse(drafts, node, metric, by.flatten(), keys.out())
        }
        (Some((key, node)), Some(metric)) => amount(metric)(node, keys.out()).map(|amount| match key {
            "at_least" => GateBound::AtLeast(amount),
            _ => GateBound::AtMost(amount),
        }),
        (None, _) | (_, None) => None,
    };
    if let (Some(Some(_)), Some(GateBound::AtLeast(_) | GateBound::AtMost(_))) = (by, bound) {
        let error = Diagnostic::error("`by` belongs to `no_worse_than`");
        let span = keys.key_span("by");
        keys.out().push(error.at(span, ""));
        return None;
    }
    keys.finish();
    by?;
    let (own, metric, bound) = (own?, metric?, bound?);
    let gate = |strategy| Gate {
        span: node.header,
        strategy,
        metric,
        bound,
    };
    if let Some(own) = own {
        return strategy(drafts, &own, out).map(|strategy| vec![gate(strategy)]);
    }
    let itself = |strategy: &usize| matches!(bound, GateBound::NoWorseThan(other, _) if other == *strategy);
    let all = (0..drafts.list.len()).filter(|strategy| !itself(strategy));
    Some(all.map(gate).collect())
}

fn no_worse(
    drafts: &Drafts,
    node: &Node,
    metric: Metric,
    by: Option<f64>,
    out: &mut Diagnostics,
) -> Option<GateBound> {
    if metric.direction().is_none() {
        let error = Diagnostic::error(format!("nothing is worse in `{}`", metric.word()));
        out.push(error.at(node.mark(), "more of it is neither better nor worse"));
        return None;
    }
    let other = spanned(word)(node, out)?;
    Some(GateBound::NoWorseThan(
        strategy(drafts, &other, out)?,
        by.unwrap_or(0.0),
    ))
}
