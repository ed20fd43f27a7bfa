//! When a local run is at rest.
//!
//! What is seen of it is the maximum of each gauge within each second, open connections aside. A run is at rest when
//! these were all zero for the plan's rest, or when they have not changed for [`STILL`]: naive designs leave orders that
//! nobody works on any more, and no gauge ever tells that they are given up.

use std::{collections::BTreeMap, time::Duration};

/// How long gauges that are not at zero may stand still until nothing more is expected of them: longer than any call
/// takes that still comes to something, in a brownout too.
const STILL: Duration = Duration::from_secs(15);

/// Gauges by service and name.
pub(super) type Seen = BTreeMap<(String, String), u64>;

/// How long nothing has moved.
#[derive(Debug)]
pub(super) struct Quiet {
    rest: Duration,
    /// Since when all were zero.
    idle_since: Option<Duration>,
    /// The gauges, and since when they have been as they are.
    last: Option<(Seen, Duration)>,
}

impl Quiet {
    pub(super) const fn new(rest: Duration) -> Self {
        Self { rest, idle_since: None, last: None }
    }

    /// What was seen within the second that ends now: whether the run is at rest.
    pub(super) fn observe(&mut self, second: Duration, now: Duration, seen: Seen) -> bool {
        let began = now.saturating_sub(second);
        if seen.values().any(|value| *value > 0) {
            self.idle_since = None;
        } else {
            self.idle_since.get_or_insert(began);
        }
        match &self.last {
            Some((last, _)) if *last == seen => {}
            _ => self.last = Some((seen, began)),
        }
        let since = |since: Option<Duration>, enough| since.is_some_and(|since| now - since >= enough);
        since(self.idle_since, self.rest) || since(self.last.as_ref().map(|(_, since)| *since), STILL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn seen(in_flight: u64) -> Seen {
        [(("order-api".to_owned(), "in_flight".to_owned()), in_flight)].into()
    }

    /// The second, counted from 1, in which the run is found at rest.
    fn rests(rest: Duration, gauges: impl IntoIterator<Item = u64>) -> Option<usize> {
        let mut quiet = Quiet::new(rest);
        let mut now = Duration::from_secs(100);
        gauges.into_iter().position(|value| {
            now += SECOND;
            quiet.observe(SECOND, now, seen(value))
        })
    }

    #[test]
    fn one_second_without_anything_in_work_is_rest() {
        assert_eq!(rests(SECOND, [5, 2, 0]), Some(2));
        assert_eq!(rests(SECOND * 3, [1, 0, 0, 1, 0, 0, 0]), Some(6), "three in a row");
    }

    #[test]
    fn orders_that_nobody_works_on_any_more_do_not_keep_it_up_for_ever() {
        assert_eq!(rests(SECOND, [9, 8].into_iter().chain([7; 30])), Some(16));
        assert_eq!(rests(SECOND, (0..40).map(|n| 7 + n % 2)), None, "something still moves");
    }
}
