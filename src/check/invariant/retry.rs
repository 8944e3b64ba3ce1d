//! Retries as the wire sees them: how many, how early, behind what.

use crate::check::catalogue::Id;
use crate::check::seen::{JobSeen, Seen};
use crate::check::tally::{Mark, Now, Tally, claim};
use crate::job::retry::{self, CREATE_TOLD_NO, CREATE_TOLD_YES, RESPONSE_PERMANENT};
use crate::trace::{
    ActionWord, BackendEvent, Class, CoreEvent, Event, JobEvent, Landed, On, OutsideEvent, RuntimeEvent,
    ServiceEvent, SinkEvent, StateName, WireEvent,
};
use crate::units::{Exchange, ExchangeKind, JobId, SimDuration, SimTime};
use crate::wire;

/// Judges RT-01 to RT-05, RT-11, RT-14 and RT-15.
#[derive(Debug)]
pub(super) struct Retry {
    jobs: Vec<Own>,
}

#[derive(Debug, Default)]
struct Own {
    /// Entries into dispatching.
    started: u32,
    creates: u32,
    /// Exchanges on the wire, by kind, as bits of their numbers.
    arrived: [Bits; ExchangeKind::ALL.len()],
    /// The HTTP status of the last create that failed.
    create_http: u16,
    /// A create that failed and has no row yet.
    unclassified: Option<(Exchange, Mark)>,
    /// Failed for good, in this attempt.
    permanent: Option<(Mark, u16)>,
    /// The code of the last failed response.
    failed_code: Option<std::sync::Arc<str>>,
    told: Option<(Mark, SimDuration)>,
    /// Keys that landed.
    keys: Vec<std::sync::Arc<str>>,
    twins: Vec<u16>,
    orphans: Vec<u16>,
}

/// A growing set of small numbers.
#[derive(Debug, Default)]
struct Bits(Vec<u64>);

impl Bits {
    /// Whether the number is new.
    fn add(&mut self, number: u32) -> bool {
        let (place, bit) = (number as usize / 64, 1_u64 << (number % 64));
        if self.0.len() <= place {
            self.0.resize(place + 1, 0);
        }
        let new = self.0[place] & bit == 0;
        self.0[place] |= bit;
        new
    }
}

impl Retry {
    pub(super) fn new(jobs: usize) -> Self {
        Self {
            jobs: std::iter::repeat_with(Own::default).take(jobs).collect(),
        }
    }

    pub(super) fn see(&mut self, seen: &Seen<'_>, now: &Now<'_>, tally: &mut Tally) {
        let Some((id, job, _)) = seen.of(now) else { return };
        let own = &mut self.jobs[id.0 as usize];
        match now.event {
            Event::Service(ServiceEvent::Wire(event)) => own.wire(now, job, event, tally),
            Event::Service(ServiceEvent::Backend(BackendEvent::Became { code, status, .. }))
                if *status == wire::Status::Failed =>
            {
                own.failed_code.clone_from(code);
            }
            Event::Core(CoreEvent::Job(event)) => own.job(now, job, event, tally),
            Event::Core(CoreEvent::Runtime(event)) => own.runtime(now, job, event, tally),
            Event::Outside(OutsideEvent::Sinks(event)) => own.sink(now, event, tally),
            _ => {}
        }
    }

    pub(super) fn tick_over(&mut self, seen: &Seen<'_>, _at: SimTime, tally: &mut Tally) {
        for JobId(id) in &seen.touched {
            let Some(own) = self.jobs.get_mut(*id as usize) else {
                continue;
            };
            if let Some((exchange, mark)) = own.unclassified.take() {
                tally.test(Id::Rt03, mark, false, || {
                    claim(
                        format!("the failure of {exchange} was not classified"),
                        "a row of the norm",
                        "nothing",
                    )
                });
            }
        }
    }

