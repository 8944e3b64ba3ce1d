//! `lanebench compare` and `lanebench merge`: strategies side by side on the same tasks and the same luck.

use std::fmt;
use std::io::{self, IsTerminal, Write, stderr};
use std::path::{Path, PathBuf};

use clap::Args;

use super::command::complain;
use super::exit::Exit;
use super::files::{FilesError, load_comparison};
use super::output::Tint;
use super::part::{PartFile, take_part};
use super::policies::refuse_file;
use super::reports::{Taken, check_file, write_reports};
use super::shard::{Shard, ShardArg};
use crate::report::{CompareKind, CompareRequest, SweepReport, metrics_text, strategies_text};
use crate::runner::{PROTOCOL, ProgramError, Programs, launch, play_comparison, play_places, settle};
use crate::sim::compare::{Findings, Kept, Standing, Study, Sweep};

/// The arguments of `compare`.
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// The comparison
    #[arg(value_name = "FILE", required_unless_present_any = ["metrics", "strategies", "protocol"])]
    file: Option<PathBuf>,
    /// Print every strategy: what it does, what it is shown, what it takes; and play nothing
    #[arg(long, conflicts_with_all = ["file", "metrics"])]
    strategies: bool,
    /// Print how a program of your own is asked and answers, and play nothing
    #[arg(long, conflicts_with_all = ["file", "metrics", "strategies"])]
    protocol: bool,
    /// Print every metric with its definition, and play nothing
    #[arg(long, conflicts_with = "file")]
    metrics: bool,
    /// Play on so many threads; the result is the same on any number
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Keep each replication in this file as soon as it is played, and take up those that it has already
    #[arg(long, value_name = "FILE")]
    part: Option<PathBuf>,
    /// Play only a part of the replications, such as `2/4`, to be merged; `auto` or `auto/4` asks the job array
    #[arg(long, value_name = "I/N", requires = "part", conflicts_with_all = ["format", "reports"])]
    shard: Option<ShardArg>,
    /// Let strategies that are programs run: they may do whatever you may do
    #[arg(long)]
    allow_programs: bool,
    #[command(flatten)]
    writing: Writing,
}

/// The arguments of `merge`.
#[derive(Debug, Args)]
pub(super) struct Merge {
    /// The comparison
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The parts of all shards, in any order
    #[arg(required = true, value_name = "PART")]
    parts: Vec<PathBuf>,
    #[command(flatten)]
    writing: Writing,
}

/// How a study is written.
#[derive(Debug, Args)]
struct Writing {
    /// How the result is written to stdout: human, csv, json or html
    #[arg(long, default_value_t = CompareKind::Human, value_name = "FORMAT")]
    format: CompareKind,
    /// Write a report as well: human, csv, json, html, choices (what was drawn, with propensities), or svg for a folder of plots; may be given many times
    #[arg(long = "report", value_name = "KIND=PATH")]
    reports: Vec<CompareRequest>,
    #[command(flatten)]
    tint: Tint,
}

/// Plays a comparison and says what comes out.
pub(super) fn compare(args: &Compare) -> Exit {
    let Some(file) = &args.file else {
        return write(&match (args.strategies, args.protocol) {
            (true, _) => strategies_text(),
            (false, true) => PROTOCOL.to_owned(),
            (false, false) => metrics_text(),
        });
    };
    let mut sweep = match load_comparison(file, args.writing.tint.paint_of_stderr()) {
        Ok(sweep) => sweep,
        Err(error) => return refuse(&error),
    };
    let programs = launch(&mut sweep.points, folder_of(file));
    if programs.count() > 0 && !args.allow_programs {
        complain(
            format_args!("`{}` has strategies that are programs", file.display()),
            "read them, and let them run with `--allow-programs`",
        );
        return Exit::Input;
    }
    let inputs = args.file.iter().chain(&args.part);
    if let Err(exit) = args
        .writing
        .check(&inputs.map(PathBuf::as_path).collect::<Vec<_>>())
    {
        return exit;
    }
    for point in &mut sweep.points {
        settle(point, args.threads());
    }
    let played = match args.shard {
        None => play(args, &sweep, &programs),
        Some(shard) => match shard.settle(|name| std::env::var(name).ok()) {
            Ok(shard) => play_shard(args, &sweep, shard, &programs),
            Err(error) => {
                complain(error, "say which shard this is, such as `--shard 2/4`");
                Err(Exit::Input)
            }
        },
    };
    played.unwrap_or_else(|exit| exit)
}

