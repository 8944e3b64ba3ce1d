//! Files with replications that were played: written line by line, taken up again, put together.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use fs4::{FileExt, TryLockError};

use super::command::complain;
use super::exit::Exit;
use super::files::{FilesError, read, shown};
use crate::sim::compare::{Comparison, Kept, Replication, Sweep};

/// Takes the replications of all points out of a part.
///
/// # Errors
/// How the program ends if it is none of this comparison; that was said.
pub(super) fn take_part(sweep: &Sweep, path: &Path, kept: &mut [Kept]) -> Result<usize, Exit> {
    let name = shown(path);
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(error @ (FilesError::Missing(_) | FilesError::Folder(_))) => {
            complain(error, "name the parts that `lanebench compare --part` wrote");
            return Err(Exit::Input);
        }
        Err(error) => {
            complain(error, "make it readable and try again");
            return Err(Exit::Machine);
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    sweep.read_part(&text, kept).map_err(|error| {
        complain(
            format_args!("`{name}` cannot be used: {error}"),
            "play that part again into a new file",
        );
        Exit::Input
    })
}

/// A part that grows by a line for each replication.
#[derive(Debug)]
pub(super) struct PartFile {
    name: String,
    file: File,
}

impl PartFile {
    /// Opens a part to write on, and takes out what is there already. What was interrupted in the middle of a line is cut.
    /// Nobody else may write on it meanwhile.
    ///
    /// # Errors
    /// How the program ends if that is not possible; that was said.
    pub(super) fn open(sweep: &Sweep, path: &Path, kept: &mut [Kept]) -> Result<Self, Exit> {
        let name = shown(path);
        let open = || {
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)
        };
        let mut file = match path.is_dir() {
            true => return Err(take_part(sweep, path, kept).err().unwrap_or(Exit::Input)),
            false => open().map_err(|error| unwritten(&name, &error))?,
        };
        // Where files cannot be locked, they are written as they always were.
        if let Err(TryLockError::WouldBlock) = FileExt::try_lock(&file) {
            complain(
                format_args!("the part `{name}` is being written by another `lanebench`"),
                "give each shard a file of its own",
            );
            return Err(Exit::Input);
        }
        let whole = take_part(sweep, path, kept)?;
        let mut ready = || -> io::Result<()> {
            file.set_len(whole as u64)?;
            file.seek(SeekFrom::End(0))?;
            match whole {
                0 => file.write_all(sweep.part_header().as_bytes()),
                _ => Ok(()),
            }
        };
        ready().map_err(|error| unwritten(&name, &error))?;
        Ok(Self { name, file })
    }

    /// Adds a replication, so that nothing of it is lost from now on.
    ///
    /// # Errors
    /// How the program ends if that is not possible; that was said.
    pub(super) fn add(&mut self, comparison: &Comparison, place: u32, one: &Replication) -> Result<(), Exit> {
        let line = comparison.part_line(place, one);
        let written = self
            .file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.flush());
        written.map_err(|error| unwritten(&self.name, &error))
    }
}

fn unwritten(name: &str, error: &io::Error) -> Exit {
    complain(
        format_args!("the part `{name}` cannot be written: {error}"),
        "name a file in a folder that exists and that you may write to",
    );
    Exit::Machine
}
