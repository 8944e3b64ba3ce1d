//! The `lanebench` program.

use std::process::ExitCode;

/// Requests and tasks allocate often and little, which this one is quicker at than the one of the system.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    lanebench::cli::main().into()
}
