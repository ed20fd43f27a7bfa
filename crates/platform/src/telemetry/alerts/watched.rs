//! Calls under way, each judged once: quick, or slow from the moment it is overdue.
//!
//! A call that is never answered would never show in a latency histogram: that is filled by answers. Here a
//! call counts as slow as soon as it is, so that a dependency that has fallen silent is noticed as fast as one
//! that has become slow. Each call gives exactly one judgement, quick when it ends in time and slow when its time
//! is up; undisturbed they are independent of each other, which [`super::share`] needs.

use std::collections::BTreeMap;

use super::window::Counted;

/// More calls than that at once are not watched.
const WATCHED_MAX: usize = 10_000;

/// What became of calls since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Observed {
    /// Calls that were judged, and how many of them as slow.
    pub(crate) judged: Counted,
    /// Calls that ended, and how many of them badly.
    pub(crate) ended: Counted,
    /// Calls that were judged quick, and ended badly.
    pub(crate) quick_and_bad: u64,
    /// Calls that were judged slow before the last window and are not answered yet.
    pub(crate) overdue: u64,
}

/// Calls under way. Times are in µs.
#[derive(Debug)]
pub(crate) struct Watched {
    slow_us: u64,
    /// Overdue for longer than this counts as long overdue.
    window_us: u64,
    next: u64,
    /// Not judged yet, by number: in the order in which they began.
    fresh: BTreeMap<u64, u64>,
    /// Judged slow and not ended, with the time of their judgement.
    overdue: BTreeMap<u64, u64>,
    since: Observed,
}

impl Watched {
    pub(crate) fn new(slow_us: u64, window_us: u64) -> Self {
        Self {
            slow_us,
            window_us,
            next: 0,
            fresh: BTreeMap::new(),
            overdue: BTreeMap::new(),
            since: Observed::default(),
        }
    }

    /// A call begins; `None` when there are too many to watch.
    pub(crate) fn begin(&mut self, now_us: u64) -> Option<u64> {
        if self.fresh.len() + self.overdue.len() >= WATCHED_MAX {
            return None;
        }
        self.next += 1;
        self.fresh.insert(self.next, now_us);
        Some(self.next)
    }

    /// A call ends.
    pub(crate) fn end(&mut self, number: u64, now_us: u64, badly: bool) {
        self.judge(now_us);
        if self.fresh.remove(&number).is_some() {
            self.since.judged.all += 1;
            self.since.quick_and_bad += u64::from(badly);
        } else if self.overdue.remove(&number).is_none() {
            // Of another process, whose calls nobody waits for.
            return;
        }
        self.since.ended.all += 1;
        self.since.ended.bad += u64::from(badly);
    }

    /// A call ends that says nothing about the other side.
    pub(crate) fn forget(&mut self, number: u64) {
        self.fresh.remove(&number);
        self.overdue.remove(&number);
    }

    /// Everything since the last look.
    pub(crate) fn take(&mut self, now_us: u64) -> Observed {
        self.judge(now_us);
        let long = self.overdue.values().filter(|judged_us| now_us - **judged_us >= self.window_us).count();
        Observed { overdue: long as u64, ..std::mem::take(&mut self.since) }
    }

    /// Judges those whose time is up.
    fn judge(&mut self, now_us: u64) {
        while let Some(first) = self.fresh.first_entry() {
            if now_us - *first.get() < self.slow_us {
                return;
            }
            let (number, began_us) = first.remove_entry();
            self.overdue.insert(number, began_us + self.slow_us);
            self.since.judged.all += 1;
            self.since.judged.bad += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: u64 = 600;

    #[test]
    fn a_call_is_slow_as_soon_as_it_is_and_only_once() {
        let mut calls = Watched::new(SLOW, 1_000);
        let quick = calls.begin(0).expect("room");
        let slow = calls.begin(100).expect("room");
        calls.end(quick, 500, false);
        let first = Observed {
            judged: Counted { all: 1, bad: 0 },
            ended: Counted { all: 1, bad: 0 },
            ..Observed::default()
        };
        assert_eq!(calls.take(699), first);
        assert_eq!(calls.take(700).judged, Counted { all: 1, bad: 1 }, "it is not answered, and it is slow");
        assert_eq!(calls.take(800), Observed::default());
        calls.end(slow, 900, true);
        let last = calls.take(900);
        assert_eq!((last.judged, last.ended), (Counted::default(), Counted { all: 1, bad: 1 }));
    }

    #[test]
    fn a_call_that_is_never_answered_stays_overdue() {
        let mut calls = Watched::new(SLOW, 1_000);
        calls.begin(0);
        assert_eq!(calls.take(600).overdue, 0, "it is in the window");
        assert_eq!(calls.take(1_600).overdue, 1);
        assert_eq!(calls.take(60_000).overdue, 1);
    }

    #[test]
    fn an_answer_in_the_very_moment_is_late() {
        let mut calls = Watched::new(SLOW, 1_000);
        let call = calls.begin(0).expect("room");
        calls.end(call, SLOW, false);
        assert_eq!(calls.take(SLOW).judged, Counted { all: 1, bad: 1 });
    }

    #[test]
    fn what_is_forgotten_or_unknown_counts_nowhere() {
        let mut calls = Watched::new(SLOW, 1_000);
        let call = calls.begin(0).expect("room");
        calls.forget(call);
        calls.end(call, 10, true);
        calls.end(77, 10, true);
        assert_eq!(calls.take(10_000), Observed::default());
    }
}
