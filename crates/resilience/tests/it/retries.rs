//! Retries through `tower`.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::join_all;
use proptest::prelude::*;
use resilience::breaker::{BreakerError, BreakerLayer, BreakerLimits, Health};
use resilience::retries::{Backoff, GiveUp, Hooks, RetryLayer, RetryLimits, RetryObserver, Trail};
use resilience::timeouts::{Deadline, HasDeadline, InRequest, TimeLimits, TimeoutError, TimeoutLayer};
use resilience::{BudgetLimits, Class, Ratio};
use tokio::time::{Instant, advance, sleep};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::support::{Gate, Hand, LastWords, fits};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn limits() -> RetryLimits {
    RetryLimits { backoff: Backoff { base: ms(100), cap: ms(1000) }, ..RetryLimits::default() }
}

const fn half() -> f64 {
    0.5
}

fn failures_retry<R, T, E>(_: &R, result: &Result<T, E>) -> Class {
    match result {
        Ok(_) => Class::Success,
        Err(_) => Class::Failure { retryable: true, retry_after: None },
    }
}

/// Answers what it is told to, in turn, and keeps what it was asked and when.
#[derive(Clone, Debug, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Result<u32, Class>>>>,
    asked: Arc<Mutex<Vec<(u32, Instant)>>>,
}

impl Script {
    fn of(answers: impl IntoIterator<Item = Result<u32, Class>>) -> Self {
        Self { answers: Arc::new(Mutex::new(answers.into_iter().collect())), asked: Arc::default() }
    }

    fn gaps(&self) -> Vec<Duration> {
        self.asked.lock().unwrap().windows(2).map(|pair| pair[1].1 - pair[0].1).collect()
    }
}

impl Service<u32> for Script {
    type Response = u32;
    type Error = Class;
    type Future = std::future::Ready<Result<u32, Class>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Class>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        self.asked.lock().unwrap().push((request, Instant::now()));
        std::future::ready(self.answers.lock().unwrap().pop_front().expect("no more was expected"))
    }
}

fn by_error(_: &u32, result: &Result<u32, Class>) -> Class {
    result.map_or_else(|class| class, |_| Class::Success)
}

const FAILED: Result<u32, Class> = Err(Class::Failure { retryable: true, retry_after: None });

#[derive(Debug, Default)]
struct Seen {
    attempts: Mutex<Vec<u32>>,
    pauses: Mutex<Vec<Duration>>,
    trails: Mutex<Vec<Trail>>,
}

impl RetryObserver for Seen {
    fn attempt(&self, attempt: u32) {
        self.attempts.lock().unwrap().push(attempt);
    }

    fn retry(&self, _: Class, after: Duration) {
        self.pauses.lock().unwrap().push(after);
    }

    fn concluded(&self, trail: Trail) {
        self.trails.lock().unwrap().push(trail);
    }
}

