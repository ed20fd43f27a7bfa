//! The important first; the least important makes room.

use std::time::Duration;

use super::line::Line;
use super::{Discipline, Ticket, Waiter};
use crate::priority::Priority;
use crate::refusal::Reason;

/// The highest priority first, and first come, first served within one.
///
/// In a full queue a newcomer of a higher priority displaces a waiter of the lowest priority there is; of
/// those the one who came last, who has the least to lose and would have been served last. A newcomer
/// who finds nobody below itself is refused. So under overload the queue fills with the important ones,
/// and the others may starve: that is the point, and why the queue must be bounded.
///
/// Those whose deadline has passed, if they have one, are shed at dequeue.
#[derive(Clone, Debug, Default)]
pub struct PriorityQueue {
    /// By priority, the lowest first.
    lines: [Line; Priority::ALL.len()],
}

impl PriorityQueue {
    const fn line_mut(&mut self, priority: Priority) -> &mut Line {
        &mut self.lines[priority as usize]
    }
}

impl Discipline for PriorityQueue {
    fn push(&mut self, waiter: Waiter) {
        self.line_mut(waiter.terms.priority).push(waiter);
    }

    fn pop(&mut self, _now: Duration) -> Option<Waiter> {
        self.lines.iter_mut().rev().find_map(Line::pop_oldest)
    }

    fn remove(&mut self, ticket: Ticket) -> bool {
        self.lines.iter_mut().any(|line| line.remove(ticket).is_some())
    }

    fn shed(&mut self, now: Duration) -> Option<(Waiter, Reason)> {
        let doomed = self.lines.iter_mut().find_map(|line| line.pop_doomed(now, Duration::ZERO));
        doomed.map(|waiter| (waiter, Reason::Doomed))
    }

    fn displace(&mut self, _now: Duration, newcomer: &Waiter) -> Option<(Waiter, Reason)> {
        let below = &mut self.lines[..newcomer.terms.priority as usize];
        below.iter_mut().find_map(Line::pop_newest).map(|waiter| (waiter, Reason::LowPriority))
    }

    fn len(&self) -> usize {
        self.lines.iter().map(Line::len).sum()
    }
}
