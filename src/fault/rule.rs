//! The rules as written in a scenario, checked.

use std::sync::Arc;

use crate::rng::Law;
use crate::units::{AttemptNo, Exchange, ExchangeKind, JobId, Probability, SimDuration, SimTime, TurnNo};
use crate::wire::ApiError;

/// What a rule disturbs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An exchange between runtime and service.
    Exchange(ExchangeKind),
    /// The run of a response, from its creation on.
    Response,
    /// One step of a script, by its place in the turn, from 0.
    Step(u16),
    /// The webhook of a response.
    Webhook,
    /// A run of a tool, of this name or of any.
    Tool(Option<Arc<str>>),
    /// An effect at a sink, of this name or of any.
    Sink(Option<Arc<str>>),
}

/// When a rule strikes. Ranges are inclusive; what is absent does not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Select {
    /// Only these jobs.
    pub jobs: Option<Vec<JobId>>,
    /// Only these attempts.
    pub attempts: Option<(AttemptNo, AttemptNo)>,
    /// Only these turns.
    pub turns: Option<(TurnNo, TurnNo)>,
    /// Only the so-manieth of its kind in its job, from 1.
    pub nth: Option<(u32, u32)>,
    /// Only between these instants.
    pub within: Option<(SimTime, SimTime)>,
    /// Only where the request shows this header. Our own runtime shows none that a rule may name.
    pub header: Option<HeaderMatch>,
    /// Only with this probability, drawn once per job and window of time.
    pub share: Option<Share>,
}

/// A header that a request has to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderMatch {
    /// Its name, in lower case.
    pub name: Arc<str>,
    /// Its value; any if it is absent.
    pub value: Option<Arc<str>>,
}

/// A probability, drawn anew for each job in each window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// How likely.
    pub probability: Probability,
    /// The length of a window.
    pub window: SimDuration,
}

/// Where in an exchange a delay sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before the service handles the request.
    Handling,
    /// Between handling and the reply.
    Reply,
    /// Between the head of the reply and its body.
    Body,
}

