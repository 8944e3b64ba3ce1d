//! `lanebench invariants`: the catalogue.

use std::io::{self, Write};

use clap::Args;

use super::command::complain;
use super::exit::Exit;
use super::output::{Format, Output};
use super::prove::Prove;
use crate::report::{catalogue_json, catalogue_text};

/// The arguments of `invariants`.
#[derive(Debug, Args)]
pub(super) struct Invariants {
    #[command(flatten)]
    prove: Prove,
    #[command(flatten)]
    output: Output,
}

/// Prints what is checked in every run, what puts it to the test, and what a trace cannot show; or what runs prove
/// of it.
pub(super) fn invariants(args: &Invariants) -> Exit {
    let (text, exit) = match args.output.format {
        _ if !args.prove.paths.is_empty() => match args.prove.play(&args.output) {
            Ok(played) => played,
            Err(exit) => return exit,
        },
        Format::Human => (catalogue_text(args.output.paint_of_stdout()), Exit::Held),
        Format::Json => (catalogue_json(), Exit::Held),
    };
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => exit,
        Err(error) => {
            complain(
                format_args!("the invariants could not be written: {error}"),
                "keep stdout open",
            );
            Exit::Machine
        }
    }
}
