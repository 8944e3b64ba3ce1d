//! `lanebench check`: proves a policy, or checks a certificate again.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::command::complain;
use super::exit::Exit;
use super::files::{self, FilesError};
use super::output::Tint;
use super::policies::{check_found, read_kinds, refuse_file, taken, write_found};
use super::reports::{check_file, write_file};
use super::write_tests::{Written, write_tests};
use crate::policy::proof::{Census, Certificate, Effort, LawVerdict, Proof, ProofError, census};
use crate::policy::{FindingSeverity, Policy, ProofPlaces, decode_with_places};
use crate::report::{
    Analysis, Denied, Detail, FoundKind, FoundRequest, Gravity, KindsReport, ProofReport, proof_analysis,
    proof_text, render_all, verified_analysis,
};
use crate::runner::prove_policy;
use crate::scenario::{Diagnostics, Kinds, Sources, read};

/// The arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The policy file
    #[arg(value_name = "POLICY")]
    policy: PathBuf,
    /// Say as well which rule decides each kind of this registry
    #[arg(long, value_name = "KINDS")]
    kinds: Option<PathBuf>,
    /// Fail on untidy findings too
    #[arg(long, value_enum, value_name = "SEVERITY")]
    deny: Option<Deny>,
    /// Write what is proven as a certificate
    #[arg(long, value_name = "PATH", conflicts_with = "verify")]
    certificate: Option<PathBuf>,
    /// Write scenarios that catch every single edit of the policy into this new folder
    #[arg(long, value_name = "DIR", conflicts_with = "verify")]
    write_tests: Option<PathBuf>,
    /// Check a certificate again, with the naive interpreter
    #[arg(long, value_name = "CERTIFICATE", conflicts_with_all = ["kinds", "deny"])]
    verify: Option<PathBuf>,
    /// Prove on so many threads; the result is the same on any number
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// How the result is written to stdout: human, json, sarif, junit, github or markdown
    #[arg(long, default_value_t = FoundKind::Human, value_name = "FORMAT")]
    format: FoundKind,
    /// Write a report as well, in any of the formats; may be given many times
    #[arg(long = "report", value_name = "KIND=PATH")]
    reports: Vec<FoundRequest>,
    /// For people: without notes, and without what held
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    tint: Tint,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Deny {
    /// What is not where it belongs, or decided by nobody, or of no use
    Untidy,
}

/// A policy with its text.
struct Loaded {
    policy: Policy,
    places: ProofPlaces,
    sources: Sources,
}

/// What the naive interpreter does before it says that it does not decide: a minute or two of work.
const EFFORT: Effort = Effort {
    each: 100_000_000,
    all: 300_000_000,
};

/// Proves, or verifies, what is named.
pub(super) fn check(args: &Check) -> Exit {
    let done = load(args).and_then(|mut loaded| match (args.check_places(&loaded), &args.verify) {
        (Err(exit), _) => Ok(exit),
        (Ok(()), Some(path)) => verify(args, &loaded, path),
        (Ok(()), None) => prove(args, &mut loaded),
    });
    match done {
        Ok(exit) => exit,
        Err(error) => refuse_file(&error, "a policy, and what the other arguments ask for"),
    }
}

impl Check {
    /// Refuses what has no place, before anything is proven for it.
    fn check_places(&self, loaded: &Loaded) -> Result<(), Exit> {
        let mut taken = taken(&loaded.sources, self.kinds.iter().chain(&self.verify));
        if let Some(path) = &self.certificate {
            check_file("certificate", path)?;
            taken.take("certificate", path)?;
        }
        check_found(&self.reports, &mut taken)
    }
}