/// What a rule does to what it strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Exchange, step: takes longer.
    Delay {
        /// Where the delay sits; steps ignore it.
        place: Place,
        /// How long.
        law: Law,
    },
    /// Exchange: this error reply, without handling the request.
    Reply(ApiError),
    /// Exchange: no connection.
    Refuse,
    /// Exchange: reset before the request is handled.
    ResetBefore,
    /// Exchange: reset after the request was handled.
    ResetAfter,
    /// Exchange: handled, and no reply ever.
    LoseReply,
    /// Exchange: the connection is open, and the request is never read.
    HalfOpen,
    /// Exchange: the head promises less of the body than there is.
    WrongLength,
    /// Exchange: the head says that the body is plain text; a stream ends there.
    WrongType,
    /// Exchange: the body is a page for people.
    HtmlPage,
    /// Exchange: the body leaves in parts, an event of a stream in pieces that end inside lines and characters.
    Trickle {
        /// How long each part waits for the next.
        pause: Law,
    },
    /// Exchange (stream, or create with stream): the connection closes between the name and the data of an event.
    CutBetweenLines {
        /// Whole events that leave before.
        after: u32,
    },
    /// The connection of a stream is reset.
    ResetStream {
        /// Events that leave before.
        after: u32,
    },
    /// Exchange: the body ends before the response id.
    CutBeforeId,
    /// Exchange: the body ends after the response id.
    CutAfterId,
    /// Exchange: the body stops coming, the connection stays.
    StallBody,
    /// Exchange: the body is not JSON.
    Malformed,
    /// Exchange (stream, or create with stream): the connection closes after so many events of it, between two
    /// events.
    CutStream {
        /// Events that leave before.
        after: u32,
    },
    /// The same, inside an event.
    CutInsideEvent {
        /// Whole events that leave before.
        after: u32,
    },
    /// Exchange (stream): no further event after so many, the connection stays.
    StallStream {
        /// Events that leave before.
        after: u32,
    },
    /// Exchange (stream, or create with stream): one event of it never leaves, so that a number is missing.
    SkipEvent {
        /// Events that leave before.
        after: u32,
    },
    /// The same: one event comes under a name that nobody knows, and says nothing but its number.
    UnknownEvent {
        /// Events that leave before.
        after: u32,
    },
    /// The same: in the place of one event comes an error, and the stream is over.
    ErrorEvent {
        /// Events that leave before.
        after: u32,
        /// The error code.
        code: Arc<str>,
    },
    /// Response: fails with this code when it starts its step number `at_step`.
    Fail {
        /// The error code.
        code: Arc<str>,
        /// The step, from 0.
        at_step: u16,
    },
    /// Response: ends incomplete for this reason, in its last message.
    Incomplete {
        /// `max_output_tokens`, `content_filter` or another word.
        reason: Arc<str>,
    },
    /// Response: never leaves `queued`.
    StuckQueued,
    /// Response: never leaves `in_progress`.
    StuckInProgress,
    /// Response: ends with a wire status that the contract does not know.
    UnknownStatus {
        /// The word.
        word: Arc<str>,
    },
    /// Response: the service cancels it by itself when it starts its step number `at_step`.
    CancelledByService {
        /// The step, from 0.
        at_step: u16,
    },
    /// Response: the service forgets it so long after its creation.
    Vanish {
        /// How long.
        after: SimDuration,
    },
    /// Response: a cancel is acknowledged this much later, with the response still open until then.
    SlowCancel {
        /// How long.
        lag: SimDuration,
    },
    /// Response: nothing is said of it for a while: its stream is open and empty, its reply is late.
    SlowAdmission {
        /// How long.
        law: Law,
    },
    /// Response: shown as queued once more after it was in progress.
    WrongOrder,
    /// Response: a cancel is acknowledged, and the response runs on to its end.
    IgnoreCancel,
    /// Response: its last message or function call is cut in half and called completed.
    Truncate,
    /// Webhook: with a stamp that lies ahead.
    FutureWebhook,
    /// Webhook: with a second signature, of a secret that is going out of use.
    TwoSignatures,
    /// Webhook: never sent.
    LoseWebhook,
    /// Webhook: sent so much later.
    LateWebhook {
        /// How much.
        law: Law,
    },
    /// Webhook: sent twice, so far apart.
    RepeatWebhook {
        /// How far.
        gap: SimDuration,
    },
    /// Webhook: held back until the next one has left, or so long at most.
    OvertakenWebhook {
        /// How long at most.
        limit: SimDuration,
    },
    /// Webhook: with a stamp that is too old.
    StaleWebhook,
    /// Webhook: with a signature that is not ours.
    ForgedWebhook,
    /// Tool: fails with these words. Sink: refuses before anything lands.
    FailTool {
        /// The words.
        message: Arc<str>,
    },
    /// Tool, sink: never answers; at a sink the effect lands all the same.
    Hang,
    /// Sink: never answers and nothing lands.
    HangBefore,
    /// Sink: refuses for good.
    RefuseForGood,
    /// Tool, sink: takes longer.
    Slow {
        /// How long.
        law: Law,
    },
}

impl Fault {
    /// Every word that a fault can have, target by target: 15 for any exchange, 8 more for one with events, 12 for a
    /// response, 8 for a webhook, then those of tools and sinks.
    pub const WORDS: [&str; 48] = [
        "delay",
        "reply",
        "refuse",
        "reset_before",
        "reset_after",
        "lose_reply",
        "cut_before_id",
        "cut_after_id",
        "stall_body",
        "malformed",
        "half_open",
        "wrong_length",
        "wrong_type",
        "html_page",
        "trickle",
        "cut_stream",
        "cut_inside_event",
        "cut_between_lines",
        "reset_stream",
        "stall_stream",
        "skip_event",
        "unknown_event",
        "error_event",
        "fail",
        "incomplete",
        "stuck_queued",
        "stuck_in_progress",
        "unknown_status",
        "cancelled_by_service",
        "vanish",
        "slow_cancel",
        "slow_admission",
        "wrong_order",
        "ignore_cancel",
        "truncate",
        "lose_webhook",
        "late_webhook",
        "repeat_webhook",
        "overtaken_webhook",
        "stale_webhook",
        "future_webhook",
        "forged_webhook",
        "two_signatures",
        "fail_tool",
        "hang",
        "hang_before",
        "refuse_for_good",
        "slow",
    ];

