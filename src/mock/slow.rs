//! The body of a reply that leaves in parts.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use super::book::Piece;
use super::server::CallGuard;

/// Yields pieces of a body that is known whole, each when the backend says so.
pub(super) struct SlowBody {
    pieces: mpsc::Receiver<Piece>,
    rest: Bytes,
    length: usize,
    /// Reports a client that leaves before the reply is over.
    _guard: CallGuard,
    over: bool,
}

impl SlowBody {
    pub(super) const fn new(pieces: mpsc::Receiver<Piece>, body: Bytes, guard: CallGuard) -> Self {
        Self {
            pieces,
            length: body.len(),
            rest: body,
            _guard: guard,
            over: false,
        }
    }

    /// What leaves with the part `part` of `of`.
    fn part(&mut self, part: u32, of: u32) -> Bytes {
        let wanted = self.length as u64 * u64::from(part) / u64::from(of.max(1));
        let left = self.length - self.rest.len();
        let wanted = usize::try_from(wanted).unwrap_or(self.length);
        self.rest
            .split_to(wanted.saturating_sub(left).min(self.rest.len()))
    }
}

impl Body for SlowBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        while !self.over {
            let bytes = match self.pieces.poll_recv(context) {
                Poll::Ready(Some(Piece::Part { part, of })) => self.part(part, of),
                Poll::Ready(Some(Piece::Rest)) => {
                    self.over = true;
                    std::mem::take(&mut self.rest)
                }
                // Nothing else is said on such a reply; without a word behind it, it stays as it is.
                Poll::Ready(Some(_) | None) | Poll::Pending => return Poll::Pending,
            };
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
        }
        Poll::Ready(None)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
