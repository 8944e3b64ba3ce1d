//! Reading the policies and kinds that the analysing commands name.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::command::complain;
use super::exit::Exit;
use super::files::{FilesError, read, shown};
use super::reports::{Taken, write_reports};
use crate::policy::{Places, Policy, decode_policy};
use crate::report::{Analysis, FoundRequest, Paint, render_all};
use crate::scenario::{Diagnostics, Kinds, Sources, decode_kinds};

/// A policy with the text it was read from.
pub(super) struct PolicyFile {
    /// The policy.
    pub(super) policy: Policy,
    /// Where its parts stand.
    pub(super) places: Places,
}

/// Reads a policy into `sources`.
///
/// # Errors
/// [`FilesError::Wrong`] holds all mistakes of the file.
pub(super) fn read_policy(
    path: &Path,
    sources: &mut Sources,
    paint: Paint,
) -> Result<PolicyFile, FilesError> {
    let (name, bytes) = (shown(path), read(path)?);
    let mut out = Diagnostics::new();
    let tree = crate::scenario::read(sources, &name, &bytes, &mut out);
    let policy = tree.as_ref().and_then(|tree| decode_policy(tree, &mut out));
    match (policy, tree) {
        (Some(policy), Some(tree)) if !out.has_errors() => Ok(PolicyFile {
            policy,
            places: Places::of(&tree),
        }),
        _ => Err(FilesError::Wrong(render_all(&out, sources, paint))),
    }
}

/// Reads a registry of kinds, whose attributes are those of `policy`.
///
/// # Errors
/// [`FilesError::Wrong`] holds all mistakes of the file.
pub(super) fn read_kinds(
    path: &Path,
    policy: &Policy,
    sources: &mut Sources,
    paint: Paint,
) -> Result<Kinds, FilesError> {
    let (name, bytes) = (shown(path), read(path)?);
    let mut out = Diagnostics::new();
    let tree = crate::scenario::read(sources, &name, &bytes, &mut out);
    let kinds = tree.and_then(|tree| decode_kinds(policy.vocabulary(), &tree, &mut out));
    kinds
        .filter(|_| !out.has_errors())
        .ok_or_else(|| FilesError::Wrong(render_all(&out, sources, paint)))
}

/// Says what could not be read, and how the program ends for it; `wanted` names what the command reads.
pub(super) fn refuse_file(error: &FilesError, wanted: &str) -> Exit {
    match error {
        FilesError::Wrong(text) => {
            let _ = write!(io::stderr(), "{text}");
            Exit::Input
        }
        FilesError::Missing(_) | FilesError::Empty(_) | FilesError::Folder(_) => {
            complain(error, &format!("name {wanted}"));
            Exit::Input
        }
        FilesError::Unreadable { .. } => {
            complain(error, "make it readable and try again");
            Exit::Machine
        }
    }
}

/// Refuses reports that have no place, before anything is done for them.
///
/// # Errors
/// How the program ends; why was said.
pub(super) fn check_found(requests: &[FoundRequest], taken: &mut Taken) -> Result<(), Exit> {
    taken.take_reports(requests.iter().map(|request| &request.path))
}

/// The places of what a command on policies reads: the texts that were read, and the other files that it was given.
pub(super) fn taken<'a>(sources: &'a Sources, more: impl IntoIterator<Item = &'a PathBuf>) -> Taken {
    let texts = sources.iter().map(|source| Path::new(source.name()));
    Taken::of_inputs(texts.chain(more.into_iter().map(PathBuf::as_path)))
}

/// Writes the reports that are asked for.
///
/// # Errors
/// How the program ends if one cannot be written; that was said.
pub(super) fn write_found(analysis: &Analysis, requests: &[FoundRequest]) -> Result<(), Exit> {
    let reports = requests.iter();
    write_reports(reports.map(|request| (&request.path, request.kind.render(analysis))))
}
