//! What is written to files that the command line names, beside what goes to stdout.

use std::fmt;
use std::path::Path;

use super::command::complain;
use super::exit::Exit;

/// Refuses reports that have no place where they are asked for, before anything is done for them.
///
/// # Errors
/// How the program ends; why was said.
pub(super) fn check_reports<'a>(paths: impl IntoIterator<Item = &'a String>) -> Result<(), Exit> {
    let mut paths = paths.into_iter();
    paths.try_for_each(|path| check_file("report", Path::new(path)))
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
