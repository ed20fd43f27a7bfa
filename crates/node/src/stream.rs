//! A byte stream and a listener, real or simulated.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::real::RealListener;
use crate::sim::{SimListener, SimStream};

/// A connected byte stream.
#[derive(Debug)]
pub struct Stream {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Real(TcpStream),
    Sim(SimStream),
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Self { kind: Kind::Real(stream) }
    }
}

impl From<SimStream> for Stream {
    fn from(stream: SimStream) -> Self {
        Self { kind: Kind::Sim(stream) }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().kind {
            Kind::Real(stream) => Pin::new(stream).poll_read(cx, buf),
            Kind::Sim(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().kind {
            Kind::Real(stream) => Pin::new(stream).poll_write(cx, buf),
            Kind::Sim(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().kind {
            Kind::Real(stream) => Pin::new(stream).poll_flush(cx),
            Kind::Sim(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().kind {
            Kind::Real(stream) => Pin::new(stream).poll_shutdown(cx),
            Kind::Sim(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    kind: ListenerKind,
}

#[derive(Debug)]
enum ListenerKind {
    Real(RealListener),
    Sim(SimListener),
}

impl From<RealListener> for Listener {
    fn from(listener: RealListener) -> Self {
        Self { kind: ListenerKind::Real(listener) }
    }
}

impl From<SimListener> for Listener {
    fn from(listener: SimListener) -> Self {
        Self { kind: ListenerKind::Sim(listener) }
    }
}

impl Listener {
    /// Waits for the next connection, and as long as it takes while descriptors are exhausted.
    ///
    /// # Cancel safety
    /// Dropping the future loses no connection.
    pub async fn accept(&mut self) -> Stream {
        match &mut self.kind {
            ListenerKind::Real(listener) => listener.accept().await.into(),
            ListenerKind::Sim(listener) => listener.accept().await.into(),
        }
    }

    /// The port it listens on: the one that was asked for, or the one the system chose for port 0.
    ///
    /// # Errors
    /// When the system no longer knows the socket.
    pub fn port(&self) -> io::Result<u16> {
        match &self.kind {
            ListenerKind::Real(listener) => listener.port(),
            ListenerKind::Sim(listener) => Ok(listener.port()),
        }
    }
}
