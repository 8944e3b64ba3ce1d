//! What the control API lists.

use std::sync::Arc;

use serde_json::{Value, json, value::RawValue};

use super::super::front::House;
use super::super::session::{ResponseRow, Room, Sight, WebhookRow};
use super::reply::{Refusal, answered, document};
use super::{Call, Outcome, word_of};

/// Entries of one listing.
const LIMIT_MAX: usize = 1_000;

impl Call<'_> {
    pub(super) fn requests(&self) -> Outcome {
        let (since, limit) = (self.number("since", 0)?, self.number("limit", 100)?);
        let limit = usize::try_from(limit).unwrap_or(LIMIT_MAX).min(LIMIT_MAX);
        let room = self.room()?;
        let sight = room.record.sight();
        let entries = sight.entries.iter().filter(|entry| entry.seq > since).take(limit);
        let lines: Vec<String> = entries
            .map(|entry| entry.json(&self.session, &sight.plan))
            .collect();
        let forgotten = sight.seen - sight.entries.len() as u64;
        Ok(document(
            200,
            format!(
                "{{\"seen\":{},\"forgotten\":{forgotten},\"requests\":[{}]}}",
                sight.seen,
                lines.join(",")
            ),
        ))
    }

    pub(super) fn request(&self, seq: &str) -> Outcome {
        let room = self.room()?;
        let mut sight = room.record.sight();
        let entry = seq.parse().ok().and_then(|seq| sight.entry(seq)).cloned();
        match entry {
            Some(entry) => Ok(document(200, entry.json(&self.session, &sight.plan))),
            None => Err(Refusal::new(
                404,
                "no_request",
                format!(
                    "request `{seq}` was not seen, or is forgotten: {} were seen",
                    sight.seen
                ),
            )),
        }
    }

    pub(super) fn responses(&self) -> Outcome {
        let room = self.room()?;
        let sight = room.record.sight();
        let rows: Vec<Value> = sight.responses.iter().map(response).collect();
        Ok(answered(
            &json!({ "forgotten": sight.responses_gone, "responses": rows }),
        ))
    }

    pub(super) fn webhooks(&self) -> Outcome {
        let room = self.room()?;
        let rows: Vec<Value> = room.record.sight().webhooks.iter().map(webhook).collect();
        Ok(answered(&json!({ "webhooks": rows })))
    }

    pub(super) fn faults(&self) -> Outcome {
        let room = self.room()?;
        let sight = room.record.sight();
        let rules = sight.plan.rules().iter().zip(0_u32..);
        let declared: Vec<Value> = rules
            .map(|(rule, place)| {
                let struck = sight.fired.get(&place).copied().unwrap_or_default();
                json!({ "rule": place + 1, "is": rule.to_string(), "struck": struck })
            })
            .collect();
        let waiting: Vec<Value> = sight
            .shots
            .iter()
            .map(|shot| {
                let rule = crate::fault::FaultRule {
                    target: shot.what.target.clone(),
                    select: crate::fault::Select::default(),
                    fault: shot.what.fault.clone(),
                };
                json!({ "fault": shot.no, "is": rule.to_string(), "left": shot.left })
            })
            .collect();
        let count = u32::try_from(sight.plan.rules().len()).unwrap_or(u32::MAX);
        let injected: u64 = sight.fired.range(count..).map(|(_, struck)| struck).sum();
        Ok(answered(&json!({
            "declared": declared,
            "waiting": waiting,
            "injected_struck": injected,
        })))
    }

    fn number(&self, name: &str, usual: u64) -> Result<u64, Refusal> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map_or(Ok(usual), |(_, value)| {
            value
                .parse()
                .map_err(|_| Refusal::new(422, "invalid", format!("`{name}={value}` is no number")))
        })
    }
}

/// A response.
pub(super) fn response(row: &ResponseRow) -> Value {
    json!({
        "id": &*row.id.0.text(),
        "status": row.status.word(),
        "code": row.code.as_deref(),
        "background": row.background,
        "created_us": row.created.ticks(),
        "changed_us": row.changed.ticks(),
        "request": row.request,
        "dropped": row.dropped,
    })
}

/// A sending of a webhook.
pub(super) fn webhook(row: &WebhookRow) -> Value {
    json!({
        "delivery": &*row.delivery,
        "send": row.send,
        "kind": &*row.kind,
        "response": &*row.response.0.text(),
        "signature": row.signature,
        "at_us": row.at.ticks(),
        "answered_us": row.answered.map(crate::units::SimTime::ticks),
        "http": row.http,
    })
}

/// Requests, as texts that are JSON already.
pub(super) fn requests_of(session: &str, sight: &Sight, seqs: &[u64]) -> Vec<Box<RawValue>> {
    let entries = sight.entries.iter().filter(|entry| seqs.contains(&entry.seq));
    entries
        .filter_map(|entry| RawValue::from_string(entry.json(session, &sight.plan)).ok())
        .collect()
}

/// The clock of a session.
pub(super) fn clock(room: &Room) -> Value {
    json!({
        "pace": word_of(room.clock.pace()),
        "now_us": room.clock.now().ticks(),
        "due_us": room.record.sight().due.map(crate::units::SimTime::ticks),
        "epoch": room.epoch,
    })
}

/// Every session.
pub(super) fn sessions(house: &House) -> Value {
    let rooms: Vec<(Arc<str>, Arc<Room>)> = {
        let sessions = house.sessions();
        sessions
            .iter()
            .map(|(name, room)| (Arc::clone(name), Arc::clone(room)))
            .collect()
    };
    let rows: Vec<Value> = rooms
        .iter()
        .map(|(name, room)| {
            let (requests, responses, streams) = {
                let sight = room.record.sight();
                (
                    sight.seen,
                    sight.responses_gone + sight.responses.len() as u64,
                    sight.streams,
                )
            };
            json!({
                "session": &**name,
                "plays": &*room.setup.plan.title,
                "requests": requests,
                "responses": responses,
                "streams_open": streams,
                "clock": clock(room),
            })
        })
        .collect();
    json!({ "sessions_max": house.options.sessions_max, "sessions": rows })
}
