//! The gate in front of every sink.

use std::sync::Arc;

use crate::job::Grant;
use crate::units::SimTime;

/// What the sinks know of an act from when its approval was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The sink it was to go to.
    pub sink: Arc<str>,
    /// Its digest, computed by the sinks; none if the act cannot be read in exactly one way.
    pub digest: Option<Arc<str>>,
    /// The version of the sink's target at that time, where it has versions.
    pub version: Option<Arc<str>>,
}

/// Whether the people who may have said yes to what was asked, in sufficient number and before a no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leave {
    /// They have.
    Given,
    /// They have not, or not yet.
    NotGiven,
}

/// Everything the gate judges by.
#[derive(Debug, Clone, Copy)]
pub struct Knock<'a> {
    /// The instant of landing.
    pub now: SimTime,
    /// The sink.
    pub sink: &'a str,
    /// The idempotency key.
    pub key: &'a str,
    /// The digest of what would be executed, computed by the sink.
    pub digest: &'a str,
    /// The grant that is shown.
    pub grant: &'a Grant,
    /// What the grant's approval was asked for; none if it never was.
    pub asked: Option<&'a [Asked]>,
    /// Whether that approval was given.
    pub leave: Leave,
    /// The key under which this grant has already released an effect.
    pub spent_by: Option<&'a str>,
    /// The version of the sink's target now, where it has versions.
    pub version: Option<&'a str>,
}

/// Why the gate stays shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The grant comes from an approval that nobody was asked for.
    NoGrant,
    /// The grant comes from an approval that people were asked for and have not given.
    NotGiven,
    /// The grant, or the approval behind it, is for something else.
    Digest,
    /// The grant has ended.
    Expired,
    /// The grant has released another effect.
    Spent,
    /// The target is no longer what it was when the approval was asked.
    Precondition,
}

impl Refusal {
    /// The word in traces and answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoGrant => "no_grant",
            Self::NotGiven => "not_given",
            Self::Digest => "digest",
            Self::Expired => "expired",
            Self::Spent => "spent",
            Self::Precondition => "precondition",
        }
    }
}

/// A gate: lets an effect through or says why not.
pub type Gate = fn(&Knock<'_>) -> Result<(), Refusal>;

/// The gate of every sink: one unspent, unexpired grant for exactly this act, from an approval that people have given,
/// and whose target is as it was when they were asked. A grant that ends at this very instant has ended.
///
/// # Errors
/// [`Refusal`] names the first thing that is wrong.
pub fn gate(knock: &Knock<'_>) -> Result<(), Refusal> {
    let asked = knock.asked.ok_or(Refusal::NoGrant)?;
    if knock.leave == Leave::NotGiven {
        return Err(Refusal::NotGiven);
    }
    let covers = |asked: &&Asked| &*asked.sink == knock.sink && asked.digest.as_deref() == Some(knock.digest);
    let asked = asked.iter().find(covers).ok_or(Refusal::Digest)?;
    if *knock.grant.digest != *knock.digest {
        return Err(Refusal::Digest);
    }
    if knock.now >= knock.grant.expires {
        return Err(Refusal::Expired);
    }
    if knock.spent_by.is_some_and(|key| key != knock.key) {
        return Err(Refusal::Spent);
    }
    if asked.version.as_deref() != knock.version {
        return Err(Refusal::Precondition);
    }
    Ok(())
}
