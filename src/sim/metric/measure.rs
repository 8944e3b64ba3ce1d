//! From what happened to numbers.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bucket::{Bucket, bucket_of};
use super::shape::Shapes;
use super::story::{SortFacts, Stories, Story};
use super::table::Metric;
use crate::backend::Spent;
use crate::sim::Watch;
use crate::sim::stats::{jain, quantile};
use crate::trace::{Boundary, CoreEvent, LaneName, LimitName, OutsideEvent, Record, ServiceEvent, StateName};
use crate::units::{JobId, SimDuration, SimTime};

/// Which tasks count, and for how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Tasks submitted before do not count: the world is still filling up.
    pub from: SimTime,
    /// Nobody arrives from here on.
    pub until: SimTime,
    /// What a wait without end counts as; no wait counts as more.
    pub worst: SimDuration,
    /// A user's view that does not change for longer is a long silence.
    pub spinner: SimDuration,
    /// How many people decide about approvals.
    pub approvers: u32,
    /// How long they are there while tasks arrive, all told.
    pub there: SimDuration,
}

/// What was measured of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Measures {
    /// A number for each metric, in the order of [`Metric::ALL`]; none where no task speaks about it.
    pub values: Vec<Option<f64>>,
    /// The tasks that count.
    pub tasks: u64,
    /// Where they ended up, in the order of [`Bucket::ALL`].
    pub buckets: [u64; Bucket::ALL.len()],
    /// What single numbers do not say.
    pub shapes: Shapes,
}

impl Measures {
    /// The number of a metric.
    #[must_use]
    pub fn value(&self, metric: Metric) -> Option<f64> {
        *self.values.get(metric as usize)?
    }

    /// Whether every task that counts lies in exactly one bucket.
    #[must_use]
    pub fn conserves(&self) -> bool {
        self.buckets.iter().sum::<u64>() == self.tasks
    }
}

/// What tasks are, by the numbers of their first jobs.
#[derive(Debug, Clone, Copy)]
pub struct Crowd<'a> {
    /// Who they are.
    pub who: &'a dyn Who,
    /// How many further tries of each there may be; the number of each lies so many tasks behind the one before.
    pub tries: u16,
    /// Whether there may be second requests, numbered behind all tries.
    pub twins: bool,
}

/// Who tasks are, by the numbers of their first jobs.
pub trait Who: std::fmt::Debug {
    /// How many there are.
    fn tasks(&self) -> usize;

    /// The sort of a task.
    fn sort(&self, task: usize) -> Option<u32>;

    /// The tenant of a task, if tenants are told from each other.
    fn tenant(&self, task: usize) -> Option<u32>;
}

/// Measures a run.
#[must_use]
pub fn measure(stories: &Stories, crowd: Crowd<'_>, sorts: &[SortFacts], window: Window) -> Measures {
    Measuring::new(stories.clone(), crowd, sorts, window).finish()
}

/// Measures a run while it is played: tasks of which nothing more can be heard are added up and let go, in the order of their
/// jobs, so that what is held spans the oldest open job and the newest, and the sums are those of a run that keeps all. What stays of
/// a task are its waits, 8 bytes for its result, 8 more where it is interactive, and 8 more, until that was noticed, where a response
/// of it died: quantiles are exact, and which wait is the one in a hundred that is longer is not known before the last.
#[derive(Debug, Clone)]
pub struct Measuring<'a> {
    stories: Stories,
    sums: Sums,
    crowd: Crowd<'a>,
    sorts: &'a [SortFacts],
    /// The most tasks that were held at once.
    most: usize,
}

impl<'a> Measuring<'a> {
    /// Before anything has happened, or after all that these stories tell.
    #[must_use]
    pub fn new(stories: Stories, crowd: Crowd<'a>, sorts: &'a [SortFacts], window: Window) -> Self {
        Self {
            stories,
            sums: Sums::new(window),
            crowd,
            sorts,
            most: 0,
        }
    }

    /// The most tasks that it held at once.
    #[must_use]
    pub fn most_held(&self) -> usize {
        self.most.max(self.stories.held())
    }