    /// The word in scenarios, traces and reports.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Delay { .. } => "delay",
            Self::Reply(_) => "reply",
            Self::Refuse => "refuse",
            Self::ResetBefore => "reset_before",
            Self::ResetAfter => "reset_after",
            Self::LoseReply => "lose_reply",
            Self::HalfOpen => "half_open",
            Self::WrongLength => "wrong_length",
            Self::WrongType => "wrong_type",
            Self::HtmlPage => "html_page",
            Self::Trickle { .. } => "trickle",
            Self::CutBetweenLines { .. } => "cut_between_lines",
            Self::ResetStream { .. } => "reset_stream",
            Self::CutBeforeId => "cut_before_id",
            Self::CutAfterId => "cut_after_id",
            Self::StallBody => "stall_body",
            Self::Malformed => "malformed",
            Self::CutStream { .. } => "cut_stream",
            Self::CutInsideEvent { .. } => "cut_inside_event",
            Self::StallStream { .. } => "stall_stream",
            Self::SkipEvent { .. } => "skip_event",
            Self::UnknownEvent { .. } => "unknown_event",
            Self::ErrorEvent { .. } => "error_event",
            Self::Fail { .. } => "fail",
            Self::Incomplete { .. } => "incomplete",
            Self::StuckQueued => "stuck_queued",
            Self::StuckInProgress => "stuck_in_progress",
            Self::UnknownStatus { .. } => "unknown_status",
            Self::CancelledByService { .. } => "cancelled_by_service",
            Self::Vanish { .. } => "vanish",
            Self::SlowCancel { .. } => "slow_cancel",
            Self::SlowAdmission { .. } => "slow_admission",
            Self::WrongOrder => "wrong_order",
            Self::IgnoreCancel => "ignore_cancel",
            Self::Truncate => "truncate",
            Self::FutureWebhook => "future_webhook",
            Self::TwoSignatures => "two_signatures",
            Self::LoseWebhook => "lose_webhook",
            Self::LateWebhook { .. } => "late_webhook",
            Self::RepeatWebhook { .. } => "repeat_webhook",
            Self::OvertakenWebhook { .. } => "overtaken_webhook",
            Self::StaleWebhook => "stale_webhook",
            Self::ForgedWebhook => "forged_webhook",
            Self::FailTool { .. } => "fail_tool",
            Self::Hang => "hang",
            Self::HangBefore => "hang_before",
            Self::RefuseForGood => "refuse_for_good",
            Self::Slow { .. } => "slow",
        }
    }
}

/// One rule of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    /// What it disturbs.
    pub target: Target,
    /// When.
    pub select: Select,
    /// How.
    pub fault: Fault,
}

/// What is about to happen and may be disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe<'a> {
    /// The job it serves.
    pub job: JobId,
    /// The attempt.
    pub attempt: AttemptNo,
    /// The turn.
    pub turn: TurnNo,
    /// The how-manieth of its kind in its job, from 1.
    pub nth: u32,
    /// The tool's or sink's name; empty elsewhere.
    pub name: &'a str,
    /// The instant.
    pub at: SimTime,
    /// The rules that were injected for it.
    pub marks: &'a [u32],
}

impl Probe<'static> {
    /// An exchange, or the response that it made.
    #[must_use]
    pub const fn of(exchange: Exchange, at: SimTime) -> Self {
        Self {
            job: exchange.job(),
            attempt: exchange.attempt(),
            turn: exchange.turn(),
            nth: exchange.nth(),
            name: "",
            at,
            marks: &[],
        }
    }
}
