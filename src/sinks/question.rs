//! What the sinks know of an approval: what it was asked for, and what people said.

use std::sync::Arc;

use super::{Asked, Leave};
use crate::job::ApprovalVerdict;
use crate::trace::Principal;
use crate::units::SimTime;

/// An approval that people were asked for.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    asked: Vec<Asked>,
    quorum: u16,
    /// The people who said yes, each once.
    yes: Vec<Principal>,
    /// When there were enough of them.
    given: Option<SimTime>,
    /// When somebody first said anything else.
    refused: Option<SimTime>,
}

/// What a person who may decide said about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered<'a> {
    /// The human: an agent's yes is that of the person it acts for.
    pub(crate) by: &'a Principal,
    /// The word.
    pub(crate) verdict: &'a ApprovalVerdict,
    /// The digests of what that person was shown.
    pub(crate) shown: &'a [Arc<str>],
}

impl Question {
    pub(crate) const fn new(asked: Vec<Asked>, quorum: u16) -> Self {
        Self {
            asked,
            quorum,
            yes: Vec::new(),
            given: None,
            refused: None,
        }
    }

    pub(super) fn asked(&self) -> &[Asked] {
        &self.asked
    }

    /// Takes a decision in. A yes to something else than was asked is none.
    pub(crate) fn hear(&mut self, now: SimTime, said: Answered<'_>) {
        if *said.verdict != ApprovalVerdict::Approve {
            self.refused = self.refused.or(Some(now));
            return;
        }
        let asked = self.asked.iter().map(|asked| asked.digest.as_ref());
        if !asked.eq(said.shown.iter().map(Some)) || self.yes.contains(said.by) {
            return;
        }
        self.yes.push(said.by.clone());
        if self.yes.len() >= usize::from(self.quorum.max(1)) {
            self.given = self.given.or(Some(now));
        }
    }

    /// Whether enough said yes before anybody said anything else; of one tick, the yes counts, for who comes first in
    /// it is settled elsewhere.
    pub(super) fn leave(&self) -> Leave {
        let given = self
            .given
            .is_some_and(|given| self.refused.is_none_or(|refused| given <= refused));
        if given { Leave::Given } else { Leave::NotGiven }
    }
}
