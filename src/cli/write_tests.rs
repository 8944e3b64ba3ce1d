//! `lanebench check --write-tests`: scenarios that pin a policy down.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::command::complain;
use super::exit::Exit;
use super::files::shown;
use crate::policy::{Policy, WitnessSuite};
use crate::report::{WrittenSuite, witness_files};

/// Tests that were written.
pub(super) struct Written {
    suite: WitnessSuite,
    scenarios: usize,
    folder: String,
}

impl Written {
    /// What they are worth.
    pub(super) fn report(&self) -> WrittenSuite<'_> {
        WrittenSuite {
            suite: &self.suite,
            scenarios: self.scenarios,
            folder: &self.folder,
        }
    }
}

/// Writes the tests of the policy in `file` into `folder`, which has to be new or empty.
///
/// # Errors
/// How the program ends where they cannot be written; why was said.
pub(super) fn write_tests(policy: &Policy, file: &Path, folder: &Path) -> Result<Written, Exit> {
    let suite = policy.witnesses().map_err(|error| {
        complain(error, "split the policy; nothing is written");
        Exit::Undecided
    })?;
    let path = prepared(folder, file)?;
    let files = witness_files(policy, &suite, &path);
    for (name, text) in &files {
        let target = folder.join(name);
        fs::write(&target, text).map_err(|error| unwritable(&target, &error))?;
    }
    // The registry of kinds is none of the scenarios.
    let scenarios = files.len().saturating_sub(1);
    let folder = shown(folder);
    Ok(Written {
        suite,
        scenarios,
        folder,
    })
}

/// Makes the folder; gives the way from there to the policy.
fn prepared(folder: &Path, file: &Path) -> Result<String, Exit> {
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let mut there = fs::read_dir(folder).map_err(|error| unwritable(folder, &error))?;
    if there.next().is_some() {
        complain(
            format_args!(
                "`{}` is not empty, and tests that somebody changed are not written over",
                shown(folder)
            ),
            "name a new folder, and move over what is missing in the old one",
        );
        return Err(Exit::Input);
    }
    let from = folder
        .canonicalize()
        .map_err(|error| unwritable(folder, &error))?;
    let to = file.canonicalize().map_err(|error| unwritable(file, &error))?;
    Ok(shown(&way(&from, &to)))
}

/// The way from a folder to a file, both absolute.
fn way(from: &Path, to: &Path) -> PathBuf {
    let common = from
        .components()
        .zip(to.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = from
        .components()
        .skip(common)
        .map(|_| Path::new("..").to_path_buf());
    let down = to
        .components()
        .skip(common)
        .map(|part| PathBuf::from(part.as_os_str()));
    up.chain(down).collect()
}

fn unwritable(path: &Path, error: &io::Error) -> Exit {
    complain(
        format_args!("`{}` cannot be used: {error}", shown(path)),
        "name a folder that you may write to",
    );
    Exit::Machine
}
