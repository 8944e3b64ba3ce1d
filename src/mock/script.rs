//! Byte scripts: what happens on a connection instead of an orderly reply.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::pipe::Transport;
use super::server::CallGuard;

/// One act of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// These bytes leave.
    Write(Bytes),
    /// Nothing more will leave; the connection ends when the client closes it too. Ends the script.
    HalfClose,
    /// The connection is reset. Ends the script.
    Reset,
    /// Nothing happens until the client closes the connection. Ends the script.
    Hang,
}

/// What happens on a connection instead of an orderly reply.
pub(super) struct Script {
    pub(super) acts: Vec<Act>,
    /// The call that is not over before the client has enough of it.
    pub(super) guard: Option<CallGuard>,
}

/// Plays a script on a connection that nobody else uses any more.
pub(super) async fn play(script: Script, mut stream: impl Transport) {
    let _guard = script.guard;
    for act in script.acts {
        match act {
            Act::Write(bytes) => {
                let written = stream.write_all(&bytes).await;
                if written.is_err() || stream.flush().await.is_err() {
                    return;
                }
            }
            Act::HalfClose => {
                // An error says that the client was faster.
                let _ = stream.shutdown().await;
                return drain(stream).await;
            }
            Act::Reset => return stream.reset(),
            Act::Hang => return drain(stream).await,
        }
    }
}

/// Reads until the client closes; unread bytes would turn an orderly end into a reset.
async fn drain(mut stream: impl Transport) {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
}

/// Through which a handler tells the connection that it runs on what it wants of it. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct ScriptSlot(Arc<Wishes>);

#[derive(Default)]
struct Wishes {
    script: Mutex<Option<Script>>,
    /// Whether there is a script; asked far more often than there is one.
    scripted: AtomicBool,
    /// Whether the handler only waits.
    waits: AtomicBool,
}

impl ScriptSlot {
    /// Asks for `script` to be played as soon as what is buffered has left. Whoever asks must not go on answering.
    pub(super) fn put(&self, script: Script) {
        *self.script() = Some(script);
        self.0.scripted.store(true, Ordering::Release);
    }

    /// Takes the script, if one was put.
    pub(super) fn take(&self) -> Option<Script> {
        match self.0.scripted.load(Ordering::Acquire) {
            true => self.script().take(),
            false => None,
        }
    }

    /// The handler wants nothing more of its client before the reply is over: from now on, until the next request is
    /// read, it only matters whether the client leaves.
    pub(super) fn waits(&self) {
        self.0.waits.store(true, Ordering::Relaxed);
    }

    /// The lock is held for no more than a move, so a poisoned one is as good as any.
    fn script(&self) -> MutexGuard<'_, Option<Script>> {
        self.0.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Pieces up to so many bytes leave as one: the system is quicker with those than with a list of pieces.
const JOINED_MAX: usize = 4 << 10;

thread_local! {
    /// Where pieces are joined.
    static JOINED: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(JOINED_MAX));
}

/// A stream that remembers whether its writer is being kept waiting, and looks whether a client leaves whose reply is not
/// over.
///
/// The HTTP library could look by itself. It would read into a buffer for the next request meanwhile, while the one for
/// this request is still in use: eight kilobytes for every request that have to be found and given back.
pub(super) struct Gauge<T> {
    stream: T,
    blocked: Arc<AtomicBool>,
    slot: ScriptSlot,
    /// What came of the next request while somebody looked.
    ahead: Vec<u8>,
}

/// Bytes that are read of the next request, at most, when somebody looks whether the client leaves.
const AHEAD: usize = 64;

impl<T> Gauge<T> {
    /// Around `stream`, with the flag that is up while a write or flush waits.
    pub(super) fn new(stream: T, slot: &ScriptSlot) -> (Self, Arc<AtomicBool>) {
        let blocked = Arc::new(AtomicBool::new(false));
        let gauge = Self {
            stream,
            blocked: Arc::clone(&blocked),
            slot: slot.clone(),
            ahead: Vec::new(),
        };
        (gauge, blocked)
    }

    /// The stream.
    pub(super) fn into_inner(self) -> T {
        self.stream
    }
}

