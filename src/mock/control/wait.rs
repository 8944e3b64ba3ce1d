//! Waiting until something is on record.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::ask::{Awaited, Outcome as Came, checked, wait};
use super::listing::{requests_of, response, webhook};
use super::reply::{answered, document};
use super::{Call, Outcome};
use crate::mock::session::{Entry, Sight};

/// Things that an answer shows.
const SHOWN_MAX: usize = 20;

impl Call<'_> {
    /// Answers as soon as what is waited for is on record, or with what there is when the time is over.
    pub(super) async fn wait_for(&self) -> Outcome {
        let room = self.room()?;
        let asked = checked("body", &self.body, wait)?;
        let began = Instant::now();
        let until = tokio::time::Instant::now() + Duration::from_micros(asked.within.ticks());
        let mut changes = room.record.changes();
        let met = loop {
            changes.borrow_and_update();
            if asked.what.seen(&self.session, &room.record.sight()).met {
                break true;
            }
            tokio::select! {
                biased;
                // The sender lives as long as the room, so waiting cannot fail.
                _ = changes.changed() => {}
                () = room.over() => break false,
                () = tokio::time::sleep_until(until) => break false,
            }
        };
        let seen = asked.what.seen(&self.session, &room.record.sight());
        let waited = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let body = json!({ "met": met, "waited_ms": waited, "count": seen.count, "seen": seen.things });
        Ok(match met {
            true => answered(&body),
            false => document(408, body.to_string()),
        })
    }
}

/// What is on record of what is waited for.
struct Found {
    met: bool,
    count: u64,
    /// The last that fit; if none does, the last of their sort.
    things: Value,
}

impl Awaited {
    fn seen(&self, session: &str, sight: &Sight) -> Found {
        match self {
            Self::Requests { count, .. } => {
                let fitting: Vec<u64> = sight
                    .entries
                    .iter()
                    .filter(|entry| self.fits_request(entry))
                    .map(|entry| entry.seq)
                    .collect();
                let all = || sight.entries.iter().map(|entry| entry.seq).collect();
                let shown: Vec<u64> = if fitting.is_empty() {
                    all()
                } else {
                    fitting.clone()
                };
                let shown = &shown[shown.len().saturating_sub(SHOWN_MAX)..];
                let found = fitting.len() as u64;
                let things = serde_json::to_value(requests_of(session, sight, shown)).unwrap_or_default();
                Found {
                    met: found >= *count,
                    count: found,
                    things,
                }
            }
            Self::Response { id, status } => {
                let wanted = |row: &&crate::mock::session::ResponseRow| {
                    id.as_ref().is_none_or(|id| **id == *row.id.0.text())
                        && match status {
                            Some(status) => status == row.status.word(),
                            None => !row.status.is_open(),
                        }
                };
                let rows = || sight.responses.iter().rev();
                let fitting: Vec<Value> = rows().filter(wanted).take(SHOWN_MAX).map(response).collect();
                Found::of(fitting, 1, || rows().take(SHOWN_MAX).map(response).collect())
            }
            Self::Webhook {
                response: of,
                kind,
                outcome,
                count,
            } => {
                let wanted = |row: &&crate::mock::session::WebhookRow| {
                    of.as_ref().is_none_or(|of| **of == *row.response.0.text())
                        && kind.as_ref().is_none_or(|kind| *kind == *row.kind)
                        && match outcome {
                            Came::Sent => true,
                            Came::Answered => row.answered.is_some() && row.http.is_some(),
                            Came::Accepted => matches!(row.http, Some(200..300)),
                        }
                };
                let rows = || sight.webhooks.iter().rev();
                let fitting: Vec<Value> = rows().filter(wanted).map(webhook).collect();
                Found::of(fitting, *count, || rows().take(SHOWN_MAX).map(webhook).collect())
            }
        }
    }

    fn fits_request(&self, entry: &Entry) -> bool {
        let Self::Requests {
            method,
            path,
            status,
            fault,
            ..
        } = self
        else {
            return false;
        };
        let own = entry.path.split('?').next().unwrap_or_default();
        entry.ended.is_some()
            && method
                .as_ref()
                .is_none_or(|method| method == entry.method.as_str())
            && path.as_ref().is_none_or(|path| match path.strip_suffix('*') {
                Some(beginning) => own.starts_with(beginning),
                None => own == path,
            })
            && status.is_none_or(|status| entry.status == Some(status))
            && fault
                .as_ref()
                .is_none_or(|fault| entry.struck_by() == Some(fault.as_str()))
    }
}

impl Found {
    fn of(fitting: Vec<Value>, wanted: u64, others: impl FnOnce() -> Vec<Value>) -> Self {
        let count = fitting.len() as u64;
        let shown = match fitting.is_empty() {
            true => others(),
            false => fitting.into_iter().take(SHOWN_MAX).collect(),
        };
        Self {
            met: count >= wanted,
            count,
            things: shown.into(),
        }
    }
}
