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
use crate::rng::Seed;
use crate::wire::{Echo, ErrorShape, Event, Obfuscation, StreamEvent, render_event};

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
    seed: Seed,
    last: Last,
    run: Run,
    end: Option<End>,
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

/// What leaves of an event in which a stream is cut off.
const INSIDE_EVENT: &[u8] = b"event: response.output_text.delta\ndata: {\"type\":\"response.outp";

impl EventBody {
    pub(super) const fn new(
        pieces: mpsc::Receiver<Piece>,
        echo: Echo,
        guard: CallGuard,
        slot: ScriptSlot,
        seed: Seed,
    ) -> Self {
        Self {
            pieces,
            echo,
            _guard: guard,
            slot,
            seed,
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
                Poll::Ready(Some(Piece::Close)) => {
                    self.end = Some(match self.last {
                        Last::Nothing | Last::Terminal => End::Orderly,
                        Last::Event => End::CutOff,
                    });
                }
                Poll::Ready(Some(Piece::CloseInside)) => {
                    out.extend_from_slice(INSIDE_EVENT);
                    self.end = Some(End::CutOff);
                }
                Poll::Ready(None) => self.end = Some(End::Broken),
                Poll::Pending => return,
            }
        }
    }

    fn write(&mut self, event: &StreamEvent, out: &mut Vec<u8>) {
        if let Some(response) = event.event.response() {
            self.run = if response.background {
                Run::Background
            } else {
                Run::Foreground
            };
        }
        let padded = self.run == Run::Foreground && self.echo.obfuscation() == Obfuscation::Wanted;
        let padding = padded.then(|| padding(self.seed, event.seq, 0));
        render_event(event, &self.echo, ErrorShape::Nested, padding.as_deref(), out);
        let terminal = event.event.is_last() || matches!(event.event, Event::Error { .. });
        self.last = if terminal { Last::Terminal } else { Last::Event };
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
