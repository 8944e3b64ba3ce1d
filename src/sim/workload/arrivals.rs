//! Arrivals by a law.

use crate::rng::{Purpose, Seed, exponential, normal_quantile};
use crate::units::{SimDuration, SimTime};

/// When tasks arrive, by a law.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrivals(Law);

#[derive(Debug, Clone, PartialEq)]
enum Law {
    Renewal { gap: f64, cv2: Spread },
    Bursts { phases: Vec<Phase> },
    Daily { gap: f64, hours: [f64; 24] },
}

/// The law of one gap.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Spread {
    Exponential,
    /// Lognormal, by the standard deviation of its logarithm.
    Lognormal(f64),
}

/// A phase of bursty arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phase {
    /// The mean gap between arrivals while it lasts; none: nobody arrives.
    pub gap: Option<SimDuration>,
    /// How long it lasts, on average.
    pub lasts: SimDuration,
}

impl Phase {
    fn faster(self, load: f64) -> Self {
        let faster = |gap: SimDuration| SimDuration::from_secs_f64(gap.as_secs_f64() / load);
        Self {
            gap: self.gap.map(|gap| faster(gap).max(SimDuration::from_ticks(1))),
            ..self
        }
    }
}

/// Why numbers make no arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArrivalsError {
    /// Arrivals without a gap never end.
    #[error("the mean gap between arrivals has to be longer than zero")]
    Gap,
    /// No gaps are like that.
    #[error("the squared coefficient of variation has to be a number from 0 to 1000000")]
    Variation,
    /// Nothing ever arrives, or a phase has no length.
    #[error("bursts need at least two phases, each longer than zero, and one in which somebody arrives")]
    Phases,
    /// No profile.
    #[error("a daily profile has 24 numbers from 0 to 1000000, one of them above 0")]
    Profile,
}

impl Arrivals {
    /// A Poisson process: nothing about the past says anything about the next arrival.
    ///
    /// # Errors
    /// [`ArrivalsError::Gap`].
    pub fn poisson(gap: SimDuration) -> Result<Self, ArrivalsError> {
        let cv2 = Spread::Exponential;
        Ok(Self(Law::Renewal { gap: mean(gap)?, cv2 }))
    }

    /// Independent lognormal gaps with this mean and squared coefficient of variation; 0 is a clockwork.
    ///
    /// # Errors
    /// [`ArrivalsError::Gap`] or [`ArrivalsError::Variation`].
    pub fn renewal(gap: SimDuration, cv2: f64) -> Result<Self, ArrivalsError> {
        if !(0.0..=1e6).contains(&cv2) {
            return Err(ArrivalsError::Variation);
        }
        let cv2 = Spread::Lognormal(libm::sqrt(libm::log1p(cv2)));
        Ok(Self(Law::Renewal { gap: mean(gap)?, cv2 }))
    }

    /// A Poisson process whose rate goes round through phases of exponential length, the first one first.
    ///
    /// Source: Fischer and Meier-Hellstern, "The Markov-modulated Poisson process cookbook" (1993).
    ///
    /// # Errors
    /// [`ArrivalsError::Gap`] or [`ArrivalsError::Phases`].
    pub fn bursts(phases: &[Phase]) -> Result<Self, ArrivalsError> {
        for phase in phases {
            if let Some(gap) = phase.gap {
                mean(gap)?;
            }
        }
        let sound = phases.len() > 1 && phases.iter().all(|phase| !phase.lasts.is_zero());
        if !sound || phases.iter().all(|phase| phase.gap.is_none()) {
            return Err(ArrivalsError::Phases);
        }
        let phases = phases.to_vec();
        Ok(Self(Law::Bursts { phases }))
    }

    /// A Poisson process whose rate follows the hours of a day; the run starts at midnight.
    ///
    /// - `gap`: the mean gap over a whole day.
    /// - `hours`: how busy each hour is, relative to the others.
    ///
    /// # Errors
    /// [`ArrivalsError::Gap`] or [`ArrivalsError::Profile`].
    pub fn daily(gap: SimDuration, hours: [f64; 24]) -> Result<Self, ArrivalsError> {
        let sum: f64 = hours.iter().sum();
        if !hours.iter().all(|hour| (0.0..=1e6).contains(hour)) || sum <= 0.0 {
            return Err(ArrivalsError::Profile);
        }
        let hours = hours.map(|hour| 24.0 * hour / sum);
        Ok(Self(Law::Daily {
            gap: mean(gap)?,
            hours,
        }))
    }

