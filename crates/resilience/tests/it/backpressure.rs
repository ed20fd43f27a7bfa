//! The worker pool through `tower`.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::join_all;
use resilience::backpressure::{BackpressureError, PoolLimits, WorkerPool, WorkerPoolLayer};
use resilience::{Reason, Refusal};
use tokio::time::{Instant, sleep, timeout};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::{Gate, Hand, Seen, fits, while_work_is_dropped_and_after};

const HINT: Duration = Duration::from_secs(1);
/// Of virtual time: a waiter that is never woken is a failure and no endless test.
const DEADLINE: Duration = Duration::from_secs(60);

const fn limits(workers: usize, queue: usize) -> PoolLimits {
    PoolLimits { workers, queue }
}

fn refused() -> Poll<Result<u32, BackpressureError<String>>> {
    Poll::Ready(Err(BackpressureError::Refused(Refusal { reason: Reason::QueueFull, retry_after: HINT })))
}

fn pool(workers: usize, queue: usize) -> (WorkerPoolLayer, WorkerPool<Gate>, Gate, Arc<Seen>) {
    let (gate, seen) = (Gate::default(), Arc::new(Seen::default()));
    let layer = WorkerPoolLayer::observed(limits(workers, queue), HINT, Arc::clone(&seen));
    let service = layer.layer(gate.clone());
    (layer, service, gate, seen)
}

#[test]
fn runs_queues_and_refuses_in_this_order() {
    let (layer, mut service, gate, seen) = pool(1, 1);
    let mut calls: Vec<_> = (0..3).map(|n| Hand::new(service.call(n))).collect();
    assert!(calls[0].poll().is_pending() && calls[1].poll().is_pending());
    assert_eq!(calls[2].poll(), refused());
    assert_eq!((gate.started(), layer.handle().running(), layer.handle().waiting()), (vec![0], 1, 1));
    gate.open(0);
    assert_eq!(calls[0].poll(), Poll::Ready(Ok(0)));
    assert!(calls[1].is_woken(), "its turn has come");
    assert!(calls[1].poll().is_pending());
    assert_eq!((gate.started(), layer.handle().running(), layer.handle().waiting()), (vec![0, 1], 1, 0));
    gate.open(1);
    assert_eq!(calls[1].poll(), Poll::Ready(Ok(1)));
    let seen = seen.now();
    assert_eq!((seen.in_flight, seen.in_flight_max, seen.queue_depth, seen.queue_depth_max), (0, 1, 0, 1));
    assert_eq!((seen.refused, seen.waited.len()), (vec![Reason::QueueFull], 2));
}

