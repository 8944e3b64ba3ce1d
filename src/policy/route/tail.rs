//! The end of what was read, kept so that a broken row can be shown.

use std::io::{self, Read};

/// Rows longer than this are refused: mostly a quote that is never closed.
pub(super) const ROW_BYTES_MAX: u64 = 1 << 20;
/// How much is kept at least: a row and what the CSV reader holds behind it.
const KEPT_BYTES: usize = 2 << 20;

/// Passes bytes through and keeps the last of them.
pub(super) struct Tail<R> {
    inner: R,
    kept: Vec<u8>,
    /// The place of the first kept byte in the whole text.
    base: u64,
    /// Bytes given out since the last whole row.
    since_row: u64,
}

impl<R: Read> Tail<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            kept: Vec::with_capacity(2 * KEPT_BYTES),
            base: 0,
            since_row: 0,
        }
    }

    /// A whole row was taken.
    pub(super) const fn row_taken(&mut self) {
        self.since_row = 0;
    }

    /// The bytes of a stretch of the text, as far as they are kept.
    pub(super) fn bytes(&self, start: u64, end: u64) -> &[u8] {
        let place = |at: u64| usize::try_from(at.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let end = place(end).min(self.kept.len());
        &self.kept[place(start).min(end)..end]
    }

    /// Where the text ends that was read so far.
    pub(super) const fn end(&self) -> u64 {
        self.base + self.kept.len() as u64
    }
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.since_row > ROW_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, RowTooLong));
        }
        let count = self.inner.read(into)?;
        if self.kept.len() + count > 2 * KEPT_BYTES {
            let gone = self.kept.len() - KEPT_BYTES;
            self.kept.drain(..gone);
            self.base += gone as u64;
        }
        self.kept.extend_from_slice(&into[..count]);
        self.since_row += count as u64;
        Ok(count)
    }
}

/// The mark of a row that does not end.
#[derive(Debug, thiserror::Error)]
#[error("a row is longer than {ROW_BYTES_MAX} bytes")]
pub(super) struct RowTooLong;

impl RowTooLong {
    pub(super) fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}
