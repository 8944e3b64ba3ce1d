//! `lanebench check`: proves a policy, or checks a certificate again.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::command::complain;
use super::exit::Exit;
use super::files::{self, FilesError};
use super::output::{Format, Output};
use super::run::refuse;
use super::write_tests::write_tests;
use crate::policy::proof::{Census, Certificate, LawVerdict, Proof, Verified, census};
use crate::policy::{FindingSeverity, Policy, ProofPlaces, decode_with_places};
use crate::report::{Detail, kinds_text, proof_json, proof_text, render_all, verified_text};
use crate::runner::prove_policy;
use crate::scenario::{Diagnostics, Sources, decode_kinds, read};

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
    #[command(flatten)]
    output: Output,
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

/// The naive interpreter splits so many cases for each question before it says that it does not decide.
const CASES_MAX: u64 = 20_000_000;

/// Proves, or verifies, what is named.
pub(super) fn check(args: &Check) -> Exit {
    let loaded = match load(args) {
        Ok(loaded) => loaded,
        Err(error) => return refuse(&error),
    };
    if let Some(path) = &args.verify {
        return verify(args, &loaded, path);
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let proof = match prove_policy(&loaded.policy, args.threads.unwrap_or(cores).max(1)) {
        Ok(proof) => proof,
        Err(error @ crate::policy::proof::ProofError::Exhausted { .. }) => {
            complain(
                &error,
                "split the policy, or give parts of its conditions as attributes; nothing is decided",
            );
            return Exit::Undecided;
        }
        Err(error @ crate::policy::proof::ProofError::Disagreement { .. }) => {
            complain(&error, "report it together with the policy");
            return Exit::Machine;
        }
    };
    let kinds = match take_census(args, &loaded) {
        Ok(kinds) => kinds,
        Err(exit) => return exit,
    };
    if let Err(exit) = write_certificate(args, &proof, &loaded) {
        return exit;
    }
    if let Err(exit) = pin_down(args, &proof, &loaded) {
        return exit;
    }
    let text = match args.output.format {
        Format::Human => {
            let detail = if args.output.quiet {
                Detail::Quiet
            } else {
                Detail::Full
            };
            let paint = args.output.paint_of_stdout();
            let census = kinds
                .as_ref()
                .map_or_else(String::new, |kinds| kinds_text(&proof, kinds, paint));
            format!(
                "{census}{}",
                proof_text(&proof, &loaded.places, &loaded.sources, detail, paint)
            )
        }
        Format::Json => proof_json(&proof, &loaded.places, &loaded.sources, kinds.as_ref()),
    };
    print(&text, || verdict(&proof, kinds.as_ref(), args.deny))
}

fn print(text: &str, verdict: impl FnOnce() -> Exit) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => verdict(),
        Err(error) => {
            complain(
                format_args!("the proof could not be written: {error}"),
                "keep stdout open",
            );
            Exit::Machine
        }
    }
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
            args.output.paint_of_stderr(),
        ))),
    }
}

fn take_census(args: &Check, loaded: &Loaded) -> Result<Option<Census>, Exit> {
    let Some(path) = &args.kinds else {
        return Ok(None);
    };
    let bytes = files::read(path).map_err(|error| refuse(&error))?;
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let tree = read(&mut sources, &files::shown(path), &bytes, &mut out);
    let kinds = tree.and_then(|node| decode_kinds(loaded.policy.vocabulary(), &node, &mut out));
    let Some(kinds) = kinds.filter(|_| !out.has_errors()) else {
        let text = render_all(&out, &sources, args.output.paint_of_stderr());
        return Err(refuse(&FilesError::Wrong(text)));
    };
    let tasks = kinds
        .kinds
        .iter()
        .map(|(name, kind): (&Arc<str>, _)| (&**name, &kind.attributes));
    census(&loaded.policy, tasks).map(Some).ok_or_else(|| {
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
    std::fs::write(path, Certificate::of(proof, place).write()).map_err(|error| {
        complain(
            format_args!(
                "the certificate `{}` cannot be written: {error}",
                files::shown(path)
            ),
            "name a file in a folder that exists and that you may write to",
        );
        Exit::Machine
    })
}

/// Writes tests, unless they would hold on to what is unsafe.
fn pin_down(args: &Check, proof: &Proof, loaded: &Loaded) -> Result<(), Exit> {
    let Some(folder) = &args.write_tests else {
        return Ok(());
    };
    let severities = proof.findings.iter().map(|finding| finding.severity());
    if severities
        .into_iter()
        .any(|severity| severity == FindingSeverity::Unsafe)
    {
        complain(
            "no tests are written: they would hold on to what is unsafe",
            "mend what is found first",
        );
        return Ok(());
    }
    let text = write_tests(&loaded.policy, &args.policy, folder)?;
    // With stderr closed there is nobody left to tell.
    let _ = io::stderr().write_all(text.as_bytes());
    Ok(())
}

fn verify(args: &Check, loaded: &Loaded, path: &Path) -> Exit {
    let bytes = match files::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return refuse(&error),
    };
    let certificate = match Certificate::read(&String::from_utf8_lossy(&bytes)) {
        Ok(certificate) => certificate,
        Err(error) => {
            complain(
                error,
                "write one with `lanebench check POLICY --certificate PATH`",
            );
            return Exit::Input;
        }
    };
    let verified = certificate.verify(&loaded.policy, CASES_MAX);
    print(&verified_text(&verified, args.output.paint_of_stdout()), || {
        verified_exit(&verified)
    })
}

fn verified_exit(verified: &Verified) -> Exit {
    if !verified.mismatches.is_empty() {
        Exit::Failed
    } else if !verified.unsettled.is_empty() {
        Exit::Undecided
    } else {
        Exit::Held
    }
}

/// Unsafe fails; untidy fails only where it is denied; what is not decided is no pass.
fn verdict(proof: &Proof, kinds: Option<&Census>, deny: Option<Deny>) -> Exit {
    let any = |severity| {
        proof
            .findings
            .iter()
            .any(|finding| finding.severity() == severity)
    };
    let unsettled = kinds.is_some_and(|kinds| kinds.kinds.iter().any(|row| !row.is_settled()));
    let law = |wanted: LawVerdict| {
        proof
            .laws
            .iter()
            .any(|(law, verdict)| law.name() == "RO-12" && *verdict == wanted)
    };
    let denied = deny == Some(Deny::Untidy) && (any(FindingSeverity::Untidy) || unsettled);
    if any(FindingSeverity::Unsafe) || denied || law(LawVerdict::Broken) {
        Exit::Failed
    } else if law(LawVerdict::Undecided) {
        Exit::Undecided
    } else {
        Exit::Held
    }
}