    /// Records that came when their task was let go: nothing may be said of a run with any.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.stories.late
    }

    /// What was measured.
    #[must_use]
    pub fn finish(mut self) -> Measures {
        let nothing = Stories::of(0, SimTime::START, Arc::default());
        let stories = std::mem::replace(&mut self.stories, nothing);
        for job in stories.first()..self.crowd.who.tasks() {
            if let Some(story) = stories.of_task(job, &self.crowd) {
                self.add(job, &story);
            }
        }
        let (mut sums, looks) = (self.sums, stories.looks);
        sums.shapes.course.merge(&looks.course);
        (sums.moments, sums.deciding) = (looks.moments, looks.deciding);
        sums.finish(looks.interruptions)
    }

    fn add(&mut self, job: usize, story: &Story) {
        let Some(sort) = self.crowd.who.sort(job) else {
            return;
        };
        let Some(facts) = self.sorts.get(sort as usize) else {
            return;
        };
        let window = self.sums.window;
        let sums = &mut self.sums;
        sums.whole_run(story, facts);
        if story.submitted >= window.from && story.submitted < window.until {
            let good = sums.task(story, facts);
            add_to(&mut sums.sorts, sort, good);
            if let Some(tenant) = self.crowd.who.tenant(job) {
                add_to(&mut sums.tenants, tenant, good);
            }
        }
    }
}

impl Watch for Measuring<'_> {
    fn outside(&mut self, record: &Record<OutsideEvent>) {
        self.stories.outside(record);
    }

    fn core(&mut self, record: &Record<CoreEvent>) {
        self.stories.core(record);
    }

    fn service(&mut self, record: &Record<ServiceEvent>) {
        self.stories.service(record);
    }

    fn spent(&mut self, spent: &Spent) {
        self.stories.spent(spent);
    }

    fn gone(&mut self, at: SimTime, job: JobId) {
        self.stories.gone(at, job);
        self.most = self.most.max(self.stories.held());
        while let Some((job, story)) = self.stories.pop_settled(at, &self.crowd) {
            self.add(job, &story);
        }
    }
}

/// A mean under way.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn add_if(&mut self, holds: bool) {
        self.add(f64::from(u8::from(holds)));
    }

    fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// Counts a task of a group.
fn add_to(groups: &mut Vec<Mean>, group: u32, good: bool) {
    let place = group as usize;
    if groups.len() <= place {
        groups.resize(place + 1, Mean::default());
    }
    groups[place].add_if(good);
}

#[derive(Debug, Clone)]
struct Sums {
    window: Window,
    tasks: u64,
    buckets: [u64; Bucket::ALL.len()],
    good: Mean,
    lanes: [Mean; 3],
    sorts: Vec<Mean>,
    tenants: Vec<Mean>,
    met: [Mean; 3],
    regret: Mean,
    balked: Mean,
    long_silences: Mean,
    timeouts_explained: Mean,
    anonymous: BTreeSet<LimitName>,
    failures_explained: Mean,
    detection: Vec<f64>,
    undetected: u64,
    false_stalls: Mean,
    duplicates: u64,
    retrials: u64,
    over_gating: Mean,
    live: Vec<f64>,
    results: Vec<f64>,
    results_background: Mean,
    acknowledged: Mean,
    lateness: Mean,
    hand_off_loss: Mean,
    silence: Mean,
    approval: [(f64, u64); 3],
    deciding: SimDuration,
    moments: u64,
    decisions: [u64; 3],
    requests: u64,
    tokens: u64,
    tokens_wasted: u64,
    cost: f64,
    starved: Option<f64>,
    queued: Mean,
    stale: Mean,
    unsafe_releases: u64,
    ungated: u64,
    shapes: Shapes,
}

impl Sums {
    fn new(window: Window) -> Self {
        Self {
            window,
            tasks: 0,
            buckets: [0; Bucket::ALL.len()],
            good: Mean::default(),
            lanes: [Mean::default(); 3],
            sorts: Vec::new(),
            tenants: Vec::new(),
            met: [Mean::default(); 3],
            regret: Mean::default(),
            balked: Mean::default(),
            long_silences: Mean::default(),
            timeouts_explained: Mean::default(),
            anonymous: BTreeSet::new(),
            failures_explained: Mean::default(),
            detection: Vec::new(),
            undetected: 0,
            false_stalls: Mean::default(),
            duplicates: 0,
            retrials: 0,
            over_gating: Mean::default(),
            live: Vec::new(),
            results: Vec::new(),
            results_background: Mean::default(),
            acknowledged: Mean::default(),
            lateness: Mean::default(),
            hand_off_loss: Mean::default(),
            silence: Mean::default(),
            approval: [(0.0, 0); 3],
            deciding: SimDuration::ZERO,
            moments: 0,
            decisions: [0; 3],
            requests: 0,
            tokens: 0,
            tokens_wasted: 0,
            cost: 0.0,
            starved: None,
            queued: Mean::default(),
            stale: Mean::default(),
            unsafe_releases: 0,
            ungated: 0,
            shapes: Shapes::default(),
        }
    }

