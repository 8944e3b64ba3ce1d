//! Reading what users name: files, folders, and what the files themselves name.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::report::{Paint, render_all};
use crate::runner::Loaded;
use crate::scenario::{Diagnostics, Loaded as Text, ResolveError, Resolver, Scenario, Sources, join};
use crate::sim::compare::Sweep;

/// What could not be read, in words.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilesError {
    /// There is nothing of this name.
    #[error("`{0}` does not exist")]
    Missing(String),
    /// A folder where a file was meant.
    #[error("`{0}` is a folder")]
    Folder(String),
    /// It is there and cannot be read.
    #[error("`{path}` cannot be read: {cause}")]
    Unreadable {
        /// What was to be read.
        path: String,
        /// What the system says.
        cause: io::Error,
    },
    /// A folder without scenarios.
    #[error("`{0}` has no scenario: no file below it has a `scenario:` key")]
    Empty(String),
    /// The files themselves are wrong; the text is ready to be shown.
    #[error("{0}")]
    Wrong(String),
}

/// Reads every scenario that `paths` name; a folder stands for all scenarios below it, in the order of their names.
///
/// # Errors
/// [`FilesError::Wrong`] holds all mistakes of all files.
pub(super) fn load(paths: &[PathBuf], paint: Paint) -> Result<Vec<Loaded>, FilesError> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(scenario_files(path)?);
    }
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    let mut loaded = Vec::new();
    let mut wrong = String::new();
    for file in &files {
        match load_one(file, paint)? {
            Ok(one) => loaded.push(one),
            Err(text) => wrong.push_str(&text),
        }
    }
    if wrong.is_empty() {
        Ok(loaded)
    } else {
        Err(FilesError::Wrong(wrong))
    }
}

fn load_one(file: &Path, paint: Paint) -> Result<Result<Loaded, String>, FilesError> {
    let name = shown(file);
    let bytes = read(file)?;
    let mut sources = Sources::new();
    let mut out = Diagnostics::new();
    let scenario = Scenario::load(&name, &bytes, &mut Disk, &mut sources, &mut out);
    match scenario {
        Some(scenario) if !out.has_errors() => {
            let (scenario, sources) = (Arc::new(scenario), Arc::new(sources));
            Ok(Ok(Loaded {
                file: name.into(),
                scenario,
                sources,
            }))
        }
        _ => Ok(Err(render_all(&out, &sources, paint))),
    }
}

/// Reads a comparison and every file it names.
///
/// # Errors
/// [`FilesError::Wrong`] holds all mistakes of all files.
pub(super) fn load_comparison(file: &Path, paint: Paint) -> Result<Sweep, FilesError> {
    let name = shown(file);
    let bytes = read(file)?;
    let mut sources = Sources::new();
    let mut out = Diagnostics::new();
    let comparison = Sweep::load(&name, &bytes, &mut Disk, &mut sources, &mut out);
    match comparison {
        Some(comparison) if !out.has_errors() => Ok(comparison),
        _ => Err(FilesError::Wrong(render_all(&out, &sources, paint))),
    }
}

pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, FilesError> {
    fs::read(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => FilesError::Missing(shown(path)),
        io::ErrorKind::IsADirectory => FilesError::Folder(shown(path)),
        _ => FilesError::Unreadable {
            path: shown(path),
            cause,
        },
    })
}

/// The scenario files that a path stands for.
fn scenario_files(path: &Path) -> Result<Vec<PathBuf>, FilesError> {
    let meta = fs::metadata(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => FilesError::Missing(shown(path)),
        _ => FilesError::Unreadable {
            path: shown(path),
            cause,
        },
    })?;
    if !meta.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut found = Vec::new();
    walk(path, 0, &mut found)?;
    if found.is_empty() {
        Err(FilesError::Empty(shown(path)))
    } else {
        Ok(found)
    }
}

/// Folders nested deeper than this are a loop or a mistake.
const DEPTH_MAX: usize = 16;

fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), FilesError> {
    let unreadable = |cause| FilesError::Unreadable {
        path: shown(folder),
        cause,
    };
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    for path in paths {
        if path.is_dir() && depth < DEPTH_MAX {
            walk(&path, depth + 1, found)?;
        } else if is_yaml(&path) && is_scenario(&read(&path)?) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending == "yaml" || ending == "yml")
}

/// Whether a text has this key outside of all others, as far as can be seen without reading it.
pub(super) fn names_key(bytes: &[u8], key: &str) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    lines.any(|line| {
        line.strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with(':'))
    })
}

/// Policies, kinds and parts that are included stand beside the scenarios; a scenario says that it is one. A file that
/// cannot even be looked at counts as one, so that its trouble is reported.
fn is_scenario(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return true;
    };
    let text = text.trim_start_matches('\u{feff}');
    let keys = text
        .lines()
        .filter(|line| line.chars().next().is_some_and(|first| first.is_alphabetic()));
    let mut keys = keys
        .filter_map(|line| line.split_once(':'))
        .map(|(key, _)| key.trim())
        .peekable();
    keys.peek().is_none() || keys.any(|key| key == "scenario")
}

/// Gives files the texts that they name, relative to where they stand.
struct Disk;

impl Resolver for Disk {
    fn resolve(&mut self, from: &str, path: &str) -> Result<Text, ResolveError> {
        let name = join(from, path);
        match fs::read(&name) {
            Ok(bytes) => Ok(Text { name, bytes }),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err(ResolveError::Missing { name }),
            Err(cause) => Err(ResolveError::Unreadable {
                name,
                cause: cause.to_string(),
            }),
        }
    }
}
