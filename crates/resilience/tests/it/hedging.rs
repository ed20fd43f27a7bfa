//! Hedging through `tower`.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::join_all;
use proptest::prelude::*;
use resilience::hedging::{Attempt, HedgeDelay, HedgeLayer, HedgeLimits, HedgeObserver, Percentile};
use resilience::{BudgetLimits, Class, Ratio};
use tokio::time::{Instant, advance, sleep};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::{Gate, Hand, fits};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Late after 100 ms; as many hedges as calls.
fn limits() -> HedgeLimits {
    let budget = BudgetLimits { ratio: Ratio::ONE, floor_per_s: 0, window: ms(10_000) };
    HedgeLimits { delay: HedgeDelay::Fixed(ms(100)), budget }
}

const fn classify<R, T, E>(_: &R, result: &Result<T, E>) -> Class {
    match result {
        Ok(_) => Class::Success,
        Err(_) => Class::Failure { retryable: true, retry_after: None },
    }
}

const fn always<R>(_: &R) -> bool {
    true
}

#[derive(Debug, Default)]
struct Seen {
    events: Mutex<Vec<&'static str>>,
}

impl HedgeObserver for Seen {
    fn hedged(&self, _: Duration) {
        self.events.lock().unwrap().push("hedged");
    }

    fn denied(&self) {
        self.events.lock().unwrap().push("denied");
    }

    fn won(&self, attempt: Attempt) {
        let event = if attempt == Attempt::First { "first" } else { "second" };
        self.events.lock().unwrap().push(event);
    }
}

/// How many milliseconds an attempt takes, and how it ends.
type Turn = (u64, Result<u32, u32>);

/// Takes so long and ends so, attempt by attempt; counts who is at work.
#[derive(Clone, Debug, Default)]
struct Turns {
    turns: Arc<Mutex<Vec<Turn>>>,
    at_work: Arc<()>,
}

impl Turns {
    fn of(turns: &[Turn]) -> Self {
        let turns = turns.iter().rev().copied().collect();
        Self { turns: Arc::new(Mutex::new(turns)), at_work: Arc::default() }
    }

    fn service(&self) -> impl Service<u32, Response = u32, Error = u32, Future: Send> + Clone + use<> {
        let this = self.clone();
        service_fn(move |_: u32| {
            let (millis, result) = this.turns.lock().unwrap().pop().expect("no more was expected");
            let at_work = Arc::clone(&this.at_work);
            async move {
                sleep(ms(millis)).await;
                drop(at_work);
                result
            }
        })
    }
}

/// What one call gives, when, and what the observer saw.
async fn hedge(turns: &[Turn]) -> (Result<u32, u32>, u128, Vec<&'static str>) {
    let (turns, seen, start) = (Turns::of(turns), Arc::new(Seen::default()), Instant::now());
    let layer = HedgeLayer::observed(limits(), always, classify, Arc::clone(&seen));
    let mut service = layer.layer(turns.service());
    let mut call = Box::pin(service.call(0));
    let result = call.as_mut().await;
    drop(service);
    assert_eq!(turns.turns.lock().unwrap().len(), 0, "as many attempts as expected");
    let events = seen.events.lock().unwrap().clone();
    (result, start.elapsed().as_millis() / 10 * 10, events)
}

#[tokio::test(start_paused = true)]
async fn the_first_success_wins() {
    assert_eq!(hedge(&[(50, Ok(1))]).await, (Ok(1), 50, vec![]), "it was not late");
    assert_eq!(hedge(&[(300, Ok(1)), (50, Ok(2))]).await, (Ok(2), 150, vec!["hedged", "second"]));
    assert_eq!(hedge(&[(150, Ok(1)), (300, Ok(2))]).await, (Ok(1), 150, vec!["hedged", "first"]));
}

#[tokio::test(start_paused = true)]
async fn a_failure_waits_for_the_other_but_begins_none() {
    assert_eq!(hedge(&[(50, Err(1))]).await, (Err(1), 50, vec![]), "that is for retries");
    assert_eq!(hedge(&[(150, Err(1)), (100, Ok(2))]).await, (Ok(2), 200, vec!["hedged", "second"]));
    assert_eq!(hedge(&[(250, Ok(1)), (50, Err(2))]).await, (Ok(1), 250, vec!["hedged", "first"]));
    assert_eq!(hedge(&[(150, Err(1)), (100, Err(2))]).await, (Err(1), 200, vec!["hedged"]));
    assert_eq!(hedge(&[(250, Err(1)), (50, Err(2))]).await, (Err(1), 250, vec!["hedged"]));
}

