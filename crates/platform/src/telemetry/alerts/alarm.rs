//! One alarm: a condition with a delay at both ends.
//!
//! A condition must hold for a while before the alarm begins, and be gone for a while before it ends, so that
//! what flickers around a threshold is one alarm and not many.

/// What an evaluation did to the alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It stays as it is.
    Stays,
    /// It begins now.
    Begins,
    /// It ends now.
    Ends,
}

/// One alarm. Times are in µs.
#[derive(Debug)]
pub(super) struct Alarm {
    pending_for_us: u64,
    resolve_after_us: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Quiet,
    /// The condition holds, not yet for long enough.
    Pending {
        since_us: u64,
    },
    /// It is on; `gone_since_us` when the condition is gone, not yet for long enough.
    On {
        gone_since_us: Option<u64>,
    },
}

impl Alarm {
    pub(super) const fn new(pending_for_us: u64, resolve_after_us: u64) -> Self {
        Self { pending_for_us, resolve_after_us, state: State::Quiet }
    }

    /// Whether the condition holds now; calls come in the order of time.
    pub(super) fn update(&mut self, now_us: u64, holds: bool) -> Change {
        let (state, change) = match (&self.state, holds) {
            (State::Quiet, true) if self.pending_for_us == 0 => {
                (State::On { gone_since_us: None }, Change::Begins)
            }
            (State::Quiet, true) => (State::Pending { since_us: now_us }, Change::Stays),
            (State::Pending { since_us }, true) if now_us - since_us >= self.pending_for_us => {
                (State::On { gone_since_us: None }, Change::Begins)
            }
            (State::Pending { .. }, true) => return Change::Stays,
            (State::Quiet | State::Pending { .. }, false) => (State::Quiet, Change::Stays),
            (State::On { .. }, true) => (State::On { gone_since_us: None }, Change::Stays),
            (State::On { gone_since_us }, false) => {
                let since_us = gone_since_us.unwrap_or(now_us);
                if now_us - since_us >= self.resolve_after_us {
                    (State::Quiet, Change::Ends)
                } else {
                    (State::On { gone_since_us: Some(since_us) }, Change::Stays)
                }
            }
        };
        self.state = state;
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The changes over conditions that are evaluated every 100 µs, by the time at which they came about.
    fn changes(alarm: &mut Alarm, conditions: &str) -> Vec<(u64, Change)> {
        let told = conditions.chars().enumerate().map(|(i, condition)| {
            let now_us = i as u64 * 100;
            (now_us, alarm.update(now_us, condition == '!'))
        });
        told.filter(|(_, change)| *change != Change::Stays).collect()
    }

    #[test]
    fn it_begins_when_the_condition_held_long_enough_and_ends_when_it_is_gone_long_enough() {
        let mut alarm = Alarm::new(200, 300);
        assert_eq!(changes(&mut alarm, "..!!!!....."), [(400, Change::Begins), (900, Change::Ends)]);
    }

    #[test]
    fn a_flicker_neither_begins_nor_ends_it() {
        assert_eq!(changes(&mut Alarm::new(200, 300), ".!!.!!.!!."), []);
        assert_eq!(changes(&mut Alarm::new(0, 300), "!..!..!.."), [(0, Change::Begins)]);
    }

    #[test]
    fn it_can_begin_again() {
        let changes = changes(&mut Alarm::new(100, 100), "!!..!!..");
        let kinds: Vec<_> = changes.into_iter().map(|(_, change)| change).collect();
        assert_eq!(kinds, [Change::Begins, Change::Ends, Change::Begins, Change::Ends]);
    }
}
