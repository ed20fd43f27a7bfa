//! The strategies of backpressure and the queues that shed, through `tower`.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::join_all;
use proptest::prelude::*;
use resilience::admission::{LeakyBucket, Rate, TokenBucket};
use resilience::backpressure::{
    BackpressureError, CallTerms, CodelSettings, CreditGate, CreditLayer, CreditSettings, Front, PoolConfig,
    PoolLimits, Queue, Strategy, WorkerPoolLayer,
};
use resilience::{Priority, Reason, Refusal};
use tokio::time::{Instant, advance, sleep, timeout};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::model::{Calls, steps};
use crate::support::{Gate, Hand, Seen, fits, while_work_is_dropped_and_after};

const HINT: Duration = Duration::from_secs(1);

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn refused(reason: Reason) -> Poll<Result<u32, BackpressureError<String>>> {
    Poll::Ready(Err(BackpressureError::Refused(Refusal { reason, retry_after: HINT })))
}

fn rate(per_s: f64) -> Rate {
    Rate::per_second(per_s).expect("a valid rate")
}

fn with_queue(workers: usize, length: usize, queue: Queue) -> PoolConfig {
    PoolConfig { queue, ..PoolConfig::new(PoolLimits { workers, queue: length }, HINT) }
}

/// The hundreds of a number are its priority.
fn priority(n: &u32) -> CallTerms {
    CallTerms { priority: Priority::ALL[(*n / 100) as usize % 4], ..CallTerms::default() }
}

fn gate_of(initial: usize) -> CreditGate {
    CreditGate::new(CreditSettings { initial, ..CreditSettings::default() }, HINT).expect("valid")
}

