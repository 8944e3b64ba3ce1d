//! Metrics of runs that are written down record by record, so that each can be counted by hand.

use std::sync::Arc;

use lanebench::sim::Watch;
use lanebench::sim::metric::{
    Bucket, Crowd, Measures, Metric, Prices, SortFacts, Stories, Targets, Who, Window, bucket_of, measure,
};
use lanebench::trace::{
    Audience, BackendEvent, Cause, JobEvent, LaneName, LimitName, Liveness, On, OutsideEvent, PeopleEvent,
    Principal, Record, RuntimeEvent, ServiceEvent, SinkEvent, StateName, UserEvent, View,
};
use lanebench::units::{AttemptNo, Exchange, ExchangeKind, JobId, SimDuration, SimTime, TurnNo};
use lanebench::wire::ResponseId;

/// A run under way: tasks of one sort, at home in the interactive lane, each to have its result within a minute.
#[derive(Debug)]
struct Tale {
    stories: Stories,
    facts: Vec<SortFacts>,
    window: Window,
    sorts: Vec<u32>,
    tenants: Vec<u32>,
    tries: u16,
    twins: bool,
}

fn at(second: u64) -> SimTime {
    SimTime::from_ticks(second * 1_000_000)
}

fn secs(length: u64) -> SimDuration {
    SimDuration::from_secs(length)
}

impl Who for Tale {
    fn tasks(&self) -> usize {
        self.sorts.len()
    }

    fn sort(&self, task: usize) -> Option<u32> {
        self.sorts.get(task).copied()
    }

    fn tenant(&self, task: usize) -> Option<u32> {
        self.tenants.get(task).copied()
    }
}

impl Tale {
    /// So many tasks, each submitted at the second of its number, in a run of an hour with two approvers.
    fn of(tasks: u32) -> Self {
        let mut tale = Self {
            stories: Stories::of(tasks as usize, at(3_600), Arc::new(Prices::new())),
            facts: vec![SortFacts {
                name: "sort".into(),
                home: Some(LaneName::Interactive),
                targets: Targets {
                    result: Some(secs(60)),
                    ..Targets::default()
                },
                outlives: false,
                consequential: true,
            }],
            window: Window {
                from: SimTime::START,
                until: at(3_600),
                worst: secs(1_000),
                spinner: secs(10),
                approvers: 2,
                there: secs(7_200),
            },
            sorts: vec![0; tasks as usize],
            tenants: Vec::new(),
            tries: 0,
            twins: false,
        };
        for job in 0..tasks {
            let submitted = UserEvent::Submitted {
                task: format!("t{job}").into(),
                kind: "kind".into(),
            };
            tale.user(job, u64::from(job), submitted);
        }
        tale
    }

    fn outside(&mut self, job: u32, second: u64, event: impl Into<OutsideEvent>) {
        self.stories.outside(&Record {
            at: at(second),
            job: Some(JobId(job)),
            event: event.into(),
        });
    }

    fn user(&mut self, job: u32, second: u64, event: UserEvent) {
        self.outside(job, second, OutsideEvent::User(event));
    }

    fn people(&mut self, job: u32, second: u64, event: PeopleEvent) {
        self.outside(job, second, OutsideEvent::People(event));
    }

    fn job(&mut self, job: u32, second: u64, event: JobEvent) {
        self.stories.core(&Record {
            at: at(second),
            job: Some(JobId(job)),
            event: event.into(),
        });
    }

    /// Somebody looks at the request of a job, and decides about it.
    fn decides(&mut self, who: &str, job: u32, (from, to): (u64, u64), verdict: &'static str) {
        let (by, approval) = (Principal(who.into()), Arc::<str>::from(format!("a{job}")));
        let digests = vec![Arc::<str>::from(format!("d{job}"))];
        self.people(
            job,
            from,
            PeopleEvent::SawRequest {
                approval: Arc::clone(&approval),
                by: by.clone(),
                digests: digests.clone(),
            },
        );
        self.people(
            job,
            to,
            PeopleEvent::Decided {
                approval,
                by,
                verdict,
                reason: None,
                digests,
                eligible: true,
            },
        );
    }

    fn misjudges(&mut self, job: u32, second: u64, verdict: &'static str) {
        self.people(
            job,
            second,
            PeopleEvent::Misjudged {
                approval: format!("a{job}").into(),
                by: Principal("ana".into()),
                verdict,
                digests: vec![format!("d{job}").into()],
            },
        );
    }

    fn moved(&mut self, job: u32, second: u64, to: StateName) {
        self.job(
            job,
            second,
            JobEvent::Moved {
                from: Some(StateName::Running),
                on: On::Accepted,
                to,
                attempt: 1,
                charged: 1,
                turn: 1,
                cause: None,
                by: None,
            },
        );
    }

