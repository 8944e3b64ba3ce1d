//! The metrics, with their definitions.

use super::bucket::Bucket;
use crate::sim::stats::Direction;

/// What a metric is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A share of the tasks, from 0 to 1.
    Share,
    /// Seconds of simulated time.
    Seconds,
    /// A number of things in a replication.
    Count,
    /// A number of things a task.
    PerTask,
    /// A number of things an hour.
    PerHour,
    /// The currency of the declared prices, a task.
    Money,
    /// From 0 to 1.
    Index,
}

impl Unit {
    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Seconds => "s",
            Self::Count => "count",
            Self::PerTask => "per task",
            Self::PerHour => "per hour",
            Self::Money => "cost",
            Self::Index => "index",
        }
    }
}

macro_rules! metrics {
    ($($variant:ident = $word:literal, $unit:ident, $direction:expr, $tail:literal, $sentence:literal;)+) => {
        /// A metric: one number of a replication.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric { $(#[doc = $sentence] $variant,)+ }

        impl Metric {
            /// All of them, in canonical order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word used in comparisons and reports.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What it is measured in.
            #[must_use]
            pub const fn unit(self) -> Unit {
                match self { $(Self::$variant => Unit::$unit,)+ }
            }

            /// Whether more is better; none where neither is.
            #[must_use]
            pub const fn direction(self) -> Option<Direction> {
                match self { $(Self::$variant => $direction,)+ }
            }

            /// Whether it is a tail, which is never given a normal interval.
            #[must_use]
            pub const fn is_tail(self) -> bool {
                match self { $(Self::$variant => $tail,)+ }
            }

            /// Its definition.
            #[must_use]
            pub const fn definition(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }
        }
    };
}

const UP: Option<Direction> = Some(Direction::Up);
const DOWN: Option<Direction> = Some(Direction::Down);

