//! Where a task goes: execution, boundary, and the lane derived from both.

use serde::{Deserialize, Serialize};

/// How a task is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Execution {
    /// While the user waits.
    Interactive,
    /// On its own, after the user may have left.
    Background,
}

impl Execution {
    /// Both, in canonical order.
    pub const ALL: [Self; 2] = [Self::Interactive, Self::Background];

    /// The word used in files and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Background => "background",
        }
    }
}

/// What stands between the work and its effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Boundary {
    /// Nothing.
    None,
    /// A human has to approve each effect.
    Approval,
}

impl Boundary {
    /// The word used in files and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Approval => "approval",
        }
    }
}

/// The label derived from execution and boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Interactive execution without a boundary.
    Interactive,
    /// Background execution without a boundary.
    Background,
    /// Any execution with the approval boundary.
    Approval,
}

impl Lane {
    /// Every lane, in canonical order.
    pub const ALL: [Self; 3] = [Self::Interactive, Self::Background, Self::Approval];

    /// The lane of an execution with a boundary.
    #[must_use]
    pub const fn of(execution: Execution, boundary: Boundary) -> Self {
        match (boundary, execution) {
            (Boundary::Approval, _) => Self::Approval,
            (Boundary::None, Execution::Interactive) => Self::Interactive,
            (Boundary::None, Execution::Background) => Self::Background,
        }
    }

    /// The word used in files and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Background => "background",
            Self::Approval => "approval",
        }
    }
}
