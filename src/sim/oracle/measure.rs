//! What came out of a station, and how sure that is.

use super::cases::Case;
use super::line::Visit;
use super::station::{STAFF, Servers, Station, UNIT};
use crate::rng::{Purpose, Seed, exponential, name_key, normal_quantile};
use crate::sim::laws::{Account, Breach, Ledger, Rules};
use crate::sim::stats::{Interval, Moments, mean_interval, student_cdf};
use crate::sim::{Blueprint, Ending, Honest, Model, Played, Recording, Seams};
use crate::units::{SimDuration, SimTime};

/// Anything shorter is no wait: exchanges take a few ticks.
const NO_WAIT: SimDuration = SimDuration::from_millis(1);

/// How one who came fared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Customer {
    /// The class, by its place.
    pub class: usize,
    /// When.
    pub came: SimTime,
    /// How long until service, or until giving up, in units of time.
    pub wait: f64,
    /// How it ended.
    pub fate: Fate,
    /// How long the server was held, in units of time.
    pub held: f64,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Served.
    Served,
    /// Gave up, at the first look or later.
    Left,
    /// Neither: the run broke.
    Lost,
}

/// A run of a station.
#[derive(Debug, Clone)]
pub struct Run {
    /// Everybody, in the order in which they came.
    pub customers: Vec<Customer>,
    /// The laws that did not hold.
    pub breaches: Vec<Breach>,
    /// The books.
    pub ledger: Ledger,
    /// Why it ended.
    pub ending: Ending,
}

impl Station {
    /// Plays the first `count` arrivals under a seed; no record outlives its tick.
    #[must_use]
    pub fn play(&self, seed: Seed, count: usize) -> Run {
        let blueprint = self.blueprint(seed, count);
        let mut ledger = self.books(&blueprint);
        let played = Model::new(&blueprint, Honest, Recording::Streamed).play_watched(&mut ledger);
        self.closed(ledger, &blueprint, &played)
    }

    /// Plays a blueprint of this station, changed or not, with somebody at the seams; it is judged by what the station allows.
    #[must_use]
    pub fn play_as(&self, blueprint: &Blueprint, seams: impl Seams) -> Run {
        let mut ledger = self.books(blueprint);
        let played = Model::new(blueprint, seams, Recording::Full).play();
        played
            .trace
            .records()
            .iter()
            .for_each(|record| ledger.take(record));
        self.closed(ledger, blueprint, &played)
    }

    fn books(&self, blueprint: &Blueprint) -> Ledger {
        let rules = Rules {
            lanes: self.lanes(),
            shared: self.shared(),
        };
        Ledger::new(rules, blueprint.outside.tasks.len())
    }

    fn closed(&self, mut ledger: Ledger, blueprint: &Blueprint, played: &Played) -> Run {
        let breaches = ledger.close(played.end, &played.ending).to_vec();
        let accounts = ledger.accounts();
        let firsts = blueprint.outside.further.firsts_of(accounts.len());
        let people = accounts.iter().zip(&blueprint.outside.tasks).take(firsts);
        let customers = people
            .enumerate()
            .map(|(place, (account, task))| {
                let tries = accounts.iter().skip(place).step_by(firsts.max(1));
                let mut again = tries.skip(1).take_while(|account| account.submitted.is_some());
                match again.by_ref().last() {
                    Some(last) => self.returned(account, last, task.user, played.end),
                    None => self.customer(account, task.user, played.end),
                }
            })
            .collect();
        Run {
            customers,
            breaches,
            ledger,
            ending: played.ending.clone(),
        }
    }

    /// One who came again: the wait is that of all tries together, and of the time between them.
    fn returned(&self, first: &Account, last: &Account, class: usize, end: SimTime) -> Customer {
        let last = self.customer(last, class, end);
        let came = first.submitted.unwrap_or(end);
        Customer {
            came,
            wait: last.wait + units(last.came.since(came)),
            ..last
        }
    }

    fn customer(&self, account: &Account, class: usize, end: SimTime) -> Customer {
        let (came, served, wait) = match self.servers {
            Servers::Staff(_) | Servers::Bulk { .. } => {
                let asked = account.asked.unwrap_or(end);
                (
                    asked,
                    account.seen.is_some(),
                    account.seen.unwrap_or(end).since(asked),
                )
            }
            Servers::Lanes(_) | Servers::Shared(_) | Servers::Due(_) => (
                account.submitted.unwrap_or(end),
                account.began.is_some(),
                account.wait(end).unwrap_or(SimDuration::ZERO),
            ),
        };
        Customer {
            class,
            came,
            wait: units(wait),
            fate: match (account.gave_up, served) {
                (Some(_), _) => Fate::Left,
                (None, true) => Fate::Served,
                (None, false) => Fate::Lost,
            },
            held: units(match (self.servers.decide(), account.seen, account.decided) {
                (false, ..) => account.held,
                (true, Some(seen), Some(decided)) => decided.since(seen),
                (true, ..) => SimDuration::ZERO,
            }),
        }
    }
}

