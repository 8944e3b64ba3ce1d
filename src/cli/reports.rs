//! What is written to files that the command line names, beside what goes to stdout.

use std::fmt;
use std::path::{Path, PathBuf};

use super::command::complain;
use super::exit::Exit;

/// The places of what is read and of what is going to be written: nothing that is written takes the place of anything else.
#[derive(Debug, Default)]
pub(super) struct Taken {
    taken: Vec<(PathBuf, &'static str)>,
}

impl Taken {
    /// Those of files that are read.
    pub(super) fn of_inputs(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        let taken = paths.into_iter().map(|path| (place_of(path.as_ref()), "read"));
        Self {
            taken: taken.collect(),
        }
    }

    /// Takes the place of something that is going to be written and is called so.
    ///
    /// # Errors
    /// How the program ends if the place is taken; that was said.
    pub(super) fn take(&mut self, what: &str, path: &Path) -> Result<(), Exit> {
        // Whatever goes to a device is kept nowhere.
        if path.exists() && !path.is_file() && !path.is_dir() {
            return Ok(());
        }
        let place = place_of(path);
        if let Some((_, how)) = self.taken.iter().find(|(other, _)| *other == place) {
            complain(
                format_args!(
                    "the {what} `{}` cannot be written: it is {how} too",
                    path.display()
                ),
                "name another place for it",
            );
            return Err(Exit::Input);
        }
        self.taken.push((place, "written by another report"));
        Ok(())
    }

    /// Refuses reports that have no place where they are asked for, before anything is done for them.
    ///
    /// # Errors
    /// How the program ends; why was said.
    pub(super) fn take_reports<'a>(
        &mut self,
        paths: impl IntoIterator<Item = &'a String>,
    ) -> Result<(), Exit> {
        let mut paths = paths.into_iter().map(Path::new);
        paths.try_for_each(|path| {
            check_file("report", path)?;
            self.take("report", path)
        })
    }
}

/// Where a path leads, whether or not something is there yet.
fn place_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let named = || Some(folder.canonicalize().ok()?.join(path.file_name()?));
    let found = path.canonicalize().ok().or_else(named);
    found.unwrap_or_else(|| path.to_path_buf())
}

/// Refuses one file that has no place, and is called so.
///
/// # Errors
/// How the program ends; why was said.
pub(super) fn check_file(what: &str, path: &Path) -> Result<(), Exit> {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let why = match () {
        () if path.is_dir() => "it is a folder".to_owned(),
        () if folder.as_os_str().is_empty() || folder.is_dir() => return Ok(()),
        () => format!("there is no folder `{}`", folder.display()),
    };
    Err(unwritten(what, path, &why))
}

fn unwritten(what: &str, path: &Path, why: &dyn fmt::Display) -> Exit {
    complain(
        format_args!("the {what} `{}` cannot be written: {why}", path.display()),
        "name a file in a folder that exists and that you may write to",
    );
    Exit::Machine
}

/// Writes one file, which is called so.
///
/// # Errors
/// How the program ends if it cannot be written; that was said.
pub(super) fn write_file(what: &str, path: &Path, text: impl AsRef<[u8]>) -> Result<(), Exit> {
    std::fs::write(path, text).map_err(|error| unwritten(what, path, &error))
}

/// Writes every report that can be written: one that cannot takes no other with it.
///
/// # Errors
/// How the program ends if one of them cannot be written; that was said.
pub(super) fn write_reports<T: AsRef<[u8]>, P: AsRef<Path>>(
    reports: impl IntoIterator<Item = (P, T)>,
) -> Result<(), Exit> {
    let written = reports
        .into_iter()
        .map(|(path, text)| write_file("report", path.as_ref(), text));
    written.fold(Ok(()), Result::and)
}
