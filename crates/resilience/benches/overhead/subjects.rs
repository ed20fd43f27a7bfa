//! Our layers, with limits that are out of reach.

use std::convert::Infallible;
use std::fmt::Debug;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use resilience::Class;
use resilience::admission::{Admission, AdmissionLayer, Limiter, Rate};
use resilience::backpressure::{PoolLimits, WorkerPool, WorkerPoolLayer};
use resilience::breaker::{BreakerLayer, BreakerLimits, BreakerService, Health, Window};
use resilience::idempotency::{
    Answer, Fingerprint, Idempotency, IdempotencyLayer, IdempotencySettings, Identity, InvalidKey, Keep, Key,
    MemoryRecords, Mode, Scheme, Unreadable,
};
use resilience::retries::{RetryLayer, RetryLimits};
use resilience::timeouts::{TimeLimits, Timeout, TimeoutLayer};
use tower::{Layer, Service, ServiceBuilder};

use crate::harness::{Echo, Request};

const HINT: Duration = Duration::from_secs(1);

pub(crate) fn concurrency() -> Admission<Echo> {
    AdmissionLayer::new(Limiter::concurrency(1_000, HINT)).layer(Echo)
}

pub(crate) fn rate() -> Admission<Echo> {
    let rate = Rate::per_second(1e9).expect("the highest rate");
    AdmissionLayer::new(Limiter::rate(rate, NonZeroU32::MAX)).layer(Echo)
}

pub(crate) fn pool(workers: usize) -> WorkerPool<Echo> {
    WorkerPoolLayer::new(PoolLimits { workers, queue: 1_000 }, HINT).layer(Echo)
}

pub(crate) fn timeout() -> Timeout<Echo> {
    TimeoutLayer::new(TimeLimits::attempt(Duration::from_secs(10))).layer(Echo)
}

type Judgement = fn(&Result<u32, Infallible>) -> Health;

fn breaker(window: Window) -> BreakerService<Echo, Judgement> {
    let limits = BreakerLimits { window, ..BreakerLimits::default() };
    BreakerLayer::new(limits, (|_| Health::Good) as Judgement).expect("valid limits").layer(Echo)
}

pub(crate) fn breaker_of_calls() -> BreakerService<Echo, Judgement> {
    breaker(Window::Calls(NonZeroU32::new(100).expect("not zero")))
}

pub(crate) fn breaker_of_time() -> BreakerService<Echo, Judgement> {
    breaker(Window::Time(Duration::from_secs(10)))
}

type Classify<R, T, E> = fn(&R, &Result<T, E>) -> Class;

fn retry_layer<R, T, E>() -> RetryLayer<Classify<R, T, E>> {
    fn classify<R, T, E>(_: &R, result: &Result<T, E>) -> Class {
        match result {
            Ok(_) => Class::Success,
            Err(_) => Class::Failure { retryable: true, retry_after: None },
        }
    }
    RetryLayer::new(RetryLimits::default(), classify::<R, T, E>, || 0.5)
}

pub(crate) fn retry() -> impl Service<Request, Response = u32, Error = Infallible> + Clone {
    retry_layer().layer(Echo)
}

/// In the order of the crate's documentation.
pub(crate) fn stack() -> impl Service<Request, Response = u32, Error = impl Debug> + Clone {
    fn judge<T, E>(_: &Result<T, E>) -> Health {
        Health::Good
    }
    ServiceBuilder::new()
        .layer(AdmissionLayer::new(Limiter::concurrency(1_000, HINT)))
        .layer(TimeoutLayer::new(TimeLimits::request(Duration::from_secs(30))))
        .layer(retry_layer())
        .layer(BreakerLayer::new(BreakerLimits::default(), judge).expect("valid limits"))
        .layer(WorkerPoolLayer::new(PoolLimits { workers: 64, queue: 1_000 }, HINT))
        .layer(TimeoutLayer::new(TimeLimits::attempt(Duration::from_secs(10))))
        .service(Echo)
}

/// The number is the request's contents; the key is the number, or a new one each time.
#[derive(Debug)]
pub(crate) struct Numbers {
    fresh: Option<AtomicU64>,
}

impl Scheme<Request> for Numbers {
    type Response = u32;
    type Error = Infallible;

    fn identify(&self, request: &Request) -> Result<Option<Identity>, InvalidKey> {
        let fresh = self.fresh.as_ref().map(|fresh| fresh.fetch_add(1, Ordering::Relaxed));
        let key = Key::new("a tenant", &format!("{:016x}", fresh.unwrap_or_default()))?;
        let contents = if fresh.is_some() { request.number } else { 0 };
        Ok(Some(Identity { key, fingerprint: Fingerprint::of(&[&contents.to_be_bytes()]) }))
    }

    fn keep(&self, result: &Result<u32, Infallible>) -> Keep {
        match result {
            // Alone, the same key is to be replayed; in the crowd, each round is to join anew.
            Ok(number) if self.fresh.is_some() || *number == 0 => {
                Keep::Store(Answer::from(number.to_be_bytes().to_vec()))
            }
            Ok(number) => Keep::Share(Answer::from(number.to_be_bytes().to_vec())),
            Err(never) => match *never {},
        }
    }

    fn replay(&self, answer: &Answer) -> Result<Result<u32, Infallible>, Unreadable> {
        Ok(Ok(u32::from_be_bytes((*answer.0).try_into().map_err(|_| Unreadable)?)))
    }
}

/// Full records: a new key costs the oldest its place, as after a day at work.
pub(crate) fn idempotency(fresh: bool) -> Idempotency<Echo, Numbers> {
    let records = Arc::new(MemoryRecords::new(NonZeroUsize::new(10_000).expect("not zero")));
    let settings = IdempotencySettings { mode: Mode::Join, ..IdempotencySettings::default() };
    let scheme = Numbers { fresh: fresh.then(AtomicU64::default) };
    IdempotencyLayer::new(scheme, records, settings).layer(Echo)
}