    fn measures(&self) -> Measures {
        let crowd = Crowd {
            tries: self.tries,
            twins: self.twins,
            who: self,
        };
        measure(&self.stories, crowd, &self.facts, self.window)
    }

    #[track_caller]
    fn counts(&self, metric: Metric, expected: f64) {
        let value = self.measures().value(metric).unwrap();
        assert!(
            (value - expected).abs() < 1e-9,
            "{}: {value}, not {expected}",
            metric.word()
        );
    }
}

#[test]
fn approvers_are_busy_while_they_look_and_together_counts_once() {
    let mut tale = Tale::of(4);
    // Ana looks at two requests together for ten minutes, and at a third for five; ben for half an hour, and at the end
    // for ten minutes of which five are behind the last arrival.
    tale.decides("ana", 0, (600, 1_200), "approve");
    tale.decides("ana", 1, (600, 1_200), "approve");
    tale.decides("ana", 2, (1_300, 1_600), "deny");
    tale.decides("ben", 3, (0, 1_800), "approve");
    tale.decides("ben", 3, (3_300, 3_900), "approve");
    tale.counts(Metric::ApproverLoad, (600.0 + 300.0 + 1_800.0 + 300.0) / 7_200.0);
    tale.counts(Metric::InterruptLoad, 5.0 / 2.0);
}

#[test]
fn wrong_decisions_count_and_harm_is_a_bucket_of_its_own() {
    let mut tale = Tale::of(4);
    for job in 0..4 {
        tale.decides("ana", job, (10, 20), "approve");
    }
    tale.misjudges(0, 20, "approve");
    tale.misjudges(1, 20, "approve");
    tale.misjudges(2, 20, "deny");
    // The act of the first lands; that of the second never does.
    let applied = SinkEvent::Applied {
        sink: "mail".into(),
        key: "k".into(),
        digest: "d0".into(),
        grant: "g".into(),
    };
    tale.outside(0, 30, OutsideEvent::Sinks(applied));
    tale.moved(0, 31, StateName::Succeeded);
    tale.counts(Metric::WrongApprovals, 0.5);
    tale.counts(Metric::WrongDenials, 0.25);
    tale.counts(Metric::Misjudged, 0.25);
    tale.counts(Metric::Goodput, 0.0);
    assert_eq!(
        bucket_of(tale.stories.all()[0], &tale.facts[0]),
        Bucket::Misjudged
    );
    assert_eq!(bucket_of(tale.stories.all()[1], &tale.facts[0]), Bucket::Open);
}

/// A user's or operator's view of a job in this state.
fn view(state: StateName, liveness: Liveness) -> View {
    View {
        state,
        headline: "so it is".into(),
        liveness,
        attempt: 1,
        attempts_max: 1,
        next_event: None,
        next_what: None,
        since: at(0),
        heard_at: None,
        deadline: at(10_000),
        cause: None,
        must_act: None,
        what_to_do: None,
        verbs: Vec::new(),
        progress: 0,
        result: None,
    }
}

fn told(state: StateName, code: &str) -> View {
    View {
        cause: Some(Cause {
            code: code.into(),
            detail: "in plain words".into(),
        }),
        must_act: Some(Principal("kim".into())),
        what_to_do: Some("read the cause".into()),
        ..view(state, Liveness::Resting)
    }
}

impl Tale {
    fn shown(&mut self, job: u32, second: u64, view: View) {
        self.shown_to(Audience::User, job, second, view.clone());
        self.shown_to(Audience::Operator, job, second, view);
    }

    fn shown_to(&mut self, audience: Audience, job: u32, second: u64, view: View) {
        let view = Arc::new(view);
        self.stories.core(&Record {
            at: at(second),
            job: Some(JobId(job)),
            event: RuntimeEvent::Shown { audience, view }.into(),
        });
    }

    fn backend(&mut self, job: u32, second: u64, event: BackendEvent) {
        self.stories.service(&Record {
            at: at(second),
            job: Some(JobId(job)),
            event: ServiceEvent::Backend(event),
        });
    }

    /// A response of this attempt and turn is made.
    fn made(&mut self, job: u32, second: u64, (attempt, turn): (u16, u16), nth: u32) {
        let origin = lanebench::wire::Origin {
            job: JobId(job),
            attempt: AttemptNo(attempt),
            turn: TurnNo(turn),
        };
        let exchange = Exchange::new(
            JobId(job),
            AttemptNo(attempt),
            TurnNo(turn),
            ExchangeKind::Create,
            nth,
        );
        let response = ResponseId(format!("resp_{job}_{attempt}_{turn}_{nth}").into());
        let created = BackendEvent::Created {
            response,
            exchange,
            origin: Some(origin),
            background: true,
        };
        self.backend(job, second, created);
    }

