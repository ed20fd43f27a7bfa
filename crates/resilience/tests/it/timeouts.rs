//! Timeouts through `tower`.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use resilience::Effect;
use resilience::timeouts::{
    Deadline, HasDeadline, InRequest, Scope, TimeLimits, TimeoutError, TimeoutLayer, TimeoutObserver,
};
use tokio::time::{Instant, advance, sleep};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::{Gate, Hand, while_work_is_dropped_and_after};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A request that carries its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dated {
    deadline: Option<Deadline>,
}

impl Dated {
    fn within(remaining: Duration) -> Self {
        Self { deadline: Some(Deadline::after(Instant::now(), remaining)) }
    }
}

impl HasDeadline for Dated {
    fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = Some(deadline);
    }
}

#[derive(Debug, Default)]
struct Ends {
    list: Mutex<Vec<(Scope, Option<Duration>)>>,
}

impl TimeoutObserver for Ends {
    fn expired(&self, scope: Scope) {
        self.list.lock().unwrap().push((scope, None));
    }

    fn timed_out(&self, scope: Scope, after: Duration) {
        self.list.lock().unwrap().push((scope, Some(after)));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_begun_and_did_not_end_in_time_is_unknown() {
    let (gate, ends) = (Gate::default(), Arc::new(Ends::default()));
    let layer = TimeoutLayer::observed(TimeLimits::attempt(ms(100)), Arc::clone(&ends));
    let start = Instant::now();
    let error = layer.layer(gate.clone()).oneshot(1).await.expect_err("nobody opens the gate");
    assert_eq!(error, TimeoutError::TimedOut { scope: Scope::Attempt, after: start.elapsed() });
    assert!(start.elapsed() >= ms(100) && start.elapsed() <= ms(101));
    assert_eq!((error.effect(), gate.running(), gate.started()), (Some(Effect::Unknown), 0, vec![1]));
    assert_eq!((layer.handle().timed_out(), layer.handle().expired(), layer.handle().in_flight()), (1, 0, 0));
    assert_eq!(*ends.list.lock().unwrap(), [(Scope::Attempt, Some(start.elapsed()))]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_without_time_is_not_begun() {
    let (ends, begun) = (Arc::new(Ends::default()), Arc::new(Mutex::new(0)));
    let layer = TimeoutLayer::observed(TimeLimits::request(ms(100)), Arc::clone(&ends)).carried_by(InRequest);
    let service = layer.layer(service_fn(|_: Dated| {
        *begun.lock().unwrap() += 1;
        async { Ok::<_, Infallible>(()) }
    }));
    let error = service.oneshot(Dated::within(ms(0))).await.expect_err("late");
    assert_eq!(
        (error, error.effect()),
        (TimeoutError::Expired { scope: Scope::Request }, Some(Effect::None))
    );
    assert_eq!((*begun.lock().unwrap(), layer.handle().expired()), (0, 1));
    assert_eq!(*ends.list.lock().unwrap(), [(Scope::Request, None)]);
}

#[tokio::test(start_paused = true)]
async fn an_inner_service_that_is_not_ready_in_time_is_not_called() {
    let gate = Gate::default();
    gate.set_unready(true);
    let layer = TimeoutLayer::new(TimeLimits::attempt(ms(100)));
    let error = layer.layer(gate.clone()).oneshot(1).await.expect_err("never ready");
    assert_eq!((error.effect(), gate.started()), (Some(Effect::None), vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_polled_too_late_begins_nothing() {
    let gate = Gate::default();
    let layer = TimeoutLayer::new(TimeLimits::attempt(ms(300))).carried_by(InRequest);
    let inner = gate.clone().map_request(|_: Dated| 1);
    let mut call = Hand::new(layer.layer(inner).call(Dated::within(ms(100))));
    advance(ms(100)).await;
    assert_eq!(call.poll(), Poll::Ready(Err(TimeoutError::Expired { scope: Scope::Attempt })));
    assert!(gate.started().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_limit_runs_from_the_first_poll() {
    let (gate, start) = (Gate::default(), Instant::now());
    let call = TimeoutLayer::new(TimeLimits::attempt(ms(100))).layer(gate.clone()).call(1);
    advance(ms(300)).await;
    assert!(gate.started().is_empty(), "a future does nothing unless it is polled");
    let error = call.await.expect_err("nobody opens the gate");
    assert_eq!((error.effect(), gate.started()), (Some(Effect::Unknown), vec![1]));
    assert!(start.elapsed() >= ms(400) && start.elapsed() <= ms(401));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_there_is_given_however_late() {
    let gate = Gate::default();
    let layer = TimeoutLayer::new(TimeLimits::attempt(ms(100)));
    let mut call = Hand::new(layer.layer(gate.clone()).call(1));
    assert!(call.poll().is_pending());
    advance(ms(200)).await;
    gate.open(1);
    assert_eq!(call.poll(), Poll::Ready(Ok(1)));
    assert_eq!(layer.handle().timed_out(), 0);
}

#[tokio::test(start_paused = true)]
async fn further_in_they_know_how_long_they_are_waited_for() {
    let start = Instant::now();
    let outer = TimeoutLayer::new(TimeLimits::request(ms(1000))).carried_by(InRequest);
    let inner = TimeoutLayer::new(TimeLimits { reserve: ms(50), ..TimeLimits::attempt(ms(400)) })
        .carried_by(InRequest);
    let hop = outer.layer(service_fn(move |request: Dated| {
        let inner = inner.layer(service_fn(move |request: Dated| async move {
            let deadline = request.deadline.expect("carried");
            Ok::<_, Infallible>(deadline.instant() - start)
        }));
        async move {
            sleep(ms(300)).await;
            let first = inner.clone().oneshot(request).await.expect("in time");
            sleep(ms(500)).await;
            Ok::<_, Infallible>((first, inner.oneshot(request).await.expect("in time")))
        }
    }));
    let (first, second) = hop.oneshot(Dated { deadline: None }).await.expect("in time");
    assert_eq!(first, ms(700), "the attempt's own limit");
    assert_eq!(second, ms(950), "what is left of the request, less the reserve");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_counts_as_nothing_and_its_work_is_gone_before() {
    let layer = TimeoutLayer::new(TimeLimits::attempt(ms(100)));
    let handle = layer.handle();
    let mut service = layer.layer(Gate::default());
    drop(service.call(0));
    let call = service.call(0);
    assert_eq!(handle.in_flight(), 1);
    drop(call);
    assert_eq!(while_work_is_dropped_and_after(&layer, move || handle.in_flight()), (Some(1), 0));
    assert_eq!((layer.handle().timed_out(), layer.handle().expired()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn limits_changed_at_work_hold_for_who_comes_then() {
    let layer = TimeoutLayer::new(TimeLimits::attempt(ms(100)));
    let handle = layer.handle();
    let mut service = layer.layer(Gate::default());
    let start = Instant::now();
    let mut before = Hand::new(service.call(1));
    assert!(before.poll().is_pending());
    handle.set_limits(TimeLimits::attempt(ms(10)));
    assert_eq!(handle.limits(), TimeLimits::attempt(ms(10)));
    assert!(service.call(2).await.is_err());
    assert!(start.elapsed() <= ms(11));
    assert!(before.poll().is_pending());
    sleep(start + ms(101) - Instant::now()).await;
    assert!(before.is_woken() && before.poll().is_ready(), "who was there before keeps what was allotted");
}

#[test]
fn an_error_inside_is_passed_on_as_its_source() {
    let layer = TimeoutLayer::new(TimeLimits { limit: None, ..TimeLimits::attempt(ms(0)) });
    let service = service_fn(|_: u32| async { Err::<u32, _>(std::io::Error::other("disk")) });
    let Poll::Ready(Err(error)) = Hand::new(layer.layer(service).call(0)).poll() else {
        panic!("expected an error");
    };
    let source = std::error::Error::source(&error).expect("a source").to_string();
    assert_eq!((error.to_string().as_str(), source.as_str()), ("the call failed in time", "disk"));
    assert_eq!(error.effect(), None);
}
