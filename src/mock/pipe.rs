//! An in-memory connection that can be reset, and what the server asks of any connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;

/// What a connection can do apart from carrying bytes.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Ends it so that the other side gets a reset instead of an orderly end.
    fn reset(self);
}

impl Transport for TcpStream {
    fn reset(self) {
        // If the option cannot be set the socket is gone already, and the peer has noticed.
        let _ = self.set_zero_linger();
    }
}

/// One end of an in-memory connection.
#[derive(Debug)]
pub struct Pipe {
    stream: DuplexStream,
    reset: Arc<AtomicBool>,
}

/// Bytes that a direction holds before the writer has to wait, about what a socket on loopback holds.
const PIPE_BYTES: usize = 64 * 1024;

/// Both ends of a new in-memory connection.
#[must_use]
pub fn pipe() -> (Pipe, Pipe) {
    let (one, other) = tokio::io::duplex(PIPE_BYTES);
    let reset = Arc::new(AtomicBool::new(false));
    let end = |stream, reset| Pipe { stream, reset };
    (end(one, Arc::clone(&reset)), end(other, reset))
}

impl Transport for Pipe {
    fn reset(self) {
        self.reset.store(true, Ordering::Relaxed);
    }
}

impl Pipe {
    /// The error of a connection that the other side has reset: the one that the operating system gives.
    fn check(&self) -> io::Result<()> {
        match self.reset.load(Ordering::Relaxed) {
            true => Err(io::Error::from_raw_os_error(ECONNRESET)),
            false => Ok(()),
        }
    }
}

/// `ECONNRESET` of Linux, so that the texts of both transports are the same.
const ECONNRESET: i32 = 104;

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        // A reset is written before the stream is dropped, so the end that its drop shows finds it.
        if result.is_ready() && buffer.filled().len() == before && buffer.capacity() > before {
            self.check()?;
        }
        result
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
