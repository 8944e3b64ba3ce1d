//! Queues that lose people: by impatience, or for lack of room.

/// What a queue with loss does in the steady state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Impatient {
    /// The share of arrivals that find all servers busy and room to wait.
    pub waits: f64,
    /// The share of arrivals that leave unserved.
    pub leaves: f64,
    /// The mean number that wait.
    pub waiting: f64,
    /// The mean number of busy servers.
    pub busy: f64,
}

/// Poisson arrivals, exponential service and exponential patience (M/M/c+M): it settles under any load.
///
/// - `arrivals`, `leaving_rate`: positive; the latter is one over the mean patience.
///
/// Source: Palm, "Research on telephone traffic carried by full availability groups" (1957), as a birth and death
/// process; the sum goes on until what is left is below the last digit.
#[must_use]
pub fn erlang_a(arrivals: f64, service_rate: f64, servers: u32, leaving_rate: f64) -> Impatient {
    let death = |present: u64| {
        let served = present.min(u64::from(servers)) as f64;
        let waiting = present.saturating_sub(u64::from(servers)) as f64;
        served * service_rate + waiting * leaving_rate
    };
    let sums = birth_and_death(arrivals, death, servers, None);
    Impatient {
        waits: sums.full,
        leaves: leaving_rate * sums.waiting / arrivals,
        waiting: sums.waiting,
        busy: sums.busy,
    }
}

/// Poisson arrivals, exponential service, and room for so many that wait (M/M/c/K); who finds none is lost.
///
/// - `room`: places to wait; with none it is Erlang's loss system.
#[must_use]
pub fn mmck(arrivals: f64, service_rate: f64, servers: u32, room: u32) -> Impatient {
    let death = |present: u64| present.min(u64::from(servers)) as f64 * service_rate;
    let sums = birth_and_death(arrivals, death, servers, Some(u64::from(room)));
    Impatient {
        waits: sums.full - sums.last,
        leaves: sums.last,
        waiting: sums.waiting,
        busy: sums.busy,
    }
}

/// Poisson arrivals before one server that nobody waits for: whoever finds it busy comes again after an exponential time
/// with this probability, and is lost otherwise, each time (M/M/1/1 with linear retrials).
///
/// - `returning_rate`: one over the mean time until somebody comes again.
///
/// [`Impatient::waiting`] is the mean number of those who will come again. None where it never settles.
///
/// Source: Falin and Templeton, "Retrial Queues" (1997). The flow between numbers of those away balances, so that the
/// states of a busy server are a product; with everybody coming again the mean is load times (arrivals over returning rate
/// plus load) over one minus the load.
#[must_use]
pub fn retrial(arrivals: f64, service_rate: f64, returning_rate: f64, again: f64) -> Option<Impatient> {
    if again >= 1.0 && arrivals >= service_rate {
        return None;
    }
    let (mut busy, mut idle, mut away) = (0.0, 0.0, 0.0);
    let mut weight = 1.0_f64;
    let mut number = 0.0_f64;
    loop {
        // Idle with so many away, beside busy with as many: who comes, first or again, is served at once.
        let beside = service_rate / (arrivals + number * returning_rate);
        busy += weight;
        idle += weight * beside;
        away += number * weight * (1.0 + beside);
        let more = number + 1.0;
        let back = more * returning_rate * (service_rate / (arrivals + more * returning_rate) + 1.0 - again);
        let next = weight * again * arrivals / back;
        if next < 1e-18 * busy && next < weight {
            break;
        }
        (weight, number) = (next, more);
    }
    let all = busy + idle;
    Some(Impatient {
        waits: busy / all,
        leaves: 1.0 - service_rate * busy / all / arrivals,
        waiting: away / all,
        busy: busy / all,
    })
}

/// What the probabilities of all states add up to.
struct Sums {
    /// All servers are busy.
    full: f64,
    /// There is no room; of a process without bounds nothing.
    last: f64,
    waiting: f64,
    busy: f64,
}

