//! What each account may still ask for: rates with continuous refill, and quota.

use std::sync::Arc;

use super::contract::{Account, Contract, Rates};
use crate::units::{SimDuration, SimTime};
use crate::wire::{ApiError, Wait};

/// An account, by its place; the first stands for everybody without one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AccountNo(pub(super) u16);

/// A bucket of room that fills in a minute.
///
/// Room is counted in parts of 1/60,000,000, so that each tick brings `per_minute` of them and nothing is rounded.
#[derive(Debug, Clone)]
struct Room {
    per_minute: u32,
    credit: u64,
    seen: SimTime,
}

const PARTS: u64 = 60_000_000;

impl Room {
    fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            credit: u64::from(per_minute) * PARTS,
            seen: SimTime::START,
        }
    }

    fn fill(&mut self, now: SimTime) {
        let per_minute = u64::from(self.per_minute);
        let earned = now.since(self.seen).ticks().saturating_mul(per_minute);
        self.credit = self.credit.saturating_add(earned).min(per_minute * PARTS);
        self.seen = now;
    }

    /// The time until there is room for `cost`; `None` if there never is.
    fn room_in(&self, cost: u32) -> Option<SimDuration> {
        let wanted = u64::from(cost) * PARTS;
        if cost > self.per_minute {
            return None;
        }
        let lacking = wanted.saturating_sub(self.credit);
        Some(SimDuration::from_ticks(
            lacking.div_ceil(u64::from(self.per_minute)),
        ))
    }

    fn take(&mut self, cost: u32) {
        self.credit = self.credit.saturating_sub(u64::from(cost) * PARTS);
    }

    fn left(&self) -> u64 {
        self.credit / PARTS
    }

    /// The time until it is full.
    fn full_in(&self) -> SimDuration {
        let per_minute = u64::from(self.per_minute).max(1);
        SimDuration::from_ticks(
            (per_minute * PARTS)
                .saturating_sub(self.credit)
                .div_ceil(per_minute),
        )
    }
}

/// What one account may still ask for.
#[derive(Debug, Clone)]
struct Balance {
    /// The first account of its project.
    project: AccountNo,
    requests: Option<Room>,
    tokens: Option<Room>,
    quota: Option<u64>,
    used: u64,
}

/// What all accounts may still ask for.
#[derive(Debug, Clone)]
pub(super) struct Ledger(Vec<Balance>);

