//! The log of `serve`: lines that a thread of its own writes, so that a slow disk does not make the service slow.

use std::fs::File;
use std::io::{self, BufWriter, Write, stdout};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

use crate::mock::LineSink;

/// Lines that wait for the disk before the service waits for it too.
const WAITING: usize = 16_384;

/// A log that is being written.
pub(super) struct LogWriter {
    lines: SyncSender<Option<String>>,
    thread: JoinHandle<io::Result<()>>,
}

/// Why a log cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the log `{path}`: {cause}")]
pub(super) struct LogError {
    path: String,
    cause: io::Error,
}

impl LogWriter {
    /// Opens the file, which is emptied, or stdout for `-`.
    ///
    /// # Errors
    /// [`LogError`] if the system refuses.
    pub(super) fn open(path: &Path) -> Result<Self, LogError> {
        let refused = |cause| LogError {
            path: path.to_string_lossy().into_owned(),
            cause,
        };
        let (lines, inbox) = sync_channel(WAITING);
        let writer: Box<dyn Write + Send> = match path == Path::new("-") {
            true => Box::new(stdout()),
            false => Box::new(File::create(path).map_err(refused)?),
        };
        let thread = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_all(&inbox, BufWriter::new(writer)))
            .map_err(refused)?;
        Ok(Self { lines, thread })
    }

    /// Where lines go.
    pub(super) fn sink(&self) -> LineSink {
        let lines = self.lines.clone();
        // A writer that is gone has met an error, which is told at the end.
        LineSink::new(move |line| {
            let _ = lines.send(Some(line));
        })
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// What the system said when a line could not be written.
    pub(super) fn finish(self) -> io::Result<()> {
        let _ = self.lines.send(None);
        match self.thread.join() {
            Ok(written) => written,
            Err(_) => Err(io::Error::other("the writer of the log broke down")),
        }
    }
}

/// Writes lines until there are no more; whatever is written is there for readers as soon as no line waits.
fn write_all(
    inbox: &Receiver<Option<String>>,
    mut writer: BufWriter<Box<dyn Write + Send>>,
) -> io::Result<()> {
    loop {
        let line = match inbox.try_recv() {
            Ok(line) => line,
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => {
                writer.flush()?;
                inbox.recv().unwrap_or_default()
            }
        };
        match line {
            Some(line) => writeln!(writer, "{line}")?,
            None => return writer.flush(),
        }
    }
}
