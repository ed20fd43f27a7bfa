//! The breaker through `tower`.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use proptest::prelude::*;
use resilience::breaker::{
    BreakerError, BreakerLayer, BreakerLimits, BreakerObserver, BreakerState, Health, Transition, Window,
};
use resilience::timeouts::{TimeLimits, TimeoutLayer};
use resilience::{Ratio, Reason, Refusal};
use tokio::time::{Instant, advance, sleep};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::support::{Gate, Hand, fits, while_work_is_dropped_and_after};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn limits() -> BreakerLimits {
    let count = |n| NonZeroU32::new(n).expect("not zero");
    BreakerLimits {
        window: Window::Calls(count(10)),
        calls_min: count(4),
        failure_ratio: Ratio::percent(50),
        open: ms(1000),
        probes: count(2),
        ..BreakerLimits::default()
    }
}

const fn judge<T, E>(result: &Result<T, E>) -> Health {
    if result.is_ok() { Health::Good } else { Health::Bad }
}

/// Even numbers are well, odd ones fail.
async fn odd_fails(n: u32) -> Result<u32, String> {
    if n.is_multiple_of(2) { Ok(n) } else { Err("odd".to_owned()) }
}

#[derive(Debug, Default)]
struct Seen {
    transitions: Mutex<Vec<(BreakerState, BreakerState)>>,
    refusals: Mutex<Vec<Refusal>>,
    judged: Mutex<Vec<bool>>,
}

impl BreakerObserver for Seen {
    fn transition(&self, Transition { from, to }: Transition) {
        self.transitions.lock().unwrap().push((from, to));
    }

    fn refused(&self, refusal: Refusal) {
        self.refusals.lock().unwrap().push(refusal);
    }

    fn judged(&self, failed: bool, _: Duration) {
        self.judged.lock().unwrap().push(failed);
    }
}

