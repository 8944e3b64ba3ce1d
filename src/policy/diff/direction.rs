//! Answers, and which way they change.

use crate::policy::decide::{Decision, Route};
use crate::policy::lane::{Boundary, Execution};

/// Whether and how a task is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Going {
    /// While the user waits.
    Interactive,
    /// On its own.
    Background,
    /// It is not taken.
    Refused,
}

impl Going {
    /// Every way, in canonical order.
    pub const ALL: [Self; 3] = [Self::Interactive, Self::Background, Self::Refused];

    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Background => "background",
            Self::Refused => "refused",
        }
    }
}

/// What a policy answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Answer {
    /// Whether and how the task is carried out.
    pub going: Going,
    /// What stands before its effects.
    pub boundary: Boundary,
}

impl Answer {
    /// Every answer, in canonical order.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let boundaries = [Boundary::None, Boundary::Approval];
        let all = Going::ALL.into_iter();
        all.flat_map(|going| boundaries.map(|boundary| Self { going, boundary }))
            .collect()
    }

    /// The answer of a decision.
    #[must_use]
    pub const fn of(decision: &Decision) -> Self {
        let going = match decision.route {
            Route::Execute(Execution::Interactive) => Going::Interactive,
            Route::Execute(Execution::Background) => Going::Background,
            Route::Refuse(_) => Going::Refused,
        };
        Self {
            going,
            boundary: decision.boundary,
        }
    }

    /// In the words of reports: `background, approval`.
    #[must_use]
    pub fn text(self) -> String {
        let boundary = match self.boundary {
            Boundary::None => "no boundary",
            Boundary::Approval => "approval",
        };
        format!("{}, {boundary}", self.going.word())
    }
}

/// Which way something changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Not at all.
    #[default]
    Same,
    /// Less is done, or more is asked.
    Tightens,
    /// More is done, or less is asked.
    Loosens,
    /// Something else is done, neither more nor less.
    Moves,
    /// Some of this and some of that.
    Incomparable,
}

impl Direction {
    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Tightens => "tightens",
            Self::Loosens => "loosens",
            Self::Moves => "moves",
            Self::Incomparable => "incomparable",
        }
    }

    /// The direction of both changes together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Same, one) | (one, Self::Same) => one,
            (Self::Tightens, Self::Tightens) => Self::Tightens,
            (Self::Loosens, Self::Loosens) => Self::Loosens,
            (Self::Moves, Self::Moves) => Self::Moves,
            _ => Self::Incomparable,
        }
    }

    /// Of the execution: to be refused is the tightest, and between interactive and background neither is.
    #[must_use]
    pub const fn of_execution(old: Going, new: Going) -> Self {
        match (old, new) {
            (Going::Refused, Going::Refused)
            | (Going::Interactive, Going::Interactive)
            | (Going::Background, Going::Background) => Self::Same,
            (Going::Refused, _) => Self::Loosens,
            (_, Going::Refused) => Self::Tightens,
            (Going::Interactive, Going::Background) | (Going::Background, Going::Interactive) => Self::Moves,
        }
    }

    /// Of the boundary.
    #[must_use]
    pub const fn of_boundary(old: Boundary, new: Boundary) -> Self {
        match (old, new) {
            (Boundary::None, Boundary::None) | (Boundary::Approval, Boundary::Approval) => Self::Same,
            (Boundary::None, Boundary::Approval) => Self::Tightens,
            (Boundary::Approval, Boundary::None) => Self::Loosens,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Direction;

    #[test]
    fn directions_form_a_lattice() {
        use Direction::{Incomparable, Loosens, Moves, Same, Tightens};
        let all = [Same, Tightens, Loosens, Moves, Incomparable];
        for one in all {
            assert_eq!((one.with(one), one.with(Same)), (one, one));
            assert_eq!(one.with(Incomparable), Incomparable);
            for other in all {
                assert_eq!(one.with(other), other.with(one));
                for third in all {
                    assert_eq!(one.with(other).with(third), one.with(other.with(third)));
                }
            }
        }
        assert_eq!(Tightens.with(Loosens), Incomparable);
    }
}