#[tokio::test(start_paused = true)]
async fn tries_again_after_jittered_pauses_until_it_succeeds() {
    let (script, seen) = (Script::of([FAILED, FAILED, Ok(7)]), Arc::new(Seen::default()));
    let layer = RetryLayer::observed(limits(), by_error, half, Arc::clone(&seen));
    assert_eq!(layer.layer(script.clone()).oneshot(1).await, Ok(7));
    assert_eq!(*seen.attempts.lock().unwrap(), [1, 2, 3]);
    assert_eq!(*seen.pauses.lock().unwrap(), [ms(50), ms(100)]);
    assert_eq!(*seen.trails.lock().unwrap(), [Trail { attempts: 3, unknown: false, gave_up: None }]);
    assert!(
        script.gaps().iter().zip([50, 100]).all(|(gap, pause)| *gap >= ms(pause) && *gap <= ms(pause + 1))
    );
    assert_eq!((layer.handle().attempts(), layer.handle().pausing()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn hands_out_the_last_result_when_it_gives_up() {
    let hopeless = Err(Class::Failure { retryable: false, retry_after: None });
    for (answers, gave_up, attempts) in [
        (vec![hopeless], GiveUp::NotRetryable, 1),
        (vec![Err(Class::Unknown { safe_to_retry: false })], GiveUp::Unsafe, 1),
        (vec![FAILED; 3], GiveUp::AttemptsSpent, 3),
    ] {
        let (script, seen) = (Script::of(answers.clone()), Arc::new(Seen::default()));
        let layer = RetryLayer::observed(limits(), by_error, half, Arc::clone(&seen));
        assert_eq!(layer.layer(script).oneshot(1).await, *answers.last().expect("one"));
        let trail = seen.trails.lock().unwrap()[0];
        assert_eq!((trail.gave_up, trail.attempts), (Some(gave_up), attempts));
    }
}

#[tokio::test(start_paused = true)]
async fn waits_as_long_as_it_is_told_to() {
    let busy = Err(Class::Failure { retryable: true, retry_after: Some(ms(3000)) });
    let script = Script::of([busy, Ok(1)]);
    let layer = RetryLayer::new(limits(), by_error, half);
    assert_eq!(layer.layer(script.clone()).oneshot(1).await, Ok(1));
    assert!(script.gaps()[0] >= ms(3050) && script.gaps()[0] <= ms(3051));
}

#[tokio::test(start_paused = true)]
async fn pauses_of_nothing_take_no_time() {
    let script = Script::of([FAILED, FAILED, Ok(1)]);
    let layer = RetryLayer::new(RetryLimits { backoff: Backoff::NONE, ..limits() }, by_error, half);
    assert_eq!(Hand::new(layer.layer(script.clone()).call(1)).poll(), Poll::Ready(Ok(1)));
    assert_eq!(script.gaps(), [ms(0); 2]);
}

#[derive(Clone, Copy, Debug)]
struct Mark;

impl Hooks<u32, u32, Class> for Mark {
    fn prepare(&self, request: &mut u32, attempt: u32) {
        *request += attempt;
    }

    fn conclude(&self, result: Result<u32, Class>, trail: Trail) -> Result<u32, Class> {
        if trail.unknown { result.map_err(|_| Class::Unknown { safe_to_retry: false }) } else { result }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_attempt_is_not_forgotten_over_a_later_failure() {
    let unknown = Err(Class::Unknown { safe_to_retry: true });
    let script = Script::of([unknown, FAILED, FAILED]);
    let layer = RetryLayer::new(limits(), by_error, half).with_hooks(Mark);
    let result = layer.layer(script.clone()).oneshot(10).await;
    assert_eq!(
        result,
        Err(Class::Unknown { safe_to_retry: false }),
        "the last surely had no effect, but the first?"
    );
    let asked: Vec<_> = script.asked.lock().unwrap().iter().map(|(request, _)| *request).collect();
    assert_eq!(asked, [11, 12, 13], "each attempt was prepared from the original");
}

#[derive(Clone, Copy, Debug)]
struct Dated(Option<Deadline>);

impl HasDeadline for Dated {
    fn deadline(&self) -> Option<Deadline> {
        self.0
    }

    fn set_deadline(&mut self, deadline: Deadline) {
        self.0 = Some(deadline);
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_and_pauses_stay_within_the_deadline() {
    let seen = Arc::new(Seen::default());
    let attempts_max = NonZeroU32::new(100).expect("not zero");
    let classify = |_: &Dated, result: &Result<(), TimeoutError<&str>>| match result {
        Ok(()) => Class::Success,
        Err(_) => Class::Unknown { safe_to_retry: true },
    };
    let retries =
        RetryLayer::observed(RetryLimits { attempts_max, ..limits() }, classify, || 1.0, seen.clone());
    let service = ServiceBuilder::new()
        .layer(TimeoutLayer::new(TimeLimits::request(ms(1000))).carried_by(InRequest))
        .layer(retries.carried_by(InRequest))
        .layer(TimeoutLayer::new(TimeLimits::attempt(ms(200))).carried_by(InRequest))
        .service(service_fn(|_: Dated| std::future::pending::<Result<(), &str>>()));
    let start = Instant::now();
    let error = service.oneshot(Dated(None)).await.expect_err("silent");
    // 200, pause 100, 200, pause 200, 200: the next pause of 400 would end after the deadline.
    assert!(matches!(error, TimeoutError::Inner(TimeoutError::TimedOut { .. })), "{error:?}");
    assert!(start.elapsed() >= ms(900) && start.elapsed() <= ms(905), "{:?}", start.elapsed());
    assert_eq!(seen.trails.lock().unwrap()[0].gave_up, Some(GiveUp::DeadlineNear));
}

#[tokio::test(start_paused = true)]
async fn when_everything_fails_the_budget_keeps_the_load_down() {
    let budget = BudgetLimits { floor_per_s: 1, ..BudgetLimits::default() };
    let layer = RetryLayer::new(RetryLimits { budget, ..limits() }, failures_retry, half);
    let service = layer.layer(service_fn(|_: u32| async { Err::<u32, _>("down") }));
    let calls = (0..1000).map(|n| {
        let service = service.clone();
        async move {
            sleep(ms(u64::from(n) * 10)).await;
            service.oneshot(n).await
        }
    });
    assert!(join_all(calls).await.iter().all(Result::is_err));
    let attempts = layer.handle().attempts();
    assert!((1200..=1212).contains(&attempts), "{attempts}: a fifth more and the floor");
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_in_its_pause_pays_nothing() {
    let layer = RetryLayer::new(limits(), failures_retry, half);
    let handle = layer.handle();
    let mut service = layer.layer(service_fn(|_: u32| async { Err::<u32, _>("down") }));
    let before = handle.available();
    for n in 0..1000 {
        let mut call = Hand::new(service.call(n));
        assert!(call.poll().is_pending());
        assert_eq!(handle.pausing(), 1);
    }
    assert_eq!((handle.pausing(), handle.available()), (0, before + 200), "they only earned");
}

#[tokio::test(start_paused = true)]
async fn each_attempt_asks_the_breaker_inside() {
    let breaker = BreakerLayer::new(BreakerLimits::default(), |result: &Result<u32, &str>| match result {
        Ok(_) => Health::Good,
        Err(_) => Health::Bad,
    });
    let classify = |_: &u32, result: &Result<u32, BreakerError<&str>>| match result {
        Ok(_) => Class::Success,
        Err(BreakerError::Refused(refusal)) => {
            Class::Failure { retryable: true, retry_after: Some(refusal.retry_after) }
        }
        Err(BreakerError::Inner(_)) => Class::Failure { retryable: true, retry_after: None },
    };
    let breaker = breaker.expect("valid");
    breaker.handle().force_open();
    let (layer, start) = (RetryLayer::new(limits(), classify, half), Instant::now());
    let service = layer.layer(breaker.layer(service_fn(|n: u32| async move { Ok::<_, &str>(n) })));
    let closing = async {
        sleep(ms(5000)).await;
        breaker.handle().resume();
    };
    let (answer, ()) = tokio::join!(service.oneshot(3), closing);
    assert_eq!(answer, Ok(3));
    assert!(start.elapsed() >= ms(10_050) && start.elapsed() <= ms(10_051), "the wait was capped");
}

#[tokio::test(start_paused = true)]
async fn limits_can_be_read_and_changed_at_work() {
    let layer = RetryLayer::new(limits(), failures_retry, half);
    let handle = layer.handle();
    let service = layer.layer(service_fn(|_: u32| async { Err::<u32, _>("down") }));
    let once = RetryLimits { attempts_max: NonZeroU32::MIN, ..limits() };
    handle.set_limits(once);
    assert_eq!(handle.limits(), once);
    assert_eq!(service.clone().oneshot(1).await, Err("down"));
    assert_eq!(handle.attempts(), 1);
    let broke = BudgetLimits { ratio: Ratio::ZERO, floor_per_s: 0, ..BudgetLimits::default() };
    handle.set_limits(RetryLimits { budget: broke, ..limits() });
    assert_eq!((service.oneshot(1).await, handle.attempts()), (Err("down"), 2));
}

#[test]
fn the_attempt_is_gone_before_its_result_is_out() {
    let noted = Arc::default();
    let layer = RetryLayer::new(limits(), failures_retry, half);
    let handle = layer.handle();
    let mut service = layer.layer(service_fn(|_: u32| {
        let read = {
            let handle = handle.clone();
            move || usize::try_from(handle.attempts()).expect("few")
        };
        let work = LastWords { read, noted: Arc::clone(&noted) };
        async move {
            let _work = work;
            Ok::<u32, &str>(1)
        }
    }));
    let mut call = Hand::new(service.call(0));
    assert_eq!(call.poll(), Poll::Ready(Ok(1)));
    assert_eq!(*noted.lock().unwrap(), Some(1), "while the future is still there");
}

#[test]
fn fits_where_services_are_cloned_and_sent() {
    fits(RetryLayer::new(limits(), failures_retry, half).layer(Gate::default()));
}

proptest! {
    /// Calls that fail, pause, go on and are dropped at any moment: what they earn and pay adds up.
    #[test]
    fn no_life_leaks_a_pause_or_a_payment(
        steps in prop::collection::vec((0..4_u8, 0..12_usize, 0..300_u64), 0..120),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let budget = BudgetLimits { ratio: Ratio::ZERO, floor_per_s: 1, window: ms(1_000_000) };
            let attempts_max = NonZeroU32::new(5).expect("not zero");
            let layer = RetryLayer::new(RetryLimits { budget, attempts_max, ..limits() }, failures_retry, half);
            let handle = layer.handle();
            let mut service = layer.layer(service_fn(|_: u32| async { Err::<u32, _>("down") }));
            let (mut calls, mut first) = (Vec::new(), 0);
            for (step, index, wait) in steps {
                match step {
                    0 => {
                        calls.push(Hand::new(service.call(0)));
                        first += 1;
                    }
                    1 => advance(ms(wait)).await,
                    2 if !calls.is_empty() => drop(calls.swap_remove(index % calls.len())),
                    _ if !calls.is_empty() => {
                        let index = index % calls.len();
                        if calls[index].poll().is_ready() {
                            drop(calls.swap_remove(index));
                        }
                    }
                    _ => {}
                }
                let retried = handle.attempts() - first;
                assert_eq!(handle.available(), 1000 - retried - handle.pausing() as u64);
                assert!(handle.pausing() <= calls.len());
            }
            calls.clear();
            assert_eq!(handle.pausing(), 0);
            assert_eq!(handle.available(), 1000 - (handle.attempts() - first));
        });
    }
}
