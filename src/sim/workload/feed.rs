//! Requests out of traces and clients: when they come under a seed, and how long they are.

use super::servegen::Client;
use super::trace::Row;
use super::{Blocks, ReplayError};
use crate::rng::{Purpose, Seed};
use crate::units::{SimDuration, SimTime};

/// Where requests with lengths come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Feed {
    /// A trace.
    Trace(Replay),
    /// Clients that draw; all of them together.
    Clients(Vec<Client>),
}

/// How a trace is played again.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    rows: Vec<Row>,
    blocks: Option<Blocks>,
    jitter: SimDuration,
}

/// One request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// When.
    pub at: SimTime,
    /// Tokens in.
    pub input: u32,
    /// Tokens out.
    pub output: u32,
}

/// How long a request of so many tokens takes: a declared model, for no trace says what it would take elsewhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenSpeed {
    /// Before anything is read.
    pub base: SimDuration,
    /// Tokens read a second.
    pub prefill: f64,
    /// Tokens written a second.
    pub decode: f64,
}

impl TokenSpeed {
    /// From the first token read to the last one written.
    #[must_use]
    pub fn length(&self, input: u32, output: u32) -> SimDuration {
        let work = f64::from(input) / self.prefill + f64::from(output) / self.decode;
        self.base + SimDuration::from_secs_f64(work)
    }
}

impl Replay {
    /// The rows as they were, or in blocks of a length drawn with return; each row up to `jitter` later than it
    /// stands, which is for traces whose timestamps were rounded down; and `pace` times as fast.
    ///
    /// # Errors
    /// [`ReplayError`] if the rows cannot be cut into such blocks.
    pub fn new(
        rows: Vec<Row>,
        blocks: Option<SimDuration>,
        jitter: SimDuration,
        pace: f64,
    ) -> Result<Self, ReplayError> {
        let faster = |at: SimTime| {
            let seconds = at.since(SimTime::START).as_secs_f64() / pace;
            SimTime::START + SimDuration::from_secs_f64(seconds)
        };
        let rows: Vec<Row> = rows
            .into_iter()
            .map(|row| Row {
                at: faster(row.at),
                ..row
            })
            .collect();
        let instants: Vec<SimTime> = rows.iter().map(|row| row.at).collect();
        let blocks = blocks.map(|length| Blocks::new(&instants, length)).transpose()?;
        if rows.is_empty() {
            return Err(ReplayError::Empty);
        }
        Ok(Self { rows, blocks, jitter })
    }

    /// The rows, at the pace that is played.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    fn requests(&self, seed: Seed, until: SimTime, most: usize) -> Vec<Request> {
        let plain = || {
            let rows = self.rows.iter().enumerate();
            rows.map(|(place, row)| (row.at, place))
                .take_while(|(at, _)| *at < until)
        };
        let drawn: Vec<(SimTime, usize)> = match &self.blocks {
            None => plain().take(most).collect(),
            Some(blocks) => blocks.drawn(seed, until).take(most).collect(),
        };
        let late = |number: u64| {
            let share = seed.unit(Purpose::Arrival, number, 3);
            SimDuration::from_secs_f64(share * self.jitter.as_secs_f64())
        };
        let numbered = drawn.into_iter().zip(0_u64..);
        let mut requests: Vec<Request> = numbered
            .map(|((at, place), number)| Request {
                at: if self.jitter.is_zero() {
                    at
                } else {
                    at + late(number)
                },
                input: self.rows[place].input,
                output: self.rows[place].output,
            })
            .filter(|request| request.at < until)
            .collect();
        requests.sort_by_key(|request| request.at);
        requests
    }
}

