//! Results to bytes: diagnostics, terminal, JUnit, CSV, JSON; opens no file and prints nothing.

mod diagnostic;
mod result;

pub use diagnostic::{Paint, render, render_all};
pub use result::{Complaint, RunResult, RunVerdict, SuiteResult};
