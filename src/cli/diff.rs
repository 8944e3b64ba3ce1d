//! `lanebench diff`: what changes between two policies.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::columns::ColumnArgs;
use super::command::complain;
use super::exit::Exit;
use super::files::{FilesError, read, shown};
use super::output::Tint;
use super::policies::{PolicyFile, check_found, read_kinds, read_policy, refuse_file, taken, write_found};
use crate::policy::diff::{Date, PolicyDiff, Waiver, Workload, decode_waiver};
use crate::policy::route::{Next, Table, common_plans};
use crate::policy::{Decision, Policy};
use crate::report::{Analysis, DiffReport, FoundKind, FoundRequest, Gravity, diff_analysis, render_all};
use crate::scenario::{Diagnostics, Sources};

/// The arguments of `diff`.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The policy as it was
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The policy as it is to be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// A workload as CSV, a task a row: which share of it changes
    #[arg(long, value_name = "FILE")]
    tasks: Option<PathBuf>,
    #[command(flatten)]
    columns: ColumnArgs,
    /// Who accepts that the boundary loosens, for which cells, why and until when
    #[arg(long, value_name = "FILE", requires = "today")]
    waiver: Option<PathBuf>,
    /// The day on which the waiver has to count
    #[arg(long, value_name = "YYYY-MM-DD", requires = "waiver")]
    today: Option<Date>,
    /// How the result is written to stdout: human, json, sarif, junit, github or markdown
    #[arg(long, default_value_t = FoundKind::Human, value_name = "FORMAT")]
    format: FoundKind,
    /// Write a report as well, in any of the formats; may be given many times
    #[arg(long = "report", value_name = "KIND=PATH")]
    reports: Vec<FoundRequest>,
    #[command(flatten)]
    tint: Tint,
}

/// Compares two policies and says what changes.
pub(super) fn diff(args: &Diff) -> Exit {
    let paint = args.tint.paint_of_stderr();
    let mut sources = Sources::new();
    let files = read_policy(&args.old, &mut sources, paint)
        .and_then(|old| Ok((old, read_policy(&args.new, &mut sources, paint)?)));
    let done = files.and_then(|(old, new)| {
        let more = args.tasks.iter().chain(&args.waiver).chain(&args.columns.kinds);
        match check_found(&args.reports, &mut taken(&sources, more)) {
            Ok(()) => compare(args, &old, &new, &mut sources),
            Err(exit) => Ok(exit),
        }
    });
    match done {
        Ok(exit) => exit,
        Err(error) => refuse_file(&error, "two policies, and what the other arguments ask for"),
    }
}

fn compare(
    args: &Diff,
    old: &PolicyFile,
    new: &PolicyFile,
    sources: &mut Sources,
) -> Result<Exit, FilesError> {
    let waiver = waiver(args, (&old.policy, &new.policy), sources)?;
    let waiver = waiver.as_ref().zip(args.today);
    let workload = match &args.tasks {
        Some(path) => match workload(args, path, (&old.policy, &new.policy), sources)? {
            Ok(workload) => Some(workload),
            Err(exit) => return Ok(exit),
        },
        None => None,
    };
    let mut diff = match PolicyDiff::of(&old.policy, &new.policy) {
        Ok(diff) => diff,
        Err(error) => {
            complain(
                error,
                "compare them in steps, or give parts of their conditions a name that both share",
            );
            return Ok(Exit::Undecided);
        }
    };
    let verdict = diff.judge(waiver);
    let report = DiffReport {
        diff: &diff,
        places: [&old.places, &new.places],
        waiver,
        verdict: &verdict,
        workload: workload.as_ref(),
    };
    let analysis = diff_analysis(&report, sources);
    let exit = write(args, &analysis).map_or_else(
        |exit| exit,
        |()| {
            let wrong = !verdict.too_wide.is_empty() || !verdict.stale.is_empty();
            let broken = workload.as_ref().is_some_and(|workload| workload.broken > 0);
            match analysis.count(Gravity::Error) {
                _ if wrong || broken => Exit::Input,
                0 => Exit::Held,
                _ => Exit::Failed,
            }
        },
    );
    Ok(exit)
}

