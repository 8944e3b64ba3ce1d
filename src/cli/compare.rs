//! `lanebench compare`: strategies side by side on the same tasks and the same luck.

use std::io::{self, IsTerminal, Write, stderr};
use std::path::PathBuf;

use clap::Args;

use super::command::complain;
use super::exit::Exit;
use super::files::{FilesError, load_comparison};
use super::output::Tint;
use super::policies::refuse_file;
use super::run::write_report;
use crate::report::{CompareKind, CompareReport, CompareRequest, Paint, metrics_text};
use crate::runner::play_comparison;
use crate::sim::compare::{Comparison, Findings, Standing};

/// The arguments of `compare`.
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// The comparison
    #[arg(value_name = "FILE", required_unless_present = "metrics")]
    file: Option<PathBuf>,
    /// Print every metric with its definition, and play nothing
    #[arg(long, conflicts_with = "file")]
    metrics: bool,
    /// Play on so many threads; the result is the same on any number
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// How the result is written to stdout: human, csv or json
    #[arg(long, default_value_t = CompareKind::Human, value_name = "FORMAT")]
    format: CompareKind,
    /// Write a report as well: human, csv or json; may be given many times
    #[arg(long = "report", value_name = "KIND=PATH")]
    reports: Vec<CompareRequest>,
    #[command(flatten)]
    tint: Tint,
}

/// Plays a comparison and says what comes out.
pub(super) fn compare(args: &Compare) -> Exit {
    let Some(file) = &args.file else {
        return write(&metrics_text());
    };
    match load_comparison(file, args.tint.paint_of_stderr()) {
        Ok(comparison) => play(args, &comparison),
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &FilesError) -> Exit {
    refuse_file(error, "a comparison, such as those below `scenarios/comparisons`")
}

fn play(args: &Compare, comparison: &Comparison) -> Exit {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.unwrap_or(cores).max(1);
    let shown = stderr().is_terminal();
    let study = play_comparison(comparison, threads, |done| {
        if shown {
            let most = comparison.repeats.most;
            let _ = write!(stderr(), "\r{done} of at most {most} replications");
        }
    });
    if shown {
        let _ = writeln!(stderr());
    }
    let findings = Findings::of(comparison, &study);
    let report = CompareReport {
        comparison,
        study: &study,
        findings: &findings,
    };
    for request in &args.reports {
        if let Err(exit) = write_report(&request.path, request.kind.render(&report, Paint::Plain)) {
            return exit;
        }
    }
    match write(&args.format.render(&report, args.tint.paint_of_stdout())) {
        Exit::Held => match findings.standing() {
            Standing::Decided => Exit::Held,
            Standing::Failed => Exit::Failed,
            Standing::Undecided => Exit::Undecided,
        },
        other => other,
    }
}

fn write(text: &str) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Held,
        Err(error) => {
            complain(
                format_args!("the comparison could not be written: {error}"),
                "keep stdout open",
            );
            Exit::Machine
        }
    }
}