fn units(length: SimDuration) -> f64 {
    length.as_secs_f64() / UNIT.as_secs_f64()
}

/// Something that a closed form knows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quantity {
    /// The share of those who come and find nobody free, and room to wait.
    Waits,
    /// The mean wait of all who come, served or not.
    Wait,
    /// The mean wait of a class.
    WaitOf(usize),
    /// The share whose wait is longer.
    WaitAbove(f64),
    /// The share of those who come and are not served.
    Leaves,
    /// The share of those who come and are served.
    Served,
    /// The share of their time for which this many servers are at work, from the first who counts to the last.
    Busy(u32),
}

impl Quantity {
    /// In plain words.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Waits => "P(wait)".to_owned(),
            Self::Wait => "Wq".to_owned(),
            Self::WaitOf(class) => format!("Wq{}", class + 1),
            Self::WaitAbove(time) => format!("P(W>{time:.2})"),
            Self::Leaves => "P(leave)".to_owned(),
            Self::Served => "P(served)".to_owned(),
            Self::Busy(_) => "load".to_owned(),
        }
    }

    /// What it is over these customers, of whom so many only come to fill the system; none of nobody.
    #[must_use]
    pub fn behind(self, customers: &[Customer], warm_up: usize) -> Option<f64> {
        let counted = customers.get(warm_up..)?;
        let Self::Busy(servers) = self else {
            return self.of(counted);
        };
        // Whoever filled the system may be served still.
        let at = |customer: &Customer| units(customer.came.since(SimTime::START));
        let (from, to) = (at(counted.first()?), at(counted.last()?));
        let busy = customers.iter().map(|customer| {
            let begins = at(customer) + customer.wait;
            ((begins + customer.held).min(to) - begins.max(from)).max(0.0)
        });
        (to > from).then(|| busy.sum::<f64>() / ((to - from) * f64::from(servers)))
    }

    /// Its mean over these customers; none of nobody.
    #[must_use]
    pub fn of(self, customers: &[Customer]) -> Option<f64> {
        let mut moments = Moments::default();
        for customer in customers {
            if let Some(value) = self.value(customer) {
                moments.push(value);
            }
        }
        moments.mean()
    }

    fn value(self, customer: &Customer) -> Option<f64> {
        let share = |yes: bool| Some(f64::from(u8::from(yes)));
        match self {
            Self::Waits => share(customer.wait > units(NO_WAIT)),
            Self::Wait => Some(customer.wait),
            Self::WaitOf(class) => (customer.class == class).then_some(customer.wait),
            Self::WaitAbove(time) => share(customer.wait > time),
            Self::Leaves => share(customer.fate != Fate::Served),
            Self::Served => share(customer.fate == Fate::Served),
            Self::Busy(_) => None,
        }
    }
}

/// A quantity as it was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// One number for each replication.
    pub moments: Moments,
    /// What the closed form says.
    pub expected: f64,
}

impl Measured {
    /// How many standard errors the mean lies off; none of fewer than two replications, or if nothing varies.
    #[must_use]
    pub fn z(&self) -> Option<f64> {
        let (mean, error) = (self.moments.mean()?, self.moments.error()?);
        (error > 0.0).then(|| (mean - self.expected) / error)
    }

    /// The same on the scale of the normal law, where few replications count for what they are: Student's law of so many
    /// has long tails.
    #[must_use]
    pub fn score(&self) -> Option<f64> {
        let z = self.z()?;
        let tail = student_cdf(-z.abs(), (self.moments.count() - 1) as f64);
        Some(-normal_quantile(tail.max(1e-300)) * z.signum())
    }

    /// The interval of 99 %.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        mean_interval(&self.moments, 0.99)
    }

    /// The half-width of that interval, as a share of what is expected.
    #[must_use]
    pub fn half_width(&self) -> Option<f64> {
        Some(self.interval()?.half_width() / self.expected.abs())
    }
}

