//! Admission through `tower`.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::join_all;
use resilience::admission::{AdmissionError, AdmissionLayer, Limiter, Rate};
use resilience::{Reason, Refusal};
use tokio::time::{Instant, sleep};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::{Gate, Hand, Seen, fits, while_work_is_dropped_and_after};

const HINT: Duration = Duration::from_secs(1);

fn concurrency(limit: usize) -> Limiter {
    Limiter::concurrency(limit, HINT)
}

fn refused() -> Poll<Result<u32, AdmissionError<String>>> {
    Poll::Ready(Err(AdmissionError::Refused(Refusal { reason: Reason::ConcurrencyLimit, retry_after: HINT })))
}

#[test]
fn refuses_at_the_limit_and_admits_again_when_a_call_has_ended() {
    let (gate, seen) = (Gate::default(), Arc::new(Seen::default()));
    let layer = AdmissionLayer::observed(concurrency(2), Arc::clone(&seen));
    let mut service = layer.layer(gate.clone());
    let mut calls: Vec<_> = (0..3).map(|n| Hand::new(service.call(n))).collect();
    assert!(calls[0].poll().is_pending() && calls[1].poll().is_pending());
    assert_eq!(calls[2].poll(), refused());
    gate.open(0);
    assert_eq!(calls[0].poll(), Poll::Ready(Ok(0)));
    assert_eq!(layer.handle().in_flight(), 1, "a finished future holds no permit, dropped or not");
    assert!(Hand::new(service.call(3)).poll().is_pending());
    let seen = seen.now();
    assert_eq!((seen.in_flight, seen.in_flight_max), (1, 2));
    assert_eq!(seen.refused, [Reason::ConcurrencyLimit]);
}

#[test]
fn a_dropped_future_gives_its_permit_back_polled_or_not() {
    let gate = Gate::default();
    let layer = AdmissionLayer::new(concurrency(1));
    let mut service = layer.layer(gate.clone());
    drop(service.call(0));
    assert_eq!((layer.handle().in_flight(), gate.running()), (0, 0));
    let mut call = Hand::new(service.call(1));
    assert!(call.poll().is_pending());
    drop(call);
    assert_eq!((layer.handle().in_flight(), gate.running()), (0, 0));
    assert!(Hand::new(service.call(2)).poll().is_pending());
}

#[test]
fn a_panic_inside_gives_the_permit_back() {
    let layer = AdmissionLayer::new(concurrency(1));
    let mut service = layer.layer(service_fn(|n: u32| async move {
        assert!(n > 0, "a planted panic");
        Ok::<_, Infallible>(n)
    }));
    let call = service.call(0);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Hand::new(call).poll()));
    assert!(result.is_err());
    assert_eq!(layer.handle().in_flight(), 0);
    assert_eq!(Hand::new(service.call(1)).poll(), Poll::Ready(Ok(1)));
}

#[test]
fn an_inner_service_that_is_not_ready_waits_inside_the_limit() {
    let gate = Gate::default();
    gate.set_unready(true);
    let layer = AdmissionLayer::new(concurrency(1));
    let mut service = layer.layer(gate.clone());
    let mut first = Hand::new(service.call(1));
    assert!(first.poll().is_pending());
    assert!(gate.started().is_empty(), "it must not be called before it is ready");
    assert_eq!(Hand::new(service.call(2)).poll(), refused());
    gate.set_unready(false);
    gate.open(1);
    assert_eq!(first.poll(), Poll::Ready(Ok(1)));
}

#[test]
fn the_services_of_a_layer_share_its_limit() {
    let layer = AdmissionLayer::new(concurrency(1));
    let (mut one, mut other) = (layer.layer(Gate::default()), layer.clone().layer(Gate::default()));
    let mut cloned = one.clone();
    let _inside = one.call(0);
    assert_eq!(Hand::new(other.call(0)).poll(), refused());
    assert_eq!(Hand::new(cloned.call(0)).poll(), refused());
}

