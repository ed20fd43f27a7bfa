//! One connection: how long it may be quiet, and how it ends when its node is to stop.
//!
//! ```text
//!           first byte               whole head                 answer
//!   idle ───────────────▶ in a head ────────────▶ being served ────────▶ idle
//!    └── 75 s: closed         └── 10 s: closed         └── as long as it takes
//! ```
//!
//! hyper has one limit for the head, which begins while a kept-alive connection is idle: as long as a client may
//! be idle, so long could it be about a head, a byte at a time. Here each state has its own. An answer that the
//! client does not read counts as idle from its last progress on. How long a body may take to come is for its
//! reader to say: only that knows what the body is worth.
//!
//! The limits cost a request nothing but two flags: there is one timer for a connection, and it is set anew when it
//! goes off or when a shorter limit begins, not for every request.
//!
//! A connection that is slow is closed without an answer, as hyper and nginx do: a client that sends its head a
//! byte at a time does not wait for a status.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::server::conn::http1::Connection;
use hyper::service::HttpService;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep};

use crate::stopping::Stopping;
use crate::stream::Stream;

/// How long an idle connection stays when the node is to stop, so that a client that sends at this very moment is
/// answered instead of cut off.
const LINGER: Duration = Duration::from_millis(500);

/// How long a connection may be quiet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) head: Duration,
    pub(super) idle: Duration,
}

const IDLE: u8 = 0;
const IN_HEAD: u8 = 1;
const SERVING: u8 = 2;

/// What a connection is at. All of it happens in the connection's own task; shared, because hyper owns the stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Activity {
    shared: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    phase: AtomicU8,
    /// Whether something has moved since somebody looked: limits begin anew.
    moved: AtomicBool,
}

impl Activity {
    fn is(&self, phase: u8) -> bool {
        self.shared.phase.load(Relaxed) == phase
    }

    fn enter(&self, phase: u8) {
        self.shared.phase.store(phase, Relaxed);
        self.shared.moved.store(true, Relaxed);
    }

    /// A whole head has come.
    pub(super) fn serving(&self) {
        self.enter(SERVING);
    }

    /// Its answer is on its way.
    pub(super) fn answered(&self) {
        self.enter(IDLE);
    }

    /// The stream, watched.
    pub(super) fn watched(&self, stream: Stream) -> TokioIo<WatchedStream> {
        TokioIo::new(WatchedStream { stream, activity: self.clone() })
    }

    fn has_moved(&self) -> bool {
        self.shared.moved.swap(false, Relaxed)
    }
}

/// A stream that tells what moves.
#[derive(Debug)]
pub(super) struct WatchedStream {
    stream: Stream,
    activity: Activity,
}

impl AsyncRead for WatchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before && self.activity.is(IDLE) {
            self.activity.enter(IN_HEAD);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        // A client that reads its answer is not idle.
        if self.activity.is(IDLE) {
            self.activity.enter(IDLE);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Drives a connection until it ends, is quiet for too long, or is to stop and has nothing left to do.
pub(super) async fn drive<S, B>(
    connection: Connection<TokioIo<WatchedStream>, S>,
    activity: &Activity,
    limits: Limits,
    stopping: &Stopping,
) where
    S: HttpService<hyper::body::Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut connection = pin!(connection);
    let mut timer = pin!(sleep(limits.idle));
    let mut stop = pin!(stopping.begun());
    let mut stops = false;
    // Since when the present limit counts.
    let mut since = timer.deadline() - limits.idle;
    poll_fn(|cx| {
        loop {
            // A connection that breaks is its client's loss, and the client's to report.
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            if !stops && stop.as_mut().poll(cx).is_ready() {
                stops = true;
                since = Instant::now();
                activity.has_moved();
                timer.as_mut().reset(since + LINGER);
            }
            let idle = if stops { LINGER } else { limits.idle };
            let limit = match () {
                () if activity.is(SERVING) => None,
                () if activity.is(IN_HEAD) => Some(limits.head),
                () => Some(idle),
            };
            if activity.has_moved()
                && let Some(limit) = limit
            {
                since = Instant::now();
                if since + limit < timer.deadline() {
                    timer.as_mut().reset(since + limit);
                }
            }
            ready!(timer.as_mut().poll(cx));
            let now = Instant::now();
            let due = limit.map_or(now + idle, |limit| since + limit);
            if due > now {
                timer.as_mut().reset(due);
            } else if stops && activity.is(IDLE) {
                // Closes at once what has no request; its answer, should one have come just now, comes first.
                connection.as_mut().graceful_shutdown();
                timer.as_mut().reset(now + limits.head);
                since = now + limits.head;
            } else {
                return Poll::Ready(());
            }
        }
    })
    .await;
}
