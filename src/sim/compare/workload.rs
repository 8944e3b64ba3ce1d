//! The tasks of a replication: when they arrive, of which sort they are, and how long their answers are.

use std::sync::Arc;

use crate::backend::{Script, Step, StepWork};
use crate::rng::{Law, Purpose, Seed};
use crate::sim::workload::{Arrivals, Feed, Instants, Request, TokenSpeed};
use crate::units::{Probability, SimDuration, SimTime};

/// Where tasks come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// They arrive by a law, and chance says of which sort each of them is.
    Law(Arrivals),
    /// They are the requests of a trace or of clients.
    Feed(Feed, Taken),
}

/// What is taken over from a request, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Taken {
    /// How long so many tokens take; none: as long as the scripts of the kinds say.
    pub tokens: Option<TokenSpeed>,
    /// Of which sort a request is.
    pub assign: Assign,
}

/// How requests become sorts of tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Assign {
    /// By chance, with the shares of the mix.
    #[default]
    Chance,
    /// By tokens in: the shortest are of the first sort of the mix as far as its share goes, and so on.
    Input,
    /// By tokens out, likewise.
    Output,
}

/// A task to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at: SimTime,
    /// Its sort, by its place in the mix.
    pub sort: u32,
    /// Its answer, if it comes from a request: tokens, and how long it takes.
    pub answer: Option<(u32, SimDuration)>,
}

/// The tasks to come under a seed, each by its number. Those of a law are drawn when they are asked for; those of a trace are
/// listed, since it takes all of them to know which are the shortest.
#[derive(Debug, Clone)]
pub(super) struct Coming {
    seed: Seed,
    shares: Arc<[Probability]>,
    count: usize,
    by: By,
}

#[derive(Debug, Clone)]
enum By {
    Law(Arrivals),
    List(Arc<[Arrival]>),
}

impl Coming {
    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// The sort of a task, by its place in the mix.
    pub(super) fn sort(&self, number: usize) -> Option<u32> {
        match &self.by {
            By::List(all) => Some(all.get(number)?.sort),
            By::Law(_) => (number < self.count).then(|| by_chance(&self.shares, self.seed, number as u64)),
        }
    }

    /// The answer of a task, if it comes from a request.
    pub(super) fn answer(&self, number: usize) -> Option<(u32, SimDuration)> {
        match &self.by {
            By::List(all) => all.get(number)?.answer,
            By::Law(_) => None,
        }
    }

    /// Whether they come in the order of their numbers.
    pub(super) fn is_sorted(&self) -> bool {
        match &self.by {
            By::List(all) => all.is_sorted_by_key(|arrival| arrival.at),
            By::Law(_) => true,
        }
    }

    /// When they come, in the order of their numbers.
    pub(super) fn instants(&self) -> Comers {
        match &self.by {
            By::List(all) => Comers::List(Arc::clone(all), 0),
            By::Law(law) => Comers::Law(Box::new(law.instants(self.seed)), self.count),
        }
    }
}

/// When tasks come, in the order of their numbers.
#[derive(Debug, Clone)]
pub(super) enum Comers {
    Law(Box<Instants>, usize),
    List(Arc<[Arrival]>, usize),
}

impl Iterator for Comers {
    type Item = SimTime;

    fn next(&mut self) -> Option<SimTime> {
        match self {
            Self::Law(instants, left) => {
                *left = left.checked_sub(1)?;
                instants.next()
            }
            Self::List(all, next) => {
                let arrival = all.get(*next)?;
                *next += 1;
                Some(arrival.at)
            }
        }
    }
}

fn by_chance(shares: &[Probability], seed: Seed, number: u64) -> u32 {
    sort(shares, seed.unit(Purpose::Mix, number, 0))
}

impl Source {
    /// The tasks until `until`; at most `most` of them.
    pub(super) fn coming(&self, shares: &[Probability], seed: Seed, until: SimTime, most: usize) -> Coming {
        let (count, by) = match self {
            Self::Law(arrivals) => {
                let instants = arrivals.instants(seed).take_while(|at| *at < until);
                (instants.take(most).count(), By::Law(arrivals.clone()))
            }
            Self::Feed(feed, taken) => {
                let all = listed((feed, *taken), shares, seed, until, most);
                (all.len(), By::List(all.into()))
            }
        };
        Coming {
            seed,
            shares: shares.into(),
            count,
            by,
        }
    }
}

/// The requests of a feed until `until` as tasks; at most `most` of them.
fn listed(
    (feed, taken): (&Feed, Taken),
    shares: &[Probability],
    seed: Seed,
    until: SimTime,
    most: usize,
) -> Vec<Arrival> {
    let requests = feed.requests(seed, until, most);
    let cuts = taken.assign.cuts(&requests, shares);
    let numbered = requests.iter().zip(0_u64..);
    numbered
        .map(|(request, number)| Arrival {
            at: request.at,
            sort: match taken.assign.tokens(request) {
                None => by_chance(shares, seed, number),
                Some(tokens) => below(&cuts, tokens),
            },
            answer: taken.tokens.map(|speed| {
                // An answer without a word would be a failure, and a request of a trace is none.
                (request.output.max(1), speed.length(request.input, request.output))
            }),
        })
        .collect()
}

