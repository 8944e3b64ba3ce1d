//! Looks at responses that a webhook names and nobody claims: whom they serve stands in their metadata.

use super::retry;
use crate::units::{AttemptNo, Exchange, ExchangeKind, JobId, SimDuration, SimTime, TurnNo};
use crate::wire::{Reply, Response, ResponseId};

/// How long a look may take.
pub(super) const LOOK_LIMIT: SimDuration = SimDuration::from_secs(60);

/// How often a look that told nothing is repeated, and the first gap; each gap is four times the one before.
const REPEATS: u16 = 4;
const GAP: SimDuration = SimDuration::from_secs(1);

/// The looks that are under way or due.
#[derive(Debug, Clone, Default)]
pub(super) struct Strays {
    looks: Vec<Look>,
    sent: u32,
}

#[derive(Debug, Clone)]
struct Look {
    response: ResponseId,
    repeats: u16,
    stage: Stage,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Due { at: SimTime },
    UnderWay { exchange: Exchange, until: SimTime },
}

/// What is to be done about a look whose time has come.
pub(super) enum Step {
    /// It is sent.
    Send(Exchange, ResponseId),
    /// It took too long.
    Abort(Exchange),
}

impl Strays {
    /// A webhook named a response: it is looked at now.
    pub(super) fn named(&mut self, now: SimTime, response: ResponseId) {
        let stage = Stage::Due { at: now };
        let repeats = 0;
        self.looks.push(Look {
            response,
            repeats,
            stage,
        });
    }

    /// When something is due here.
    pub(super) fn due(&self) -> SimTime {
        let times = self.looks.iter().map(|look| match look.stage {
            Stage::Due { at } => at,
            Stage::UnderWay { until, .. } => until,
        });
        times.min().unwrap_or(SimTime::NEVER)
    }

    /// The next thing that is due at `now`.
    pub(super) fn wake(&mut self, now: SimTime) -> Option<Step> {
        let place = self.looks.iter().position(|look| match look.stage {
            Stage::Due { at } => at <= now,
            Stage::UnderWay { until, .. } => until <= now,
        })?;
        match self.looks[place].stage {
            Stage::Due { .. } => {
                self.sent = self.sent.saturating_add(1);
                let (attempt, turn) = (AttemptNo(0), TurnNo(0));
                let exchange = Exchange::new(JobId::NONE, attempt, turn, ExchangeKind::Poll, self.sent);
                let until = now + LOOK_LIMIT;
                self.looks[place].stage = Stage::UnderWay { exchange, until };
                Some(Step::Send(exchange, self.looks[place].response.clone()))
            }
            Stage::UnderWay { exchange, .. } => {
                self.told_nothing(now, exchange);
                Some(Step::Abort(exchange))
            }
        }
    }

    /// Whether this look is under way.
    pub(super) fn awaits(&self, exchange: Exchange) -> bool {
        self.place(exchange).is_some()
    }

    /// A reply to a look; the response, if it shows one.
    pub(super) fn replied<'a>(
        &mut self,
        now: SimTime,
        exchange: Exchange,
        reply: &'a Reply,
    ) -> Option<&'a Response> {
        let place = self.place(exchange)?;
        match reply {
            Reply::Response(response) if response.id == self.looks[place].response => {
                self.looks.remove(place);
                Some(response)
            }
            Reply::Error(error) if retry::poll_error(error.http) != retry::POLL_FAILED => {
                self.looks.remove(place);
                None
            }
            _ => {
                self.told_nothing(now, exchange);
                None
            }
        }
    }

    /// A look ended without a readable reply.
    pub(super) fn told_nothing(&mut self, now: SimTime, exchange: Exchange) {
        let Some(place) = self.place(exchange) else {
            return;
        };
        let look = &mut self.looks[place];
        if look.repeats == REPEATS {
            self.looks.remove(place);
            return;
        }
        let gap = GAP.saturating_mul(1 << (2 * look.repeats));
        look.stage = Stage::Due { at: now + gap };
        look.repeats += 1;
    }

    fn place(&self, sought: Exchange) -> Option<usize> {
        self.looks
            .iter()
            .position(|look| matches!(look.stage, Stage::UnderWay { exchange, .. } if exchange == sought))
    }
}
