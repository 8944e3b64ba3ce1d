//! One session: a service of its own, and the record of everything that its clients did.
//!
//! Invariants: what one session does cannot be seen in another; a record holds the last of each thing, up to a bound,
//! and says how much it has forgotten; no secret gets into a record.

mod bell;
mod entry;
mod observed;
mod record;
mod room;
mod shots;
mod sight;
mod tally;

pub(super) use bell::Bell;
pub(super) use entry::Entry;
pub(super) use record::{Record, Ticket};
pub(super) use room::{Common, DEFAULT, Room, RoomSetup};
pub(super) use shots::{SHOTS_MAX, shows};
pub(super) use sight::{ResponseRow, Sight, WebhookRow};
pub(super) use tally::Tally;

pub use record::LineSink;