fn prove(args: &Check, loaded: &mut Loaded) -> Result<Exit, FilesError> {
    let kinds = match &args.kinds {
        Some(path) => {
            let paint = args.tint.paint_of_stderr();
            Some(read_kinds(path, &loaded.policy, &mut loaded.sources, paint)?)
        }
        None => None,
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let proof = match prove_policy(&loaded.policy, args.threads.unwrap_or(cores).max(1)) {
        Ok(proof) => proof,
        Err(error) => return Ok(unproven(&error)),
    };
    let census = match &kinds {
        Some(kinds) => match take_census(&loaded.policy, kinds) {
            Ok(census) => Some(census),
            Err(exit) => return Ok(exit),
        },
        None => None,
    };
    let written = match pin_down(args, &proof, loaded) {
        Ok(written) => written,
        Err(exit) => return Ok(exit),
    };
    let kinds = kinds.as_ref().zip(census.as_ref());
    let report = ProofReport {
        proof: &proof,
        places: &loaded.places,
        kinds: kinds.map(|(kinds, census)| KindsReport { kinds, census }),
        tests: written.as_ref().map(Written::report),
        denied: match args.deny {
            None => Denied::Unsafe,
            Some(Deny::Untidy) => Denied::Untidy,
        },
    };
    let analysis = proof_analysis(&report, &loaded.sources);
    let text = match args.format {
        FoundKind::Human => {
            let detail = if args.quiet { Detail::Quiet } else { Detail::Full };
            proof_text(&report, &loaded.sources, detail, args.tint.paint_of_stdout())
        }
        other => other.render(&analysis),
    };
    // What cannot be written takes nothing else with it.
    let done = [
        write_certificate(args, &proof, loaded),
        write_found(&analysis, &args.reports),
        print(&text),
    ];
    let done = done.into_iter().fold(Ok(()), Result::and);
    Ok(done.map_or_else(|exit| exit, |()| verdict(&report, &analysis)))
}

/// Says why there is no proof.
fn unproven(error: &ProofError) -> Exit {
    let (help, exit) = match error {
        ProofError::Exhausted { .. } => (
            "split the policy, or give parts of its conditions as attributes; nothing is decided",
            Exit::Undecided,
        ),
        ProofError::Uncountable => (
            "compare fewer numbers, or with fewer constants; nothing is decided",
            Exit::Undecided,
        ),
        ProofError::Nothing => (
            "correct what stands under `assume`; nothing is decided",
            Exit::Undecided,
        ),
        ProofError::Disagreement { .. } => ("report it together with the policy", Exit::Machine),
    };
    complain(error, help);
    exit
}

fn print(text: &str) -> Result<(), Exit> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| {
            complain(
                format_args!("the proof could not be written: {error}"),
                "keep stdout open",
            );
            Exit::Machine
        })
}

fn load(args: &Check) -> Result<Loaded, FilesError> {
    let name = files::shown(&args.policy);
    let bytes = files::read(&args.policy)?;
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let tree = read(&mut sources, &name, &bytes, &mut out);
    match tree.and_then(|node| decode_with_places(&node, &mut out)) {
        Some((policy, places)) if !out.has_errors() => Ok(Loaded {
            policy,
            places,
            sources,
        }),
        _ => Err(FilesError::Wrong(render_all(
            &out,
            &sources,
            args.tint.paint_of_stderr(),
        ))),
    }
}

fn take_census(policy: &Policy, kinds: &Kinds) -> Result<Census, Exit> {
    let tasks = kinds
        .kinds
        .iter()
        .map(|(name, kind): (&Arc<str>, _)| (&**name, &kind.attributes));
    census(policy, tasks).ok_or_else(|| {
        complain(
            "the census needs more memory than its bound",
            "prove the policy without `--kinds`",
        );
        Exit::Undecided
    })
}

fn write_certificate(args: &Check, proof: &Proof, loaded: &Loaded) -> Result<(), Exit> {
    let Some(path) = &args.certificate else {
        return Ok(());
    };
    let place = |at: usize| {
        let span = loaded.places.span(&loaded.policy, &proof.findings[at].subject);
        Some(loaded.sources.place(span).to_string())
    };
    write_file("certificate", path, Certificate::of(proof, place).write())
}

/// Writes tests, unless they would hold on to what is unsafe.
fn pin_down(args: &Check, proof: &Proof, loaded: &Loaded) -> Result<Option<Written>, Exit> {
    let Some(folder) = &args.write_tests else {
        return Ok(None);
    };
    let mut severities = proof.findings.iter().map(|finding| finding.severity());
    if severities.any(|severity| severity == FindingSeverity::Unsafe) {
        complain(
            "no tests are written: they would hold on to what is unsafe",
            "mend what is found first",
        );
        return Ok(None);
    }
    write_tests(&loaded.policy, &args.policy, folder).map(Some)
}

fn verify(args: &Check, loaded: &Loaded, path: &Path) -> Result<Exit, FilesError> {
    let bytes = files::read(path)?;
    let certificate = match Certificate::read(&String::from_utf8_lossy(&bytes)) {
        Ok(certificate) => certificate,
        Err(error) => {
            complain(
                error,
                "write one with `lanebench check POLICY --certificate PATH`",
            );
            return Ok(Exit::Input);
        }
    };
    let verified = certificate.verify(&loaded.policy, EFFORT);
    let analysis = verified_analysis(&files::shown(path), &verified);
    let reported = write_found(&analysis, &args.reports);
    Ok(match print(&args.format.render(&analysis)).and(reported) {
        Err(exit) => exit,
        Ok(()) if !verified.mismatches.is_empty() => Exit::Failed,
        Ok(()) if !verified.unsettled.is_empty() => Exit::Undecided,
        Ok(()) => Exit::Held,
    })
}

/// Unsafe fails; untidy fails only where it is denied; what is not decided is no pass.
fn verdict(report: &ProofReport<'_>, analysis: &Analysis) -> Exit {
    let undecided = usize::from(report.agreed() == LawVerdict::Undecided);
    if analysis.count(Gravity::Error) > undecided {
        Exit::Failed
    } else if undecided > 0 {
        Exit::Undecided
    } else {
        Exit::Held
    }
}
