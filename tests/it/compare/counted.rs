//! Metrics of runs that are written down record by record, so that each can be counted by hand.

use std::sync::Arc;

use lanebench::sim::Watch;
use lanebench::sim::metric::{
    Bucket, Measures, Metric, Prices, SortFacts, Stories, Targets, Window, bucket_of, measure,
};
use lanebench::trace::{
    JobEvent, LaneName, On, OutsideEvent, PeopleEvent, Principal, Record, SinkEvent, StateName, UserEvent,
};
use lanebench::units::{JobId, SimDuration, SimTime};

/// A run under way: tasks of one sort, at home in the interactive lane, each to have its result within a minute.
struct Tale {
    stories: Stories,
    facts: SortFacts,
    window: Window,
    tasks: u32,
}

fn at(second: u64) -> SimTime {
    SimTime::from_ticks(second * 1_000_000)
}

fn secs(length: u64) -> SimDuration {
    SimDuration::from_secs(length)
}

impl Tale {
    /// So many tasks, each submitted at the second of its number, in a run of an hour with two approvers.
    fn of(tasks: u32) -> Self {
        let mut tale = Self {
            stories: Stories::of(tasks as usize, Arc::new(Prices::new())),
            facts: SortFacts {
                name: "sort".into(),
                home: Some(LaneName::Interactive),
                targets: Targets {
                    result: Some(secs(60)),
                    ..Targets::default()
                },
                outlives: false,
                consequential: true,
            },
            window: Window {
                from: SimTime::START,
                until: at(3_600),
                worst: secs(1_000),
                approvers: 2,
                there: secs(7_200),
            },
            tasks,
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
        let sorts = vec![0; self.tasks as usize];
        measure(
            &self.stories,
            &sorts,
            std::slice::from_ref(&self.facts),
            self.window,
        )
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
    assert_eq!(bucket_of(&tale.stories.all()[0], &tale.facts), Bucket::Misjudged);
    assert_eq!(bucket_of(&tale.stories.all()[1], &tale.facts), Bucket::Open);
}
