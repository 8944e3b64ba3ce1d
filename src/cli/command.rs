//! From arguments to a command and back to an exit code.

use std::fmt::Display;
use std::io::Write;

use clap::{Parser, Subcommand};

use super::check::{Check, check};
use super::compare::{Compare, Merge, compare, merge};
use super::diff::{Diff, diff};
use super::exit::{CODES, Exit};
use super::invariants::{Invariants, invariants};
use super::oracles::{Oracles, oracles};
use super::route::{Route, route};
use super::run::{Run, run};
use super::schema::{Schema, schema};
use super::serve::{Serve, serve};

/// Evaluates and simulates the runtime lanes of products that call an AI model.
#[derive(Debug, Parser)]
#[command(name = "lanebench", version, after_help = CODES)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play scenarios and judge them by what they expect and by the invariants.
    Run(Run),
    /// Compare two policies: everything that changes, and whether the approval boundary loosens.
    Diff(Diff),
    /// Route a table of tasks: a decision a row, a census, or the account of one task.
    Route(Route),
    /// Prove a policy over its whole decision space: gaps, conflicts, dead rules, and whatever could slip past approval.
    Check(Check),
    /// Compare routing strategies on the same tasks and the same luck, with intervals.
    #[command(
        override_usage = "lanebench compare [OPTIONS] FILE\n       lanebench compare --strategies | --metrics | --protocol"
    )]
    Compare(Compare),
    /// Put the parts of a comparison together that were played in many places.
    Merge(Merge),
    /// Print the JSON Schema of a format, for editors.
    Schema(Schema),
    /// Print the catalogue of invariants that every run is judged by.
    Invariants(Invariants),
    /// Hold the simulator against closed forms of queueing theory.
    Oracles(Oracles),
    /// Run the mock Responses API server alone, for any client in any language.
    Serve(Serve),
}

/// Does what the command line says.
#[must_use]
pub fn main() -> Exit {
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(answer) => return explain(&answer),
    };
    match line.command {
        Command::Run(args) => run(&args),
        Command::Diff(args) => diff(&args),
        Command::Compare(args) => compare(&args),
        Command::Merge(args) => merge(&args),
        Command::Schema(args) => schema(&args),
        Command::Route(args) => route(&args),
        Command::Check(args) => check(&args),
        Command::Invariants(args) => invariants(&args),
        Command::Oracles(args) => oracles(&args),
        Command::Serve(args) => serve(&args),
    }
}

/// Shows help, version or a usage error.
fn explain(answer: &clap::Error) -> Exit {
    match (answer.print(), answer.use_stderr()) {
        (_, true) => Exit::Input,
        (Ok(()), false) => Exit::Held,
        (Err(error), false) => {
            complain(
                format_args!("the help could not be written: {error}"),
                "keep stdout open",
            );
            Exit::Machine
        }
    }
}

/// Writes an error to stderr; with stderr closed there is nobody left to tell.
pub(super) fn complain(what: impl Display, help: &str) {
    let _ = writeln!(std::io::stderr(), "error: {what}\n  = help: {help}");
}
