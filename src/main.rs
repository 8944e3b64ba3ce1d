//! The `lanebench` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    lanebench::cli::main().into()
}