    /// What counts from the first task on.
    fn whole_run(&mut self, story: &Story, facts: &SortFacts) {
        let slot = self.shapes.course.at(story.submitted, self.window.until);
        slot.submitted += 1;
        slot.forsaken += u64::from(bucket_of(story, facts).is_forsaken());
        self.unsafe_releases += u64::from(story.unsafe_releases);
        self.ungated += u64::from(story.asked > 0 && story.boundary == Some(Boundary::None));
    }

    /// Counts a task; whether it is one of the goodput.
    fn task(&mut self, story: &Story, facts: &SortFacts) -> bool {
        let bucket = bucket_of(story, facts);
        self.tasks += 1;
        self.buckets[bucket as usize] += 1;
        let good = self.quality(story, facts, bucket);
        self.times(story, facts, bucket);
        self.work(story, bucket);
        self.words(story);
        self.life(story);
        good
    }

    /// What was said about what went wrong.
    fn words(&mut self, story: &Story) {
        if story.state == Some(StateName::TimedOut) {
            self.timeouts_explained.add_if(story.limit_named);
            let anonymous = story.limit.filter(|_| !story.limit_named);
            self.anonymous.extend(anonymous.map(|(limit, _)| limit));
        }
        if let Some(explained) = story.explained() {
            self.failures_explained.add_if(explained);
        }
    }

    /// Whether what was stuck or gone was noticed, and nothing else taken for it.
    fn life(&mut self, story: &Story) {
        if story.has_response() {
            self.false_stalls.add_if(story.cried);
        }
        if let Some(dead) = story.dead {
            let took = story.detected.map(|at| at.since(dead));
            self.undetected += u64::from(took.is_none());
            let took = took.map_or(self.window.worst, |took| took.min(self.window.worst));
            self.detection.push(took.as_secs_f64());
        }
    }

    /// What a wait counts as: from the submission, at most `worst`, and that if it never ended.
    fn wait(&self, story: &Story, until: Option<SimTime>) -> f64 {
        let worst = self.window.worst;
        until
            .map_or(worst, |at| at.since(story.submitted).min(worst))
            .as_secs_f64()
    }

    fn quality(&mut self, story: &Story, facts: &SortFacts, bucket: Bucket) -> bool {
        let within = |at: Option<SimTime>, target: Option<SimDuration>| {
            target.is_none_or(|target| at.is_some_and(|at| at.since(story.submitted) <= target))
        };
        let good = bucket == Bucket::InTime
            && within(story.first_output, facts.targets.first_output)
            && within(story.acknowledged, facts.targets.acknowledged);
        self.good.add_if(good);
        if let Some(home) = facts.home {
            self.lanes[home as usize].add_if(good);
        }
        if !facts.consequential {
            self.over_gating
                .add_if(story.boundary == Some(Boundary::Approval));
        }
        let lost = story.first_output.is_some()
            && (bucket.is_forsaken() || (story.ended.is_some() && story.shown_result.is_none()));
        self.hand_off_loss.add_if(lost);
        self.balked.add_if(story.balked);
        if facts.home == Some(LaneName::Background) {
            self.regret
                .add_if(matches!(bucket, Bucket::Late | Bucket::Stranded));
        }
        let stayed = |at: &SimTime| story.left.is_none_or(|left| *at <= left);
        let met = [
            (facts.targets.acknowledged, story.acknowledged, true),
            (
                facts.targets.first_output,
                story.first_output.filter(stayed),
                true,
            ),
            (
                facts.targets.result,
                story.shown_result,
                matches!(bucket, Bucket::InTime | Bucket::Late),
            ),
        ];
        for (sum, (target, at, counts)) in self.met.iter_mut().zip(met) {
            if target.is_some() {
                sum.add_if(counts && at.is_some() && within(at, target));
            }
        }
        good
    }

