//! Results to bytes: diagnostics, terminal, JUnit, CSV, JSON; opens no file and prints nothing.

mod diagnostic;

pub use diagnostic::{Paint, render, render_all};
