//! The stations that are held against closed forms.

use super::measure::Quantity;
use super::station::Returns;
use super::station::{Class, Servers, Station, UNIT, lognormal};
use super::{bulk, cobham, erlang_a, erlang_b, mg1, mmc, mmc_wait_above, mmck, retrial};
use crate::rng::Law;
use crate::units::Probability;

/// A station with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What it is.
    pub name: String,
    /// The station.
    pub station: Station,
    /// What the closed forms say.
    pub expected: Vec<(Quantity, f64)>,
}

impl Case {
    fn new(name: String, servers: Servers, classes: Vec<Class>, expected: Vec<(Quantity, f64)>) -> Self {
        Self {
            name,
            station: Station { classes, servers },
            expected,
        }
    }
}

/// Every station that is held against closed forms.
#[must_use]
pub fn all() -> Vec<Case> {
    published().into_iter().chain(further()).collect()
}

/// The published values, each station with its closed form: what has to come out before anything else is believed.
#[must_use]
pub fn published() -> Vec<Case> {
    let mut cases = vec![waiting(0.8, 1), waiting(3.6, 4), waiting(8.0, 10)];
    cases.push(blocking(8.0, 10));
    cases.extend([8.0, 10.0, 12.0].map(|rate| impatient(rate, 10, 0.5)));
    cases.push(impatient(1.2, 1, 1.0));
    cases.extend([general(0.8, 0.0), general(0.8, 4.0)]);
    cases.push(in_order(0.3, 0.5));
    cases.push(due_first(&[0.3, 0.5], 1));
    cases
}

/// Further stations: other loads, numbers of servers, patience, room, variation, priorities, approvers, and lanes that
/// have nothing to do with each other.
#[must_use]
pub fn further() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rate, servers) in [
        (0.3, 1),
        (0.5, 1),
        (0.6, 1),
        (1.0, 2),
        (1.4, 2),
        (1.5, 3),
        (3.0, 5),
        (4.0, 5),
        (6.0, 10),
        (14.0, 20),
    ] {
        cases.push(waiting(rate, servers));
    }
    for (load, servers) in [(0.5, 1), (1.0, 2), (4.0, 5), (12.0, 10), (20.0, 20)] {
        cases.push(blocking(load, servers));
    }
    for (rate, servers, leaving) in [
        (0.8, 1, 0.25),
        (1.5, 2, 1.0),
        (4.0, 5, 0.2),
        (6.0, 5, 1.0),
        (20.0, 20, 0.5),
    ] {
        cases.push(impatient(rate, servers, leaving));
    }
    for (rate, cv2) in [(0.5, 0.0), (0.6, 0.0), (0.7, 0.25), (0.5, 2.0), (0.4, 3.0)] {
        cases.push(general(rate, cv2));
    }
    for (rate, servers, room) in [(0.8, 1, 3), (1.2, 1, 2), (3.6, 4, 5), (10.0, 10, 5)] {
        cases.push(narrow(rate, servers, room));
    }
    cases.extend([in_order(0.2, 0.3), in_order(0.5, 0.2)]);
    cases.extend([due_first(&[0.2, 0.2, 0.3], 1), due_first(&[0.1, 0.5], 1)]);
    cases.extend([
        due_soon([0.3, 0.4], [0.5, 4.0], 1),
        due_soon([1.0, 0.6], [0.0, 2.0], 2),
    ]);
    for (rate, people) in [(0.7, 1), (1.4, 2), (4.0, 5)] {
        cases.push(approved(rate, people));
    }
    for (rate, least, most) in [(0.7, 1, 2), (3.0, 1, 5), (1.5, 2, 3), (2.0, 4, 4)] {
        cases.push(in_batches(rate, least, most));
    }
    for (rate, returning, again) in [(0.4, 1.0, 1.0), (0.5, 1.5, 1.0), (0.8, 1.0, 0.5), (1.5, 0.5, 0.8)] {
        cases.push(returning_ones(rate, returning, again));
    }
    cases.extend([apart([0.5, 0.7], 1), apart([3.0, 4.0], 5)]);
    cases
}

