//! Servers without impatience.

/// What a queue without loss does in the steady state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Queue {
    /// The share of arrivals that have to wait.
    pub waits: f64,
    /// The mean wait, of all arrivals.
    pub wait: f64,
    /// The mean time from arrival to the end of service.
    pub stay: f64,
    /// The mean number that wait.
    pub waiting: f64,
}

impl Queue {
    fn of(waits: f64, wait: f64, arrivals: f64, service: f64) -> Self {
        Self {
            waits,
            wait,
            stay: wait + service,
            waiting: arrivals * wait,
        }
    }
}

/// The share of arrivals that are lost where nobody can wait (M/G/c/c).
///
/// - `load`: arrivals times mean service.
///
/// Source: Erlang, "Løsning af nogle Problemer fra Sandsynlighedsregningen" (1917), by the recursion over servers.
#[must_use]
pub fn erlang_b(load: f64, servers: u32) -> f64 {
    (1..=servers).fold(1.0, |blocked, server| {
        load * blocked / (f64::from(server) + load * blocked)
    })
}

/// The share of arrivals that wait (M/M/c); 1 from the load on that the servers cannot carry.
#[must_use]
pub fn erlang_c(load: f64, servers: u32) -> f64 {
    let c = f64::from(servers);
    if load >= c {
        return 1.0;
    }
    let blocked = erlang_b(load, servers);
    c * blocked / (c - load * (1.0 - blocked))
}

/// Poisson arrivals, exponential service, `servers` of them, one line (M/M/c); none where it never settles.
#[must_use]
pub fn mmc(arrivals: f64, service_rate: f64, servers: u32) -> Option<Queue> {
    let spare = f64::from(servers) * service_rate - arrivals;
    (spare > 0.0).then(|| {
        let waits = erlang_c(arrivals / service_rate, servers);
        Queue::of(waits, waits / spare, arrivals, service_rate.recip())
    })
}

/// The probability that a wait in M/M/c is longer than `time`; none where it never settles.
#[must_use]
pub fn mmc_wait_above(arrivals: f64, service_rate: f64, servers: u32, time: f64) -> Option<f64> {
    let spare = f64::from(servers) * service_rate - arrivals;
    let queue = mmc(arrivals, service_rate, servers)?;
    Some(queue.waits * libm::exp(-spare * time))
}

/// Poisson arrivals, one server, any law of service (M/G/1); none where it never settles.
///
/// - `cv2`: the squared coefficient of variation of service: 0 constant, 1 exponential.
///
/// Source: Pollaczek (1930) and Khinchine (1932).
#[must_use]
pub fn mg1(arrivals: f64, service: f64, cv2: f64) -> Option<Queue> {
    let load = arrivals * service;
    (load < 1.0).then(|| {
        let wait = load * service * (1.0 + cv2) / (2.0 * (1.0 - load));
        Queue::of(load, wait, arrivals, service)
    })
}

/// Poisson arrivals, one server who takes up to `most` at once, all of them in one exponential time, and does not begin
/// before `least` wait (M/M^\[a,b\]/1); none where it never settles. A batch under way takes nobody in.
///
/// Source: Bailey, "On queueing processes with bulk service" (1954), with the general bulk service rule of Neuts (1967):
/// those who wait while the server is busy are geometric, with the root of the characteristic equation inside 0..1.
#[must_use]
pub fn bulk(arrivals: f64, service_rate: f64, least: u32, most: u32) -> Option<Queue> {
    let most_f = f64::from(most);
    if least == 0 || least > most || arrivals >= most_f * service_rate {
        return None;
    }
    let rest = |r: f64| service_rate * libm::pow(r, most_f + 1.0) - (arrivals + service_rate) * r + arrivals;
    // The least of the equation's left side lies behind the root, and 1 is the other root.
    let lowest = (arrivals + service_rate) / (service_rate * (most_f + 1.0));
    let (mut below, mut above) = (0.0, libm::pow(lowest, most_f.recip()));
    for _ in 0..200 {
        let middle = 0.5 * (below + above);
        match rest(middle) > 0.0 {
            true => below = middle,
            false => above = middle,
        }
    }
    let root = 0.5 * (below + above);
    let busy = (1.0 - root).recip();
    // Idle with so many waiting, each beside the weight of a busy server with nobody waiting.
    let idle =
        |waiting: u32| service_rate / arrivals * (1.0 - libm::pow(root, f64::from(waiting) + 1.0)) * busy;
    let all = busy + (0..least).map(idle).sum::<f64>();
    let waiting = root * busy * busy + (0..least).map(|n| f64::from(n) * idle(n)).sum::<f64>();
    let at_once = idle(least - 1) / all;
    Some(Queue::of(
        1.0 - at_once,
        waiting / all / arrivals,
        arrivals,
        service_rate.recip(),
    ))
}

