//! The reader of event streams: bytes in, typed events out.

use crate::wire::{EventError, Frame, SseError, SseLimits, SseReader, StreamEvent, parse_event};

/// Turns the bytes of one stream into events, however they were cut.
///
/// Takes whatever bytes come: an event of an unknown type is reported as such, since its number moves the cursor;
/// data that are no event at all are passed over. None of it is a failure.
#[derive(Debug, Clone)]
pub struct EventReader {
    frames: SseReader,
    /// The number of an event that has none, as in old captures: one more than that of the event before.
    uncounted: u64,
}

impl EventReader {
    /// A reader before the first byte of a stream that begins after the event `after`.
    #[must_use]
    pub fn new(limits: SseLimits, after: Option<u64>) -> Self {
        Self {
            frames: SseReader::new(limits),
            uncounted: after.map_or(0, |seq| seq.saturating_add(1)),
        }
    }

    /// Takes the next bytes and reports every event that they complete.
    ///
    /// # Errors
    /// [`SseError`] once a cap is passed; what follows is lost.
    pub fn read(&mut self, mut bytes: &[u8], mut report: impl FnMut(StreamEvent)) -> Result<(), SseError> {
        while let Some(frame) = self.frames.pull(&mut bytes)? {
            if let Some(event) = read_frame(frame, self.uncounted) {
                self.uncounted = event.seq.saturating_add(1);
                report(event);
            }
        }
        Ok(())
    }
}

fn read_frame(frame: Frame<'_>, uncounted: u64) -> Option<StreamEvent> {
    let (name, data) = match frame {
        Frame::Event { name, data } => (name, data),
        // Some proxies send it; the stream ends when the connection says so.
        Frame::Done => return None,
    };
    match parse_event(name, data) {
        Ok(event) => Some(event),
        Err(EventError::Unnumbered(event)) => Some(StreamEvent {
            seq: uncounted,
            event: *event,
        }),
        Err(EventError::Unreadable) => None,
    }
}