#[test]
fn a_limit_can_be_read_and_changed_at_work() {
    let layer = AdmissionLayer::new(concurrency(2));
    let handle = layer.handle();
    let mut service = layer.layer(Gate::default());
    let calls = [service.call(0), service.call(1)];
    handle.set_limiter(concurrency(1));
    assert_eq!((handle.limiter(), handle.in_flight()), (concurrency(1), 2), "nothing is interrupted");
    let [first, _second] = calls;
    drop(first);
    assert_eq!(Hand::new(service.call(2)).poll(), refused(), "one is inside still");
    handle.set_limiter(concurrency(2));
    assert!(Hand::new(service.call(3)).poll().is_pending());
}

#[tokio::test(start_paused = true)]
async fn the_refused_of_a_rate_limit_are_told_the_exact_time() {
    let rate = Rate::per_second(4.0).expect("a valid rate");
    let layer = AdmissionLayer::new(Limiter::rate(rate, NonZeroU32::MIN));
    let service = layer.layer(service_fn(|n: u32| async move { Ok::<_, Infallible>(n) }));
    assert!(service.clone().oneshot(1).await.is_ok());
    sleep(Duration::from_millis(100)).await;
    let error = service.clone().oneshot(2).await.expect_err("no token yet");
    let refusal = error.refusal().copied().expect("a refusal");
    assert_eq!(refusal, Refusal { reason: Reason::RateLimit, retry_after: Duration::from_millis(150) });
    sleep(refusal.retry_after).await;
    assert!(service.oneshot(3).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_holds_its_rate_over_time() {
    let rate = Rate::per_second(50.0).expect("a valid rate");
    let layer = AdmissionLayer::new(Limiter::rate(rate, NonZeroU32::new(10).expect("not zero")));
    let service = layer.layer(service_fn(|n: u32| async move { Ok::<_, Infallible>(n) }));
    let mut admitted = 0;
    for n in 0..2000 {
        admitted += u32::from(service.clone().oneshot(n).await.is_ok());
        sleep(Duration::from_millis(5)).await;
    }
    // 10 s less the last gap at 50 per second, and the burst.
    assert_eq!(admitted, 509);
}

#[tokio::test(start_paused = true)]
async fn many_callers_at_once_are_served_or_refused_without_waiting() {
    let seen = Arc::new(Seen::default());
    let layer = AdmissionLayer::observed(concurrency(64), Arc::clone(&seen));
    let service = layer.layer(service_fn(|n: u32| async move {
        sleep(Duration::from_millis(200)).await;
        Ok::<_, Infallible>(n)
    }));
    let start = Instant::now();
    let answers = join_all((0..1000).map(|n| {
        let service = service.clone();
        async move { (service.oneshot(n).await.is_ok(), start.elapsed()) }
    }))
    .await;
    let (served, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(ok, _)| *ok);
    assert_eq!((served.len(), refused.len()), (64, 936));
    assert!(refused.iter().all(|(_, after)| after.is_zero()), "a refusal takes no time");
    assert_eq!((seen.now().in_flight_max, layer.handle().in_flight()), (64, 0));
}

#[test]
fn an_error_inside_is_passed_on_as_its_source() {
    let layer = AdmissionLayer::new(concurrency(1));
    let service = service_fn(|_: u32| async { Err::<u32, _>(std::io::Error::other("disk")) });
    let Poll::Ready(Err(error)) = Hand::new(layer.layer(service).call(0)).poll() else {
        panic!("expected an error");
    };
    let source = std::error::Error::source(&error).expect("a source").to_string();
    assert_eq!((error.to_string().as_str(), source.as_str()), ("the admitted call failed", "disk"));
}

#[test]
fn the_work_is_gone_before_its_permit_is_free() {
    let layer = AdmissionLayer::new(concurrency(1));
    let handle = layer.handle();
    assert_eq!(while_work_is_dropped_and_after(&layer, move || handle.in_flight()), (Some(1), 0));
}

#[test]
fn fits_where_services_are_cloned_and_sent() {
    fits(AdmissionLayer::new(concurrency(1)).layer(Gate::default()));
}
