//! A comparison, checked and ready to be played.

use std::sync::Arc;

use super::pilot::WarmUp;
use super::workload::Source;
use crate::policy::Policy;
use crate::scenario::{Scenario, Span, Spanned};
use crate::sim::metric::{Metric, Prices, SortFacts};
use crate::sim::strategy::{SortRoutes, Strategy};
use crate::units::{Probability, SimDuration, SimTime};

/// A comparison with everything it names.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The name of its file.
    pub name: Arc<str>,
    /// Which point of a sweep it is, from 0.
    pub point: u32,
    /// SHA-256 of all files that it is made of, in hexadecimal.
    pub digest: Arc<str>,
    /// What it is about, in one line.
    pub title: Spanned<String>,
    /// What is expected to come out.
    pub hypothesis: Option<String>,
    /// The metric that decides.
    pub metric: Metric,
    /// Differences of that metric below it do not matter.
    pub indifference: Option<f64>,
    /// How likely a false alarm may be.
    pub alpha: f64,
    /// The world, with one task for each sort.
    pub world: Scenario,
    /// What the tasks of each sort are.
    pub sorts: Vec<SortFacts>,
    /// How many of all tasks are of each sort.
    pub shares: Vec<Probability>,
    /// Who asks for them, and how many of all tasks are of each; empty if nobody is told from another.
    pub tenants: Vec<(Arc<str>, Probability)>,
    /// When tasks arrive.
    pub source: Source,
    /// Nobody arrives from here on.
    pub until: SimTime,
    /// Tasks submitted before do not count; not known yet where pilots have to say it.
    pub warm_up: SimTime,
    /// Who says where that lies.
    pub rule: WarmUp,
    /// At how many decisions of each run the world is forked, if at any.
    pub regret_of: Option<u32>,
    /// What a wait without end counts as.
    pub worst: SimDuration,
    /// A user's view that does not change for longer is a long silence.
    pub spinner: SimDuration,
    /// What tokens cost.
    pub prices: Arc<Prices>,
    /// What is compared, in the order written.
    pub strategies: Vec<Named>,
    /// What the others are compared with, by its place.
    pub reference: usize,
    /// The metrics of the report, the deciding one first.
    pub metrics: Vec<Metric>,
    /// How often it is played.
    pub repeats: Repeats,
    /// What has to hold.
    pub gates: Vec<Gate>,
}

/// A strategy with its name.
#[derive(Debug, Clone)]
pub struct Named {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is written.
    pub span: Span,
    /// What it does.
    pub strategy: Arc<dyn Strategy>,
    /// The program that decides, with its arguments, if it is one: it has to be launched before anything is played.
    pub program: Option<Arc<[String]>>,
    /// The policy that stands behind it.
    pub policy: Arc<Policy>,
    /// What it is shown of the tasks of each sort.
    pub routes: Arc<[SortRoutes]>,
    /// How far its predictions are off, as the standard deviation of their logarithm; none: it has none.
    pub predictor: Option<f64>,
    /// After how long a task is asked for a second time that has nothing on view, if it is interactive and free of effects.
    pub hedge: Option<SimDuration>,
    /// Approval requests are kept until the next multiple of this; none: they are put before people at once.
    pub windows: Option<SimDuration>,
    /// How many people have to approve tasks of each sort at least; empty if that is left to the kinds.
    pub quorums: Arc<[u16]>,
    /// How long an interactive user is kept waiting before work goes on in the background, if not as the kinds say.
    pub wait: Option<SimDuration>,
}

/// How often a comparison is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Repeats {
    /// At least so often.
    pub least: u32,
    /// At most so often.
    pub most: u32,
    /// Until the half-width of every interval of the deciding metric is at most this share of its mean.
    pub half_width: f64,
    /// So many replications are played before it is looked again.
    pub round: u32,
}

impl Repeats {
    /// The numbers of replications at which it is looked whether there are enough.
    pub fn looks(&self) -> impl Iterator<Item = u32> + use<> {
        let Self {
            least, most, round, ..
        } = *self;
        (0..)
            .map(move |further: u32| least.saturating_add(round.saturating_mul(further)))
            .take_while(move |count| *count < most)
            .chain([most])
    }
}

/// What has to hold of a strategy.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Where it is written.
    pub span: Span,
    /// The strategy, by its place.
    pub strategy: usize,
    /// The metric.
    pub metric: Metric,
    /// How much.
    pub bound: GateBound,
}

/// How much a metric has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GateBound {
    /// At least.
    AtLeast(f64),
    /// At most.
    AtMost(f64),
    /// Not worse than that of this strategy, by its place, by more than so much.
    NoWorseThan(usize, f64),
}