    fn gets_stuck(&mut self, job: u32, second: u64) {
        let fault = "stuck_in_progress";
        self.backend(job, second, BackendEvent::FaultFired { rule: 0, fault });
    }

    /// It ends whole, with its result on view at this second.
    fn succeeds(&mut self, job: u32, second: u64) {
        self.made(job, second, (1, 1), 0);
        let status = lanebench::wire::Status::Completed;
        let response = ResponseId(format!("resp_{job}_1_1_0").into());
        self.backend(
            job,
            second,
            BackendEvent::Became {
                response,
                status,
                code: None,
            },
        );
        self.moved(job, second, StateName::Succeeded);
        let result = View {
            result: Some("d".into()),
            ..view(StateName::Succeeded, Liveness::Resting)
        };
        self.shown(job, second, result);
    }
}

#[test]
fn what_is_stuck_is_found_in_time_or_not_at_all() {
    let mut tale = Tale::of(5);
    for job in 0..4 {
        tale.made(job, 10, (1, 1), 0);
    }
    // Stuck at 100: called stalled at 160; found over at 300; never found; and the fourth only looks stuck.
    for job in 0..3 {
        tale.gets_stuck(job, 100);
        tale.shown(job, 110, view(StateName::Running, Liveness::Quiet));
    }
    tale.shown(0, 160, view(StateName::Running, Liveness::Stalled));
    tale.shown(0, 400, view(StateName::TimedOut, Liveness::Resting));
    tale.shown(1, 300, view(StateName::TimedOut, Liveness::Resting));
    tale.shown(3, 50, view(StateName::Running, Liveness::Lost));
    tale.counts(Metric::StallDetection, (60.0 + 200.0 + 1_000.0) / 3.0);
    tale.counts(Metric::StallDetectionP95, 1_000.0);
    tale.counts(Metric::UndetectedDead, 1.0);
    // One of the four with a response was called lost and was not; the fifth has none.
    tale.counts(Metric::FalseStalls, 0.25);
}

#[test]
fn crying_wolf_is_fast_and_false() {
    let mut honest = Tale::of(10);
    let mut wolf = Tale::of(10);
    for tale in [&mut honest, &mut wolf] {
        for job in 0..10 {
            tale.made(job, 10, (1, 1), 0);
        }
    }
    for job in 0..10 {
        wolf.shown(job, 50, view(StateName::Running, Liveness::Stalled));
    }
    honest.gets_stuck(0, 100);
    wolf.gets_stuck(0, 100);
    wolf.shown(0, 100, view(StateName::Running, Liveness::Stalled));
    honest.shown(0, 200, view(StateName::Running, Liveness::Stalled));
    honest.counts(Metric::StallDetection, 100.0);
    honest.counts(Metric::FalseStalls, 0.0);
    wolf.counts(Metric::StallDetection, 0.0);
    wolf.counts(Metric::FalseStalls, 1.0);
    // So neither of them decides anything unless what is done is held.
    assert!(!Metric::StallDetection.counts_everything() && !Metric::FalseStalls.counts_everything());
}

#[test]
fn a_limit_that_fires_says_its_name_and_a_failure_what_to_do() {
    let mut tale = Tale::of(6);
    let fires = |tale: &mut Tale, job, limit| {
        let fired = JobEvent::LimitFired {
            limit,
            value: secs(60),
            due: at(100),
            during: StateName::Running,
        };
        tale.job(job, 100, fired);
        tale.moved(job, 100, StateName::TimedOut);
    };
    // Named at once; named too late; never named, by two limits.
    for job in 0..2 {
        fires(&mut tale, job, LimitName::Attempt);
    }
    tale.shown(0, 100, told(StateName::TimedOut, "limit:attempt"));
    tale.shown(1, 103, told(StateName::TimedOut, "limit:attempt"));
    fires(&mut tale, 2, LimitName::Deadline);
    tale.shown(2, 100, told(StateName::TimedOut, "limit:attempt"));
    fires(&mut tale, 3, LimitName::Deadline);
    // One failure where the operator is told something else, and one that ends well.
    tale.moved(4, 50, StateName::Failed);
    tale.shown_to(Audience::User, 4, 50, told(StateName::Failed, "server_error"));
    tale.shown_to(Audience::Operator, 4, 50, told(StateName::Failed, "quota"));
    tale.succeeds(5, 40);
    tale.counts(Metric::TimeoutsExplained, 0.25);
    tale.counts(Metric::AnonymousLimits, 2.0);
    // Of the five without a whole result, three are explained to both: late or under another name is explained too.
    tale.counts(Metric::FailuresExplained, 0.6);
}