#[tokio::test(start_paused = true)]
async fn opens_refuses_probes_and_closes() {
    let seen = Arc::new(Seen::default());
    let layer = BreakerLayer::observed(limits(), judge, Arc::clone(&seen)).expect("valid");
    let service = layer.layer(service_fn(odd_fails));
    let call = |n| service.clone().oneshot(n);
    for _ in 0..4 {
        assert_eq!(call(1).await, Err(BreakerError::Inner("odd".to_owned())));
    }
    sleep(ms(300)).await;
    let refusal = Refusal { reason: Reason::BreakerOpen, retry_after: ms(700) };
    assert_eq!(call(2).await, Err(BreakerError::Refused(refusal)));
    sleep(refusal.retry_after).await;
    assert_eq!((call(2).await, call(4).await), (Ok(2), Ok(4)));
    use BreakerState::{Closed, HalfOpen, Open};
    assert_eq!(*seen.transitions.lock().unwrap(), [(Closed, Open), (Open, HalfOpen), (HalfOpen, Closed)]);
    assert_eq!(*seen.refusals.lock().unwrap(), [refusal]);
    assert_eq!(*seen.judged.lock().unwrap(), [true, true, true, true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_dependency_costs_a_few_timeouts_and_then_nothing() {
    let asked = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&asked);
    let breaker = BreakerLayer::new(limits(), judge).expect("valid");
    let service = ServiceBuilder::new()
        .layer(breaker.clone())
        .layer(TimeoutLayer::new(TimeLimits::attempt(ms(100))))
        .service_fn(move |_: u32| {
            *counted.lock().unwrap() += 1;
            std::future::pending::<Result<u32, Infallible>>()
        });
    let start = Instant::now();
    for n in 0..100 {
        assert!(service.clone().oneshot(n).await.is_err());
    }
    assert!(start.elapsed() < ms(500), "{:?}", start.elapsed());
    assert_eq!((*asked.lock().unwrap(), breaker.handle().state()), (4, BreakerState::Open));
}

#[test]
fn a_caller_that_leaves_is_no_failure() {
    let layer = BreakerLayer::new(limits(), judge).expect("valid");
    let mut service = layer.layer(Gate::default());
    for n in 0..100 {
        let mut call = Hand::new(service.call(n));
        assert!(call.poll().is_pending());
    }
    let reading = layer.handle().read();
    assert_eq!((reading.state, reading.calls), (BreakerState::Closed, 0));
}

#[tokio::test(start_paused = true)]
async fn probes_that_are_dropped_leak_no_place() {
    let layer = BreakerLayer::new(limits(), judge).expect("valid");
    let handle = layer.handle();
    for _ in 0..4 {
        let _ = layer.layer(service_fn(odd_fails)).oneshot(1).await;
    }
    advance(ms(1000)).await;
    let gate = Gate::default();
    let mut service = layer.layer(gate.clone());
    for n in 0..50 {
        let (_unpolled, mut probe) = (service.call(n), Hand::new(service.call(n)));
        assert!(probe.poll().is_pending());
        assert_eq!(handle.read().probes_in_flight, 2);
        assert!(matches!(Hand::new(service.call(n)).poll(), Poll::Ready(Err(BreakerError::Refused(_)))));
    }
    assert_eq!((handle.read().probes_in_flight, gate.running()), (0, 0));
    assert_eq!(handle.state(), BreakerState::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn a_panic_gives_the_place_back_and_what_is_unjudged_too() {
    let judge = |result: &Result<u32, String>| match result {
        Err(error) if error == "odd" => Health::Bad,
        Err(_) => Health::Unjudged,
        Ok(_) => Health::Good,
    };
    let layer = BreakerLayer::new(limits(), judge).expect("valid");
    for _ in 0..4 {
        let _ = layer.layer(service_fn(odd_fails)).oneshot(1).await;
    }
    advance(ms(1000)).await;
    let mut service = layer.layer(service_fn(|n: u32| async move {
        assert!(n > 0, "a planted panic");
        Err::<u32, _>("it was never asked".to_owned())
    }));
    let call = service.call(0);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Hand::new(call).poll()));
    assert!(result.is_err());
    assert!(service.call(1).await.is_err());
    let reading = layer.handle().read();
    assert_eq!((reading.state, reading.probes_in_flight, reading.calls), (BreakerState::HalfOpen, 0, 0));
}

#[test]
fn can_be_forced_and_its_limits_changed_at_work() {
    let seen = Arc::new(Seen::default());
    let layer = BreakerLayer::observed(limits(), judge, Arc::clone(&seen)).expect("valid");
    let handle = layer.handle();
    let mut service = layer.layer(service_fn(odd_fails));
    handle.force_open();
    assert!(matches!(Hand::new(service.call(2)).poll(), Poll::Ready(Err(BreakerError::Refused(_)))));
    handle.force_closed();
    assert!((0..20).all(|_| matches!(Hand::new(service.call(1)).poll(), Poll::Ready(Err(_)))));
    assert_eq!(handle.state(), BreakerState::ForcedClosed);
    handle.resume();
    let lenient = BreakerLimits { failure_ratio: Ratio::ONE, ..limits() };
    handle.set_limits(lenient).expect("valid");
    assert_eq!(handle.limits(), lenient);
    for n in [2, 1, 1, 1, 1, 1] {
        let _ = Hand::new(service.call(n)).poll();
    }
    assert_eq!((handle.state(), seen.transitions.lock().unwrap().len()), (BreakerState::Closed, 3));
}

#[tokio::test(start_paused = true)]
async fn the_work_is_gone_before_its_place_is_free() {
    let layer = BreakerLayer::new(limits(), judge).expect("valid");
    let handle = layer.handle();
    for _ in 0..4 {
        let _ = layer.layer(service_fn(odd_fails)).oneshot(1).await;
    }
    advance(ms(1000)).await;
    let probes = move || handle.read().probes_in_flight as usize;
    assert_eq!(while_work_is_dropped_and_after(&layer, probes), (Some(1), 0));
}

#[test]
fn fits_where_services_are_cloned_and_sent() {
    fits(BreakerLayer::new(limits(), judge).expect("valid").layer(Gate::default()));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u64),
    Call,
    Open(usize),
    Drop(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0..1500_u64).prop_map(Step::Wait),
        6 => Just(Step::Call),
        4 => (0..12_usize).prop_map(Step::Open),
        3 => (0..12_usize).prop_map(Step::Drop),
    ];
    prop::collection::vec(step, 0..150)
}

proptest! {
    /// Calls begun, ended well or badly, and dropped at any moment.
    #[test]
    fn no_life_leaks_a_place_or_exceeds_the_probes(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let layer = BreakerLayer::new(limits(), |result: &Result<u32, String>| match result {
                Ok(n) if n.is_multiple_of(3) => Health::Good,
                _ => Health::Bad,
            }).expect("valid");
            let (handle, gate) = (layer.handle(), Gate::default());
            let mut service = layer.layer(gate.clone());
            let mut calls = Vec::new();
            let mut next = 0;
            for step in steps {
                let state = handle.state();
                match step {
                    Step::Wait(millis) => advance(ms(millis)).await,
                    Step::Call => {
                        let mut call = Hand::new(service.call(next));
                        if call.poll().is_pending() {
                            assert!(state != BreakerState::Open || handle.state() == BreakerState::HalfOpen);
                            calls.push((next, call));
                        }
                        next += 1;
                    }
                    Step::Open(index) if !calls.is_empty() => {
                        let (n, mut call) = calls.swap_remove(index % calls.len());
                        gate.open(n);
                        assert!(call.poll().is_ready());
                    }
                    Step::Drop(index) if !calls.is_empty() => drop(calls.swap_remove(index % calls.len())),
                    Step::Open(_) | Step::Drop(_) => {}
                }
                let reading = handle.read();
                assert!(reading.probes_in_flight <= 2 && reading.probes_in_flight as usize <= calls.len());
            }
            calls.clear();
            assert_eq!((handle.read().probes_in_flight, gate.running()), (0, 0));
        });
    }
}