/// Puts parts together and says what comes out, as if they had been played here.
pub(super) fn merge(args: &Merge) -> Exit {
    let mut sweep = match load_comparison(&args.file, args.writing.tint.paint_of_stderr()) {
        Ok(sweep) => sweep,
        Err(error) => return refuse(&error),
    };
    let inputs = std::iter::once(&args.file).chain(&args.parts);
    if let Err(exit) = args
        .writing
        .check(&inputs.map(PathBuf::as_path).collect::<Vec<_>>())
    {
        return exit;
    }
    launch(&mut sweep.points, folder_of(&args.file));
    let mut kept = vec![Kept::new(); sweep.points.len()];
    for part in &args.parts {
        if let Err(exit) = take_part(&sweep, part, &mut kept) {
            return exit;
        }
    }
    sweep.settle_as_kept(&kept);
    let mut studies = Vec::new();
    for (point, (comparison, kept)) in sweep.points.iter().zip(&kept).enumerate() {
        match comparison.put_together(kept) {
            Ok(study) => studies.push(study),
            Err(place) => {
                let at = match &sweep.varied {
                    Some(varied) => format!(" at {}", varied.values[point].word),
                    None => String::new(),
                };
                complain(
                    format_args!(
                        "no part has the replication of seed {}{at}",
                        comparison.seed(place).0
                    ),
                    "name the parts of all shards, and let each of them end",
                );
                return Exit::Input;
            }
        }
    }
    args.writing.show(&sweep, &studies)
}

/// Where the programs of a comparison are begun.
fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or_else(|| Path::new("."))
}

fn refuse(error: &FilesError) -> Exit {
    refuse_file(error, "a comparison, such as those below `scenarios/comparisons`")
}

impl Compare {
    fn threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.unwrap_or(cores).max(1)
    }

    /// What was kept of each point, and the file that keeps more.
    fn part(&self, sweep: &Sweep) -> Result<(Vec<Kept>, Option<PartFile>), Exit> {
        let mut kept = vec![Kept::new(); sweep.points.len()];
        let part = match &self.part {
            Some(path) => Some(PartFile::open(sweep, path, &mut kept)?),
            None => None,
        };
        Ok((kept, part))
    }
}

/// A replication counts only if every program has done its part.
fn sound(programs: &Programs) -> Result<(), Exit> {
    match programs.failure() {
        None => Ok(()),
        Some(error) => {
            let next = match error {
                ProgramError::Late(..) => {
                    "let it flush every answer; `lanebench compare --protocol` prints what it is asked"
                }
                ProgramError::Begin(..) => "it has to stand on the path, or beside the comparison",
                ProgramError::Ended(_) | ProgramError::Answer(..) | ProgramError::Unasked(..) => {
                    "`lanebench compare --protocol` prints what a program is asked and may answer"
                }
            };
            complain(error, next);
            Err(Exit::Machine)
        }
    }
}

fn play(args: &Compare, sweep: &Sweep, programs: &Programs) -> Result<Exit, Exit> {
    let (kept, mut part) = args.part(sweep)?;
    let most = sweep.places().count();
    let mut progress = Progress::new(most, kept.iter().map(Kept::len).sum());
    let mut studies = Vec::new();
    for (comparison, kept) in sweep.points.iter().zip(&kept) {
        let study = play_comparison(comparison, args.threads(), kept, |place, one| {
            progress.more();
            sound(programs)?;
            match &mut part {
                Some(part) => part.add(comparison, place, one),
                None => Ok(()),
            }
        });
        let study = study.inspect_err(|_| progress.end())?;
        progress.skip(comparison.repeats.most as usize - study.replications.len());
        studies.push(study);
    }
    progress.end();
    Ok(args.writing.show(sweep, &studies))
}

