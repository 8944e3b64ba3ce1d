//! What the outside world is told, in canonical order.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::job::{ToOutside, Viewers};
use crate::units::JobId;

/// A message of the core.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FromCore {
    /// The job.
    pub job: JobId,
    /// What.
    pub message: ToOutside,
}

impl FromCore {
    /// The canonical order inside a tick: by job, then what begins before what ends, views last. What one job shows
    /// twice to one audience keeps its order.
    pub(super) fn canonical(&self, other: &Self) -> Ordering {
        (self.job, rank(&self.message)).cmp(&(other.job, rank(&other.message)))
    }
}

/// What has no name says so: some processors take hundreds of cycles to compare two empty texts.
fn rank(message: &ToOutside) -> (u8, Option<&str>, u16) {
    match message {
        ToOutside::RunTool { call, run, .. } => (0, Some(call), *run),
        ToOutside::DropTool { call, run } => (1, Some(call), *run),
        ToOutside::AskApproval(request) => (2, Some(&request.id), 0),
        ToOutside::CloseApproval { approval } => (3, Some(approval), 0),
        ToOutside::Apply { key, run, .. } => (4, Some(key), *run),
        ToOutside::QuerySink { key, run, .. } => (5, Some(key), *run),
        ToOutside::Show { to, .. } => (6, None, u16::from(*to == Viewers::Operator)),
    }
}
