//! `lanebench route`: a decision for every task of a table.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::columns::ColumnArgs;
use super::command::complain;
use super::exit::Exit;
use super::files::{FilesError, shown};
use super::output::Tint;
use super::policies::{PolicyFile, check_found, read_kinds, read_policy, refuse_file, taken, write_found};
use crate::policy::route::{Census, Next, Row, Table};
use crate::policy::{Decision, FindingSeverity, Policy};
use crate::report::{
    Account, FoundRequest, Paint, RouteFormat, RouteRows, RouteShape, census_csv, census_json, census_text,
    render_all, route_analysis, why_json, why_text,
};
use crate::scenario::{Diagnostics, Kinds, Sources};

/// The arguments of `route`.
#[derive(Debug, Args)]
pub(super) struct Route {
    /// The policy that decides
    #[arg(value_name = "POLICY")]
    policy: PathBuf,
    /// A table with a task a row, as CSV; `-` is stdin. Columns are attributes, `effects`, `id` and `kind`
    #[arg(value_name = "TASKS")]
    tasks: PathBuf,
    #[command(flatten)]
    columns: ColumnArgs,
    /// Explain one task, by its id or the number of its row: gates, rule, nearest flip, why not background
    #[arg(long, value_name = "ID|ROW", conflicts_with = "census")]
    why: Option<String>,
    /// Instead of the decisions, how many tasks went where, by lane, rule, kind and finding
    #[arg(long)]
    census: bool,
    /// How the result is written to stdout
    #[arg(long, value_enum, default_value_t = FormatWord::Human)]
    format: FormatWord,
    /// Write the findings as well: human, json, sarif, junit, github or markdown; may be given many times
    #[arg(long = "report", value_name = "KIND=PATH", conflicts_with = "why")]
    reports: Vec<FoundRequest>,
    #[command(flatten)]
    tint: Tint,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatWord {
    /// For people
    Human,
    /// For programs: one document, a decision a line
    Json,
    /// For tables and pipes
    Csv,
}

impl FormatWord {
    const fn rows(self) -> RouteFormat {
        match self {
            Self::Human => RouteFormat::Human,
            Self::Json => RouteFormat::Json,
            Self::Csv => RouteFormat::Csv,
        }
    }
}

/// So much is written at a time.
const WRITTEN_BYTES: usize = 128 << 10;

/// How routing can end early.
enum Stop {
    /// The input cannot be read.
    Read(io::Error),
    /// The output cannot be written.
    Write(io::Error),
}

/// Routes every task of the table and says where it goes.
pub(super) fn route(args: &Route) -> Exit {
    let paint = args.tint.paint_of_stderr();
    let mut sources = Sources::new();
    let wanted = "a policy, a table of tasks as CSV, and with `--kinds` a registry of kinds";
    let read = read_policy(&args.policy, &mut sources, paint).and_then(|file| {
        let kinds = args.columns.kinds.as_ref();
        let kinds = kinds.map(|path| read_kinds(path, &file.policy, &mut sources, paint));
        Ok((file, kinds.transpose()?, open(&args.tasks)?))
    });
    match read {
        Ok((file, kinds, input)) => match check_found(&args.reports, &mut taken(&sources, [&args.tasks])) {
            Ok(()) => route_table(args, &file, kinds.as_ref(), input, sources),
            Err(exit) => exit,
        },
        Err(error) => refuse_file(&error, wanted),
    }
}

fn open(path: &Path) -> Result<Box<dyn Read>, FilesError> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err(FilesError::Missing(shown(path))),
        Err(cause) => Err(FilesError::Unreadable {
            path: shown(path),
            cause,
        }),
    }
}

fn route_table(
    args: &Route,
    file: &PolicyFile,
    kinds: Option<&Kinds>,
    input: Box<dyn Read>,
    mut sources: Sources,
) -> Exit {
    let policy = &file.policy;
    let name = table_name(args);
    let plan = args.columns.plan();
    let format = args.format.rows();
    let render = |decision: &Decision| RouteRows::decision(format, policy, decision);
    let mut out = Diagnostics::new();
    let opened = Table::open(
        (policy, kinds),
        &plan,
        (&name, input),
        &render,
        (&mut sources, &mut out),
    );
    let paint = args.tint.paint_of_stderr();
    let mut table = match opened {
        Ok(Some(table)) => table,
        Ok(None) => {
            say(&render_all(&out, &sources, paint));
            return Exit::Input;
        }
        Err(error) => return stopped(&Stop::Read(error), &name),
    };
    let mut said = (sources, out);
    let ended = match &args.why {
        Some(wanted) => explain_one(args, policy, &mut table, wanted, &mut said),
        None => route_rows(args, file, &mut table, &mut said),
    };
    if !said.1.is_empty() {
        say(&render_all(&said.1, &said.0, paint));
    }
    match ended {
        Ok(exit) if said.1.has_errors() && exit != Exit::Machine => Exit::Input,
        Ok(exit) => exit,
        Err(stop) => stopped(&stop, &name),
    }
}

