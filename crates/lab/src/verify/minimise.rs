//! Making a schedule smaller while it still does what it did: what is left is what matters.
//!
//! Greedy: one order-processor does all, if that is enough; each fault is left out in turn, the latest first, until none
//! can be spared; then the load is halved for as long as that changes nothing. Not the smallest schedule there is, but one
//! of whose faults none can be left out; how often it may be run is bounded.

use std::time::Duration;

use super::Schedule;

/// How often a schedule is run at most while it is made smaller.
const RUNS_MAX: u64 = 40;
/// A load is not made shorter than this.
const LOAD_MIN: Duration = Duration::from_millis(200);

/// A smaller schedule and how many runs it took to find; `persists` runs one and tells whether it still does it.
///
/// # Errors
/// The first of `persists`.
pub(super) fn minimise<E>(
    schedule: &Schedule,
    mut persists: impl FnMut(&Schedule) -> Result<bool, E>,
) -> Result<(Schedule, u64), E> {
    let mut runs = 0;
    let mut try_out = |candidate: &Schedule| {
        if runs == RUNS_MAX {
            return Ok(false);
        }
        runs += 1;
        persists(candidate)
    };
    let mut best = schedule.clone();
    if !best.order_processors.is_one() {
        let alone = best.clone().alone();
        if try_out(&alone)? {
            best = alone;
        }
    }
    loop {
        let before = best.faults.len();
        for index in (0..best.faults.len()).rev() {
            let mut candidate = best.clone();
            candidate.faults.remove(index);
            if try_out(&candidate)? {
                best = candidate;
            }
        }
        if best.faults.len() == before || best.faults.is_empty() {
            break;
        }
    }
    loop {
        let half_ms = best.load.duration().get().as_millis() as u64 / 2;
        let half = Duration::from_millis(half_ms);
        // A burst that would not end within the load cannot be shortened so far.
        let Some(candidate) = best.clone().lasting(half).ok().filter(|_| half >= LOAD_MIN) else { break };
        if !try_out(&candidate)? {
            break;
        }
        best = candidate;
    }
    Ok((best, runs))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn of(design: &str, fits: impl Fn(&Schedule) -> bool) -> Schedule {
        let design = crate::designs::resolve(design).expect("a design").design;
        (0..).map(|seed| Schedule::drawn(seed, &design)).find(fits).expect("one of them does")
    }

    fn large() -> Schedule {
        of("v1.0.0", |schedule| schedule.faults.len() == 6)
    }

    #[test]
    fn what_is_not_needed_is_dropped_and_the_load_is_shortened() {
        let needs = |candidate: &Schedule| -> Result<bool, Infallible> {
            let numbers = candidate.numbers();
            Ok(numbers.contains(&2) && numbers.contains(&5))
        };
        let Ok((least, runs)) = minimise(&large(), needs);
        assert_eq!(least.numbers(), [2, 5].into());
        assert!(least.load.duration().get() < large().load.duration().get());
        assert!(runs <= RUNS_MAX, "{runs}");
    }

    #[test]
    fn one_order_processor_is_left_unless_several_are_needed() {
        let shared = of("events-composed", |schedule| schedule.order_processors.get() == 3);
        let Ok((least, _)) = minimise(&shared, |_| Ok::<_, Infallible>(true));
        assert!(least.order_processors.is_one());
        let several = |candidate: &Schedule| Ok::<_, Infallible>(!candidate.order_processors.is_one());
        let Ok((least, _)) = minimise(&shared, several);
        assert_eq!((least.order_processors.get(), least.faults.len()), (3, 0));
    }

    #[test]
    fn what_cannot_be_repeated_is_left_as_it_is_and_trying_ends() {
        let Ok((least, runs)) = minimise(&large(), |_| Ok::<_, Infallible>(false));
        assert_eq!((least, runs), (large(), 7));
        let Ok((_, runs)) = minimise(&large(), |_| Ok::<_, Infallible>(true));
        assert!(runs <= RUNS_MAX);
    }
}
