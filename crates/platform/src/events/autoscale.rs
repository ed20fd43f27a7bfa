//! How many workers a backlog needs: pure, the time and the backlog in, the number of workers out.
//!
//! ```text
//! needs more ──────────────────────▶ at once to what it needs
//! needs less, not for a cool-down ──▶ holds
//! needs less for a whole cool-down ─▶ one step down, and the next cool-down begins
//! ```
//!
//! Up at once, because whoever waits has already been promised something. Down slowly, because a worker that is not
//! needed costs little, and one that was given up too early is missed when the next wave comes. A step is a quarter of
//! the workers, at least one, and never below the most that was needed during the cool-down that is over: so a
//! backlog that goes up and down within a cool-down moves nothing. The numbers are never outside of their bounds,
//! whatever the backlog is.

use std::time::Duration;

use tokio::time::Instant;

use crate::design::Autoscale;

/// A step down is this part of the workers.
const STEP: u32 = 4;

/// What the numbers of workers keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    min: u32,
    max: u32,
    backlog_per_worker: u32,
    cool_down: Duration,
    /// Who else works on the same backlog, itself included.
    replicas: u32,
}

impl Rules {
    /// For each of so many replicas.
    pub(crate) fn of(section: &Autoscale, workers_max: u32, replicas: u32) -> Self {
        Self {
            min: section.workers_min.get().min(workers_max),
            max: workers_max,
            backlog_per_worker: section.backlog_per_worker.get(),
            cool_down: section.cool_down.get(),
            replicas: replicas.max(1),
        }
    }

    /// How many there are to begin with.
    pub(crate) const fn least(&self) -> u32 {
        self.min
    }

    /// What this replica's share of the backlog needs.
    fn needs(&self, backlog: u64) -> u32 {
        let each = u64::from(self.backlog_per_worker) * u64::from(self.replicas);
        u32::try_from(backlog.div_ceil(each)).unwrap_or(u32::MAX).clamp(self.min, self.max)
    }
}

/// The number of workers, and since when fewer would do.
#[derive(Debug)]
pub(crate) struct Autoscaler {
    rules: Rules,
    workers: u32,
    calm: Option<Calm>,
}

/// A time in which fewer would do.
#[derive(Clone, Copy, Debug)]
struct Calm {
    since: Instant,
    /// The most that was needed in it.
    needed_max: u32,
}

impl Autoscaler {
    /// Begins with the least.
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, workers: rules.least(), calm: None }
    }

    /// How many there are to be now.
    pub(crate) fn workers(&self) -> u32 {
        self.workers
    }

    /// Somebody has looked: so much is not dealt with, by all replicas together.
    pub(crate) fn looked(&mut self, now: Instant, backlog: u64) -> u32 {
        let needed = self.rules.needs(backlog);
        if needed >= self.workers {
            self.workers = needed;
            self.calm = None;
            return needed;
        }
        let Calm { since, needed_max } = self.calm.unwrap_or(Calm { since: now, needed_max: needed });
        let needed_max = needed_max.max(needed);
        if now.saturating_duration_since(since) >= self.rules.cool_down {
            let step = (self.workers / STEP).max(1);
            self.workers = (self.workers - step).max(needed_max);
            self.calm = Some(Calm { since: now, needed_max: needed });
        } else {
            self.calm = Some(Calm { since, needed_max });
        }
        self.workers
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: Rules =
        Rules { min: 2, max: 40, backlog_per_worker: 5, cool_down: Duration::from_secs(10), replicas: 1 };

    /// What becomes of backlogs that are looked at, each so many seconds after the beginning.
    fn course(rules: Rules, looks: &[(u64, u64)]) -> Vec<u32> {
        let (mut scaler, begin) = (Autoscaler::new(rules), Instant::now());
        looks
            .iter()
            .map(|(at_s, backlog)| scaler.looked(begin + Duration::from_secs(*at_s), *backlog))
            .collect()
    }

    #[test]
    fn grows_at_once_to_what_the_backlog_needs() {
        assert_eq!(course(RULES, &[(0, 0), (1, 11), (2, 100), (3, 101)]), [2, 3, 20, 21]);
    }

    #[test]
    fn stays_between_the_least_and_the_most() {
        assert_eq!(course(RULES, &[(0, 0), (1, 201), (2, u64::MAX)]), [2, 40, 40]);
        let few = Rules { min: 2, max: 2, ..RULES };
        assert_eq!(course(few, &[(0, 0), (1, 1_000), (60, 0), (120, 0)]), [2; 4]);
    }

    #[test]
    fn holds_during_the_cool_down_and_then_comes_down_one_step_at_a_time() {
        let looks = [(0, 200), (1, 0), (10, 0), (11, 0), (20, 0), (21, 0), (31, 0), (41, 0)];
        assert_eq!(course(RULES, &looks), [40, 40, 40, 30, 30, 23, 18, 14]);
    }

    #[test]
    fn comes_down_no_further_than_what_was_needed_during_the_cool_down() {
        assert_eq!(course(RULES, &[(0, 200), (1, 0), (5, 190), (11, 0)]), [40, 40, 40, 38]);
    }

    #[test]
    fn a_wave_that_needs_all_of_them_begins_the_cool_down_anew() {
        assert_eq!(
            course(RULES, &[(0, 100), (1, 0), (9, 100), (10, 0), (19, 0), (20, 0)]),
            [20, 20, 20, 20, 20, 15]
        );
    }

    #[test]
    fn a_replica_works_for_its_share() {
        let one_of_four = Rules { replicas: 4, ..RULES };
        assert_eq!(course(one_of_four, &[(0, 200), (1, 201)]), [10, 11]);
    }

    #[test]
    fn ends_with_the_least_when_nothing_comes_any_more() {
        let looks: Vec<_> = (0..400).map(|at_s| (at_s, if at_s == 0 { 1_000 } else { 0 })).collect();
        assert_eq!(course(RULES, &looks).last(), Some(&2));
    }

    proptest! {
        #[test]
        fn is_bounded_never_too_few_and_never_down_by_more_than_a_step(
            min in 1_u32..300, more in 0_u32..300, backlog_per_worker in 1_u32..50, replicas in 1_u32..16,
            cool_down_s in 0_u64..20,
            looks in prop::collection::vec((0_u64..15, 0_u64..20_000), 1..80),
        ) {
            let cool_down = Duration::from_secs(cool_down_s);
            let rules = Rules { min, max: min + more, backlog_per_worker, cool_down, replicas };
            let mut scaler = Autoscaler::new(rules);
            let (mut now, mut lowered) = (Instant::now(), None);
            for (later_s, backlog) in looks {
                now += Duration::from_secs(later_s);
                let before = scaler.workers();
                let workers = scaler.looked(now, backlog);
                prop_assert!((min..=min + more).contains(&workers));
                prop_assert!(workers >= rules.needs(backlog), "fewer than the backlog needs");
                if workers > before {
                    prop_assert_eq!(workers, rules.needs(backlog), "more than the backlog needs");
                }
                if workers < before {
                    prop_assert!(before - workers <= (before / STEP).max(1), "more than a step");
                    let calm = lowered.is_none_or(|last| now.saturating_duration_since(last) >= cool_down);
                    prop_assert!(calm, "two steps within a cool-down");
                    lowered = Some(now);
                }
            }
        }
    }
}