#[tokio::test(start_paused = true)]
async fn the_loser_is_gone_when_the_result_is_out() {
    for turns in [[(300, Ok(1)), (50, Ok(2))], [(150, Ok(1)), (300, Ok(2))]] {
        let turns = Turns::of(&turns);
        let mut service = HedgeLayer::new(limits(), always, classify).layer(turns.service());
        let mut call = Box::pin(service.call(0));
        assert!(call.as_mut().await.is_ok());
        assert_eq!(
            Arc::strong_count(&turns.at_work),
            2,
            "ours and the service's, with the future still there"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_idempotent_passes_through() {
    let layer = HedgeLayer::new(limits(), |n: &u32| n.is_multiple_of(2), classify);
    let service = layer.layer(service_fn(|n: u32| async move {
        sleep(ms(500)).await;
        Ok::<_, Infallible>(n)
    }));
    assert_eq!((service.clone().oneshot(1).await, layer.handle().calls()), (Ok(1), 0));
    assert_eq!((service.oneshot(2).await, layer.handle().hedged()), (Ok(2), 1));
}

#[tokio::test(start_paused = true)]
async fn a_dependency_that_is_slow_as_a_whole_gets_only_a_share_more() {
    let seen = Arc::new(Seen::default());
    let budget = BudgetLimits { ratio: Ratio::percent(10), ..limits().budget };
    let layer = HedgeLayer::observed(HedgeLimits { budget, ..limits() }, always, classify, Arc::clone(&seen));
    let asked = Arc::new(Mutex::new(0));
    let service = layer.layer(service_fn(|n: u32| {
        *asked.lock().unwrap() += 1;
        async move {
            sleep(ms(500)).await;
            Ok::<_, Infallible>(n)
        }
    }));
    let calls = (0..500).map(|n| {
        let service = service.clone();
        async move {
            sleep(ms(u64::from(n) * 10)).await;
            service.oneshot(n).await
        }
    });
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!((layer.handle().hedged(), *asked.lock().unwrap()), (50, 550));
    assert_eq!(seen.events.lock().unwrap().iter().filter(|event| **event == "denied").count(), 450);
}

#[tokio::test(start_paused = true)]
async fn a_percentile_cuts_the_tail() {
    let delay =
        HedgeDelay::Percentile(Percentile { percentile: Ratio::percent(90), ..Percentile::default() });
    let layer = HedgeLayer::new(HedgeLimits { delay, ..HedgeLimits::default() }, always, classify);
    let asked = Arc::new(Mutex::new(0_u32));
    // Every twentieth attempt hangs for a second; the others take 20 ms.
    let service = layer.layer(service_fn(|n: u32| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        let millis = if asked.is_multiple_of(20) { 1000 } else { 20 };
        async move {
            sleep(ms(millis)).await;
            Ok::<_, Infallible>(n)
        }
    }));
    let mut late = 0;
    for n in 0..1000 {
        let start = Instant::now();
        assert_eq!(service.clone().oneshot(n).await, Ok(n));
        late += u32::from(start.elapsed() > ms(100));
    }
    assert_eq!(late, 2, "only until there were enough to tell");
    assert!((40..=60).contains(&layer.handle().hedged()), "{}", layer.handle().hedged());
    assert!(layer.handle().delay().is_some_and(|delay| delay <= ms(25)));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_drops_both_attempts() {
    let gate = Gate::default();
    let layer = HedgeLayer::new(limits(), always, classify);
    let mut service = layer.layer(gate.clone());
    let mut call = Hand::new(service.call(1));
    assert!(call.poll().is_pending());
    advance(ms(101)).await;
    assert!(call.is_woken() && call.poll().is_pending());
    assert_eq!((gate.running(), layer.handle().hedged()), (2, 1));
    drop(call);
    assert_eq!(gate.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn limits_can_be_read_and_changed_at_work() {
    let layer = HedgeLayer::new(limits(), always, classify);
    let handle = layer.handle();
    let never = HedgeLimits { delay: HedgeDelay::Fixed(Duration::MAX), ..limits() };
    handle.set_limits(never);
    assert_eq!((handle.limits(), handle.delay()), (never, Some(Duration::MAX)));
    let mut call = Hand::new(layer.layer(Gate::default()).call(1));
    advance(ms(1_000_000)).await;
    assert!(call.poll().is_pending());
    assert_eq!((handle.calls(), handle.hedged()), (1, 0));
}

#[test]
fn fits_where_services_are_cloned_and_sent() {
    fits(HedgeLayer::new(limits(), always, classify).layer(Gate::default()));
}

proptest! {
    /// Calls begun, polled, answered and dropped at any moment, on a clock that goes on.
    #[test]
    fn no_life_leaves_an_attempt_behind_or_exceeds_the_share(
        steps in prop::collection::vec((0..5_u8, 0..12_usize, 0..150_u64), 0..150), percent in 0..=100_u8,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let budget = BudgetLimits { ratio: Ratio::percent(percent), ..limits().budget };
            let layer = HedgeLayer::new(HedgeLimits { budget, ..limits() }, always, classify);
            let (handle, gate) = (layer.handle(), Gate::default());
            let mut service = layer.layer(gate.clone());
            let mut calls = Vec::new();
            let mut next = 0;
            for (step, index, wait) in steps {
                match step {
                    0 => {
                        calls.push((next, Hand::new(service.call(next))));
                        next += 1;
                    }
                    1 => advance(ms(wait)).await,
                    2 if !calls.is_empty() => drop(calls.swap_remove(index % calls.len())),
                    3 if !calls.is_empty() => gate.open(calls[index % calls.len()].0),
                    4 if !calls.is_empty() => {
                        let index = index % calls.len();
                        if let Poll::Ready(result) = calls[index].1.poll() {
                            assert_eq!(result, Ok(calls[index].0));
                            drop(calls.swap_remove(index));
                        }
                    }
                    _ => {}
                }
                assert!(gate.running() <= 2 * calls.len());
                assert!(handle.hedged() * 100 <= handle.calls() * u64::from(percent));
            }
            drop(calls);
            assert_eq!(gate.running(), 0);
        });
    }
}
