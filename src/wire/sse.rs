//! An incremental reader of server-sent events.
//!
//! Invariant: the frames depend on the bytes alone, never on where they were cut. It reads what the contract asks a
//! client to survive: all three line ends, comments, data over several lines, a missing event line, a byte order
//! mark and `[DONE]`.

/// How much a reader takes before it gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SseLimits {
    /// Bytes held at once: the fields of the frame and the line in progress.
    pub frame_bytes: usize,
    /// Bytes taken in all.
    pub stream_bytes: u64,
}

/// Generous for text (one frame can repeat a whole response), far below what hurts the machine.
impl Default for SseLimits {
    fn default() -> Self {
        Self {
            frame_bytes: 16 << 20,
            stream_bytes: 256 << 20,
        }
    }
}

/// Why a stream was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// One frame is longer than the cap.
    #[error("one event of the stream is longer than {cap} bytes")]
    FrameTooLong {
        /// The cap that was passed.
        cap: usize,
    },
    /// The stream is longer than the cap.
    #[error("the stream is longer than {cap} bytes")]
    StreamTooLong {
        /// The cap that was passed.
        cap: u64,
    },
}

/// One frame of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// An event.
    Event {
        /// The text of its event line; empty where the line is missing.
        name: &'a str,
        /// Its data lines, joined by line feeds; not yet known to be UTF-8.
        data: &'a [u8],
    },
    /// `data: [DONE]`, which the service does not send but some proxies add.
    Done,
}

/// What stood at the end of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEnd {
    /// The last frame was complete.
    Between,
    /// The bytes end inside a frame, which is lost.
    InsideFrame,
}

/// Turns bytes into frames.
#[derive(Debug, Clone)]
pub struct SseReader {
    limits: SseLimits,
    taken: u64,
    line: Vec<u8>,
    name: String,
    data: Vec<u8>,
    data_lines: u32,
    place: Place,
    failed: Option<SseError>,
}

/// What the reader has to remember about the bytes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first line, where a byte order mark may stand.
    Start,
    /// Inside the text.
    Text,
    /// After a carriage return, which a line feed may complete.
    AfterReturn,
    /// After a frame was handed out, whose buffers are still full.
    Handed,
    /// Both of the last two.
    HandedAfterReturn,
}

impl SseReader {
    /// A reader before the first byte.
    #[must_use]
    pub fn new(limits: SseLimits) -> Self {
        Self {
            limits,
            taken: 0,
            line: Vec::new(),
            name: String::new(),
            data: Vec::new(),
            data_lines: 0,
            place: Place::Start,
            failed: None,
        }
    }

    /// Takes bytes off the front of `input` up to the end of the next frame.
    ///
    /// - returns: the frame; `None` when `input` is used up before one is complete.
    ///
    /// # Errors
    /// [`SseError`] when a cap is passed; the reader then gives the same error for ever.
    pub fn pull<'a>(&'a mut self, input: &mut &[u8]) -> Result<Option<Frame<'a>>, SseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.clear_handed();
        match self.advance(input) {
            Ok(true) => Ok(Some(self.frame())),
            Ok(false) => Ok(None),
            Err(error) => {
                self.failed = Some(error);
                Err(error)
            }
        }
    }

    /// Where the bytes taken so far end; asked when the connection closes.
    #[must_use]
    pub fn end(&self) -> StreamEnd {
        let between = matches!(self.place, Place::Handed | Place::HandedAfterReturn)
            || (self.line.is_empty() && self.data_lines == 0 && self.name.is_empty());
        if between {
            StreamEnd::Between
        } else {
            StreamEnd::InsideFrame
        }
    }

    fn frame(&self) -> Frame<'_> {
        if self.data == b"[DONE]" {
            return Frame::Done;
        }
        Frame::Event {
            name: &self.name,
            data: &self.data,
        }
    }

    fn clear_handed(&mut self) {
        self.place = match self.place {
            Place::Handed => Place::Text,
            Place::HandedAfterReturn => Place::AfterReturn,
            Place::Start | Place::Text | Place::AfterReturn => return,
        };
        self.clear_frame();
    }

    fn clear_frame(&mut self) {
        self.name.clear();
        self.data.clear();
        self.data_lines = 0;
    }

    /// Reads lines until a frame is complete (`true`) or the input is used up (`false`).
    fn advance(&mut self, input: &mut &[u8]) -> Result<bool, SseError> {
        while !input.is_empty() {
            let room = usize::try_from(self.limits.stream_bytes - self.taken).unwrap_or(usize::MAX);
            if room == 0 {
                return Err(SseError::StreamTooLong {
                    cap: self.limits.stream_bytes,
                });
            }
            let seen = &input[..room.min(input.len())];
            if self.place == Place::AfterReturn {
                self.place = Place::Text;
                if seen[0] == b'\n' {
                    self.take(input, 1);
                    continue;
                }
            }
            let Some(end) = seen.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.line.extend_from_slice(seen);
                self.take(input, seen.len());
                self.check_frame(0)?;
                continue;
            };
            let ended_by = seen[end];
            let dispatch = self.finish_line(&seen[..end])?;
            self.take(input, end + 1);
            self.place = match (dispatch, ended_by) {
                (true, b'\r') => Place::HandedAfterReturn,
                (true, _) => Place::Handed,
                (false, b'\r') => Place::AfterReturn,
                (false, _) => Place::Text,
            };
            if dispatch {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn take(&mut self, input: &mut &[u8], count: usize) {
        *input = &input[count..];
        self.taken += count as u64;
    }

    fn check_frame(&self, more: usize) -> Result<(), SseError> {
        let held = self.line.len() + self.name.len() + self.data.len() + more;
        if held > self.limits.frame_bytes {
            return Err(SseError::FrameTooLong {
                cap: self.limits.frame_bytes,
            });
        }
        Ok(())
    }

    /// Ends the line in progress with `rest`; says whether it completes a frame.
    fn finish_line(&mut self, rest: &[u8]) -> Result<bool, SseError> {
        self.check_frame(rest.len())?;
        if self.line.is_empty() {
            return Ok(self.read_line(rest));
        }
        let mut line = std::mem::take(&mut self.line);
        line.extend_from_slice(rest);
        let dispatch = self.read_line(&line);
        line.clear();
        self.line = line;
        Ok(dispatch)
    }

    fn read_line(&mut self, line: &[u8]) -> bool {
        let line = match self.place {
            Place::Start => line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line),
            _ => line,
        };
        if line.is_empty() {
            let complete = self.data_lines > 0;
            if !complete {
                self.clear_frame();
            }
            return complete;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = match colon {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            b"data" => self.add_data(value),
            _ => {}
        }
        false
    }

    fn add_data(&mut self, value: &[u8]) {
        if self.data_lines > 0 {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value);
        self.data_lines = self.data_lines.saturating_add(1);
    }
}
