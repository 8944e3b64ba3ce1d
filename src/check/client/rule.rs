//! The rules that a client is judged by.

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientRule {
    /// A told wait is kept.
    ToldWait,
    /// Waits between retries grow.
    BackOff,
    /// Retries do not come in storms.
    Storm,
    /// What is refused for good is not asked again.
    Final,
    /// Retries have an end.
    Bounded,
    /// Polls of an open response keep a distance.
    PollDistance,
    /// A response that ended is not polled on.
    PollAfterEnd,
    /// A response that nobody waits for is cancelled.
    Abandon,
    /// One ask makes one response.
    OneResponse,
    /// Cut-off arguments are not executed.
    CutCall,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gravity {
    /// It harms the service or the user: the verdict fails.
    Fail,
    /// It works and costs more than it should.
    Warn,
}

impl Gravity {
    /// The word in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Warn => "warn",
        }
    }
}

impl ClientRule {
    /// Every rule, in order of code.
    pub const ALL: [Self; 10] = [
        Self::ToldWait,
        Self::BackOff,
        Self::Storm,
        Self::Final,
        Self::Bounded,
        Self::PollDistance,
        Self::PollAfterEnd,
        Self::Abandon,
        Self::OneResponse,
        Self::CutCall,
    ];

    /// The code in reports.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ToldWait => "CL-01",
            Self::BackOff => "CL-02",
            Self::Storm => "CL-03",
            Self::Final => "CL-04",
            Self::Bounded => "CL-05",
            Self::PollDistance => "CL-06",
            Self::PollAfterEnd => "CL-07",
            Self::Abandon => "CL-08",
            Self::OneResponse => "CL-09",
            Self::CutCall => "CL-10",
        }
    }

    /// What it demands.
    #[must_use]
    pub const fn demands(self) -> &'static str {
        match self {
            Self::ToldWait => "a wait that the service tells is kept",
            Self::BackOff => "the waits between retries grow",
            Self::Storm => "at most 10 retries leave in any second",
            Self::Final => "what is refused for good is not asked again",
            Self::Bounded => "an ask is retried at most 10 times",
            Self::PollDistance => "polls of an open response are at least half a second apart",
            Self::PollAfterEnd => "a response whose end was shown is polled at most once more",
            Self::Abandon => "an open response that nobody follows any more is cancelled",
            Self::OneResponse => "one ask makes one response",
            Self::CutCall => "a function call whose arguments were cut off is not executed",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::ToldWait => {
                "read `retry-after-ms`, then `retry-after` in seconds or as a date, and wait at least that long"
            }
            Self::BackOff => "double the wait from try to try up to a cap, and draw it at random below that",
            Self::Storm => "share one retry budget among all jobs and spread retries with full jitter",
            Self::Final => {
                "show the error to whoever can act on it; 4xx other than 408, 409 and 429 stay as they are"
            }
            Self::Bounded => "stop after a few attempts or at the job's deadline, and say so",
            Self::PollDistance => "begin with a second, grow by half each time up to 15 seconds, with jitter",
            Self::PollAfterEnd => {
                "stop at any status outside `queued` and `in_progress`, unknown ones included"
            }
            Self::Abandon => {
                "call cancel when the deadline passes or the user gives up; a background run goes on alone"
            }
            Self::OneResponse => {
                "there is no idempotency key: switch off the client library's own retries of creates, or create with \
                 `stream: true` so that the id arrives with the first bytes"
            }
            Self::CutCall => "execute a call only if its item and its response are `completed`",
        }
    }

    /// How much breaking it weighs.
    #[must_use]
    pub const fn gravity(self) -> Gravity {
        match self {
            Self::BackOff | Self::PollDistance | Self::PollAfterEnd | Self::Abandon => Gravity::Warn,
            Self::ToldWait
            | Self::Storm
            | Self::Final
            | Self::Bounded
            | Self::OneResponse
            | Self::CutCall => Gravity::Fail,
        }
    }
}