metrics! {
    UnsafeReleases = "unsafe_releases", Count, DOWN, false,
        "effects that landed in a sink, or that the service ran itself, without a consumed grant for exactly that act, over the whole run";
    Ungated = "ungated", Count, DOWN, false,
        "tasks that asked for a consequential act although the strategy gave them no approval boundary, over the whole run";
    OverGating = "over_gating", Share, DOWN, false,
        "of the tasks without any consequential act, the share that was given the approval boundary";
    Goodput = "goodput", Share, UP, false,
        "of all tasks submitted, the share that ended whole and met every target of its sort; whatever was shed, left, late or broken stays below the line";
    GoodputRate = "goodput_rate", PerHour, UP, false,
        "the tasks of the goodput, for each hour of arrivals";
    AttainmentInteractive = "attainment_interactive", Share, UP, false,
        "goodput of the tasks whose home is the interactive lane: where the policy of the comparison sends them, whatever the strategy does";
    AttainmentBackground = "attainment_background", Share, UP, false,
        "goodput of the tasks whose home is the background lane";
    AttainmentApproval = "attainment_approval", Share, UP, false,
        "goodput of the tasks whose home is the approval lane";
    LiveWait = "live_wait", Seconds, DOWN, false,
        "mean time from submission to the first whole output item or result on the user's view, over the tasks at home in the interactive lane; a task that showed nothing before its user left counts as `worst`";
    LiveWaitP50 = "live_wait_p50", Seconds, DOWN, true,
        "the median of the same waits in a replication";
    LiveWaitP95 = "live_wait_p95", Seconds, DOWN, true,
        "the 95 % quantile of the same waits in a replication";
    LiveWaitP99 = "live_wait_p99", Seconds, DOWN, true,
        "the 99 % quantile of the same waits in a replication";
    ResultTime = "result_time", Seconds, DOWN, false,
        "mean time from submission to the whole result on the user's view, over all tasks; a task without one, or whose user was gone, counts as `worst`";
    ResultTimeP50 = "result_time_p50", Seconds, DOWN, true,
        "the median of the same times in a replication";
    ResultTimeP95 = "result_time_p95", Seconds, DOWN, true,
        "the 95 % quantile of the same times in a replication";
    ResultTimeP99 = "result_time_p99", Seconds, DOWN, true,
        "the 99 % quantile of the same times in a replication";
    ResultTimeBackground = "result_time_background", Seconds, DOWN, false,
        "the mean of the same times over the tasks at home in the background lane";
    Acknowledgement = "acknowledgement", Seconds, DOWN, false,
        "mean time from submission to the id of the job in the user's hands; a task that got none counts as `worst`";
    Lateness = "lateness", Seconds, DOWN, false,
        "mean time by which results missed their targets, 0 where they did not, over all tasks with one; a task without a result counts as `worst`";
    Abandonment = "abandonment", Share, DOWN, false,
        "share of the tasks whose user left before the end, or would not wait for the beginning, and got nothing: abandoned and stranded together";
    HandOffLoss = "hand_off_loss", Share, DOWN, false,
        "share of the tasks that had shown output and ended, or were left, without any result that can be retrieved";
    Silence = "silence", Seconds, DOWN, false,
        "mean over the tasks at home in the interactive lane of the longest time for which the user's view did not change between submission and end, or leaving; at most `worst`";
    ApprovalWaiting = "approval_waiting", Seconds, DOWN, false,
        "mean time from an approval request to a person seeing it";
    ApprovalDeciding = "approval_deciding", Seconds, DOWN, false,
        "mean time from seeing an approval request to the first decision";
    ApprovalExecuting = "approval_executing", Seconds, DOWN, false,
        "mean time from a consumed grant to its effect in the sink";
    InterruptLoad = "interrupt_load", PerHour, DOWN, false,
        "approval requests put before each approver an hour of arrivals";
    Requests = "requests", PerTask, DOWN, false,
        "requests on the wire to the service for each task submitted";
    TokensWasted = "tokens_wasted", Share, DOWN, false,
        "share of the tokens paid for that went into tasks which ended neither in time nor late, or into tries and second requests of which nothing came";
    Cost = "cost", Money, DOWN, false,
        "the tokens of all tasks at the declared price of the tier served, for each task submitted";
    CostPerGood = "cost_per_good", Money, DOWN, false,
        "what the tokens of all tasks cost at the declared prices, for each task of the goodput; none where there is no such task";
    Fairness = "fairness", Index, UP, false,
        "Jain's index over the goodput of the home lanes: 1 if all lanes fare alike";
    LeastServed = "least_served", Index, UP, false,
        "the goodput of the home lane that fares worst over that of the one that fares best";
    StarvationAge = "starvation_age", Seconds, DOWN, true,
        "the longest time from submission to the first request to the service, over the tasks at home in the background lane; at most `worst`";
    QueueWait = "queue_wait", Seconds, DOWN, false,
        "mean time from submission to the first request to the service, over all tasks; at most `worst`, which tasks that never got there count as";
    Staleness = "staleness", Seconds, DOWN, false,
        "mean time from the end of the last response at the service to the first view that says how the job ended, over the tasks that had a response; at most `worst`";
    Shed = "shed", Share, DOWN, false, "share of the tasks in this bucket: refused by the router";
    Stranded = "stranded", Share, DOWN, false,
        "share of the tasks in this bucket: carried out whole when nobody was there any more for whom it had value";
    Abandoned = "abandoned", Share, DOWN, false,
        "share of the tasks in this bucket: the user left before the end, or would not wait for the beginning, and it did not end whole";
    InTime = "in_time", Share, UP, false,
        "share of the tasks in this bucket: ended whole, with the result on view within its target";
    Late = "late", Share, DOWN, false, "share of the tasks in this bucket: ended whole, behind its target";
    Partial = "partial", Share, DOWN, false, "share of the tasks in this bucket: ended with a part of the result";
    Failed = "failed", Share, DOWN, false, "share of the tasks in this bucket: ended without a result, or with one that the service does not call complete";
    TimedOut = "timed_out", Share, DOWN, false, "share of the tasks in this bucket: ended by a limit";
    Cancelled = "cancelled", Share, None, false, "share of the tasks in this bucket: stopped because somebody asked";
    Denied = "denied", Share, None, false, "share of the tasks in this bucket: an approver said no";
    Expired = "expired", Share, DOWN, false,
        "share of the tasks in this bucket: nobody got to it, in the queue or before an approver";
    Parked = "parked", Share, DOWN, false, "share of the tasks in this bucket: waiting for an operator";
    Open = "open", Share, DOWN, false, "share of the tasks in this bucket: not over when the run was";
    // Behind all others, so that what resampling draws for those stays what it was.
    AttainmentLeast = "attainment_least", Share, UP, false,
        "goodput of the sort of tasks that fares worst";
    MetAcknowledgement = "met_acknowledgement", Share, UP, false,
        "of the tasks with a target for it, the share that had the id of their job within it";
    MetFirstOutput = "met_first_output", Share, UP, false,
        "of the tasks with a target for it, the share that showed output, or the result, within it and before their user left";
    MetResult = "met_result", Share, UP, false,
        "of the tasks with a target for it, the share that ended whole with the result on view within it";
    DeadlineRegret = "deadline_regret", Share, DOWN, false,
        "share of the tasks at home in the background lane that were carried out whole to no avail: shown behind their target, or when nobody was there any more for whom they had value";
    Balked = "balked", Share, DOWN, false,
        "share of the tasks whose user would not even begin to wait, at the first look";
    LongSilences = "long_silences", Share, DOWN, false,
        "share of the tasks at home in the interactive lane for which the user's view did not change for longer than `spinner` between submission and end, or leaving";
    TimeoutsExplained = "timeouts_explained", Share, UP, false,
        "of the tasks that a limit ended, the share whose user was shown within a second of it which limit it was, and what to do next";
    AnonymousLimits = "anonymous_limits", Count, DOWN, false,
        "how many different limits ended tasks without that";
    FailuresExplained = "failures_explained", Share, UP, false,
        "of the tasks that ended without a whole result and not because their user asked, or were parked, the share whose user was shown a cause, who has to act and what to do next, and whose operator was shown the same state and cause";
    StallDetection = "stall_detection", Seconds, DOWN, false,
        "mean time from the instant at which a response got stuck for good, or vanished, to the first view that calls its task stalled or lost, or says that it is over, parked, in doubt, being cancelled or to be tried again; at most `worst`, which tasks of which no view ever said so count as";
    StallDetectionP95 = "stall_detection_p95", Seconds, DOWN, true,
        "the 95 % quantile of the same times in a replication";
    UndetectedDead = "undetected_dead", Count, DOWN, false,
        "tasks whose response got stuck for good, or vanished, and of which no view ever said so";
    FalseStalls = "false_stalls", Share, DOWN, false,
        "share of the tasks with a response that some view called stalled or lost while nothing of theirs was stuck or gone";
    ApproverLoad = "approver_load", Share, DOWN, false,
        "share of the hours in which approvers are there, while tasks arrive, that they spend between being put before a request and deciding about it; requests that are decided together count once, and people who decide side by side without a line can be above 1";
    WrongApprovals = "wrong_approvals", Share, DOWN, false,
        "of the decisions of people, the share that approved what ought to have been denied";
    WrongDenials = "wrong_denials", Share, DOWN, false,
        "of the decisions of people, the share that denied what ought to have been approved";
    DuplicateWork = "duplicate_work", PerTask, DOWN, false,
        "responses at the service beyond one for each attempt and turn, and second requests, for each task submitted";
    TenantFairness = "tenant_fairness", Index, UP, false,
        "Jain's index over the goodput of the tenants: 1 if all of them fare alike; none without `tenants`";
    TenantLeast = "tenant_least", Share, UP, false,
        "goodput of the tenant that fares worst; none without `tenants`";
    TenantLeastServed = "tenant_least_served", Index, UP, false,
        "the goodput of the tenant that fares worst over that of the one that fares best; none without `tenants`";
    Misjudged = "misjudged", Share, DOWN, false,
        "share of the tasks in this bucket: an act landed that was approved and that an attentive approver would have denied, whatever became of the task otherwise";
    Retrials = "retrials", PerTask, DOWN, false,
        "further tries of users who had balked or given up, for each task submitted; a task and all its tries count once everywhere else, from the first submission on";
    Interruptions = "interruptions", PerHour, DOWN, false,
        "moments at which people were put before approval requests, for each hour of arrivals: requests that come together interrupt once";
}