#[test]
fn block_refuses_nobody() {
    let pool = WorkerPoolLayer::with_strategy(1, Strategy::Block, HINT, ());
    let gate = Gate::default();
    let mut service = pool.layer(gate.clone());
    let mut calls: Vec<_> = (0..1000).map(|n| Hand::new(service.call(n))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    assert_eq!(pool.handle().waiting(), 999, "as long as there are callers");
    (0..1000).for_each(|n| gate.open(n));
    assert!(calls.iter_mut().all(|call| call.poll().is_ready()));
}

#[test]
fn a_more_important_newcomer_displaces_a_waiter_who_is_told() {
    let (gate, seen) = (Gate::default(), Arc::new(Seen::default()));
    let pool = WorkerPoolLayer::with_strategy(1, Strategy::Priority { queue: 2 }, HINT, Arc::clone(&seen));
    let pool = pool.classified(priority);
    let mut service = pool.layer(gate.clone());
    let mut running = Hand::new(service.call(0));
    let (mut first, mut second) = (Hand::new(service.call(1)), Hand::new(service.call(2)));
    assert!(running.poll().is_pending() && first.poll().is_pending() && second.poll().is_pending());
    assert_eq!(Hand::new(service.call(3)).poll(), refused(Reason::QueueFull), "an equal is refused");
    let mut high = Hand::new(service.call(200));
    assert!(high.poll().is_pending() && second.is_woken() && !first.is_woken());
    assert_eq!(second.poll(), refused(Reason::LowPriority));
    gate.open(0);
    assert!(running.poll().is_ready() && high.is_woken() && !first.is_woken(), "the important go first");
    assert!(high.poll().is_pending());
    assert_eq!((gate.started(), pool.handle().waiting()), (vec![0, 200], 1));
    let seen = seen.now();
    assert_eq!((seen.refused, seen.queue_depth), (vec![Reason::QueueFull, Reason::LowPriority], 1));
}

#[test]
fn a_waiter_dropped_after_it_was_displaced_takes_nothing_with_it() {
    let pool = WorkerPoolLayer::with_strategy(1, Strategy::Priority { queue: 1 }, HINT, ());
    let pool = pool.classified(priority);
    let mut service = pool.layer(Gate::default());
    let running = service.call(0);
    let displaced = service.call(1);
    let mut high = Hand::new(service.call(300));
    assert!(high.poll().is_pending());
    drop(displaced);
    assert_eq!((pool.handle().running(), pool.handle().waiting()), (1, 1));
    drop(running);
    assert!(high.is_woken());
    drop(high);
    assert_eq!((pool.handle().running(), pool.handle().waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_doomed_are_refused_when_their_turn_would_come() {
    let (gate, seen) = (Gate::default(), Arc::new(Seen::default()));
    let config = with_queue(1, 10, Queue::deadline_aware(ms(100)));
    let start = Instant::now();
    let pool = WorkerPoolLayer::configured(config, Arc::clone(&seen)).classified(move |n: &u32| CallTerms {
        deadline: (*n > 0).then(|| start + ms(u64::from(*n))),
        ..CallTerms::default()
    });
    let mut service = pool.layer(gate.clone());
    let mut calls: Vec<_> = [0, 300, 1000].map(|n| Hand::new(service.call(n))).into();
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    advance(ms(250)).await;
    gate.open(0);
    assert!(calls[0].poll().is_ready() && calls[1].is_woken() && calls[2].is_woken());
    assert_eq!(calls[1].poll(), refused(Reason::Doomed));
    assert!(calls[2].poll().is_pending());
    assert_eq!(gate.started(), [0, 1000], "nothing was begun for the doomed");
    let seen = seen.now();
    assert_eq!((seen.refused, seen.waited), (vec![Reason::Doomed], vec![ms(0), ms(250)]));
}

#[tokio::test(start_paused = true)]
async fn an_overloaded_queue_says_so_and_calms_down_again() {
    let config = with_queue(1, 100, Queue::adaptive_lifo(CodelSettings::default()));
    let pool = WorkerPoolLayer::configured(config, ());
    let service = pool.layer(service_fn(|_: u32| async {
        sleep(ms(20)).await;
        Ok::<_, Infallible>(())
    }));
    let handle = pool.handle();
    let load = |calls: u64, every_ms: u64| {
        let service = service.clone();
        join_all((0..calls).map(move |n| {
            let service = service.clone();
            async move {
                sleep(ms(n * every_ms)).await;
                service.oneshot(0).await.is_ok()
            }
        }))
    };
    assert_eq!(handle.is_overloaded(), Some(false));
    let watch = async {
        sleep(ms(900)).await;
        handle.is_overloaded()
    };
    let (served, overloaded) = tokio::join!(load(200, 5), watch);
    assert_eq!(overloaded, Some(true), "four times the capacity");
    let served = served.into_iter().filter(|ok| *ok).count();
    assert!((45..=65).contains(&served), "{served} of the 50 that one worker can do in a second");
    let served = load(60, 25).await;
    assert!(served.into_iter().all(|ok| ok));
    assert_eq!(handle.is_overloaded(), Some(false), "nobody has waited since");
}

#[test]
fn a_token_bucket_refuses_what_is_above_its_rate() {
    let bucket = TokenBucket::full(rate(1.0), NonZeroU32::new(2).expect("not zero"));
    let pool = WorkerPoolLayer::with_strategy(10, Strategy::TokenBucket { bucket, queue: 10 }, HINT, ());
    let mut service = pool.layer(Gate::default());
    let mut calls: Vec<_> = (0..3).map(|n| Hand::new(service.call(n))).collect();
    assert!(calls[0].poll().is_pending() && calls[1].poll().is_pending());
    let Poll::Ready(Err(error)) = calls[2].poll() else { panic!("expected a refusal") };
    assert_eq!(error.refusal().map(|refusal| refusal.reason), Some(Reason::RateLimit));
    let next = TokenBucket::full(rate(1.0), NonZeroU32::new(50).expect("not zero"));
    pool.handle().set_front(Front::Tokens(next));
    assert!(Hand::new(service.call(4)).poll().is_ready(), "another bucket is no way to a fresh burst");
    pool.handle().set_front(Front::Open);
    assert!(Hand::new(service.call(5)).poll().is_pending());
}

#[tokio::test(start_paused = true)]
async fn a_leaky_bucket_paces_what_comes_in_a_burst() {
    let bucket = LeakyBucket::empty(rate(100.0), NonZeroU32::new(5).expect("not zero"));
    let seen = Arc::new(Seen::default());
    let strategy = Strategy::LeakyBucket { bucket, queue: 10 };
    let pool = WorkerPoolLayer::with_strategy(10, strategy, HINT, Arc::clone(&seen));
    let start = Instant::now();
    let service = pool.layer(service_fn(|_: u32| async move { Ok::<_, Infallible>(start.elapsed()) }));
    let answers = join_all((0..8).map(|n| service.clone().oneshot(n))).await;
    let started: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(started.len(), 5, "the rest overflowed");
    for (n, at) in (0_u64..).zip(started) {
        assert!((ms(n * 10)..=ms(n * 10 + 1)).contains(at), "{n} at {at:?}");
    }
    assert_eq!(seen.now().refused, [Reason::RateLimit; 3]);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_it_is_paced_holds_nothing() {
    let bucket = LeakyBucket::empty(rate(10.0), NonZeroU32::new(5).expect("not zero"));
    let pool = WorkerPoolLayer::with_strategy(1, Strategy::LeakyBucket { bucket, queue: 1 }, HINT, ());
    let service = pool.layer(service_fn(|_: u32| async { Ok::<_, Infallible>(()) }));
    assert!(service.clone().oneshot(0).await.is_ok());
    assert!(timeout(ms(50), service.clone().oneshot(1)).await.is_err(), "its drop leaks after 100 ms");
    assert_eq!((pool.handle().running(), pool.handle().waiting()), (0, 0));
    assert!(service.oneshot(2).await.is_ok());
}

#[test]
fn without_a_credit_a_call_is_refused_where_it_comes_from() {
    let gate = Gate::default();
    let credits = gate_of(2);
    let mut service = CreditLayer::new(credits.clone()).layer(gate.clone());
    let mut calls: Vec<_> = (0..3).map(|n| Hand::new(service.call(n))).collect();
    assert!(calls[0].poll().is_pending() && calls[1].poll().is_pending());
    assert_eq!(calls[2].poll(), refused(Reason::NoCredit));
    gate.open(0);
    assert_eq!((calls[0].poll(), credits.outstanding()), (Poll::Ready(Ok(0)), 1));
    drop(calls);
    assert_eq!((credits.outstanding(), gate.running()), (0, 0));
}

#[test]
fn who_waits_for_a_credit_gets_it_in_turn_and_who_leaves_passes_it_on() {
    let credits = gate_of(1);
    let held = credits.try_acquire().expect("there is one");
    let mut line: Vec<_> = (0..3).map(|_| Hand::new(credits.acquire())).collect();
    assert!(line.iter_mut().all(|hand| hand.poll().is_pending()));
    assert_eq!(credits.try_acquire().map(|_| ()).map_err(|no| no.reason), Err(Reason::NoCredit));
    drop(held);
    assert!(line[0].is_woken() && !line[1].is_woken());
    drop(line.remove(0));
    assert!(line[0].is_woken(), "it was granted to one who is gone");
    let Poll::Ready(credit) = line[0].poll() else { panic!("it was granted") };
    assert_eq!((credits.outstanding(), credits.waiting()), (1, 1));
    drop(line);
    drop(credit);
    assert_eq!((credits.outstanding(), credits.waiting()), (0, 0));
}

#[test]
fn a_batch_of_credits_is_what_there_is_and_comes_back() {
    let credits = gate_of(3);
    let mut batch = credits.request(10);
    assert_eq!((batch.len(), credits.outstanding(), credits.request(1).is_empty()), (3, 3, true));
    let one = batch.take().expect("three");
    drop(batch);
    assert_eq!(credits.outstanding(), 1);
    drop(one);
    assert_eq!(credits.outstanding(), 0);
}

#[tokio::test(start_paused = true)]
async fn more_credits_reach_those_who_wait_for_them() {
    let seen = Arc::new(Seen::default());
    let settings = CreditSettings { initial: 1, ..CreditSettings::default() };
    let credits = CreditGate::observed(settings, HINT, Arc::clone(&seen)).expect("valid");
    let held = credits.acquire().await;
    let mut waits = Hand::new(credits.acquire());
    assert!(waits.poll().is_pending());
    credits.waited(ms(1));
    advance(ms(101)).await;
    credits.waited(ms(1));
    assert!(waits.is_woken() && waits.poll().is_ready());
    assert_eq!((credits.total(), seen.now().limits), (2, vec![1, 2]));
    drop(held);
    let fewer = CreditSettings { max: 1, ..settings };
    credits.set_settings(fewer).expect("valid");
    assert_eq!((credits.total(), credits.settings()), (1, fewer));
}

#[test]
fn the_call_is_gone_before_its_credit_comes_back() {
    let credits = gate_of(1);
    let layer = CreditLayer::new(credits.clone());
    assert_eq!(while_work_is_dropped_and_after(&layer, move || credits.outstanding()), (Some(1), 0));
}

#[tokio::test(start_paused = true)]
async fn a_pool_behind_a_gate_sheds_who_waited_for_twice_the_target() {
    let credits = gate_of(16);
    let strategy = Strategy::Credit { gate: credits.clone(), queue: 10 };
    let gate = Gate::default();
    let mut service = WorkerPoolLayer::with_strategy(1, strategy, HINT, ()).layer(gate.clone());
    let mut calls: Vec<_> = (0..3).map(|n| Hand::new(service.call(n))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    advance(ms(21)).await;
    let mut late = Hand::new(service.call(3));
    assert!(late.poll().is_pending());
    gate.open(0);
    assert!(calls[0].poll().is_ready());
    assert_eq!(calls[1].poll(), refused(Reason::QueueDelay));
    assert_eq!(calls[2].poll(), refused(Reason::QueueDelay));
    assert!(late.is_woken() && late.poll().is_pending());
}

proptest! {
    #[test]
    fn a_pool_with_any_queue_wakes_everyone(
        workers in 1..4_usize, length in 0..4_usize, kind in 0..3_u8, steps in steps(),
    ) {
        let (gate, seen) = (Gate::default(), Arc::new(Seen::default()));
        let queue = match kind {
            0 => Queue::priority(),
            1 => Queue::adaptive_lifo(CodelSettings { target: Duration::ZERO, ..CodelSettings::default() }),
            _ => Queue::bounded_wait(Duration::ZERO),
        };
        let pool = WorkerPoolLayer::configured(with_queue(workers, length, queue), Arc::clone(&seen));
        let (handle, mut service) = (pool.handle(), pool.classified(|n: &u32| priority(&(n * 37))).layer(gate.clone()));
        let mut calls = Calls::new();
        for step in steps {
            calls.step(step, &gate, |n| service.call(n));
            prop_assert!(gate.running() <= handle.running() && handle.running() <= workers);
            prop_assert!(handle.waiting() <= length);
            prop_assert!(handle.waiting() == 0 || handle.running() == workers, "a worker idles");
            let seen = seen.now();
            prop_assert_eq!((seen.in_flight, seen.queue_depth), (handle.running(), handle.waiting()));
        }
        prop_assert_eq!(calls.run_out(&gate), 0, "somebody was not woken");
        prop_assert_eq!((handle.running(), handle.waiting(), gate.running()), (0, 0, 0));
    }

    #[test]
    fn no_credit_is_lost(total in 1..4_usize, steps in steps()) {
        let (gate, credits) = (Gate::default(), gate_of(total));
        let mut service = CreditLayer::new(credits.clone()).layer(gate.clone());
        let mut calls = Calls::new();
        for step in steps {
            calls.step(step, &gate, |n| service.call(n));
            prop_assert!(gate.running() <= credits.outstanding() && credits.outstanding() <= total);
        }
        prop_assert_eq!(calls.run_out(&gate), 0);
        prop_assert_eq!((credits.outstanding(), gate.running()), (0, 0));
    }
}

#[test]
fn fits_where_services_are_cloned_and_sent() {
    let pool = WorkerPoolLayer::with_strategy(1, Strategy::Priority { queue: 1 }, HINT, ());
    fits(pool.classified(priority).layer(Gate::default()));
    fits(CreditLayer::new(gate_of(1)).layer(Gate::default()));
}
