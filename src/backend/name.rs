//! Ids and keys of chance, derived from the keys of exchanges.

use std::sync::Arc;

use super::CallKey;
use crate::fault::Probe;
use crate::rng::{Purpose, Seed};
use crate::units::{Exchange, JobId, SimTime, hex_digits};
use crate::wire::Origin;

/// The entity of draws about a call: (job, attempt, turn), or the connection and number of a stranger's call.
pub(super) const fn call_entity(key: &CallKey) -> u64 {
    let exchange = key.exchange;
    match exchange.job() {
        JobId::NONE => stranger_entity(key),
        JobId(_) => exchange.origin(),
    }
}

/// The entity of draws about a response.
pub(super) const fn run_entity(origin: Option<Origin>, key: &CallKey) -> u64 {
    match origin {
        Some(origin) => entity(origin.job.0, origin.attempt.0, origin.turn.0),
        None => call_entity(key),
    }
}

/// The index of draws about a call.
pub(super) const fn call_index(exchange: Exchange) -> u64 {
    exchange.place()
}

/// Where the indices of draws about delayed steps and webhooks begin, apart from those about calls.
pub(super) const STEP_DELAYS: u64 = 1 << 40;
pub(super) const WEBHOOK_DELAYS: u64 = 1 << 41;
pub(super) const ADMISSIONS: u64 = 1 << 42;
pub(super) const PAUSES: u64 = 1 << 43;

/// What a rule about the response (or its webhook) that `exchange` made is asked.
pub(super) const fn probe(exchange: Exchange, at: SimTime) -> Probe<'static> {
    Probe::of(exchange, at)
}

pub(super) const fn entity(job: u32, attempt: u16, turn: u16) -> u64 {
    ((job as u64) << 32) | ((attempt as u64) << 16) | turn as u64
}

const fn stranger_entity(key: &CallKey) -> u64 {
    Seed(key.connection.0).bits(Purpose::Id, call_index(key.exchange), u64::MAX)
}

/// `prefix` and sixteen hexadecimal digits.
pub(super) fn id(prefix: &str, bits: u64) -> Arc<str> {
    const ROOM: usize = 24;
    let mut text = [0; ROOM];
    let len = prefix.len() + 16;
    text[..prefix.len()].copy_from_slice(prefix.as_bytes());
    text[prefix.len()..len].copy_from_slice(&hex_digits(bits));
    std::str::from_utf8(&text[..len]).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_end_in_all_sixteen_digits() {
        assert_eq!(&*id("resp_", 0xFEDC_BA98_7654_3210), "resp_fedcba9876543210");
        for bits in [0, 1, 0x9A, u64::MAX, 0x0A09_0F00_1010_A0F0] {
            assert_eq!(&*id("", bits), format!("{bits:016x}"));
        }
    }
}
