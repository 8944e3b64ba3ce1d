//! What an observation means for another try: the norm of retrying, row by row.

use crate::rng::{Purpose, Seed, uniform};
use crate::trace::{ActionWord, Class, Landed};
use crate::units::{JobId, SimDuration};
use crate::wire::{ApiError, Break, Wait};

use super::{Retry, SinkClass};

/// One row of the norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// What was observed, in a few words.
    pub name: &'static str,
    /// Whether something took hold.
    pub landed: Landed,
    /// What it means.
    pub class: Class,
    /// What is done.
    pub action: ActionWord,
    /// Whether the attempt uses up the retry limit.
    pub charged: bool,
}

/// Builds the rows: `NAME: "observation", landed, class, action, charged`.
macro_rules! rows {
    ($($(#[$doc:meta])* $id:ident: $name:literal, $landed:ident, $class:ident, $action:ident, $charged:literal;)+) => {
        $($(#[$doc])* pub const $id: Row = Row {
            name: $name,
            landed: Landed::$landed,
            class: Class::$class,
            action: ActionWord::$action,
            charged: $charged,
        };)+
        /// Every row.
        pub const ROWS: &[Row] = &[$($id,)+];
    };
}

rows! {
    /// No connection.
    CREATE_REFUSED: "create: connection refused", No, Retryable, BackOff, true;
    /// No reply.
    CREATE_NO_REPLY: "create: no reply", Unknown, Unknown, InDoubt, true;
    /// The reply broke off or could not be read, and showed no id.
    CREATE_CUT: "create: reply cut or unreadable", Yes, Unknown, InDoubt, true;
    /// The same, with the id.
    CREATE_CUT_WITH_ID: "create: reply cut, id read", Yes, None, Adopt, true;
    /// 408 and 5xx.
    CREATE_SERVER_ERROR: "create: 408 or 5xx", Unknown, Unknown, InDoubt, true;
    /// The service forbids another try.
    CREATE_TOLD_NO: "create: x-should-retry false", Unknown, Permanent, Fail, false;
    /// The service asks for another try.
    CREATE_TOLD_YES: "create: x-should-retry true", Unknown, Retryable, BackOff, true;
    /// 409.
    CREATE_CONFLICT: "create: 409", No, Retryable, BackOff, true;
    /// 429 with a wait in time.
    CREATE_LIMITED_TOLD: "create: 429 with a wait before the deadline", No, Retryable, WaitAsTold, false;
    /// 429 with a wait too long.
    CREATE_LIMITED_TOO_LONG: "create: 429 with a wait beyond the deadline", No, Permanent, TimeOut, false;
    /// 429 without a wait, with a code that means: later.
    CREATE_LIMITED_CODE: "create: 429 rate limit code without a wait", No, Retryable, BackOff, true;
    /// 429 of the quota family.
    CREATE_QUOTA: "create: 429 quota", No, UserAction, Intervene, false;
    /// 429 without anything to go by.
    CREATE_LIMITED_BARE: "create: 429 without a wait and without a known code", No, UserAction, Intervene, false;
    /// A conversation in use.
    CREATE_LOCKED: "create: 400 conversation_locked", No, Retryable, BackOff, true;
    /// 4xx.
    CREATE_CLIENT_ERROR: "create: 4xx", No, Permanent, Fail, false;
    /// 401.
    CREATE_UNAUTHORIZED: "create: 401", No, UserAction, Intervene, false;
    /// 424.
    CREATE_DEPENDENCY: "create: 424", No, Retryable, BackOff, true;
    /// 3xx.
    CREATE_REDIRECT: "create: 3xx", No, Permanent, Fail, false;
    /// An HTTP status that is none of these.
    CREATE_STRANGE: "create: unknown status", Unknown, Unknown, InDoubt, true;
    /// A failed response that may go better next time.
    RESPONSE_FAILED: "response: failed, worth another attempt", Ended, Retryable, NewAttempt, true;
    /// A failed response that needs money or a plan.
    RESPONSE_QUOTA: "response: failed, quota", Ended, UserAction, Intervene, false;
    /// A failed response that will always fail.
    RESPONSE_PERMANENT: "response: failed for good", Ended, Permanent, Fail, false;
    /// A code that the contract does not know; at most one new attempt.
    RESPONSE_UNKNOWN_CODE: "response: failed, unknown code", Ended, Retryable, NewAttempt, true;
    /// Cut by the token cap.
    RESPONSE_INCOMPLETE: "response: incomplete", Ended, Permanent, PartialOrRetry, false;
    /// Cut by the filter.
    RESPONSE_FILTERED: "response: incomplete, content_filter", Ended, Permanent, PartialOrFail, false;
    /// A poll that told nothing.
    POLL_FAILED: "poll: no readable status", NotApplicable, Retryable, KeepPolling, false;
    /// The response is gone.
    POLL_NOT_FOUND: "poll: 404 on a known id", NotApplicable, Permanent, Intervene, false;
    /// We may not look.
    POLL_UNAUTHORIZED: "poll: 401 or 403", NotApplicable, UserAction, Intervene, false;
    /// We asked wrongly.
    POLL_CLIENT_ERROR: "poll: other 4xx", NotApplicable, Permanent, Intervene, false;
    /// The stream broke off.
    STREAM_CLOSED: "stream: closed before a terminal event", NotApplicable, Retryable, Resume, false;
    /// Something new or a gap.
    STREAM_STRANGE: "stream: unknown event or gap", NotApplicable, None, Advance, false;
    /// An error event.
    STREAM_ERROR: "stream: error event", NotApplicable, None, ReadState, false;
    /// The cancel was answered.
    CANCEL_ANSWERED: "cancel: 2xx", NotApplicable, None, ReadState, false;
    /// The cancel was refused.
    CANCEL_REFUSED: "cancel: 400 or 404", NotApplicable, None, ReadState, false;
    /// The cancel told nothing.
    CANCEL_FAILED: "cancel: no readable answer", NotApplicable, Retryable, RepeatCancel, false;
    /// A tool said no.
    TOOL_FAILED: "tool: declared failure", NotApplicable, Retryable, ToolRule, false;
    /// A tool said nothing.
    TOOL_TIMED_OUT: "tool: time-out", NotApplicable, Retryable, ToolRule, false;
    /// A sink refused before anything landed.
    EFFECT_NOT_LANDED: "effect: refused before it landed", No, Retryable, SameKey, false;
    /// No receipt, and the key makes it safe.
    EFFECT_LOST_IDEMPOTENT: "effect: lost reply, idempotent by key", Unknown, Retryable, SameKey, false;
    /// No receipt, and the sink knows.
    EFFECT_LOST_QUERYABLE: "effect: lost reply, queryable", Unknown, None, AskSink, false;
    /// No receipt, and nobody knows.
    EFFECT_LOST_NEITHER: "effect: lost reply, neither", Unknown, UserAction, Intervene, false;
}

/// Error codes of the quota family.
const QUOTA: [&str; 5] = [
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
];

/// The row of an error reply to a create; `told` is the wait in the reply, `left` the time to the deadline.
#[must_use]
pub fn create_error(error: &ApiError, told: Option<SimDuration>, left: SimDuration) -> Row {
    let code = error.code.as_deref().unwrap_or_default();
    match (error.should_retry, error.http) {
        (Some(false), http) => return as_status(CREATE_TOLD_NO, http),
        (Some(true), http) if http != 429 => return as_status(CREATE_TOLD_YES, http),
        _ => {}
    }
    match error.http {
        429 if QUOTA.contains(&code) || QUOTA.contains(&&*error.kind) => CREATE_QUOTA,
        429 => match told {
            Some(wait) if wait < left => CREATE_LIMITED_TOLD,
            Some(_) => CREATE_LIMITED_TOO_LONG,
            None if matches!(code, "rate_limit_exceeded" | "slow_down") => CREATE_LIMITED_CODE,
            None if error.should_retry == Some(true) => as_status(CREATE_TOLD_YES, 429),
            None => CREATE_LIMITED_BARE,
        },
        400 if code == "conversation_locked" => CREATE_LOCKED,
        401 => CREATE_UNAUTHORIZED,
        408 | 500..=599 => CREATE_SERVER_ERROR,
        409 => CREATE_CONFLICT,
        424 => CREATE_DEPENDENCY,
        300..=399 => CREATE_REDIRECT,
        400 | 402 | 403..=407 | 410..=423 | 425..=428 | 430..=499 => CREATE_CLIENT_ERROR,
        _ => CREATE_STRANGE,
    }
}

/// A row whose landing is that of the HTTP status beside it.
const fn as_status(row: Row, http: u16) -> Row {
    let landed = match http {
        408 => Landed::Unknown,
        300..=499 => Landed::No,
        _ => Landed::Unknown,
    };
    Row { landed, ..row }
}

/// The row of a create that broke.
#[must_use]
pub const fn create_break(how: &Break) -> Row {
    match how {
        Break::Refused => CREATE_REFUSED,
        Break::NoReply => CREATE_NO_REPLY,
        Break::Cut { id: Some(_) } | Break::Unreadable { id: Some(_) } => CREATE_CUT_WITH_ID,
        Break::Cut { id: None } | Break::Unreadable { id: None } => CREATE_CUT,
    }
}

/// The row of a failed response.
#[must_use]
pub fn response_failed(code: &str) -> Row {
    match code {
        "server_error"
        | "rate_limit_exceeded"
        | "server_is_overloaded"
        | "slow_down"
        | "vector_store_timeout"
        | "failed_to_download_image" => RESPONSE_FAILED,
        "usage_not_included" => RESPONSE_QUOTA,
        quota if QUOTA.contains(&quota) => RESPONSE_QUOTA,
        "context_length_exceeded"
        | "invalid_prompt"
        | "data_residency_mismatch"
        | "bio_policy"
        | "misalignment_policy_violation"
        | "image_content_policy_violation" => RESPONSE_PERMANENT,
        image if image.contains("image") => RESPONSE_PERMANENT,
        _ => RESPONSE_UNKNOWN_CODE,
    }
}

/// The row of an error reply to a poll.
#[must_use]
pub const fn poll_error(http: u16) -> Row {
    match http {
        404 => POLL_NOT_FOUND,
        401 | 403 => POLL_UNAUTHORIZED,
        408 | 409 | 425 | 429 => POLL_FAILED,
        400..=499 => POLL_CLIENT_ERROR,
        _ => POLL_FAILED,
    }
}

/// The row of an error reply to a cancel.
#[must_use]
pub const fn cancel_error(http: u16) -> Row {
    match http {
        408 | 425 | 429 => CANCEL_FAILED,
        400..=499 => CANCEL_REFUSED,
        _ => CANCEL_FAILED,
    }
}

/// The row of an effect whose receipt did not come.
#[must_use]
pub const fn effect_lost(class: SinkClass) -> Row {
    match class {
        SinkClass::IdempotentByKey => EFFECT_LOST_IDEMPOTENT,
        SinkClass::Queryable => EFFECT_LOST_QUERYABLE,
        SinkClass::Neither => EFFECT_LOST_NEITHER,
    }
}

/// The wait that a reply tells, as a length of time; `civil` is the present in Unix microseconds.
#[must_use]
pub const fn told_wait(wait: Wait, civil: u64) -> SimDuration {
    match wait {
        Wait::Millis(millis) => SimDuration::from_millis(millis),
        Wait::Seconds(secs) => SimDuration::from_secs(secs),
        Wait::Date(unix) => SimDuration::from_ticks(unix.saturating_mul(1_000_000).saturating_sub(civil)),
    }
}

/// The most that the back-off before the retry number `n` (from 0) may take: `min(cap, base * 2^n)`.
///
/// The comparison happens on exponents, so no power overflows.
#[must_use]
pub const fn ceiling(retry: &Retry, n: u32) -> SimDuration {
    let (base, cap) = (retry.base.ticks(), retry.cap.ticks());
    if base == 0 {
        return SimDuration::ZERO;
    }
    if base >= cap || n >= 64 || n > (cap / base).ilog2() {
        return SimDuration::from_ticks(cap);
    }
    let grown = base << n;
    SimDuration::from_ticks(if grown < cap { grown } else { cap })
}

/// Full jitter: uniform between nothing and `ceiling`.
///
/// Source: Brooker, "Exponential Backoff And Jitter" (2015).
#[must_use]
pub fn jitter(seed: Seed, purpose: Purpose, job: JobId, index: u64, ceiling: SimDuration) -> SimDuration {
    let u = seed.unit(purpose, u64::from(job.0), index);
    SimDuration::from_ticks(uniform(u, 0, ceiling.ticks()))
}