    pub(super) fn end(&mut self, seen: &Seen<'_>, end: SimTime, tally: &mut Tally) {
        for (id, job, task) in seen.all() {
            let own = &self.jobs[id.0 as usize];
            let denied_turn = job.is(StateName::Denied);
            for response in &job.responses {
                let attempt = response.exchange.attempt().0;
                let answer = denied_turn && response.exchange.turn().0 > job.turn;
                let recent = end.since(response.made.at) <= task.task.plan.limits.call;
                let waited_for =
                    response.known || answer || !response.background || (recent && !job.is_terminal());
                if waited_for {
                    continue;
                }
                let recorded = own.twins.contains(&attempt) || own.orphans.contains(&attempt);
                tally.test(Id::Rt14, response.made, recorded, || {
                    claim(
                        format!("response {} was made and forgotten", response.id),
                        "adopted, or a possible twin or orphan on record",
                        "nothing",
                    )
                });
            }
        }
    }
}

impl Own {
    fn wire(&mut self, now: &Now<'_>, job: &JobSeen, event: &WireEvent, tally: &mut Tally) {
        match event {
            WireEvent::Arrived { exchange, .. } => {
                let new = self.arrived[exchange.kind() as usize].add(exchange.nth());
                tally.test(Id::Rt02, now.mark(), new, || {
                    claim(
                        "a request reached the wire twice under one key",
                        "once",
                        format!("{exchange} again"),
                    )
                });
                if exchange.kind() == ExchangeKind::Create {
                    self.create_arrived(now, job, *exchange, tally);
                }
            }
            WireEvent::Refused { exchange } if exchange.kind() == ExchangeKind::Create => {
                self.count(now, job, tally)
            }
            WireEvent::Replied {
                exchange,
                http: 429,
                told: Some(told),
            } if exchange.kind() == ExchangeKind::Create => {
                tally.seen(Id::Rt05);
                self.told = Some((now.mark(), *told));
            }
            _ => {}
        }
    }

    fn count(&mut self, now: &Now<'_>, job: &JobSeen, tally: &mut Tally) {
        self.creates += 1;
        let allowed = self.started + u32::from(job.is(StateName::Denied));
        tally.test(Id::Rt01, now.mark(), self.creates <= allowed, || {
            claim(
                "more creates on the wire than were started",
                format!("at most {allowed}"),
                format!("{}", self.creates),
            )
        });
    }

    fn create_arrived(&mut self, now: &Now<'_>, job: &JobSeen, exchange: Exchange, tally: &mut Tally) {
        self.count(now, job, tally);
        if let Some((mark, told)) = self.told.take() {
            let due = mark.at + told;
            if now.at < due {
                tally.broken(Id::Rt05, now.mark(), || {
                    claim(
                        format!("a create came again before the {told} it was told to wait"),
                        format!("not before {due}"),
                        format!("at {}", now.at),
                    )
                });
            }
        }
        if let Some((_, attempt)) = self
            .permanent
            .filter(|(_, attempt)| exchange.attempt().0 > *attempt)
        {
            tally.broken(Id::Rt04, now.mark(), || {
                claim(
                    "what failed for good was tried again",
                    format!("attempt {attempt} is the last"),
                    format!("attempt {}", exchange.attempt().0),
                )
            });
        }
        let before = job
            .responses
            .iter()
            .rev()
            .find(|response| response.exchange.attempt() < exchange.attempt());
        let Some(before) = before.filter(|before| before.background) else {
            return;
        };
        let attempt = before.exchange.attempt().0;
        let over = !before.is_open() || before.told_to_stop || self.twins.contains(&attempt);
        tally.test(Id::Rt15, now.mark(), over || job.operator_retried, || {
            claim(
                format!("attempt {} runs beside attempt {attempt}", exchange.attempt().0),
                "the response before it ended, told to stop, or a known twin",
                format!("response {} is open", before.id),
            )
        });
    }