fn birth_and_death(arrivals: f64, death: impl Fn(u64) -> f64, servers: u32, room: Option<u64>) -> Sums {
    let servers = u64::from(servers);
    let end = room.map(|room| servers + room);
    // Weights relative to the heaviest state so far, so that nothing overflows however heavy the load.
    let (mut weight, mut total) = (1.0_f64, 0.0_f64);
    let (mut full, mut waiting, mut busy, mut last) = (0.0, 0.0, 0.0, 0.0);
    for present in 0_u64.. {
        if present > 0 {
            weight *= arrivals / death(present);
        }
        if weight > 1e200 {
            for sum in [&mut weight, &mut total, &mut full, &mut waiting, &mut busy] {
                *sum *= 1e-200;
            }
        }
        total += weight;
        busy += weight * present.min(servers) as f64;
        if present >= servers {
            full += weight;
            waiting += weight * (present - servers) as f64;
        }
        if Some(present) == end {
            last = weight;
            break;
        }
        // Deaths only grow, so what is left is below a geometric series.
        let ratio = arrivals / death(present + 1);
        let rest = weight * (present as f64 + (1.0 - ratio).recip()) / (1.0 - ratio);
        if present > servers && ratio < 1.0 && rest < 1e-17 * total {
            break;
        }
    }
    Sums {
        full: full / total,
        last: last / total,
        waiting: waiting / total,
        busy: busy / total,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{erlang_b, mmc};
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
        for (arrivals, waits, leaves, waiting) in [
            (8.0, 0.317_434_354, 0.038_821_392, 0.621_142_277),
            (10.0, 0.619_655_231, 0.103_913_212, 2.078_264_247),
            (12.0, 0.850_384_948, 0.195_655_944, 4.695_742_656),
        ] {
            let queue = erlang_a(arrivals, 1.0, 10, 0.5);
            near(queue.waits, waits);
            near(queue.leaves, leaves);
            near(queue.waiting, waiting);
            // Who does not leave is served.
            near(queue.busy, arrivals * (1.0 - leaves));
        }
        near(erlang_a(1.2, 1.0, 1, 1.0).leaves, 0.417_661_843);
    }

    #[test]
    fn those_who_come_again_are_served_or_lost() {
        for (arrivals, returning) in [(0.5, 1.0), (0.7, 2.0), (0.3, 0.2)] {
            let all = retrial(arrivals, 1.0, returning, 1.0).unwrap();
            near(all.waits, arrivals);
            assert!(all.leaves.abs() < 1e-9, "{}", all.leaves);
            let away = arrivals * (arrivals / returning + arrivals) / (1.0 - arrivals);
            near(all.waiting, away);
            // Where nobody does, it is a loss system; where all do at once, a queue.
            near(
                retrial(arrivals, 1.0, returning, 0.0).unwrap().leaves,
                erlang_b(arrivals, 1),
            );
            let hasty = retrial(arrivals, 1.0, 1e7, 1.0).unwrap();
            assert!((hasty.waiting - mmc(arrivals, 1.0, 1).unwrap().waiting).abs() < 1e-5);
        }
        let some = retrial(2.0, 1.0, 1.0, 0.5).unwrap();
        // Who is not served is lost: each time somebody is turned away, half of them for good.
        assert!(some.leaves > 0.5 && some.leaves < erlang_b(2.0, 1));
        assert_eq!(retrial(1.0, 1.0, 1.0, 1.0), None);
    }

    #[test]
    fn forms_agree_where_they_meet() {
        near(mmck(8.0, 1.0, 10, 0).leaves, erlang_b(8.0, 10));
        let wide = mmck(0.8, 1.0, 1, 400);
        near(wide.waiting, mmc(0.8, 1.0, 1).unwrap().waiting);
        near(wide.waits, 0.8);
        // Without patience it is a loss system, with endless patience one without loss.
        let hasty = erlang_a(8.0, 1.0, 10, 1e12);
        assert!((hasty.leaves - erlang_b(8.0, 10)).abs() < 1e-9);
        let calm = erlang_a(8.0, 1.0, 10, 1e-9);
        assert!((calm.waiting - mmc(8.0, 1.0, 10).unwrap().waiting).abs() < 1e-6);
        // As many servers as leave as fast as they serve: the number present is Poisson, with mean arrivals / rate.
        let even = erlang_a(700.0, 1.0, 10, 1.0);
        near(even.busy + even.waiting, 700.0);
    }
}
