//! Random lives of calls (begun, polled, ended, dropped at any moment) against the promises of the layers.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use proptest::prelude::*;
use resilience::admission::{AdmissionLayer, Limiter};
use resilience::backpressure::{PoolLimits, WorkerPoolLayer};
use tower::{Layer, Service};

use crate::support::{Gate, Hand, Seen};

const HINT: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Call,
    Poll(usize),
    /// The inner call may end (and the future is polled only if that woke it).
    Open(usize),
    Drop(usize),
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Call),
        6 => (0..12_usize).prop_map(Step::Poll),
        3 => (0..12_usize).prop_map(Step::Open),
        2 => (0..12_usize).prop_map(Step::Drop),
    ];
    prop::collection::vec(step, 0..150)
}

/// Calls under way: their number and their future.
pub(crate) struct Calls<F: Future> {
    list: Vec<(u32, Hand<F>)>,
    next: u32,
}

impl<T, F: Future<Output = T>> Calls<F> {
    pub(crate) const fn new() -> Self {
        Self { list: Vec::new(), next: 0 }
    }

    pub(crate) fn step(&mut self, step: Step, gate: &Gate, call: impl FnOnce(u32) -> F) {
        let pick = |index: usize, len: usize| (len > 0).then(|| index % len);
        match step {
            Step::Call => {
                self.list.push((self.next, Hand::new(call(self.next))));
                self.next += 1;
            }
            Step::Poll(index) => {
                if let Some(index) = pick(index, self.list.len())
                    && self.list[index].1.poll().is_ready()
                {
                    self.list.remove(index);
                }
            }
            Step::Open(index) => {
                if let Some(index) = pick(index, self.list.len()) {
                    gate.open(self.list[index].0);
                }
            }
            Step::Drop(index) => {
                if let Some(index) = pick(index, self.list.len()) {
                    self.list.remove(index);
                }
            }
        }
    }

    /// Opens everything and polls each call once, and from then on only what was woken. A wake-up that
    /// was lost leaves something behind.
    pub(crate) fn run_out(mut self, gate: &Gate) -> usize {
        for call in 0..self.next {
            gate.open(call);
        }
        self.list.retain_mut(|(_, call)| call.poll().is_pending());
        loop {
            let before = self.list.len();
            self.list.retain_mut(|(_, call)| !call.is_woken() || matches!(call.poll(), Poll::Pending));
            if self.list.len() == before {
                return before;
            }
        }
    }
}

proptest! {
    #[test]
    fn admission_never_exceeds_its_limit_and_loses_no_permit(
        limit in 1..5_usize, is_watched in any::<bool>(), steps in steps(),
    ) {
        let (gate, seen, limiter) =
            (Gate::default(), Arc::new(Seen::default()), Limiter::concurrency(limit, HINT));
        let layer = if is_watched {
            AdmissionLayer::observed(limiter, Arc::clone(&seen))
        } else {
            AdmissionLayer::new(limiter)
        };
        let (handle, mut service) = (layer.handle(), layer.layer(gate.clone()));
        let mut calls = Calls::new();
        for step in steps {
            calls.step(step, &gate, |n| service.call(n));
            prop_assert!(gate.running() <= handle.in_flight() && handle.in_flight() <= limit);
            prop_assert!(!is_watched || seen.now().in_flight == handle.in_flight());
        }
        prop_assert_eq!(calls.run_out(&gate), 0);
        prop_assert_eq!((handle.in_flight(), gate.running()), (0, 0));
        prop_assert!(seen.now().in_flight_max <= limit);
    }

    #[test]
    fn a_pool_keeps_its_bounds_wastes_no_worker_and_wakes_everyone(
        workers in 1..4_usize, queue in 0..4_usize, is_watched in any::<bool>(), steps in steps(),
    ) {
        let (gate, seen, limits) =
            (Gate::default(), Arc::new(Seen::default()), PoolLimits { workers, queue });
        let layer = if is_watched {
            WorkerPoolLayer::observed(limits, HINT, Arc::clone(&seen))
        } else {
            WorkerPoolLayer::new(limits, HINT)
        };
        let (handle, mut service) = (layer.handle(), layer.layer(gate.clone()));
        let mut calls = Calls::new();
        for step in steps {
            calls.step(step, &gate, |n| service.call(n));
            prop_assert!(gate.running() <= handle.running() && handle.running() <= workers);
            prop_assert!(handle.waiting() <= queue);
            prop_assert!(handle.waiting() == 0 || handle.running() == workers, "a worker idles");
            let seen = seen.now();
            prop_assert!(!is_watched || (seen.in_flight, seen.queue_depth) == (handle.running(), handle.waiting()));
        }
        prop_assert_eq!(calls.run_out(&gate), 0, "somebody was not woken");
        prop_assert_eq!((handle.running(), handle.waiting(), gate.running()), (0, 0, 0));
        prop_assert!(seen.now().in_flight_max <= workers && seen.now().queue_depth_max <= queue);
    }
}
