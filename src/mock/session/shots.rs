//! Faults that strike a few times and are gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;

use crate::fault::{Fault, HeaderMatch, Target};
use crate::scenario::OneShot;
use crate::units::ExchangeKind;

/// One-shot faults that wait for their requests, oldest first.
#[derive(Debug, Default)]
pub(in crate::mock) struct Shots {
    waiting: Vec<Shot>,
    made: u64,
    /// Whether any wait, for whoever does not want to stop the session to ask.
    any: Arc<AtomicBool>,
}

/// One of them.
#[derive(Debug)]
pub(in crate::mock) struct Shot {
    /// Its number, from 1.
    pub(in crate::mock) no: u64,
    pub(in crate::mock) what: OneShot,
    /// How often it still strikes.
    pub(in crate::mock) left: u32,
}

/// One-shot faults that wait at a time.
pub(in crate::mock) const SHOTS_MAX: usize = 1_000;

impl Shots {
    /// Adds one.
    ///
    /// - returns: its number; none if too many wait.
    pub(in crate::mock) fn add(&mut self, what: OneShot) -> Option<u64> {
        if self.waiting.len() == SHOTS_MAX {
            return None;
        }
        self.made += 1;
        self.waiting.push(Shot {
            no: self.made,
            left: what.times,
            what,
        });
        self.tell();
        Some(self.made)
    }

    /// Tells whether any wait, from now on.
    pub(super) fn any(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.any)
    }

    fn tell(&self) {
        self.any.store(!self.waiting.is_empty(), Ordering::Release);
    }

    pub(in crate::mock) fn iter(&self) -> impl Iterator<Item = &Shot> {
        self.waiting.iter()
    }

    /// Forgets all that wait.
    ///
    /// - returns: how many those were.
    pub(in crate::mock) fn clear(&mut self) -> usize {
        let forgotten = std::mem::take(&mut self.waiting).len();
        self.tell();
        forgotten
    }

    /// Takes what strikes a request of this sort: of faults of an exchange the oldest alone, of each that disturbs a
    /// response one, as long as the request makes one.
    pub(in crate::mock) fn take(
        &mut self,
        kind: ExchangeKind,
        headers: &HeaderMap,
        out: &mut Vec<(Target, Fault)>,
    ) {
        for shot in &mut self.waiting {
            let fits = match &shot.what.target {
                Target::Exchange(wanted) => {
                    *wanted == kind
                        && !out
                            .iter()
                            .any(|(target, _)| matches!(target, Target::Exchange(_)))
                }
                Target::Response | Target::Step(_) | Target::Webhook => kind == ExchangeKind::Create,
                Target::Tool(_) | Target::Sink(_) => false,
            };
            if fits
                && shot
                    .what
                    .header
                    .as_ref()
                    .is_none_or(|header| shows(headers, header))
            {
                shot.left -= 1;
                out.push((shot.what.target.clone(), shot.what.fault.clone()));
            }
        }
        self.waiting.retain(|shot| shot.left > 0);
        self.tell();
    }
}

/// Whether a request shows a header.
pub(in crate::mock) fn shows(headers: &HeaderMap, wanted: &HeaderMatch) -> bool {
    let mut values = headers.get_all(&*wanted.name).iter();
    values.any(|value| {
        let expected = wanted.value.as_deref();
        expected.is_none_or(|expected| value.as_bytes() == expected.as_bytes())
    })
}
