//! How the program ends.

use std::process::ExitCode;

/// What the exit code says. The numbers are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything held.
    Held = 0,
    /// An expectation, an invariant or a gate failed.
    Failed = 1,
    /// The input is wrong.
    Input = 2,
    /// The machine failed: a port, a disk, a closed pipe.
    Machine = 3,
    /// The evidence does not decide.
    Undecided = 4,
}

/// The codes, for the help text.
pub(super) const CODES: &str = "Exit codes:
  0  everything held
  1  an expectation, an invariant or a gate failed
  2  the input is wrong
  3  the machine failed
  4  the evidence does not decide";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