/// Headers of a reply, beside those that every reply has.
pub(super) type Heading = Vec<(&'static str, Arc<str>)>;

impl Ledger {
    pub(super) fn new(contract: &Contract) -> Self {
        let balance = |project: usize, rates: Rates, quota| Balance {
            project: AccountNo(u16::try_from(project).unwrap_or(u16::MAX)),
            requests: rates.requests.map(Room::new),
            tokens: rates.tokens.map(Room::new),
            quota,
            used: 0,
        };
        let accounts = &contract.accounts;
        let first = |account: &Account| {
            let same = accounts.iter().position(|other| other.project == account.project);
            same.map_or(0, |place| place + 1)
        };
        let own = accounts
            .iter()
            .map(|account| balance(first(account), account.rates, account.quota));
        let everybody = balance(0, contract.rates, contract.quota);
        Self(std::iter::once(everybody).chain(own).collect())
    }

    /// The account that stands for the project of this one.
    pub(super) fn project(&self, account: AccountNo) -> AccountNo {
        self.0
            .get(usize::from(account.0))
            .map_or(AccountNo(0), |balance| balance.project)
    }

    /// Whether the quota is used up.
    pub(super) fn is_spent(&self, account: AccountNo) -> bool {
        let balance = self.0.get(usize::from(account.0));
        balance.is_some_and(|balance| balance.quota.is_some_and(|quota| balance.used >= quota))
    }

    /// Notes tokens that were used.
    pub(super) fn spend(&mut self, account: AccountNo, tokens: u64) {
        if let Some(balance) = self.0.get_mut(usize::from(account.0)) {
            balance.used = balance.used.saturating_add(tokens);
        }
    }

    /// Takes room for a request of so many tokens.
    ///
    /// # Errors
    /// 429, with the time until there is room, and that time.
    pub(super) fn take(
        &mut self,
        account: AccountNo,
        tokens: u32,
        now: SimTime,
    ) -> Result<(), (ApiError, SimDuration)> {
        let Some(balance) = self.0.get_mut(usize::from(account.0)) else {
            return Ok(());
        };
        for (room, kind, cost) in [
            (&mut balance.requests, "requests", 1),
            (&mut balance.tokens, "tokens", tokens),
        ] {
            let Some(room) = room else { continue };
            room.fill(now);
            match room.room_in(cost) {
                Some(SimDuration::ZERO) => {}
                room_in => return Err((limited(kind, room, cost, room_in), room_in.unwrap_or_default())),
            }
        }
        for (room, cost) in [(&mut balance.requests, 1), (&mut balance.tokens, tokens)] {
            if let Some(room) = room {
                room.take(cost);
            }
        }
        Ok(())
    }

    /// What replies tell about the limits of an account.
    pub(super) fn heading(&mut self, account: AccountNo, now: SimTime) -> Heading {
        let Some(balance) = self.0.get_mut(usize::from(account.0)) else {
            return Heading::new();
        };
        let mut heading = Heading::new();
        for (room, names) in [(&mut balance.requests, REQUESTS), (&mut balance.tokens, TOKENS)] {
            let Some(room) = room else { continue };
            room.fill(now);
            let values = [
                room.per_minute.to_string(),
                room.left().to_string(),
                short(room.full_in()),
            ];
            heading.extend(names.into_iter().zip(values.map(Arc::from)));
        }
        heading
    }
}

const REQUESTS: [&str; 3] = [
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
];

const TOKENS: [&str; 3] = [
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
];

/// A request that could wait is told how long; one that is too large for the limit is not.
fn limited(kind: &str, room: &Room, cost: u32, room_in: Option<SimDuration>) -> ApiError {
    let limit = room.per_minute;
    let used = u64::from(limit) - room.left();
    let words = format!("{kind} per min: Limit {limit}, Used {used}, Requested {cost}.");
    let message = match room_in {
        Some(room_in) => format!(
            "Rate limit reached on {words} Please try again in {}.",
            short(room_in)
        ),
        None => format!("Request too large on {words} The input or output tokens must be reduced."),
    };
    ApiError {
        wait: room_in.map(|room_in| Wait::Seconds(room_in.ticks().div_ceil(1_000_000).max(1))),
        ..ApiError::plain(429, kind, Some("rate_limit_exceeded"), None, message)
    }
}

/// `12ms`, `1.5s` or `6m0s`.
fn short(length: SimDuration) -> String {
    let millis = length.ticks().div_ceil(1_000);
    let (mins, rest) = (millis / 60_000, millis % 60_000);
    let part = match rest % 1_000 {
        0 => String::new(),
        millis => format!(".{millis:03}").trim_end_matches('0').to_owned(),
    };
    match (mins, rest) {
        (0, millis) if millis < 1_000 => format!("{millis}ms"),
        (0, _) => format!("{}{part}s", rest / 1_000),
        _ => format!("{mins}m{}{part}s", rest / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> SimTime {
        SimTime::START + SimDuration::from_secs(secs)
    }

    #[test]
    fn requests_and_tokens_come_back_continuously() {
        let rates = Rates {
            requests: Some(2),
            tokens: Some(600),
        };
        let mut ledger = Ledger::new(&Contract {
            rates,
            ..Contract::default()
        });
        let mut take = |tokens, secs| {
            ledger
                .take(AccountNo(0), tokens, at(secs))
                .map_err(|(_, wait)| wait)
        };
        let secs = SimDuration::from_secs;
        assert_eq!([take(500, 0), take(200, 0)], [Ok(()), Err(secs(10))]);
        assert_eq!([take(200, 10), take(1, 10)], [Ok(()), Err(secs(20))]);
        assert_eq!([take(100, 30), take(601, 300)], [Ok(()), Err(SimDuration::ZERO)]);
    }

    #[test]
    fn lengths_are_written_as_the_headers_have_them() {
        let words = [12, 1_000, 6_570, 360_000, 61_500].map(|millis| short(SimDuration::from_millis(millis)));
        assert_eq!(words, ["12ms", "1s", "6.57s", "6m0s", "1m1.5s"]);
    }
}