impl<T: AsyncRead + Unpin> Gauge<T> {
    /// Remembers whether the writer is kept waiting, and looks whether its client leaves meanwhile.
    fn note<R>(&mut self, result: Poll<io::Result<R>>, context: &mut Context<'_>) -> Poll<io::Result<R>> {
        self.blocked.store(result.is_pending(), Ordering::Relaxed);
        match result {
            Poll::Pending => match self.poll_left(context) {
                Poll::Ready(error) => Poll::Ready(Err(error)),
                Poll::Pending => Poll::Pending,
            },
            done => done,
        }
    }

    /// Ready with an error once the client has left.
    fn poll_left(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        // Behind what a client says before it has heard the reply, its leaving cannot be seen.
        if !self.slot.0.waits.load(Ordering::Relaxed) || !self.ahead.is_empty() {
            return Poll::Pending;
        }
        let mut room = [0; AHEAD];
        let mut buffer = ReadBuf::new(&mut room);
        match ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)) {
            Ok(()) if buffer.filled().is_empty() => Poll::Ready(io::ErrorKind::UnexpectedEof.into()),
            Ok(()) => {
                self.ahead.extend_from_slice(buffer.filled());
                Poll::Pending
            }
            Err(error) => Poll::Ready(error),
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Gauge<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Whoever reads, reads the next request.
        self.slot.0.waits.store(false, Ordering::Relaxed);
        if self.ahead.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let length = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead[..length]);
        self.ahead.drain(..length);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Gauge<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(result, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        let result = match length {
            0..=JOINED_MAX => JOINED.with_borrow_mut(|joined| {
                joined.clear();
                pieces.iter().for_each(|piece| joined.extend_from_slice(piece));
                Pin::new(&mut self.stream).poll_write(context, joined)
            }),
            _ => Pin::new(&mut self.stream).poll_write_vectored(context, pieces),
        };
        self.note(result, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        // Whenever it has done what it can, the HTTP library flushes, even if there is nothing to flush.
        match self.note(result, context) {
            Poll::Ready(Ok(())) => match self.poll_left(context) {
                Poll::Ready(error) => Poll::Ready(Err(error)),
                Poll::Pending => Poll::Ready(Ok(())),
            },
            other => other,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::io::{DuplexStream, duplex};

    use super::*;

    struct Ends {
        client: DuplexStream,
        gauge: Gauge<DuplexStream>,
        slot: ScriptSlot,
    }

    impl Ends {
        fn new() -> Self {
            let (client, server) = duplex(256);
            let slot = ScriptSlot::default();
            let (gauge, _) = Gauge::new(server, &slot);
            Self { client, gauge, slot }
        }

        fn say(&mut self, bytes: &[u8]) {
            let context = &mut Context::from_waker(Waker::noop());
            let said = Pin::new(&mut self.client).poll_write(context, bytes);
            assert!(matches!(said, Poll::Ready(Ok(count)) if count == bytes.len()));
        }

        fn flush(&mut self) -> Poll<io::Result<()>> {
            let context = &mut Context::from_waker(Waker::noop());
            Pin::new(&mut self.gauge).poll_flush(context)
        }

        fn read(&mut self, most: usize) -> Vec<u8> {
            let context = &mut Context::from_waker(Waker::noop());
            let mut room = vec![0; most];
            let mut buffer = ReadBuf::new(&mut room);
            let read = Pin::new(&mut self.gauge).poll_read(context, &mut buffer);
            assert!(matches!(read, Poll::Ready(Ok(()))));
            buffer.filled().to_vec()
        }
    }

    #[test]
    fn a_client_that_leaves_is_seen_while_the_handler_waits_and_not_before() {
        let mut ends = Ends::new();
        ends.client = duplex(1).0;
        assert!(matches!(ends.flush(), Poll::Ready(Ok(()))));
        ends.slot.waits();
        assert!(matches!(ends.flush(), Poll::Ready(Err(_))));
    }

    #[test]
    fn what_comes_of_the_next_request_meanwhile_is_read_first() {
        let mut ends = Ends::new();
        ends.slot.waits();
        assert!(matches!(ends.flush(), Poll::Ready(Ok(()))));
        let next: Vec<u8> = (0..100).collect();
        ends.say(&next);
        assert!(matches!(ends.flush(), Poll::Ready(Ok(()))));
        assert_eq!(ends.gauge.ahead.len(), AHEAD);
        let mut read = ends.read(10);
        while read.len() < next.len() {
            read.extend(ends.read(100));
        }
        assert_eq!(read, next);
    }
}
