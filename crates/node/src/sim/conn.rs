//! A connection: two ends and a bounded byte pipe towards each.

use std::collections::VecDeque;
use std::task::Waker;

use bytes::Bytes;
use tokio::time::Instant;

/// How many bytes may be under way or unread in one direction: Linux's default order of magnitude.
pub(super) const PIPE_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) ends: [End; 2],
    /// `pipes[i]` carries bytes towards `ends[i]`.
    pub(super) pipes: [Pipe; 2],
}

#[derive(Debug)]
pub(super) struct End {
    pub(super) host: usize,
    pub(super) state: EndState,
    /// Whether a stream or a backlog still refers to this end. The connection is forgotten when neither does.
    pub(super) held: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndState {
    Open,
    /// Closed by its owner: what still arrives is answered with a reset.
    Closed,
    /// Its process or machine is gone: what arrives is answered with a reset, if the machine is on.
    Dead,
}

impl Connection {
    /// A connection from one host to another.
    pub(super) fn new(from: usize, to: usize) -> Self {
        let end = |host| End { host, state: EndState::Open, held: true };
        Self { ends: [end(from), end(to)], pipes: [Pipe::default(), Pipe::default()] }
    }
}

#[derive(Debug)]
pub(super) enum Payload {
    Data(Bytes),
    Fin,
}

#[derive(Debug)]
pub(super) struct Segment {
    /// When it arrives; `None` while the way is blocked.
    pub(super) at: Option<Instant>,
    pub(super) payload: Payload,
}

/// Bytes on their way, and bytes that have arrived and were not read yet.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    pub(super) segments: VecDeque<Segment>,
    pub(super) bytes: usize,
    /// Nothing may overtake what was sent before.
    pub(super) last_at: Option<Instant>,
    /// Since when the sender has been retransmitting in vain.
    pub(super) stalled_since: Option<Instant>,
    /// The end of the stream was read.
    pub(super) finished: bool,
    /// When a reset arrives.
    pub(super) reset_at: Option<Instant>,
    /// A reset is kept back by a held link.
    pub(super) reset_held: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

impl Pipe {
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= PIPE_BYTES_MAX
    }

    pub(super) fn is_reset(&self, now: Instant) -> bool {
        self.reset_at.is_some_and(|at| at <= now)
    }

    /// Whether something was sent that has not arrived by now.
    pub(super) fn is_under_way(&self, now: Instant) -> bool {
        self.segments.iter().any(|segment| segment.at.is_none_or(|at| at > now))
    }

    /// Whether bytes have arrived that nobody has read.
    pub(super) fn has_unread(&self, now: Instant) -> bool {
        self.segments
            .iter()
            .any(|s| matches!(s.payload, Payload::Data(_)) && s.at.is_some_and(|at| at <= now))
    }

    /// Forgets what was sent, and lets the sender go on.
    pub(super) fn clear(&mut self) {
        self.segments.clear();
        self.bytes = 0;
        self.stalled_since = None;
        self.wake_writer();
    }

    /// Takes back what had not arrived by now: the way is blocked from now on.
    pub(super) fn unschedule(&mut self, now: Instant) {
        for segment in &mut self.segments {
            segment.at = segment.at.filter(|at| *at <= now);
        }
        self.last_at = self.last_at.map(|at| at.min(now));
    }

    /// Lets everything that was blocked arrive at `at`. Returns whether there was anything.
    pub(super) fn schedule(&mut self, at: Instant) -> bool {
        let at = self.last_at.map_or(at, |last| last.max(at));
        let mut any = false;
        for segment in self.segments.iter_mut().filter(|segment| segment.at.is_none()) {
            segment.at = Some(at);
            any = true;
        }
        if any {
            self.last_at = Some(at);
        }
        any
    }

    pub(super) fn wake_reader(&mut self) {
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
    }

    pub(super) fn wake_writer(&mut self) {
        if let Some(waker) = self.writer.take() {
            waker.wake();
        }
    }
}