fn write(args: &Diff, analysis: &Analysis) -> Result<(), Exit> {
    let reported = write_found(analysis, &args.reports);
    let mut out = io::stdout().lock();
    let text = args.format.render(analysis);
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written
        .map_err(|error| {
            complain(
                format_args!("the difference could not be written: {error}"),
                "keep stdout open",
            );
            Exit::Machine
        })
        .and(reported)
}

fn waiver(
    args: &Diff,
    (old, new): (&Policy, &Policy),
    sources: &mut Sources,
) -> Result<Option<Waiver>, FilesError> {
    let Some(path) = &args.waiver else {
        return Ok(None);
    };
    let (name, bytes) = (shown(path), read(path)?);
    let mut out = Diagnostics::new();
    let tree = crate::scenario::read(sources, &name, &bytes, &mut out);
    let waiver = tree.and_then(|tree| decode_waiver(old, new, &tree, &mut out));
    match waiver {
        Some(waiver) if !out.has_errors() => Ok(Some(waiver)),
        _ => Err(FilesError::Wrong(render_all(
            &out,
            sources,
            args.tint.paint_of_stderr(),
        ))),
    }
}

/// Routes a workload by both policies, row by row.
fn workload(
    args: &Diff,
    path: &Path,
    (old, new): (&Policy, &Policy),
    sources: &mut Sources,
) -> Result<Result<Workload, Exit>, FilesError> {
    let unreadable = |cause| FilesError::Unreadable {
        path: shown(path),
        cause,
    };
    let open = || {
        File::open(path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => FilesError::Missing(shown(path)),
            _ => unreadable(cause),
        })
    };
    let kinds = |policy: &Policy, sources: &mut Sources| {
        let path = args.columns.kinds.as_ref();
        path.map(|path| read_kinds(path, policy, sources, args.tint.paint_of_stderr()))
            .transpose()
    };
    let (old_kinds, new_kinds) = (kinds(old, sources)?, kinds(new, sources)?);
    let plans = common_plans(
        &args.columns.plan(),
        open()?,
        [old.vocabulary(), new.vocabulary()],
    );
    let [old_plan, new_plan] = plans.map_err(unreadable)?;
    let name = shown(path);
    let nothing = |_: &Decision| Vec::new();
    let mut out = Diagnostics::new();
    let mut workload = Workload::default();
    let before = Table::open(
        (old, old_kinds.as_ref()),
        &old_plan,
        (&name, open()?),
        &nothing,
        (sources, &mut out),
    );
    let after = Table::open(
        (new, new_kinds.as_ref()),
        &new_plan,
        (&name, open()?),
        &nothing,
        (sources, &mut out),
    );
    if let (Some(mut before), Some(mut after)) = (before.map_err(unreadable)?, after.map_err(unreadable)?) {
        loop {
            let first = before.next(sources, &mut out).map_err(unreadable)?;
            // What is broken for both is said once.
            let mut said = Diagnostics::new();
            let second = match first {
                Next::Broken => after.next(&mut Sources::new(), &mut said),
                Next::Row(_) | Next::End => after.next(sources, &mut out),
            };
            match (first, second.map_err(unreadable)?) {
                (Next::Row(one), Next::Row(other)) => workload.add(one.number, one.decision, other.decision),
                (Next::End, _) | (_, Next::End) => break,
                _ => workload.broken += 1,
            }
        }
    } else {
        workload.broken += 1;
    }
    if !out.is_empty() {
        let text = render_all(&out, sources, args.tint.paint_of_stderr());
        let _ = write!(io::stderr(), "{text}");
    }
    match workload.tasks {
        0 if out.has_errors() => Ok(Err(Exit::Input)),
        0 => {
            complain(
                format_args!("there is no row in `{name}`"),
                "name a table with a task a row",
            );
            Ok(Err(Exit::Undecided))
        }
        _ => Ok(Ok(workload)),
    }
}