    /// The same, so many times as fast: phases keep their lengths, and days their hours.
    #[must_use]
    pub fn faster(self, load: f64) -> Self {
        Self(match self.0 {
            Law::Renewal { gap, cv2 } => Law::Renewal { gap: gap / load, cv2 },
            Law::Bursts { phases } => Law::Bursts {
                phases: phases.into_iter().map(|phase| phase.faster(load)).collect(),
            },
            Law::Daily { gap, hours } => Law::Daily {
                gap: gap / load,
                hours,
            },
        })
    }

    /// The instants under a seed, without end.
    #[must_use]
    pub fn instants(&self, seed: Seed) -> Instants {
        Instants {
            law: self.0.clone(),
            seed,
            now: 0.0,
            draws: 0,
            phase: 0,
            phase_ends: None,
        }
    }
}

fn mean(gap: SimDuration) -> Result<f64, ArrivalsError> {
    match gap.is_zero() {
        true => Err(ArrivalsError::Gap),
        false => Ok(gap.as_secs_f64()),
    }
}

/// The instants of [`Arrivals`], in order.
#[derive(Debug, Clone)]
pub struct Instants {
    law: Law,
    seed: Seed,
    /// The last arrival, in seconds.
    now: f64,
    draws: u64,
    /// How many phases went by.
    phase: u64,
    phase_ends: Option<f64>,
}

impl Instants {
    fn draw(&mut self) -> f64 {
        self.draws += 1;
        self.seed.unit(Purpose::Arrival, self.draws, 0)
    }

    fn renewal(&mut self, gap: f64, cv2: Spread) {
        let u = self.draw();
        self.now += match cv2 {
            Spread::Exponential => exponential(u, gap),
            Spread::Lognormal(sigma) => gap * libm::exp(sigma * normal_quantile(u) - 0.5 * sigma * sigma),
        };
    }

    /// What is drawn in a phase and would lie behind it is drawn again in the next one: nothing is remembered.
    fn bursts(&mut self, phases: &[Phase]) {
        loop {
            #[expect(clippy::cast_possible_truncation, reason = "below the number of phases")]
            let phase = phases[(self.phase % phases.len() as u64) as usize];
            let ends = self.phase_ends.unwrap_or_else(|| {
                let u = self.seed.unit(Purpose::Arrival, self.phase, 1);
                self.now + exponential(u, phase.lasts.as_secs_f64())
            });
            self.phase_ends = Some(ends);
            if let Some(gap) = phase.gap {
                let next = self.now + exponential(self.draw(), gap.as_secs_f64());
                if next <= ends {
                    self.now = next;
                    return;
                }
            }
            self.now = ends;
            self.phase += 1;
            self.phase_ends = None;
        }
    }

    /// Thinning: candidates at the rate of the busiest hour, each taken with the share of its own hour.
    ///
    /// Source: Lewis and Shedler, "Simulation of nonhomogeneous Poisson processes by thinning" (1979).
    fn daily(&mut self, gap: f64, hours: &[f64; 24]) {
        let busiest = hours.iter().copied().fold(0.0, f64::max);
        loop {
            self.now += exponential(self.draw(), gap / busiest);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an hour of a day, and casts saturate"
            )]
            let hour = (libm::floor(self.now / 3_600.0) as u64 % 24) as usize;
            if self.draw() * busiest < hours[hour] {
                return;
            }
        }
    }
}

impl Iterator for Instants {
    type Item = SimTime;