#[test]
fn the_hand_over_is_first_come_first_served() {
    let (_, mut service, gate, _) = pool(1, 8);
    let mut calls: Vec<_> = (0..5).map(|n| Hand::new(service.call(n))).collect();
    // The order of polling does not matter.
    for call in calls.iter_mut().rev() {
        assert!(call.poll().is_pending());
    }
    for n in 0..5_u32 {
        gate.open(n);
        assert_eq!(calls[n as usize].poll(), Poll::Ready(Ok(n)));
        assert!(calls.iter().skip(n as usize + 2).all(|call| !call.is_woken()), "only the next is woken");
    }
    assert_eq!(gate.started(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_dropped_waiter_leaves_the_queue_and_the_turn_goes_to_the_next() {
    let (layer, mut service, gate, seen) = pool(1, 2);
    let mut calls: Vec<_> = (0..3).map(|n| Hand::new(service.call(n))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    drop(calls.remove(1));
    assert_eq!((layer.handle().waiting(), seen.now().queue_depth), (1, 1));
    drop(calls.remove(0));
    assert!(calls[0].is_woken());
    assert!(calls[0].poll().is_pending());
    assert_eq!((gate.started(), gate.running()), (vec![0, 2], 1));
}

#[test]
fn a_waiter_dropped_between_its_turn_and_its_poll_passes_the_worker_on() {
    let (layer, mut service, gate, seen) = pool(1, 2);
    let mut calls: Vec<_> = (0..3).map(|n| Hand::new(service.call(n))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    drop(calls.remove(0));
    assert!(calls[0].is_woken(), "it has the worker and does not know it yet");
    assert_eq!((layer.handle().running(), layer.handle().waiting()), (1, 1));
    drop(calls.remove(0));
    assert!(calls[0].is_woken(), "so the next one has it");
    assert!(calls[0].poll().is_pending());
    assert_eq!((gate.started(), layer.handle().running(), layer.handle().waiting()), (vec![0, 2], 1, 0));
    drop(calls);
    assert_eq!((layer.handle().running(), seen.now().in_flight), (0, 0), "no worker leaked");
}

#[test]
fn a_waiter_that_was_never_polled_gets_its_turn_too() {
    let (layer, mut service, gate, _) = pool(1, 1);
    let running = service.call(0);
    let mut waiting = Hand::new(service.call(1));
    drop(running);
    assert_eq!((layer.handle().running(), layer.handle().waiting()), (1, 0));
    gate.open(1);
    assert_eq!(waiting.poll(), Poll::Ready(Ok(1)));
}

#[test]
fn a_panic_inside_frees_the_worker() {
    let layer = WorkerPoolLayer::new(limits(1, 1), HINT);
    let mut service = layer.layer(service_fn(|n: u32| async move {
        assert!(n > 0, "a planted panic");
        Ok::<_, Infallible>(n)
    }));
    let (call, mut next) = (service.call(0), Hand::new(service.call(1)));
    assert!(next.poll().is_pending());
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Hand::new(call).poll()));
    assert!(result.is_err());
    assert_eq!(next.poll(), Poll::Ready(Ok(1)));
    assert_eq!(layer.handle().running(), 0);
}

#[test]
fn an_inner_service_that_is_not_ready_holds_its_worker() {
    let (layer, mut service, gate, _) = pool(1, 1);
    gate.set_unready(true);
    let mut calls: Vec<_> = (0..2).map(|n| Hand::new(service.call(n))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    assert_eq!((gate.started(), layer.handle().running()), (vec![], 1));
    gate.set_unready(false);
    gate.open(0);
    assert_eq!(calls[0].poll(), Poll::Ready(Ok(0)));
}

#[test]
fn a_waiter_that_moved_to_another_task_is_woken_there() {
    let (_, mut service, gate, _) = pool(1, 1);
    let mut running = Hand::new(service.call(0));
    assert!(running.poll().is_pending());
    let mut waiting = Box::pin(service.call(1));
    let mut first = Hand::new(std::future::poll_fn(|cx| waiting.as_mut().poll(cx)));
    assert!(first.poll().is_pending());
    drop(first);
    let mut second = Hand::new(waiting);
    assert!(second.poll().is_pending());
    gate.open(0);
    assert!(running.poll().is_ready());
    assert!(second.is_woken());
}

#[test]
fn limits_can_be_read_and_changed_at_work() {
    let (layer, mut service, gate, seen) = pool(0, 3);
    let handle = layer.handle();
    let mut calls: Vec<_> = (0..3).map(|n| Hand::new(service.call(n))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    assert_eq!((handle.limits(), handle.waiting()), (limits(0, 3), 3), "no workers: a pause");
    handle.set_limits(limits(2, 0));
    assert!(calls[0].is_woken() && calls[1].is_woken() && !calls[2].is_woken());
    assert_eq!((handle.running(), handle.waiting(), seen.now().in_flight), (2, 1, 2));
    assert_eq!(Hand::new(service.call(3)).poll(), refused(), "the queue is closed, who waits may stay");
    handle.set_limits(limits(1, 0));
    drop(calls.remove(0));
    assert_eq!((handle.running(), handle.waiting()), (1, 1), "one worker was taken away");
    drop(calls.remove(0));
    assert!(calls[0].poll().is_pending());
    assert_eq!(gate.started(), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_worked_off_in_order_and_the_rest_is_refused_at_once() {
    let seen = Arc::new(Seen::default());
    let layer = WorkerPoolLayer::observed(limits(32, 16), HINT, Arc::clone(&seen));
    let service = layer.layer(service_fn(|n: u32| async move {
        sleep(Duration::from_millis(200)).await;
        Ok::<_, Infallible>(n)
    }));
    let start = Instant::now();
    let calls = (0..1000).map(|n| {
        let service = service.clone();
        async move { service.oneshot(n).await.map(|_| start.elapsed()) }
    });
    let answers = timeout(DEADLINE, join_all(calls)).await.expect("everybody is woken");
    let elapsed: Vec<_> =
        answers.into_iter().map(|answer| answer.ok().map(|after| after.as_millis())).collect();
    assert!(elapsed[..32].iter().all(|ms| *ms == Some(200)));
    assert!(elapsed[32..48].iter().all(|ms| *ms == Some(400)), "they waited for one service time");
    assert!(elapsed[48..].iter().all(Option::is_none));
    let seen = seen.now();
    assert_eq!((seen.in_flight_max, seen.queue_depth_max, seen.refused.len()), (32, 16, 952));
    assert_eq!(seen.waited.iter().filter(|wait| wait.as_millis() == 200).count(), 16);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_whose_caller_loses_patience_makes_room() {
    let layer = WorkerPoolLayer::new(limits(1, 1), HINT);
    let service = layer.layer(service_fn(|ms: u64| async move {
        sleep(Duration::from_millis(ms)).await;
        Ok::<_, Infallible>(ms)
    }));
    let call = |ms| service.clone().oneshot(ms);
    let later = async {
        sleep(Duration::from_millis(200)).await;
        call(2).await
    };
    let all = async { tokio::join!(call(1000), timeout(Duration::from_millis(100), call(1)), later) };
    let (long, impatient, later) = timeout(DEADLINE, all).await.expect("everybody is woken");
    assert!(long.is_ok() && impatient.is_err());
    assert_eq!(later, Ok(2), "it found the place of the one who left");
}

/// Real threads, so that workers are taken and freed at the very moments at which others begin to wait.
#[test]
fn threads_at_once_never_exceed_the_workers_and_nobody_is_forgotten() {
    let layer = WorkerPoolLayer::new(limits(2, 4), HINT);
    let running = AtomicUsize::new(0);
    let work = service_fn(|n: u32| {
        assert!(running.fetch_add(1, Ordering::SeqCst) < 2, "a third worker");
        let running = &running;
        async move {
            if n % 3 == 1 {
                tokio::task::yield_now().await;
            }
            running.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, Infallible>(n)
        }
    });
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let mut service = layer.layer(work);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
                runtime.block_on(async {
                    for n in 0..500 {
                        assert_eq!(service.call(n).await, Ok(n));
                    }
                });
            });
        }
    });
    assert_eq!((layer.handle().running(), layer.handle().waiting()), (0, 0));
}

#[test]
fn the_work_is_gone_before_its_worker_is_free() {
    let layer = WorkerPoolLayer::new(limits(1, 1), HINT);
    let handle = layer.handle();
    assert_eq!(while_work_is_dropped_and_after(&layer, move || handle.running()), (Some(1), 0));
}

#[test]
fn fits_where_services_are_cloned_and_sent() {
    fits(WorkerPoolLayer::new(limits(1, 1), HINT).layer(Gate::default()));
}