#[test]
fn targets_are_met_one_by_one_and_sorts_and_tenants_fare_apart() {
    let mut tale = Tale::of(4);
    let mut other = tale.facts[0].clone();
    (other.home, other.targets) = (Some(LaneName::Background), Targets::default());
    other.targets.first_output = Some(secs(20));
    other.targets.result = Some(secs(30));
    tale.facts.push(other);
    tale.sorts = vec![0, 0, 1, 1];
    tale.tenants = vec![0, 1, 0, 1];
    // Results at 50 s, never, at 28 s with output at once, and at 40 s.
    tale.succeeds(0, 50);
    let output = View {
        progress: 1,
        ..view(StateName::Running, Liveness::Fresh)
    };
    tale.shown(2, 5, output);
    tale.succeeds(2, 30);
    tale.succeeds(3, 43);
    tale.counts(Metric::MetResult, 0.5);
    tale.counts(Metric::MetFirstOutput, 0.5);
    tale.counts(Metric::Goodput, 0.5);
    tale.counts(Metric::AttainmentLeast, 0.5);
    tale.counts(Metric::DeadlineRegret, 0.5);
    // The first tenant has both of its tasks done, the second none.
    tale.counts(Metric::TenantLeast, 0.0);
    tale.counts(Metric::TenantFairness, 0.5);
    tale.counts(Metric::TenantLeastServed, 0.0);
    assert_eq!(tale.measures().value(Metric::MetAcknowledgement), None);
    tale.tenants = vec![0, 1, 1, 1];
    tale.counts(Metric::TenantLeast, 1.0 / 3.0);
    tale.counts(Metric::TenantLeastServed, 1.0 / 3.0);
}

#[test]
fn silences_balks_and_work_done_twice_are_counted() {
    let mut tale = Tale::of(4);
    // Nothing for 11 seconds; for exactly 10; until the user leaves at once; and a balk.
    tale.shown(0, 11, view(StateName::Running, Liveness::Fresh));
    tale.shown(1, 11, view(StateName::Running, Liveness::Fresh));
    tale.user(2, 4, UserEvent::Left);
    tale.user(3, 4, UserEvent::GaveUp { why: "busy" });
    tale.user(2, 4, UserEvent::GaveUp { why: "waited" });
    tale.counts(Metric::LongSilences, 0.25);
    tale.counts(Metric::Balked, 0.25);
    // Two for one attempt and turn; one each for two turns; one each for two attempts.
    tale.made(0, 20, (1, 1), 0);
    tale.made(0, 30, (1, 1), 1);
    tale.made(1, 20, (1, 1), 0);
    tale.made(1, 30, (1, 2), 0);
    tale.made(2, 20, (1, 1), 0);
    tale.made(2, 30, (2, 1), 0);
    tale.counts(Metric::DuplicateWork, 0.25);
    // Only whole results count as carried out; the background's regret has nobody here to speak of.
    assert_eq!(tale.measures().value(Metric::DeadlineRegret), None);
}

#[test]
fn a_task_and_all_its_tries_count_once_from_the_first_submission_on() {
    // Two tasks with a second and a third try each, and one second request: jobs 0 and 1, 2 and 3, 4 and 5, 6 and 7.
    let mut tale = Tale::of(2);
    tale.stories = Stories::of(2, at(3_600), Arc::new(Prices::new())).with_jobs(8);
    (tale.tries, tale.twins) = (2, true);
    let comes = |tale: &mut Tale, job, second| {
        let submitted = UserEvent::Submitted {
            task: "t".into(),
            kind: "kind".into(),
        };
        tale.user(job, second, submitted);
    };
    let gives_up = |tale: &mut Tale, job, second| {
        tale.user(job, second, UserEvent::GaveUp { why: "busy" });
        tale.moved(job, second, StateName::Cancelled);
    };
    comes(&mut tale, 0, 0);
    gives_up(&mut tale, 0, 1);
    comes(&mut tale, 2, 20);
    gives_up(&mut tale, 2, 21);
    comes(&mut tale, 4, 40);
    tale.succeeds(4, 50);
    // The other gives up for good.
    comes(&mut tale, 1, 0);
    gives_up(&mut tale, 1, 1);
    let measures = tale.measures();
    assert_eq!(measures.tasks, 2);
    assert!(measures.conserves());
    tale.counts(Metric::InTime, 0.5);
    tale.counts(Metric::Abandoned, 0.5);
    tale.counts(Metric::Balked, 1.0);
    tale.counts(Metric::Retrials, 1.0);
    // Fifty seconds since the first submission, and `worst`.
    tale.counts(Metric::ResultTime, (50.0 + 1_000.0) / 2.0);
    // The second request for the other task brings its result after all.
    comes(&mut tale, 7, 5);
    tale.succeeds(7, 30);
    tale.counts(Metric::InTime, 1.0);
    tale.counts(Metric::ResultTime, (50.0 + 30.0) / 2.0);
    tale.counts(Metric::DuplicateWork, 0.5);
}