    fn next(&mut self) -> Option<SimTime> {
        // The law is lent to what it draws.
        let law = std::mem::replace(&mut self.law, Law::Bursts { phases: Vec::new() });
        match &law {
            Law::Renewal { gap, cv2 } => self.renewal(*gap, *cv2),
            Law::Bursts { phases } => self.bursts(phases),
            Law::Daily { gap, hours } => self.daily(*gap, hours),
        }
        self.law = law;
        Some(SimTime::START + SimDuration::from_secs_f64(self.now))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sim::stats::Moments;

    const SECOND: SimDuration = SimDuration::from_secs(1);

    fn gaps(arrivals: &Arrivals, count: usize) -> Moments {
        let mut moments = Moments::default();
        let mut last = SimTime::START;
        for at in arrivals.instants(Seed(4)).take(count) {
            moments.push(at.since(last).as_secs_f64());
            last = at;
        }
        moments
    }

    fn logs_of_gaps(arrivals: &Arrivals) -> Vec<f64> {
        let instants: Vec<SimTime> = arrivals.instants(Seed(4)).take(20_000).collect();
        let pairs = instants.windows(2);
        pairs
            .map(|pair| libm::log(pair[1].since(pair[0]).as_secs_f64()))
            .collect()
    }

    /// How much more the numbers of arrivals in windows vary than those of a Poisson process.
    fn dispersion(arrivals: &Arrivals, window: f64, windows: usize) -> f64 {
        let mut counts = vec![0.0; windows];
        for at in arrivals.instants(Seed(9)) {
            let place = (at.since(SimTime::START).as_secs_f64() / window) as usize;
            match counts.get_mut(place) {
                Some(count) => *count += 1.0,
                None => break,
            }
        }
        let moments = Moments::of(&counts);
        moments.variance().unwrap() / moments.mean().unwrap()
    }

    #[test]
    fn gaps_have_the_mean_and_the_variation_that_were_asked_for() {
        for cv2 in [0.0, 0.25, 1.0, 4.0] {
            let arrivals = Arrivals::renewal(SECOND, cv2).unwrap();
            let mean = gaps(&arrivals, 50_000).mean().unwrap();
            assert!((mean - 1.0).abs() < 0.04, "{cv2}: {mean}");
            // The tail of a wild law is slow to show; its logarithm is not.
            let logs = Moments::of(&logs_of_gaps(&arrivals));
            let sigma2 = libm::log1p(cv2);
            assert!(
                (logs.variance().unwrap() - sigma2).abs() <= 0.03 * sigma2 + 1e-9,
                "{cv2}: {logs:?}"
            );
            assert!(
                (logs.mean().unwrap() + 0.5 * sigma2).abs() < 0.03,
                "{cv2}: {logs:?}"
            );
        }
        let poisson = Arrivals::poisson(SECOND).unwrap();
        let moments = gaps(&poisson, 50_000);
        assert!((moments.mean().unwrap() - 1.0).abs() < 0.01);
        assert!((dispersion(&poisson, 10.0, 20_000) - 1.0).abs() < 0.05);
    }

    #[test]
    fn bursts_are_as_uneven_as_theory_says() {
        let phase = |gap, lasts| Phase {
            gap,
            lasts: SimDuration::from_secs(lasts),
        };
        let busy = SimDuration::from_millis(100);
        let arrivals = Arrivals::bursts(&[phase(Some(busy), 5), phase(None, 15)]).unwrap();
        let moments = gaps(&arrivals, 50_000);
        assert!((moments.mean().unwrap() - 0.4).abs() < 0.02, "{moments:?}");
        // Over long windows: 1 + 2 (r1 - r2)^2 s1 s2 / ((s1 + s2)^2 (r1 s2 + r2 s1)) with rates r and switches s.
        let (rate, on, off) = (10.0, 1.0 / 5.0, 1.0 / 15.0);
        let theory = 1.0 + 2.0 * rate * rate * on * off / ((on + off) * (on + off) * (rate * off));
        let found = dispersion(&arrivals, 200.0, 2_000);
        assert!((found / theory - 1.0).abs() < 0.15, "{found} and not {theory}");
    }

    #[test]
    fn a_day_has_its_profile() {
        let mut hours = [0.0; 24];
        (hours[9], hours[15]) = (3.0, 1.0);
        let arrivals = Arrivals::daily(SECOND, hours).unwrap();
        let mut seen = [0_u32; 24];
        for at in arrivals.instants(Seed(2)) {
            let secs = at.since(SimTime::START).as_secs_f64();
            if secs >= 2.0 * 86_400.0 {
                break;
            }
            seen[(secs / 3_600.0) as usize % 24] += 1;
        }
        assert_eq!(seen.iter().filter(|count| **count > 0).count(), 2);
        let all = f64::from(seen[9] + seen[15]);
        assert!((all / 172_800.0 - 1.0).abs() < 0.01, "{all}");
        assert!((f64::from(seen[9]) / all - 0.75).abs() < 0.01);
    }

    #[test]
    fn the_same_seed_gives_the_same_instants_and_nonsense_is_refused() {
        let arrivals = Arrivals::poisson(SECOND).unwrap();
        let first: Vec<_> = arrivals.instants(Seed(1)).take(50).collect();
        assert_eq!(first, arrivals.instants(Seed(1)).take(50).collect::<Vec<_>>());
        assert_ne!(first, arrivals.instants(Seed(2)).take(50).collect::<Vec<_>>());
        assert_eq!(Arrivals::poisson(SimDuration::ZERO), Err(ArrivalsError::Gap));
        assert_eq!(Arrivals::renewal(SECOND, f64::NAN), Err(ArrivalsError::Variation));
        let silent = Phase {
            gap: None,
            lasts: SECOND,
        };
        assert_eq!(Arrivals::bursts(&[silent, silent]), Err(ArrivalsError::Phases));
        assert_eq!(Arrivals::daily(SECOND, [0.0; 24]), Err(ArrivalsError::Profile));
    }
}