impl Metric {
    /// Whether nothing is gained by doing less: every task of its population counts, and one of which nothing came counts
    /// as the worst. Any other metric decides only while what is done is held.
    #[must_use]
    pub const fn counts_everything(self) -> bool {
        matches!(
            self,
            Self::Goodput
                | Self::GoodputRate
                | Self::AttainmentInteractive
                | Self::AttainmentBackground
                | Self::AttainmentApproval
                | Self::AttainmentLeast
                | Self::MetAcknowledgement
                | Self::MetFirstOutput
                | Self::MetResult
                | Self::LiveWait
                | Self::LiveWaitP50
                | Self::LiveWaitP95
                | Self::LiveWaitP99
                | Self::ResultTime
                | Self::ResultTimeP50
                | Self::ResultTimeP95
                | Self::ResultTimeP99
                | Self::ResultTimeBackground
                | Self::Acknowledgement
                | Self::Lateness
                | Self::TenantLeast
                | Self::QueueWait
                | Self::InTime
        )
    }

    /// Whether it says how much is done, so that a gate on it holds that.
    #[must_use]
    pub const fn holds_completion(self) -> bool {
        matches!(self, Self::Goodput | Self::GoodputRate | Self::InTime)
    }

    /// The metric that is the share of a bucket.
    #[must_use]
    pub const fn of(bucket: Bucket) -> Self {
        match bucket {
            Bucket::Shed => Self::Shed,
            Bucket::Misjudged => Self::Misjudged,
            Bucket::Stranded => Self::Stranded,
            Bucket::Abandoned => Self::Abandoned,
            Bucket::InTime => Self::InTime,
            Bucket::Late => Self::Late,
            Bucket::Partial => Self::Partial,
            Bucket::Failed => Self::Failed,
            Bucket::TimedOut => Self::TimedOut,
            Bucket::Cancelled => Self::Cancelled,
            Bucket::Denied => Self::Denied,
            Bucket::Expired => Self::Expired,
            Bucket::Parked => Self::Parked,
            Bucket::Open => Self::Open,
        }
    }
}
