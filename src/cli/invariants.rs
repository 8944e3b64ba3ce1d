//! `lanebench invariants`: the catalogue.

use std::io::{self, Write};

use clap::Args;

use super::command::complain;
use super::exit::Exit;
use super::output::{Format, Output};
use crate::report::{catalogue_json, catalogue_text};

/// The arguments of `invariants`.
#[derive(Debug, Args)]
pub(super) struct Invariants {
    #[command(flatten)]
    output: Output,
}

/// Prints what is checked in every run, what puts it to the test, and what a trace cannot show.
pub(super) fn invariants(args: &Invariants) -> Exit {
    let text = match args.output.format {
        Format::Human => catalogue_text(args.output.paint_of_stdout()),
        Format::Json => catalogue_json(),
    };
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Held,
        Err(error) => {
            complain(
                format_args!("the catalogue could not be written: {error}"),
                "keep stdout open",
            );
            Exit::Machine
        }
    }
}
