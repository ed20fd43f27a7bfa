//! When a local run is at rest.
//!
//! What is seen of it is the maximum of each gauge of work within each second ([`Work`](crate::world::work::Work)), how far
//! the groups of consumers are behind among them. A run is at rest when these were all zero for the plan's rest, or when
//! they have not changed for [`still`]: naive designs leave orders that nobody works on any more, and no gauge ever tells
//! that they are given up.

use std::{collections::BTreeMap, time::Duration};

use platform::design::Design;

/// How long gauges that are not at zero may stand still until nothing more is expected of them: longer than any call
/// takes that still comes to something, in a brownout too.
const STILL: Duration = Duration::from_secs(15);

/// The same for a design: an event may be worked on for as long as its section says, and comes again after its lease.
pub(super) fn still(design: &Design) -> Duration {
    let section = design.acknowledgement.as_ref();
    section.map_or(STILL, |section| STILL.max(section.work_max.get() + section.lease.get()))
}

/// Gauges by service and name.
pub(super) type Seen = BTreeMap<(String, String), u64>;

/// How long nothing has moved.
#[derive(Debug)]
pub(super) struct Quiet {
    rest: Duration,
    still: Duration,
    /// Since when all were zero.
    idle_since: Option<Duration>,
    /// The gauges, and since when they have been as they are.
    last: Option<(Seen, Duration)>,
}

impl Quiet {
    pub(super) const fn new(rest: Duration, still: Duration) -> Self {
        Self { rest, still, idle_since: None, last: None }
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
        since(self.idle_since, self.rest) || since(self.last.as_ref().map(|(_, since)| *since), self.still)
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
        let mut quiet = Quiet::new(rest, STILL);
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