/// How a station is measured: so many independent replications, each from an empty system; who comes first is only
/// there to fill it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Replications.
    pub replications: u32,
    /// How many come to fill the system.
    pub warm_up: usize,
    /// How many come and count.
    pub count: usize,
}

impl Case {
    /// Measures the station in the engine, one interval for each quantity that is known; and the first law that did not
    /// hold, if one did not.
    #[must_use]
    pub fn measure(&self, seed: Seed, effort: Effort) -> (Vec<Measured>, Option<Breach>) {
        let mut breach = None;
        let runs = (0..effort.replications).map(|replication| {
            let all = effort.warm_up + effort.count;
            let run = self.station.play(effort.seed(seed, replication), all);
            breach = breach.take().or_else(|| run.breaches.first().cloned());
            run.customers
        });
        let measured = self.gather(effort, runs);
        (measured, breach)
    }

    /// Measures the same with the bare line, by draws of its own.
    #[must_use]
    pub fn measure_line(&self, seed: Seed, effort: Effort) -> Vec<Measured> {
        let all = effort.warm_up + effort.count;
        let runs = (0..effort.replications)
            .map(|replication| self.station.line(effort.seed(seed, replication), all));
        self.gather(effort, runs)
    }

    /// What runs of this station say of each quantity; each of them is a replication.
    pub fn gather(&self, effort: Effort, runs: impl Iterator<Item = Vec<Customer>>) -> Vec<Measured> {
        let start = |expected| Measured {
            moments: Moments::default(),
            expected,
        };
        let mut measured: Vec<Measured> = self.expected.iter().map(|(_, value)| start(*value)).collect();
        // Nobody comes behind the last ones to fill their batch: they wait for nothing but its limit.
        let last = self.station.servers.batch().least - 1;
        for customers in runs {
            for ((quantity, _), measured) in self.expected.iter().zip(&mut measured) {
                let settled = &customers[..customers.len().saturating_sub(last)];
                if let Some(value) = quantity.behind(settled, effort.warm_up) {
                    measured.moments.push(value);
                }
            }
        }
        measured
    }
}

impl Run {
    /// The first place where the bare line, told who came when and who would hold a server for how long, has it
    /// otherwise; none if it agrees job by job.
    #[must_use]
    pub fn differs(&self, station: &Station, seed: Seed) -> Option<String> {
        let numbered = self.customers.iter().zip(0_u64..);
        let visits: Vec<Visit> = numbered
            .map(|(customer, job)| station.visit(customer, seed, job))
            .collect();
        let firsts = self.customers.len();
        let waits = station.waits_with(&visits, |place, number| {
            let returns = station.classes[visits[place].class].returns?;
            let job = (place + usize::from(number) * firsts) as u64;
            let stays =
                number < returns.times && returns.probability.hits(seed.unit(Purpose::Retrial, job, 0));
            stays.then(|| exponential(seed.unit(Purpose::Retrial, job, 1), returns.after))
        });
        let mut pairs = self.customers.iter().zip(waits).enumerate();
        pairs.find_map(|(job, (customer, (wait, served)))| {
            let same =
                (customer.wait - wait).abs() < units(NO_WAIT) && served == (customer.fate == Fate::Served);
            let fate = customer.fate;
            (!same).then(|| {
                format!(
                    "job {job}: {fate:?} after {}, and in the bare line {wait}, {served}",
                    customer.wait
                )
            })
        })
    }
}

impl Station {
    /// The visit behind a customer: what the engine drew for it. How long a place is held is taken from the engine's
    /// own books, for exchanges take their ticks.
    fn visit(&self, customer: &Customer, seed: Seed, job: u64) -> Visit {
        let class = &self.classes[customer.class];
        let mean = class.patience.unwrap_or(f64::INFINITY);
        let service = match self.servers {
            Servers::Staff(_) | Servers::Bulk { .. } => {
                let u = seed.unit(Purpose::ApproverFor, job | (1 << 32), name_key(STAFF));
                units(class.service.quantile(u))
            }
            Servers::Lanes(_) | Servers::Shared(_) | Servers::Due(_) => customer.held,
        };
        Visit {
            at: units(customer.came.since(SimTime::START)),
            service,
            patience: exponential(seed.unit(Purpose::Patience, job, 1), mean),
            class: customer.class,
        }
    }
}

impl Effort {
    /// The seed of a replication.
    #[must_use]
    pub const fn seed(self, seed: Seed, replication: u32) -> Seed {
        Seed(seed.bits(Purpose::Resample, replication as u64, 1))
    }
}
