//! The pool by itself: no runtime, no clock, no wakers.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

fn pool(workers: usize, queue: usize) -> Pool {
    Pool::new(PoolLimits { workers, queue }, Fifo::default())
}

const fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn wait(pool: &mut Pool, now: Duration) -> Ticket {
    match pool.arrive(now) {
        Arrival::Wait(ticket) => ticket,
        other => panic!("expected to wait, got {other:?}"),
    }
}

#[test]
fn runs_while_workers_are_free_then_queues_then_refuses() {
    let mut pool = pool(2, 1);
    let kinds: Vec<_> = (0..4).map(|_| pool.arrive(at(0))).collect();
    assert_eq!(kinds[..2], [Arrival::Run, Arrival::Run]);
    assert!(matches!(kinds[2], Arrival::Wait(_)));
    assert_eq!(kinds[3], Arrival::Refuse);
    assert_eq!((pool.running(), pool.waiting()), (2, 1));
}

#[test]
fn hands_a_free_worker_to_the_first_in_line() {
    let mut pool = pool(1, 3);
    assert_eq!(pool.arrive(at(0)), Arrival::Run);
    let first = wait(&mut pool, at(1));
    let second = wait(&mut pool, at(2));
    assert_eq!(pool.next(at(3)), None, "no worker is free");
    pool.finish();
    assert_eq!(pool.next(at(11)), Some(Turn { ticket: first, waited: at(10) }));
    pool.finish();
    assert_eq!(pool.next(at(12)), Some(Turn { ticket: second, waited: at(10) }));
    pool.finish();
    assert_eq!(pool.next(at(13)), None, "nobody waits");
}

#[test]
fn a_newcomer_never_overtakes_a_waiter() {
    let mut pool = pool(1, 3);
    assert_eq!(pool.arrive(at(0)), Arrival::Run);
    let first = wait(&mut pool, at(0));
    pool.finish();
    let newcomer = wait(&mut pool, at(1));
    assert_eq!(pool.next(at(1)).map(|turn| turn.ticket), Some(first));
    assert!(pool.leave(newcomer));
}

#[test]
fn who_gives_up_leaves_the_queue_and_its_room() {
    let mut pool = pool(1, 2);
    assert_eq!(pool.arrive(at(0)), Arrival::Run);
    let first = wait(&mut pool, at(0));
    let second = wait(&mut pool, at(0));
    assert!(pool.leave(first));
    assert!(!pool.leave(first), "once");
    let third = wait(&mut pool, at(0));
    pool.finish();
    assert_eq!(pool.next(at(0)).map(|turn| turn.ticket), Some(second));
    pool.finish();
    assert_eq!(pool.next(at(0)).map(|turn| turn.ticket), Some(third));
}

#[test]
fn more_workers_take_up_waiters_and_fewer_let_the_excess_run_out() {
    let mut pool = pool(0, 4);
    let first = wait(&mut pool, at(0));
    wait(&mut pool, at(0));
    pool.set_limits(PoolLimits { workers: 2, queue: 0 });
    assert_eq!(pool.next(at(1)).map(|turn| turn.ticket), Some(first));
    assert!(pool.next(at(1)).is_some());
    pool.set_limits(PoolLimits { workers: 1, queue: 1 });
    assert!(matches!(pool.arrive(at(2)), Arrival::Wait(_)));
    pool.finish();
    assert_eq!(pool.next(at(3)), None, "one still runs");
    pool.finish();
    assert!(pool.next(at(4)).is_some());
}

#[test]
#[should_panic(expected = "more calls ended than had begun")]
fn losing_count_is_noticed() {
    pool(1, 1).finish();
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Arrive,
    Finish,
    Leave(usize),
    Limits(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Arrive),
        4 => Just(Step::Finish),
        2 => (0..8_usize).prop_map(Step::Leave),
        1 => (0..5_usize, 0..5_usize).prop_map(|(workers, queue)| Step::Limits(workers, queue)),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    /// Against the simplest model: a count and a list.
    #[test]
    fn behaves_as_a_count_and_a_list(steps in steps()) {
        let mut limits = PoolLimits { workers: 2, queue: 3 };
        let mut pool = pool(limits.workers, limits.queue);
        let (mut running, mut line) = (0_usize, VecDeque::new());
        for step in steps {
            // Lowered limits interrupt nothing, so what is there already may stay above them.
            let (running_max, line_max) = (limits.workers.max(running), limits.queue.max(line.len()));
            match step {
                Step::Arrive => match pool.arrive(Duration::ZERO) {
                    Arrival::Run => {
                        prop_assert!(running < limits.workers && line.is_empty());
                        running += 1;
                    }
                    Arrival::Wait(ticket) => {
                        prop_assert!(running >= limits.workers && line.len() < limits.queue);
                        line.push_back(ticket);
                    }
                    Arrival::Refuse => prop_assert!(running >= limits.workers && line.len() >= limits.queue),
                },
                Step::Finish if running > 0 => {
                    pool.finish();
                    running -= 1;
                }
                Step::Finish => {}
                Step::Leave(index) if index < line.len() => {
                    let ticket = line.remove(index).expect("the index was checked");
                    prop_assert!(pool.leave(ticket));
                }
                Step::Leave(_) => {}
                Step::Limits(workers, queue) => {
                    limits = PoolLimits { workers, queue };
                    pool.set_limits(limits);
                }
            }
            while let Some(turn) = pool.next(Duration::ZERO) {
                prop_assert_eq!(Some(turn.ticket), line.pop_front());
                running += 1;
            }
            prop_assert_eq!((pool.running(), pool.waiting()), (running, line.len()));
            prop_assert!(running <= running_max.max(limits.workers) && line.len() <= line_max);
            prop_assert!(line.is_empty() || running >= limits.workers, "a worker idles while somebody waits");
        }
    }
}