/// Plays every replication of a shard up to the cap: whether fewer are enough is seen when all are put together.
fn play_shard(args: &Compare, sweep: &Sweep, shard: Shard, programs: &Programs) -> Result<Exit, Exit> {
    let (kept, part) = args.part(sweep)?;
    let Some(mut part) = part else {
        return Err(Exit::Input);
    };
    let numbered = sweep.places().zip(0_u32..);
    let own: Vec<(usize, u32)> = numbered
        .filter(|(_, number)| shard.has(*number))
        .map(|(place, _)| place)
        .collect();
    let before = own
        .iter()
        .filter(|(point, place)| kept[*point].contains_key(place));
    let mut progress = Progress::new(own.len(), before.count());
    for (point, comparison) in sweep.points.iter().enumerate() {
        let of_point = own.iter().filter(|(of, _)| *of == point);
        let missing: Vec<u32> = of_point
            .map(|(_, place)| *place)
            .filter(|place| !kept[point].contains_key(place))
            .collect();
        let played = play_places(comparison, args.threads(), &missing, |place, one| {
            progress.more();
            sound(programs)?;
            part.add(comparison, place, one)
        });
        played.inspect_err(|_| progress.end())?;
    }
    progress.end();
    let text = format!(
        "shard {} of {}: {} replications are kept\n",
        shard.number,
        shard.count,
        own.len()
    );
    Ok(write(&text))
}

impl Writing {
    /// Writes what the studies of all points say, and how the program ends for it.
    fn show(&self, sweep: &Sweep, studies: &[Study]) -> Exit {
        let pairs = sweep.points.iter().zip(studies);
        let findings: Vec<Findings> = pairs.map(|(point, study)| Findings::of(point, study)).collect();
        let report = SweepReport::new(sweep, studies, &findings);
        // A report that cannot be written takes nothing else with it.
        let written = self.reports.iter().map(|request| write_request(request, &report));
        let reported = written.fold(Ok(()), Result::and);
        match (
            write(&report.render(self.format, self.tint.paint_of_stdout())),
            reported,
        ) {
            (Exit::Held, Ok(())) => match Findings::standing_of_all(&findings) {
                Standing::Decided => Exit::Held,
                Standing::Failed => Exit::Failed,
                Standing::Undecided => Exit::Undecided,
            },
            (Exit::Held, Err(other)) | (other, _) => other,
        }
    }

    /// Refuses reports that have no place, or would take the place of something else, before anything is played for them.
    fn check(&self, inputs: &[&Path]) -> Result<(), Exit> {
        let mut taken = Taken::of_inputs(inputs);
        for request in &self.reports {
            let path = Path::new(&request.path);
            match request.folder() {
                None => check_file("report", path)?,
                Some(folder) if path.is_file() => return Err(unmade(folder, &"a file has its name")),
                Some(_) => {}
            }
            taken.take("report", path)?;
        }
        Ok(())
    }
}

fn unmade(folder: &str, why: &dyn fmt::Display) -> Exit {
    complain(
        format_args!("the folder `{folder}` cannot be made: {why}"),
        "name a folder that you may write to",
    );
    Exit::Machine
}

/// How far it is, on a terminal.
struct Progress {
    begun: std::time::Instant,
    before: usize,
    done: usize,
    most: usize,
    shown: bool,
}

impl Progress {
    fn new(most: usize, before: usize) -> Self {
        Self {
            begun: std::time::Instant::now(),
            before,
            done: 0,
            most,
            shown: stderr().is_terminal(),
        }
    }

    fn more(&mut self) {
        self.done += 1;
        if self.shown {
            let done = self.before + self.done;
            let left = self.most.saturating_sub(done);
            let each = self.begun.elapsed().as_secs_f64() / self.done as f64;
            let rest = each * left as f64;
            let most = self.most;
            let _ = write!(
                stderr(),
                "\r{done} of at most {most} replications, {rest:.0} s to go at most "
            );
        }
    }

    /// So many need not be played.
    const fn skip(&mut self, count: usize) {
        self.most -= count;
    }

    fn end(&self) {
        if self.shown && self.done > 0 {
            let _ = writeln!(stderr());
        }
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

/// Writes the files of one report.
fn write_request(request: &CompareRequest, report: &SweepReport<'_>) -> Result<(), Exit> {
    if let Some(folder) = request.folder() {
        std::fs::create_dir_all(folder).map_err(|error| unmade(folder, &error))?;
    }
    write_reports(request.render(report))
}