    fn times(&mut self, story: &Story, facts: &SortFacts, bucket: Bucket) {
        let home = |lane| facts.home == Some(lane);
        let useful = matches!(bucket, Bucket::InTime | Bucket::Late);
        let shown = story.shown_result.filter(|_| useful);
        let result = self.wait(story, shown);
        self.results.push(result);
        let length = |at: SimTime| at.since(story.submitted);
        self.shapes.result_times.add(shown.map(length));
        if home(LaneName::Background) {
            self.results_background.add(result);
            let starved = self.wait(story, story.dispatched.or(story.ended));
            self.starved = Some(self.starved.map_or(starved, |most| most.max(starved)));
        }
        if home(LaneName::Interactive) {
            // Output behind the user's back is no output.
            let seen = story
                .first_output
                .filter(|at| story.left.is_none_or(|left| *at <= left));
            let wait = self.wait(story, seen);
            self.live.push(wait);
            self.shapes.live_waits.add(seen.map(length));
            self.silence
                .add(story.silence.min(self.window.worst).as_secs_f64());
            self.long_silences.add_if(story.silence > self.window.spinner);
        }
        self.acknowledged.add(self.wait(story, story.acknowledged));
        self.queued.add(self.wait(story, story.dispatched));
        if let Some(target) = facts.targets.result {
            let worst = self.window.worst.as_secs_f64();
            self.lateness.add(match useful {
                true => (result - target.as_secs_f64()).max(0.0),
                false => worst,
            });
        }
        if let Some(ended) = story.service_ended {
            let shown = story
                .shown_end
                .map_or(self.window.worst, |at| at.since(ended).min(self.window.worst));
            self.stale.add(shown.as_secs_f64());
        }
    }

    fn work(&mut self, story: &Story, bucket: Bucket) {
        self.duplicates += story.duplicates();
        self.retrials += u64::from(story.retrials);
        self.requests += u64::from(story.requests);
        self.tokens += story.tokens;
        self.tokens_wasted += match bucket {
            Bucket::InTime | Bucket::Late => story.tokens_lost,
            _ => story.tokens,
        };
        self.cost += story.cost;
        let decisions = [story.decided, story.wrong_approvals, story.wrong_denials];
        for (sum, more) in self.decisions.iter_mut().zip(decisions) {
            *sum += u64::from(more);
        }
        for ((sum, count), (more, times)) in self.approval.iter_mut().zip(story.approval) {
            *sum += more.as_secs_f64();
            *count += u64::from(times);
        }
    }

    fn finish(mut self, interruptions: u64) -> Measures {
        self.live.sort_by(f64::total_cmp);
        self.results.sort_by(f64::total_cmp);
        self.detection.sort_by(f64::total_cmp);
        let values = Metric::ALL
            .iter()
            .map(|metric| self.value(*metric, interruptions))
            .collect();
        Measures {
            values,
            tasks: self.tasks,
            buckets: self.buckets,
            shapes: self.shapes,
        }
    }

