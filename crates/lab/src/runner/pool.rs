//! Running jobs on a few threads within a budget of memory.
//!
//! This is the one place where threads are: each runs a simulation that is single-threaded by itself.

use std::{
    num::NonZeroUsize,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

/// Runs every job and returns what they made in their own order. `needs` is what each takes of the budget.
///
/// The heaviest job that still fits goes first. A job that needs more than the whole budget runs when
/// nothing else does; what is too much even alone is for the caller to refuse.
///
/// # Errors
/// The first error in the order in which they happened; jobs that were not begun by then are not run.
pub(crate) fn run<T: Send, E: Send>(
    needs: &[u64],
    threads: NonZeroUsize,
    budget: u64,
    job: impl Fn(usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let mut waiting: Vec<usize> = (0..needs.len()).collect();
    // Ascending, so that the heaviest is taken from the end; equals in their own order.
    waiting.sort_by_key(|&index| (needs[index], std::cmp::Reverse(index)));
    let done = needs.iter().map(|_| None).collect();
    let desk = Desk {
        state: Mutex::new(State { waiting, running: 0, taken: 0, done, error: None }),
        freed: Condvar::new(),
    };
    thread::scope(|scope| {
        for _ in 0..threads.get().min(needs.len()) {
            scope.spawn(|| {
                while let Some(index) = desk.take(needs, budget) {
                    let result = job(index);
                    desk.give_back(index, needs[index], result);
                }
            });
        }
    });
    let State { done, error, .. } = desk.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    match error {
        Some(error) => Err(error),
        None => Ok(done.into_iter().map(|made| made.expect("without an error every job was done")).collect()),
    }
}

/// Where threads take jobs and give back what they took.
struct Desk<T, E> {
    state: Mutex<State<T, E>>,
    freed: Condvar,
}

struct State<T, E> {
    /// Jobs not begun, by ascending need.
    waiting: Vec<usize>,
    running: usize,
    taken: u64,
    done: Vec<Option<T>>,
    error: Option<E>,
}

impl<T, E> Desk<T, E> {
    /// The next job, or `None` when there is nothing left to begin.
    fn take(&self, needs: &[u64], budget: u64) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.error.is_some() || state.waiting.is_empty() {
                return None;
            }
            let left = budget.saturating_sub(state.taken);
            let fitting = state.waiting.iter().rposition(|&index| needs[index] <= left);
            // Alone, even the heaviest may.
            let place = fitting.or_else(|| (state.running == 0).then(|| state.waiting.len() - 1));
            if let Some(place) = place {
                let index = state.waiting.remove(place);
                state.running += 1;
                state.taken += needs[index];
                return Some(index);
            }
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_back(&self, index: usize, need: u64, result: Result<T, E>) {
        let mut state = self.lock();
        state.running -= 1;
        state.taken -= need;
        match result {
            Ok(made) => state.done[index] = Some(made),
            Err(error) => _ = state.error.get_or_insert(error),
        }
        self.freed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

    use super::*;

    const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

    #[test]
    fn results_stand_in_the_order_of_the_jobs_whatever_their_needs() {
        let made = run::<_, ()>(&[5, 1, 9, 3], TWO, 10, |index| Ok(index * 10));
        assert_eq!(made, Ok(vec![0, 10, 20, 30]));
    }

    #[test]
    fn what_runs_at_once_stays_within_the_budget_but_for_a_job_alone() {
        let needs = [4, 4, 4, 30, 4, 4];
        let (taken, alone) = (AtomicU64::new(0), AtomicU64::new(0));
        let made = run::<_, ()>(&needs, NonZeroUsize::new(4).unwrap(), 9, |index| {
            let now = taken.fetch_add(needs[index], SeqCst) + needs[index];
            assert!(now <= 9 || now == 30, "{now} at once");
            alone.fetch_add(u64::from(now == 30), SeqCst);
            thread::yield_now();
            taken.fetch_sub(needs[index], SeqCst);
            Ok(())
        });
        assert_eq!(made.map(|made| made.len()), Ok(6));
        assert_eq!(alone.into_inner(), 1, "the heaviest ran, and alone");
    }

    #[test]
    fn after_an_error_nothing_more_begins() {
        let begun = AtomicU64::new(0);
        let made = run::<(), _>(&[1; 100], NonZeroUsize::MIN, 10, |index| {
            begun.fetch_add(1, SeqCst);
            if index == 2 { Err("broken") } else { Ok(()) }
        });
        assert_eq!((made, begun.into_inner()), (Err("broken"), 3));
    }

    #[test]
    fn no_job_is_no_result() {
        assert_eq!(run::<(), ()>(&[], TWO, 10, |_| Ok(())), Ok(vec![]));
    }
}
