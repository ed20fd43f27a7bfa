//! One end of a simulated connection, as a byte stream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::conn::{EndState, PIPE_BYTES_MAX, Payload, Pipe};
use super::descriptors::Descriptor;
use super::world::{Shared, lock};

/// A connected byte stream of the simulated network. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct SimStream {
    world: Shared,
    key: usize,
    end: usize,
    _descriptor: Descriptor,
    write_closed: bool,
}

impl SimStream {
    /// Takes over one end of a connection.
    pub(super) fn new(world: Shared, key: usize, end: usize, descriptor: Descriptor) -> Self {
        Self { world, key, end, _descriptor: descriptor, write_closed: false }
    }
}

fn reset() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer")
}

/// Moves what has arrived by now into `buf`. `None`: nothing has, and the stream has not ended.
fn read_arrived(pipe: &mut Pipe, now: Instant, buf: &mut ReadBuf<'_>) -> Option<io::Result<()>> {
    let before = buf.filled().len();
    while buf.remaining() > 0 {
        let Some(front) = pipe.segments.front_mut() else { break };
        if front.at.is_none_or(|at| at > now) {
            break;
        }
        match &mut front.payload {
            Payload::Data(bytes) => {
                let taken = bytes.len().min(buf.remaining());
                buf.put_slice(&bytes[..taken]);
                bytes.advance(taken);
                pipe.bytes -= taken;
                if bytes.is_empty() {
                    pipe.segments.pop_front();
                }
            }
            Payload::Fin => {
                pipe.finished = true;
                pipe.segments.pop_front();
            }
        }
    }
    if buf.filled().len() > before {
        pipe.wake_writer();
        return Some(Ok(()));
    }
    if pipe.finished {
        return Some(Ok(()));
    }
    pipe.is_reset(now).then(|| Err(reset()))
}

impl AsyncRead for SimStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut world = lock(&self.world);
        let connection = &mut world.connections[self.key];
        if connection.ends[self.end].state == EndState::Dead {
            return Poll::Ready(Err(reset()));
        }
        let pipe = &mut connection.pipes[self.end];
        match read_arrived(pipe, Instant::now(), buf) {
            Some(result) => Poll::Ready(result),
            None => {
                pipe.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut world = lock(&self.world);
        let connection = &mut world.connections[self.key];
        let dead = connection.ends[self.end].state == EndState::Dead;
        if dead || connection.pipes[self.end].is_reset(Instant::now()) {
            return Poll::Ready(Err(reset()));
        }
        if self.write_closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let pipe = &mut connection.pipes[1 - self.end];
        if pipe.is_full() {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let taken = buf.len().min(PIPE_BYTES_MAX - pipe.bytes);
        world.send_data(self.key, 1 - self.end, Bytes::copy_from_slice(&buf[..taken]));
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if !std::mem::replace(&mut stream.write_closed, true) {
            let mut world = lock(&stream.world);
            if world.connections[stream.key].ends[stream.end].state == EndState::Open {
                world.send_fin(stream.key, 1 - stream.end);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        lock(&self.world).close(self.key, self.end);
    }
}