/// M/M/c.
fn waiting(rate: f64, servers: u32) -> Case {
    let name = format!("M/M/{servers}  arrivals {rate}");
    let expected = plain(rate, servers);
    Case::new(
        name,
        Servers::Lanes(servers),
        vec![Class::exponential(rate)],
        expected,
    )
}

fn plain(rate: f64, servers: u32) -> Vec<(Quantity, f64)> {
    // A wait that about every third of those who wait exceed.
    let time = (f64::from(servers) - rate).recip();
    let queue = mmc(rate, 1.0, servers);
    let above = mmc_wait_above(rate, 1.0, servers, time);
    let known = queue.map(|queue| [(Quantity::Waits, queue.waits), (Quantity::Wait, queue.wait)]);
    let tail = above.map(|share| (Quantity::WaitAbove(time), share));
    known.into_iter().flatten().chain(tail).collect()
}

/// M/M/c by approvers.
fn approved(rate: f64, people: u32) -> Case {
    let name = format!("M/M/{people} by approvers  arrivals {rate}");
    let mut expected = plain(rate, people);
    expected.push((Quantity::Busy(people), rate / f64::from(people)));
    Case::new(
        name,
        Servers::Staff(people),
        vec![Class::exponential(rate)],
        expected,
    )
}

/// One approver who decides about several requests at once.
fn in_batches(rate: f64, least: u32, most: u32) -> Case {
    let name = format!("approver in batches of {least} to {most}  arrivals {rate}");
    let known = bulk(rate, 1.0, least, most);
    let expected = known.map(|queue| vec![(Quantity::Waits, queue.waits), (Quantity::Wait, queue.wait)]);
    let classes = vec![Class::exponential(rate)];
    Case::new(
        name,
        Servers::Bulk { least, most },
        classes,
        expected.unwrap_or_default(),
    )
}

/// Erlang's loss system: nobody waits.
fn blocking(load: f64, servers: u32) -> Case {
    let name = format!("Erlang-B  load {load}, {servers} servers");
    let classes = vec![Class::exponential(load).in_room(0)];
    let expected = vec![(Quantity::Leaves, erlang_b(load, servers))];
    Case::new(name, Servers::Lanes(servers), classes, expected)
}

/// Erlang-A: everybody has patience of an exponential law.
fn impatient(rate: f64, servers: u32, leaving: f64) -> Case {
    let name = format!("Erlang-A  arrivals {rate}, {servers} servers, leaving {leaving}");
    let classes = vec![Class::exponential(rate).patient(leaving.recip())];
    let known = erlang_a(rate, 1.0, servers, leaving);
    let expected = vec![
        (Quantity::Waits, known.waits),
        (Quantity::Leaves, known.leaves),
        (Quantity::Wait, known.waiting / rate),
    ];
    Case::new(name, Servers::Lanes(servers), classes, expected)
}

/// A server that nobody waits for: whoever finds it busy comes again.
fn returning_ones(rate: f64, returning: f64, again: f64) -> Case {
    let name = format!("retrials  arrivals {rate}, returning {returning}, probability {again}");
    let returns = Returns {
        probability: Probability::new(again).unwrap_or(Probability::ONE),
        after: returning.recip(),
        // Who always stays tries for long: each try fails as often as not, and more often behind others who failed.
        times: if again < 1.0 { 30 } else { 60 },
    };
    let classes = vec![Class::exponential(rate).returning(returns)];
    let known = retrial(rate, 1.0, returning, again);
    let expected = known.map(|known| {
        let lost = (again < 1.0).then_some((Quantity::Leaves, known.leaves));
        let away = (Quantity::Wait, known.waiting / rate);
        lost.into_iter().chain([away]).collect()
    });
    Case::new(name, Servers::Lanes(1), classes, expected.unwrap_or_default())
}

