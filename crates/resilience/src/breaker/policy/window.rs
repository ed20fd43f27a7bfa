//! What happened lately: the last so many calls, or those of the last so long.

use std::collections::VecDeque;
use std::time::Duration;

use super::limits::Window;
use crate::slots::Slots;

/// Calls, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) calls: u64,
    pub(super) failed: u64,
    pub(super) slow: u64,
}

impl Record {
    /// One call.
    pub(super) const fn of(failed: bool, slow: bool) -> Self {
        Self { calls: 1, failed: failed as u64, slow: slow as u64 }
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            failed: self.failed + other.failed,
            slow: self.slow + other.slow,
        }
    }
}

/// The window with what is in it.
#[derive(Clone, Debug)]
pub(super) enum Calls {
    Last { length: usize, list: VecDeque<(bool, bool)>, sum: Record },
    Recent { slots: Box<Slots<Record>> },
}

impl Calls {
    pub(super) fn new(window: Window) -> Self {
        match window {
            Window::Calls(length) => Self::Last {
                length: usize::try_from(length.get()).unwrap_or(usize::MAX),
                list: VecDeque::new(),
                sum: Record::default(),
            },
            Window::Time(length) => Self::Recent { slots: Box::new(Slots::new(length)) },
        }
    }

    pub(super) fn add(&mut self, now: Duration, record: Record) {
        match self {
            Self::Last { length, list, sum } => {
                if list.len() == *length
                    && let Some((failed, slow)) = list.pop_front()
                {
                    sum.calls -= 1;
                    sum.failed -= u64::from(failed);
                    sum.slow -= u64::from(slow);
                }
                list.push_back((record.failed > 0, record.slow > 0));
                *sum = sum.plus(record);
            }
            Self::Recent { slots } => {
                slots.advance(now);
                let slot = slots.current().1;
                *slot = slot.plus(record);
            }
        }
    }

    pub(super) fn sum(&mut self, now: Duration) -> Record {
        match self {
            Self::Last { sum, .. } => *sum,
            Self::Recent { slots } => {
                slots.advance(now);
                slots.iter().fold(Record::default(), |sum, slot| sum.plus(*slot))
            }
        }
    }
}
