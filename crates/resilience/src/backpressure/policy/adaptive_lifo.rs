//! CoDel with adaptive LIFO: fair while there is time, and newest first when there is none.

use std::time::Duration;

use super::line::Line;
use super::{Discipline, Ticket, Waiter};
use crate::refusal::Reason;

/// When a queue counts as standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodelSettings {
    /// A wait that does no harm. Default: 5 ms. Where a worker becomes free more seldom than that, raise it
    /// to some times the service time ÷ workers, or workers will idle for lack of anybody young enough.
    pub target: Duration,
    /// For how long the queue must not have been better than the target. Default: 100 ms.
    pub interval: Duration,
    /// How long a call takes once begun; those with a deadline who could not meet it are shed. Default: 0.
    pub service_time: Duration,
}

impl Default for CodelSettings {
    fn default() -> Self {
        Self {
            target: Duration::from_millis(5),
            interval: Duration::from_millis(100),
            service_time: Duration::ZERO,
        }
    }
}

/// First come, first served, until the queue stands; then newest first, and the old ones are shed.
///
/// After Nichols and Jacobson, "Controlling Queue Delay" (2012), in the form of Maurer, "Fail at Scale"
/// (ACM Queue 2015) and folly's `Codel`: good queues absorb bursts and drain again, so what tells an
/// overload is the *minimum* wait. Was it above `target` throughout an `interval`, then for the next one
/// the queue is overloaded:
///
/// * the newest goes first: its caller is still there, the oldest's has probably left;
/// * whoever waited for more than 2 × `target` is shed at dequeue, told [`Reason::QueueDelay`];
/// * in a full queue the oldest makes room for a newcomer.
///
/// ```text
/// calm ──minimum over an interval > target──▶ overloaded ──minimum ≤ target──▶ calm
/// ```
///
/// The wait that is measured is that of the oldest, at each dequeue and before anybody is shed, and zero
/// when the queue is empty. (In folly it is that of who is served. With the newest first that would always
/// be short, and the overload over after one interval.) Shedding empties the queue at times, so under a
/// moderate overload the state changes to and fro; that costs little, since in one calm interval waits
/// grow by no more than the interval.
#[derive(Clone, Debug)]
pub struct AdaptiveLifo {
    settings: CodelSettings,
    line: Line,
    overloaded: bool,
    /// When the running interval ends; `None` before the first waiter.
    interval_end: Option<Duration>,
    wait_min: Duration,
    /// Shedding is asked for again and again at the same dequeue, but it counts once.
    measured: Option<Duration>,
}

impl AdaptiveLifo {
    /// An empty queue.
    #[must_use]
    pub fn new(settings: CodelSettings) -> Self {
        Self {
            settings,
            line: Line::default(),
            overloaded: false,
            interval_end: None,
            wait_min: Duration::ZERO,
            measured: None,
        }
    }

    /// Whether the queue counts as overloaded at `now`, which is what a dequeue would find.
    #[must_use]
    pub fn is_overloaded(&self, now: Duration) -> bool {
        match self.interval_end {
            // What is found at its end belongs to the interval too.
            Some(end) if now >= end => self.wait_min.min(self.wait(now)) > self.settings.target,
            _ => self.overloaded,
        }
    }

    /// Of the oldest, so far.
    fn wait(&self, now: Duration) -> Duration {
        self.line.oldest().map_or(Duration::ZERO, |oldest| now.saturating_sub(oldest.since))
    }

    fn measure(&mut self, now: Duration) {
        if self.measured == Some(now) {
            return;
        }
        self.measured = Some(now);
        let wait = self.wait(now);
        match self.interval_end {
            Some(end) if now < end => self.wait_min = self.wait_min.min(wait),
            Some(_) => {
                self.overloaded = self.is_overloaded(now);
                self.begin_interval(now, wait);
            }
            None => self.begin_interval(now, wait),
        }
    }

    fn begin_interval(&mut self, now: Duration, wait: Duration) {
        self.interval_end = Some(now.saturating_add(self.settings.interval));
        self.wait_min = wait;
    }

    /// An empty queue is the best there is, for as long as it stays empty.
    fn note_if_empty(&mut self) {
        if self.line.len() == 0 {
            self.wait_min = Duration::ZERO;
        }
    }
}

impl Discipline for AdaptiveLifo {
    fn push(&mut self, waiter: Waiter) {
        self.line.push(waiter);
    }

    fn pop(&mut self, now: Duration) -> Option<Waiter> {
        self.measure(now);
        let waiter = if self.overloaded { self.line.pop_newest() } else { self.line.pop_oldest() };
        self.note_if_empty();
        waiter
    }

    fn remove(&mut self, ticket: Ticket) -> bool {
        let is_there = self.line.remove(ticket).is_some();
        self.note_if_empty();
        is_there
    }

    fn shed(&mut self, now: Duration) -> Option<(Waiter, Reason)> {
        self.measure(now);
        let doomed = self.line.pop_doomed(now, self.settings.service_time);
        let shed = match doomed {
            Some(waiter) => Some((waiter, Reason::Doomed)),
            None if self.overloaded => {
                let slough = self.settings.target.saturating_mul(2);
                self.line.pop_older_than(now, slough).map(|waiter| (waiter, Reason::QueueDelay))
            }
            None => None,
        };
        self.note_if_empty();
        shed
    }

    fn displace(&mut self, now: Duration, _newcomer: &Waiter) -> Option<(Waiter, Reason)> {
        if !self.is_overloaded(now) {
            return None;
        }
        self.line.pop_oldest().map(|waiter| (waiter, Reason::QueueDelay))
    }

    fn len(&self) -> usize {
        self.line.len()
    }
}
