//! How streams behave where the contract leaves it open. A client has to survive every setting.

use crate::units::{Probability, SimDuration};
use crate::wire::ErrorShape;

/// How streams behave where the contract leaves it open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Streaming {
    /// Whoever reads gets a `keepalive` behind each stretch of this length in which nothing else came; none: never.
    pub keepalive: Option<SimDuration>,
    /// Which streams have padding on their deltas.
    pub padding: Padding,
    /// How likely some numbers are left out before an event; none: never.
    pub gaps: Option<Probability>,
    /// How the stream of a failed response ends.
    pub failed: FailedEnd,
    /// How an `error` event is written.
    pub error: ErrorShape,
    /// How the stream of a cancelled response ends.
    pub cancelled: CancelledEnd,
}

/// Which streams have padding on their deltas, unless the client does not want it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Padding {
    /// Those of foreground responses, as in the captures.
    #[default]
    Foreground,
    /// All.
    Every,
}

/// How the stream of a failed response ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FailedEnd {
    /// With `error`, then `response.failed`, as in the captures.
    #[default]
    Both,
    /// With `response.failed` alone, as in the published description.
    FailedOnly,
    /// With `error` alone.
    ErrorOnly,
}

/// How the stream of a cancelled response ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CancelledEnd {
    /// With `response.failed`, whose response is cancelled.
    #[default]
    Failed,
    /// Without an event.
    Silent,
}