    fn job(&mut self, now: &Now<'_>, job: &JobSeen, event: &JobEvent, tally: &mut Tally) {
        match event {
            JobEvent::Moved { on, to, charged, .. } => {
                if *to == StateName::Dispatching {
                    self.started += 1;
                }
                if *on == On::OperatorRetry {
                    self.permanent = None;
                }
                if *charged > job.attempts_max && job.state.is_some() {
                    tally.broken(Id::Rt01, now.mark(), || {
                        claim(
                            "more attempts were charged than the kind admits",
                            format!("{}", job.attempts_max),
                            format!("{charged}"),
                        )
                    });
                }
            }
            JobEvent::Classified {
                exchange,
                row,
                class,
                action,
                landed,
                charged,
            } => {
                if exchange.is_some_and(|known| self.unclassified.is_some_and(|(open, _)| open == known)) {
                    self.unclassified = None;
                }
                let norm = retry::ROWS.iter().find(|known| known.name == *row);
                let same = norm.is_some_and(|norm| {
                    let landing = if [CREATE_TOLD_NO, CREATE_TOLD_YES].contains(norm) {
                        landed_as(self.create_http)
                    } else {
                        norm.landed
                    };
                    (norm.class, norm.action, landing, norm.charged) == (*class, *action, *landed, *charged)
                });
                tally.test(Id::Rt03, now.mark(), same, || {
                    claim(
                        "a classification is no row of the norm",
                        "a row of the norm",
                        format!("`{row}`: {class}, {action}"),
                    )
                });
                let for_good = *class == Class::Permanent && *action == ActionWord::Fail;
                if for_good {
                    tally.seen(Id::Rt04);
                    self.permanent = Some((now.mark(), job.attempt));
                }
            }
            JobEvent::TwinSent { attempt } => {
                self.twins.push(*attempt);
                tally.seen(Id::Rt14);
            }
            JobEvent::OrphanSuspected { attempt, .. } => self.orphans.push(*attempt),
            JobEvent::Adopted { .. } => tally.seen(Id::Rt14),
            _ => {}
        }
    }

    fn runtime(&mut self, now: &Now<'_>, job: &JobSeen, event: &RuntimeEvent, tally: &mut Tally) {
        match event {
            RuntimeEvent::Got {
                exchange,
                http,
                status,
            } => {
                if exchange.kind() == ExchangeKind::Create {
                    self.create_http = *http;
                }
                let failed = *http >= 400 && exchange.kind() == ExchangeKind::Create;
                if failed && job.is(StateName::Dispatching) {
                    self.unclassified = Some((*exchange, now.mark()));
                }
                let code = self.failed_code.as_deref().unwrap_or_default();
                let hopeless = *status == Some(wire::Status::Failed)
                    && retry::response_failed(code) == RESPONSE_PERMANENT;
                if hopeless && self.permanent.is_none() {
                    tally.seen(Id::Rt04);
                    self.permanent = Some((now.mark(), exchange.attempt().0));
                }
            }
            RuntimeEvent::Broke { exchange, .. }
                if exchange.kind() == ExchangeKind::Create && job.is(StateName::Dispatching) =>
            {
                self.unclassified = Some((*exchange, now.mark()));
            }
            _ => {}
        }
    }

    fn sink(&mut self, now: &Now<'_>, event: &SinkEvent, tally: &mut Tally) {
        match event {
            SinkEvent::Applied { key, .. } => {
                let again = self.keys.contains(key);
                if again {
                    tally.test(Id::Rt11, now.mark(), false, || {
                        claim(
                            "an effect landed twice under one key",
                            "once",
                            format!("key {key} again"),
                        )
                    });
                }
                self.keys.push(key.clone());
            }
            SinkEvent::Repeated { key, .. } | SinkEvent::Queried { key, found: true, .. }
                if self.keys.contains(key) =>
            {
                tally.seen(Id::Rt11);
            }
            _ => {}
        }
    }
}

/// Whether a create took hold, as far as the HTTP status of its reply tells.
const fn landed_as(http: u16) -> Landed {
    match http {
        408 => Landed::Unknown,
        300..=499 => Landed::No,
        _ => Landed::Unknown,
    }
}