impl Feed {
    /// The requests before `until`, in order; at most `most` of them.
    #[must_use]
    pub fn requests(&self, seed: Seed, until: SimTime, most: usize) -> Vec<Request> {
        match self {
            Self::Trace(replay) => replay.requests(seed, until, most),
            Self::Clients(clients) => {
                let numbered = clients.iter().zip(0_u64..);
                let mut requests: Vec<Request> = numbered
                    .flat_map(|(client, number)| client.requests(seed, number, until))
                    .map(|drawn| Request {
                        at: drawn.at,
                        input: drawn.input,
                        output: drawn.output,
                    })
                    .collect();
                requests.sort_by_key(|request| request.at);
                requests.truncate(most);
                requests
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(secs: u64) -> SimTime {
        SimTime::START + SimDuration::from_secs(secs)
    }

    /// Two rows at once every three seconds, as Mooncake's.
    fn rows() -> Vec<Row> {
        let row = |number: u32| Row {
            at: at(u64::from(number / 2) * 3),
            input: number,
            output: 10,
            session: None,
            images: None,
            took: None,
            failed: false,
            line: number + 2,
        };
        (0..400).map(row).collect()
    }

    const NONE: SimDuration = SimDuration::ZERO;

    #[test]
    fn a_trace_is_played_as_it_was_or_faster() {
        let feed = Feed::Trace(Replay::new(rows(), None, NONE, 1.0).unwrap());
        let all = feed.requests(Seed(1), at(10_000), usize::MAX);
        assert_eq!(all.len(), 400);
        assert_eq!(all, feed.requests(Seed(2), at(10_000), usize::MAX));
        assert_eq!((all[5].at, all[5].input), (at(6), 5));
        assert_eq!(feed.requests(Seed(1), at(30), usize::MAX).len(), 20);
        assert_eq!(feed.requests(Seed(1), at(30), 3).len(), 3);
        let fast = Feed::Trace(Replay::new(rows(), None, NONE, 3.0).unwrap());
        assert_eq!(fast.requests(Seed(1), at(30), usize::MAX).len(), 60);
    }

    #[test]
    fn jitter_spreads_what_was_rounded_and_keeps_its_mean() {
        let feed = Feed::Trace(Replay::new(rows(), None, SimDuration::from_secs(3), 1.0).unwrap());
        let all = feed.requests(Seed(1), at(10_000), usize::MAX);
        assert!(all.is_sorted_by_key(|request| request.at));
        assert!(
            all.windows(2).all(|pair| pair[0].at < pair[1].at),
            "nobody comes at once"
        );
        let late = |request: &Request| {
            request
                .at
                .since(at(u64::from(request.input / 2) * 3))
                .as_secs_f64()
        };
        assert!(all.iter().all(|request| (0.0..3.0).contains(&late(request))));
        let mean = all.iter().map(late).sum::<f64>() / 400.0;
        assert!(
            (mean - 1.5).abs() < 4.5 * 3.0 / libm::sqrt(12.0 * 400.0),
            "{mean}"
        );
        assert_ne!(all, feed.requests(Seed(2), at(10_000), usize::MAX));
    }

    #[test]
    fn blocks_are_drawn_anew_under_each_seed() {
        let feed = Feed::Trace(Replay::new(rows(), Some(SimDuration::from_secs(60)), NONE, 1.0).unwrap());
        let [one, other] = [1, 2].map(|seed| feed.requests(Seed(seed), at(3_600), usize::MAX));
        assert_eq!(one.len(), 2_400);
        assert_ne!(one, other);
        let short = Replay::new(rows(), Some(SimDuration::from_secs(600)), NONE, 1.0);
        assert_eq!(short, Err(ReplayError::Short));
        assert_eq!(Replay::new(Vec::new(), None, NONE, 1.0), Err(ReplayError::Empty));
    }

    #[test]
    fn tokens_take_their_time() {
        let speed = TokenSpeed {
            base: SimDuration::from_millis(200),
            prefill: 4_000.0,
            decode: 50.0,
        };
        assert_eq!(speed.length(2_000, 100), SimDuration::from_millis(2_700));
    }
}
