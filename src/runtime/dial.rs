//! How the client comes by a connection: over TCP, or whatever a world puts in its place.

use std::future::Future;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::units::Exchange;

/// A stream of bytes in both directions.
pub trait Channel: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Channel for T {}

/// A connection, whatever it is made of.
pub type Stream = Box<dyn Channel>;

/// A connection in the making.
pub type Dialling<'a> = Pin<Box<dyn Future<Output = io::Result<Stream>> + 'a>>;

/// Whether an exchange may have a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may, an idle one included.
    Open,
    /// It is refused, even where an idle connection would do.
    Refused,
}

/// Makes the connections of a client.
pub trait Dial {
    /// Whether `exchange` may have a connection; asked once for every exchange, before anything else.
    fn admit(&self, exchange: Exchange) -> Admission;

    /// Makes a new connection. Asked only when no idle one will do.
    fn connect(&self, exchange: Exchange) -> Dialling<'_>;
}

/// Connections over TCP.
#[derive(Debug, Clone)]
pub struct TcpDial {
    address: String,
}

impl TcpDial {
    /// Connects to `address`: a host, or an IP address, and a port.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
        }
    }
}

impl Dial for TcpDial {
    fn admit(&self, _: Exchange) -> Admission {
        Admission::Open
    }

    fn connect(&self, _: Exchange) -> Dialling<'_> {
        Box::pin(async move {
            let stream = TcpStream::connect(&self.address).await?;
            // A request is written in one piece; held back, it would only wait for itself.
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Stream)
        })
    }
}
