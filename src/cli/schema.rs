//! `lanebench schema`: the JSON Schema of a format, for editors.

use std::io::{self, Write};

use clap::Args;

use super::command::complain;
use super::exit::Exit;
use crate::report::SchemaKind;

/// The arguments of `schema`.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// The format: policy, kinds, scenario, comparison, waiver, service or control
    #[arg(value_name = "KIND")]
    kind: SchemaKind,
}

/// Prints the schema.
pub(super) fn schema(args: &Schema) -> Exit {
    let mut out = io::stdout().lock();
    let text = args.kind.schema();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Held,
        Err(error) => {
            complain(
                format_args!("the schema could not be written: {error}"),
                "keep stdout open",
            );
            Exit::Machine
        }
    }
}