    fn value(&self, metric: Metric, interruptions: u64) -> Option<f64> {
        let tasks = (self.tasks > 0).then_some(self.tasks as f64);
        let hours = self.window.until.since(self.window.from).as_secs_f64() / 3_600.0;
        let lanes = values(&self.lanes);
        let approval = |place: usize| {
            let (sum, count) = self.approval[place];
            (count > 0).then(|| sum / count as f64)
        };
        match metric {
            Metric::UnsafeReleases => Some(self.unsafe_releases as f64),
            Metric::Ungated => Some(self.ungated as f64),
            Metric::OverGating => self.over_gating.value(),
            Metric::Goodput => self.good.value(),
            Metric::GoodputRate => (hours > 0.0).then(|| self.good.sum / hours),
            Metric::AttainmentInteractive => self.lanes[LaneName::Interactive as usize].value(),
            Metric::AttainmentBackground => self.lanes[LaneName::Background as usize].value(),
            Metric::AttainmentApproval => self.lanes[LaneName::Approval as usize].value(),
            Metric::AttainmentLeast => values(&self.sorts).into_iter().reduce(f64::min),
            Metric::MetAcknowledgement => self.met[0].value(),
            Metric::MetFirstOutput => self.met[1].value(),
            Metric::MetResult => self.met[2].value(),
            Metric::DeadlineRegret => self.regret.value(),
            Metric::Balked => self.balked.value(),
            Metric::LongSilences => self.long_silences.value(),
            Metric::TimeoutsExplained => self.timeouts_explained.value(),
            Metric::AnonymousLimits => Some(self.anonymous.len() as f64),
            Metric::FailuresExplained => self.failures_explained.value(),
            Metric::StallDetection => mean(&self.detection),
            Metric::StallDetectionP95 => quantile(&self.detection, 0.95),
            Metric::UndetectedDead => Some(self.undetected as f64),
            Metric::FalseStalls => self.false_stalls.value(),
            Metric::Retrials => tasks.map(|tasks| self.retrials as f64 / tasks),
            Metric::DuplicateWork => tasks.map(|tasks| self.duplicates as f64 / tasks),
            Metric::TenantFairness => jain(&values(&self.tenants)),
            Metric::TenantLeast => values(&self.tenants).into_iter().reduce(f64::min),
            Metric::TenantLeastServed => least_served(&values(&self.tenants)),
            Metric::LiveWait => mean(&self.live),
            Metric::LiveWaitP50 => quantile(&self.live, 0.5),
            Metric::LiveWaitP95 => quantile(&self.live, 0.95),
            Metric::LiveWaitP99 => quantile(&self.live, 0.99),
            Metric::ResultTime => mean(&self.results),
            Metric::ResultTimeP50 => quantile(&self.results, 0.5),
            Metric::ResultTimeP95 => quantile(&self.results, 0.95),
            Metric::ResultTimeP99 => quantile(&self.results, 0.99),
            Metric::ResultTimeBackground => self.results_background.value(),
            Metric::Acknowledgement => self.acknowledged.value(),
            Metric::Lateness => self.lateness.value(),
            Metric::Abandonment => {
                tasks.map(|tasks| self.share(Bucket::Abandoned, tasks) + self.share(Bucket::Stranded, tasks))
            }
            Metric::HandOffLoss => self.hand_off_loss.value(),
            Metric::Silence => self.silence.value(),
            Metric::ApprovalWaiting => approval(0),
            Metric::ApprovalDeciding => approval(1),
            Metric::ApprovalExecuting => approval(2),
            Metric::InterruptLoad => {
                let whole = self.window.until.since(SimTime::START).as_secs_f64() / 3_600.0;
                let people = f64::from(self.window.approvers);
                (whole > 0.0 && people > 0.0).then(|| interruptions as f64 / whole / people)
            }
            Metric::Interruptions => {
                let whole = self.window.until.since(SimTime::START).as_secs_f64() / 3_600.0;
                (whole > 0.0).then(|| self.moments as f64 / whole)
            }
            Metric::ApproverLoad => {
                let there = self.window.there.as_secs_f64();
                (there > 0.0).then(|| self.deciding.as_secs_f64() / there)
            }
            Metric::WrongApprovals => self.of_decisions(1),
            Metric::WrongDenials => self.of_decisions(2),
            Metric::Requests => tasks.map(|tasks| self.requests as f64 / tasks),
            Metric::TokensWasted => (self.tokens > 0).then(|| self.tokens_wasted as f64 / self.tokens as f64),
            Metric::Cost => tasks.map(|tasks| self.cost / tasks),
            Metric::CostPerGood => (self.good.sum > 0.0).then(|| self.cost / self.good.sum),
            Metric::Fairness => jain(&lanes),
            Metric::LeastServed => least_served(&lanes),
            Metric::StarvationAge => self.starved,
            Metric::QueueWait => self.queued.value(),
            Metric::Staleness => self.stale.value(),
            _ => {
                let bucket = Bucket::ALL
                    .into_iter()
                    .find(|bucket| Metric::of(*bucket) == metric)?;
                tasks.map(|tasks| self.share(bucket, tasks))
            }
        }
    }

    fn of_decisions(&self, place: usize) -> Option<f64> {
        let all = self.decisions[0];
        (all > 0).then(|| self.decisions[place] as f64 / all as f64)
    }

    fn share(&self, bucket: Bucket, tasks: f64) -> f64 {
        self.buckets[bucket as usize] as f64 / tasks
    }
}

/// The means of those groups of which there is somebody.
fn values(groups: &[Mean]) -> Vec<f64> {
    groups.iter().filter_map(|group| group.value()).collect()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn least_served(lanes: &[f64]) -> Option<f64> {
    let most = lanes.iter().copied().fold(0.0, f64::max);
    let least = lanes.iter().copied().fold(f64::INFINITY, f64::min);
    (most > 0.0).then(|| least / most)
}
