//! Byte scripts: what happens on a connection instead of an orderly reply.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

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

/// Through which a handler hands a script to the connection that it runs on. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct ScriptSlot(Arc<Mutex<Option<Script>>>);

impl ScriptSlot {
    /// Asks for `script` to be played as soon as what is buffered has left. Whoever asks must not go on answering.
    pub(super) fn put(&self, script: Script) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(script);
    }

    /// Takes the script, if one was put.
    pub(super) fn take(&self) -> Option<Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
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
}

impl<T> Gauge<T> {
    /// Around `stream`, with the flag that is up while a write or flush waits.
    pub(super) fn new(stream: T) -> (Self, Arc<AtomicBool>) {
        let blocked = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&blocked);
        (Self { stream, blocked }, flag)
    }

    /// The stream.
    pub(super) fn into_inner(self) -> T {
        self.stream
    }

    fn note<R>(&self, result: Poll<R>) -> Poll<R> {
        self.blocked.store(result.is_pending(), Ordering::Relaxed);
        result
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Gauge<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Gauge<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(result)
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
        self.note(result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