/// The mean waits of classes that one server takes in this order of priority, without breaking off (M/M/1); none
/// where a class never gets its turn.
///
/// - `arrivals`: the rate of each class, the most urgent first.
///
/// Source: Cobham, "Priority assignment in waiting line problems" (1954).
#[must_use]
pub fn cobham(arrivals: &[f64], service_rate: f64) -> Option<Vec<f64>> {
    let load = |classes: &[f64]| classes.iter().sum::<f64>() / service_rate;
    // The mean rest of the service in progress: an exponential one forgets how old it is.
    let rest = load(arrivals) / service_rate;
    (load(arrivals) < 1.0).then(|| {
        let above = |class: usize| 1.0 - load(&arrivals[..class]);
        (0..arrivals.len())
            .map(|class| rest / (above(class) * above(class + 1)))
            .collect()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(value: f64, expected: f64) {
        assert!(
            (value - expected).abs() < 5e-10 * expected.abs().max(1.0),
            "{value} and not {expected}"
        );
    }

    #[test]
    fn published_values_come_out() {
        let one = mmc(0.8, 1.0, 1).unwrap();
        near(one.waits, 0.8);
        near(one.wait, 4.0);
        near(one.stay, 5.0);
        near(one.waiting, 3.2);
        let four = mmc(3.6, 1.0, 4).unwrap();
        near(four.waits, 0.787_753_264);
        near(four.wait, 1.969_383_161);
        let ten = mmc(8.0, 1.0, 10).unwrap();
        near(ten.waits, 0.409_180_151);
        near(ten.wait, 0.204_590_075);
        near(erlang_b(8.0, 10), 0.121_661_064);
        near(mg1(0.8, 1.0, 0.0).unwrap().wait, 2.0);
        near(mg1(0.8, 1.0, 4.0).unwrap().wait, 10.0);
        let waits = cobham(&[0.3, 0.5], 1.0).unwrap();
        near(waits[0], 1.142_857_143);
        near(waits[1], 5.714_285_714);
    }

    #[test]
    fn forms_agree_where_they_meet() {
        let (plain, general) = (mmc(0.6, 1.0, 1).unwrap(), mg1(0.6, 1.0, 1.0).unwrap());
        near(plain.wait, general.wait);
        near(cobham(&[0.6], 1.0).unwrap()[0], plain.wait);
        // What is served does not depend on the order in which it is: the mean over the classes is the plain wait.
        let waits = cobham(&[0.3, 0.5], 1.0).unwrap();
        near(
            (0.3 * waits[0] + 0.5 * waits[1]) / 0.8,
            mmc(0.8, 1.0, 1).unwrap().wait,
        );
        near(mmc_wait_above(0.8, 1.0, 1, 0.0).unwrap(), 0.8);
        // The mean is what the tail adds up to.
        let step = 1e-3;
        let sum: f64 = (0..100_000)
            .map(|i| mmc_wait_above(3.6, 1.0, 4, (f64::from(i) + 0.5) * step).unwrap() * step)
            .sum();
        assert!((sum - mmc(3.6, 1.0, 4).unwrap().wait).abs() < 1e-5, "{sum}");
    }

    #[test]
    fn batches_of_one_are_no_batches() {
        let (one, plain) = (bulk(0.8, 1.0, 1, 1).unwrap(), mmc(0.8, 1.0, 1).unwrap());
        near(one.waits, plain.waits);
        near(one.wait, plain.wait);
        // By hand: two at most, arrivals as fast as service: the root is (√5 − 1) / 2.
        let two = bulk(1.0, 1.0, 1, 2).unwrap();
        let root = (libm::sqrt(5.0) - 1.0) / 2.0;
        let all = 1.0 / (1.0 - root) + 1.0;
        near(two.waits, 1.0 - all.recip());
        near(two.wait, root / ((1.0 - root) * (1.0 - root)) / all);
        // Whoever comes to an idle server that waits for a second one waits too.
        assert!(bulk(0.2, 1.0, 2, 2).unwrap().wait > bulk(0.2, 1.0, 1, 2).unwrap().wait);
        assert_eq!(bulk(2.0, 1.0, 1, 2), None);
    }

    #[test]
    fn what_never_settles_has_no_answer() {
        assert_eq!(mmc(4.0, 1.0, 4), None);
        assert_eq!(mg1(1.0, 1.0, 0.0), None);
        assert_eq!(cobham(&[0.5, 0.5], 1.0), None);
        assert_eq!(mmc_wait_above(2.0, 1.0, 1, 1.0), None);
        assert_eq!(erlang_c(5.0, 4), 1.0);
    }
}