impl Assign {
    const fn tokens(self, request: &Request) -> Option<u32> {
        match self {
            Self::Chance => None,
            Self::Input => Some(request.input),
            Self::Output => Some(request.output),
        }
    }

    /// The most tokens of each sort but the last.
    fn cuts(self, requests: &[Request], shares: &[Probability]) -> Vec<u32> {
        let mut tokens: Vec<u32> = requests
            .iter()
            .filter_map(|request| self.tokens(request))
            .collect();
        tokens.sort_unstable();
        let mut sum = 0_u64;
        let but_last = shares.len().saturating_sub(1);
        let cut = |share: &Probability| {
            sum += u64::from(share.millionths());
            let place = tokens.len() as u64 * sum / 1_000_000;
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            let last = place.checked_sub(1)?;
            tokens.get(last).copied()
        };
        let cuts: Vec<Option<u32>> = shares.iter().take(but_last).map(cut).collect();
        cuts.into_iter().map(Option::unwrap_or_default).collect()
    }
}

/// The first sort that takes so many tokens.
fn below(cuts: &[u32], tokens: u32) -> u32 {
    let place = cuts.iter().position(|cut| tokens <= *cut).unwrap_or(cuts.len());
    u32::try_from(place).unwrap_or(0)
}

/// Whose task of this number it is; keyed by the task alone.
pub(super) fn tenant(shares: &[Probability], seed: Seed, number: u64) -> u32 {
    sort(shares, seed.unit(Purpose::Mix, number, 1))
}

/// The sort at a place of the mix.
fn sort(shares: &[Probability], u: f64) -> u32 {
    let mut left = u * 1e6;
    for (share, place) in shares.iter().zip(0_u32..) {
        left -= f64::from(share.millionths());
        if left < 0.0 {
            return place;
        }
    }
    // What rounding left over belongs to the last sort.
    u32::try_from(shares.len().saturating_sub(1)).unwrap_or(0)
}

/// The script of a sort, with an answer of its own as the last message.
pub(super) fn script(usual: &Script, answer: Option<(u32, SimDuration)>) -> Script {
    let Some((tokens, takes)) = answer else {
        return usual.clone();
    };
    let mut steps: Vec<Step> = usual.steps.to_vec();
    let mut backwards = steps.iter_mut().rev();
    let last = backwards.find(|step| matches!(step.work, StepWork::Message { .. }));
    if let Some(step) = last {
        *step = Step {
            work: StepWork::Message { tokens },
            takes: Law::Constant(takes),
        };
    }
    Script {
        queued: usual.queued,
        steps: steps.into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sim::workload::Replay;
    use crate::sim::workload::trace::Row;

    fn feed() -> Feed {
        let row = |number: u32| Row {
            at: SimTime::START + SimDuration::from_secs(u64::from(number)),
            input: 1_000 - number,
            output: number,
            session: None,
            images: None,
            took: None,
            failed: false,
            line: number + 2,
        };
        let rows = (0..1_000).map(row).collect();
        Feed::Trace(Replay::new(rows, None, SimDuration::ZERO, 1.0).unwrap())
    }

    fn sorts(assign: Assign) -> Vec<(u32, u32)> {
        let shares =
            [200_000, 500_000, 300_000].map(|share| Probability::new(f64::from(share) / 1e6).unwrap());
        let speed = TokenSpeed {
            base: SimDuration::ZERO,
            prefill: 1e9,
            decode: 1.0,
        };
        let taken = Taken {
            tokens: Some(speed),
            assign,
        };
        let until = SimTime::START + SimDuration::from_secs(2_000);
        let all = listed((&feed(), taken), &shares, Seed(3), until, usize::MAX);
        all.iter()
            .map(|task| (task.sort, task.answer.unwrap().0))
            .collect()
    }

    #[test]
    fn lengths_or_chance_say_of_which_sort_a_request_is() {
        let count = |all: &[(u32, u32)], sort| all.iter().filter(|(one, _)| *one == sort).count();
        let by_output = sorts(Assign::Output);
        assert_eq!([0, 1, 2].map(|sort| count(&by_output, sort)), [200, 500, 300]);
        assert!(
            by_output
                .iter()
                .all(|(sort, tokens)| (*tokens < 200) == (*sort == 0))
        );
        let by_input = sorts(Assign::Input);
        assert!(
            by_input
                .iter()
                .all(|(sort, tokens)| (*tokens >= 800) == (*sort == 0))
        );
        let by_chance = sorts(Assign::Chance);
        for (sort, share) in [(0, 200_i64), (1, 500), (2, 300)] {
            let found = count(&by_chance, sort) as i64;
            assert!((found - share).abs() < 70, "{sort}: {found}");
        }
    }
}
