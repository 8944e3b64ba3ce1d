//! The body of an event stream.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc;

use super::book::Piece;
use super::reply::padding;
use super::script::{Act, Script, ScriptSlot};
use super::server::CallGuard;
use crate::backend::{Padding, StreamEnd, Streaming};
use crate::rng::Seed;
use crate::wire::{Echo, Event, Obfuscation, StreamEvent, render_event};

/// Yields frames as events arrive; what one step released leaves in one piece.
///
/// A stream that ends behind a terminal event, or without any event, ends in order; any other is cut off, as a
/// broken connection cuts it.
pub(super) struct EventBody {
    pieces: mpsc::Receiver<Piece>,
    echo: Echo,
    /// Reports a client that leaves before the stream is over.
    _guard: CallGuard,
    slot: ScriptSlot,
    manner: Manner,
    /// How much has left of the event that has begun.
    begun: usize,
    last: Last,
    run: Run,
    end: Option<End>,
}

/// How a stream is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// Whether the reader wants padding.
    pub(super) obfuscation: Obfuscation,
    /// How streams behave where the contract leaves it open.
    pub(super) streaming: Streaming,
    /// Fixes the padding.
    pub(super) seed: Seed,
}

/// What the reader has seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Event,
    Terminal,
}

/// Which kind of run the stream shows; only foreground streams are padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    Unknown,
    Foreground,
    Background,
}

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Orderly,
    CutOff,
    /// Nobody tells any more what follows: the reader was too slow.
    Broken,
    Over,
}

/// What leaves of an event between whose lines a stream is cut off.
const BETWEEN_LINES: &[u8] = b"event: response.output_text.delta\n";

/// What leaves of an event in which a stream is cut off.
const INSIDE_EVENT: &[u8] = b"event: response.output_text.delta\ndata: {\"type\":\"response.outp";

impl EventBody {
    pub(super) const fn new(
        pieces: mpsc::Receiver<Piece>,
        echo: Echo,
        guard: CallGuard,
        slot: ScriptSlot,
        manner: Manner,
    ) -> Self {
        Self {
            pieces,
            echo,
            _guard: guard,
            slot,
            manner,
            begun: 0,
            last: Last::Nothing,
            run: Run::Unknown,
            end: None,
        }
    }

    /// Writes everything that is there.
    fn drain(&mut self, context: &mut Context<'_>, out: &mut Vec<u8>) {
        while self.end.is_none() {
            match self.pieces.poll_recv(context) {
                Poll::Ready(Some(Piece::Event(event))) => self.write(&event, out),
                Poll::Ready(Some(Piece::Begun(event, part, of))) => self.begin(&event, part, of, out),
                Poll::Ready(Some(Piece::End(StreamEnd::BetweenEvents))) => {
                    self.end = Some(match self.last {
                        Last::Nothing | Last::Terminal => End::Orderly,
                        Last::Event => End::CutOff,
                    });
                }
                Poll::Ready(Some(Piece::End(StreamEnd::InsideEvent))) => {
                    out.extend_from_slice(INSIDE_EVENT);
                    self.end = Some(End::CutOff);
                }
                Poll::Ready(Some(Piece::End(StreamEnd::BetweenLines))) => {
                    out.extend_from_slice(BETWEEN_LINES);
                    self.end = Some(End::CutOff);
                }
                Poll::Ready(Some(Piece::End(StreamEnd::Reset)) | None) => self.end = Some(End::Broken),
                // Parts of a body are for replies that are no stream.
                Poll::Ready(Some(Piece::Part { .. } | Piece::Rest)) => {}
                Poll::Pending => return,
            }
        }
    }

    /// Writes an event, or the rest of the one that has begun.
    fn write(&mut self, event: &StreamEvent, out: &mut Vec<u8>) {
        match std::mem::take(&mut self.begun) {
            0 => self.render(event, out),
            begun => {
                let mut whole = Vec::new();
                self.render(event, &mut whole);
                out.extend_from_slice(&whole[begun..]);
            }
        }
        let terminal = event.event.is_last() || matches!(event.event, Event::Error { .. });
        self.last = if terminal { Last::Terminal } else { Last::Event };
    }

    /// Writes an event up to the end of a piece of it.
    fn begin(&mut self, event: &StreamEvent, part: u32, of: u32, out: &mut Vec<u8>) {
        let mut whole = Vec::new();
        self.render(event, &mut whole);
        let end = piece_end(&whole, part, of).max(self.begun);
        out.extend_from_slice(&whole[self.begun..end]);
        self.begun = end;
        self.last = Last::Event;
    }

    fn render(&mut self, event: &StreamEvent, out: &mut Vec<u8>) {
        if let Some(response) = event.event.response() {
            self.run = if response.background {
                Run::Background
            } else {
                Run::Foreground
            };
        }
        let fits = self.run == Run::Foreground || self.manner.streaming.padding == Padding::Every;
        let padded = fits && self.manner.obfuscation == Obfuscation::Wanted;
        let padding = padded.then(|| padding(self.manner.seed, event.seq, 0));
        let shape = self.manner.streaming.error;
        render_event(event, &self.echo, shape, padding.as_deref(), out);
    }

    /// Leaves the connection to a script, behind what was written so far.
    fn hand_over(&mut self, act: Act) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.end = Some(End::Over);
        let acts = vec![act];
        self.slot.put(Script { acts, guard: None });
        Poll::Pending
    }
}

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let mut out = Vec::new();
        self.drain(context, &mut out);
        if !out.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(out.into()))));
        }
        match self.end {
            None | Some(End::Over) => Poll::Pending,
            Some(End::Orderly) => Poll::Ready(None),
            Some(End::CutOff) => self.hand_over(Act::HalfClose),
            Some(End::Broken) => self.hand_over(Act::Reset),
        }
    }
}

/// Where the piece `part` of `of` of a frame ends: the first inside its first line, and the last but one inside a
/// character, if there is one of several bytes.
fn piece_end(frame: &[u8], part: u32, of: u32) -> usize {
    let line = frame
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(frame.len());
    let inside = frame.iter().position(|byte| *byte >= 0xC0).map(|start| start + 1);
    match (part, inside) {
        (1, _) => line / 2,
        (part, Some(inside)) if part + 1 == of => inside,
        (part, _) => {
            let end = frame.len() as u64 * u64::from(part) / u64::from(of.max(1));
            usize::try_from(end).unwrap_or(frame.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_inside_a_line_and_inside_a_character() {
        let frame = "event: x\ndata: {\"delta\":\"für\"}\n\n".as_bytes();
        assert_eq!(&frame[..piece_end(frame, 1, 3)], b"even");
        assert_eq!(frame[piece_end(frame, 2, 3)] & 0xC0, 0x80);
        assert_eq!(piece_end(b"event: x\ndata: {}\n\n", 2, 3), 12);
    }
}