/// What the user calls the table.
fn table_name(args: &Route) -> String {
    match shown(&args.tasks).as_str() {
        "-" => "stdin".to_owned(),
        name => name.to_owned(),
    }
}

fn say(text: &str) {
    let _ = write!(io::stderr(), "{text}");
}

fn stopped(stop: &Stop, name: &str) -> Exit {
    match stop {
        Stop::Read(error) => complain(
            format_args!("`{name}` cannot be read: {error}"),
            "make it readable and try again",
        ),
        Stop::Write(error) => complain(
            format_args!("the decisions could not be written: {error}"),
            "keep stdout open",
        ),
    }
    Exit::Machine
}

type Said = (Sources, Diagnostics);

/// Writes all decisions, or the census alone.
fn route_rows<R: Read>(
    args: &Route,
    file: &PolicyFile,
    table: &mut Table<'_, R>,
    (sources, out): &mut Said,
) -> Result<Exit, Stop> {
    let policy = &file.policy;
    let mut stdout = io::stdout().lock();
    let shape = RouteShape {
        ids: table.has_ids(),
        kinds: table.has_kinds(),
    };
    let mut rows = RouteRows::new(args.format.rows(), shape);
    let mut buffer = Vec::with_capacity(2 * WRITTEN_BYTES);
    if !args.census {
        buffer.extend_from_slice(rows.opening(policy).as_bytes());
    }
    let mut broken = 0;
    loop {
        match table.next(sources, out).map_err(Stop::Read)? {
            Next::Row(row) if !args.census => rows.row(&row, &mut buffer),
            Next::Row(_) => {}
            Next::Broken => broken += 1,
            Next::End => break,
        }
        if buffer.len() >= WRITTEN_BYTES {
            stdout.write_all(&buffer).map_err(Stop::Write)?;
            buffer.clear();
        }
    }
    let census = table.census();
    let closing = match (args.census, args.format) {
        (false, _) => rows.closing(policy, &census, broken),
        (true, FormatWord::Human) => census_text(policy, &census, broken, args.tint.paint_of_stdout()),
        (true, FormatWord::Json) => census_json(policy, &census, broken),
        (true, FormatWord::Csv) => census_csv(&census),
    };
    buffer.extend_from_slice(closing.as_bytes());
    stdout.write_all(&buffer).map_err(Stop::Write)?;
    stdout.flush().map_err(Stop::Write)?;
    let name = table_name(args);
    let analysis = route_analysis((policy, &file.places), (&name, broken), &census, sources);
    Ok(write_found(&analysis, &args.reports).map_or_else(|exit| exit, |()| verdict(&census, out)))
}

/// A table without a row decides nothing; a consequential task without a boundary fails.
fn verdict(census: &Census, out: &Diagnostics) -> Exit {
    let is_unsafe = |finding: crate::policy::Finding| finding.severity() == FindingSeverity::Unsafe;
    if census.findings.keys().any(|(finding, _)| is_unsafe(*finding)) {
        Exit::Failed
    } else if census.lanes.all() == 0 && !out.has_errors() {
        Exit::Undecided
    } else {
        Exit::Held
    }
}

/// Finds one task, by its id or else by its row, and explains it.
fn explain_one<R: Read>(
    args: &Route,
    policy: &Policy,
    table: &mut Table<'_, R>,
    wanted: &str,
    (sources, out): &mut Said,
) -> Result<Exit, Stop> {
    let number = wanted.parse::<u64>().ok();
    let by_id = table.has_ids();
    let mut by_row = None;
    loop {
        let (row, named) = match table.next(sources, out).map_err(Stop::Read)? {
            Next::Row(Row { number, id, .. }) => (number, id == Some(wanted)),
            Next::Broken => continue,
            Next::End => break,
        };
        if named || (number == Some(row) && by_row.is_none()) {
            let found = table.task().map(|task| (row, task));
            if named || !by_id {
                return show(args, policy, wanted, found);
            }
            by_row = found;
        }
    }
    if by_row.is_some() {
        return show(args, policy, wanted, by_row);
    }
    complain(
        format_args!("there is no task `{wanted}` in `{}`", shown(&args.tasks)),
        "name a task by its id, or by the number of its row, counted from 1 behind the line of names",
    );
    Ok(Exit::Input)
}

fn show(
    args: &Route,
    policy: &Policy,
    wanted: &str,
    found: Option<(u64, crate::policy::Task)>,
) -> Result<Exit, Stop> {
    let Some((row, task)) = found else {
        return Ok(Exit::Input);
    };
    let account = Account::of(policy, wanted, row, task);
    let text = match args.format {
        FormatWord::Json => why_json(&account),
        FormatWord::Human | FormatWord::Csv => why_text(&account, paint(args)),
    };
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).map_err(Stop::Write)?;
    stdout.flush().map_err(Stop::Write)?;
    Ok(Exit::Held)
}

fn paint(args: &Route) -> Paint {
    args.tint.paint_of_stdout()
}