/// M/M/c/K.
fn narrow(rate: f64, servers: u32, room: u32) -> Case {
    let name = format!("M/M/{servers}/{}  arrivals {rate}", servers + room);
    let classes = vec![Class::exponential(rate).in_room(room)];
    let known = mmck(rate, 1.0, servers, room);
    let expected = vec![
        (Quantity::Waits, known.waits),
        (Quantity::Leaves, known.leaves),
        (Quantity::Wait, known.waiting / rate),
    ];
    Case::new(name, Servers::Lanes(servers), classes, expected)
}

/// M/D/1 and M/G/1.
fn general(rate: f64, cv2: f64) -> Case {
    let name = match cv2 > 0.0 {
        true => format!("M/G/1  arrivals {rate}, CV² {cv2}"),
        false => format!("M/D/1  arrivals {rate}"),
    };
    let service = match cv2 > 0.0 {
        true => lognormal(cv2),
        false => Law::Constant(UNIT),
    };
    let known = mg1(rate, 1.0, cv2);
    let expected = known.map(|queue| vec![(Quantity::Waits, queue.waits), (Quantity::Wait, queue.wait)]);
    let classes = vec![Class::exponential(rate).served(service)];
    Case::new(name, Servers::Lanes(1), classes, expected.unwrap_or_default())
}

/// Two classes before one server, the first of them first.
fn in_order(first: f64, second: f64) -> Case {
    let name = format!("two classes in order  arrivals {first} and {second}");
    let waits = cobham(&[first, second], 1.0).unwrap_or_default();
    let expected = waits.into_iter().enumerate();
    let expected = expected
        .map(|(class, wait)| (Quantity::WaitOf(class), wait))
        .collect();
    let classes = [first, second].map(Class::exponential).to_vec();
    Case::new(name, Servers::Shared(1), classes, expected)
}

/// Classes in one lane, each of them due before anybody of the next could be: who is due first goes first, and that is an order of
/// priority.
fn due_first(rates: &[f64], servers: u32) -> Case {
    // Longer than any run, once for each class.
    let slack = |class: usize| if class == 0 { 0.0 } else { 4e4 * class as f64 };
    let words: Vec<String> = rates.iter().map(f64::to_string).collect();
    let name = format!("due first  arrivals {}", words.join(" and "));
    let waits = cobham(rates, 1.0).unwrap_or_default().into_iter().enumerate();
    let expected = waits.map(|(class, wait)| (Quantity::WaitOf(class), wait));
    let classes = rates.iter().enumerate();
    let classes = classes.map(|(class, rate)| Class::exponential(*rate).due_after(slack(class)));
    let expected = expected.collect();
    Case::new(name, Servers::Due(servers), classes.collect(), expected)
}

/// Two classes in one lane that are due soon and less soon, so that they overtake each other. Whoever goes first, the servers are
/// as busy, so the mean wait of all is that of those who come first.
///
/// Source: Kleinrock, "A conservation law for a wide class of queueing disciplines" (1965).
fn due_soon(rates: [f64; 2], slacks: [f64; 2], servers: u32) -> Case {
    let name = format!(
        "due within {} and {}  arrivals {} and {}, {servers} servers",
        slacks[0], slacks[1], rates[0], rates[1]
    );
    let known = mmc(rates[0] + rates[1], 1.0, servers);
    let expected = known.map(|queue| vec![(Quantity::Waits, queue.waits), (Quantity::Wait, queue.wait)]);
    let classes = [0, 1].map(|class| Class::exponential(rates[class]).due_after(slacks[class]));
    Case::new(
        name,
        Servers::Due(servers),
        classes.to_vec(),
        expected.unwrap_or_default(),
    )
}

/// Two lanes that share nothing.
fn apart(rates: [f64; 2], servers: u32) -> Case {
    let name = format!(
        "two lanes apart  arrivals {} and {}, {servers} servers each",
        rates[0], rates[1]
    );
    let expected = rates.iter().enumerate().filter_map(|(class, rate)| {
        let queue = mmc(*rate, 1.0, servers)?;
        Some((Quantity::WaitOf(class), queue.wait))
    });
    let expected = expected.collect();
    Case::new(
        name,
        Servers::Lanes(servers),
        rates.map(Class::exponential).to_vec(),
        expected,
    )
}
