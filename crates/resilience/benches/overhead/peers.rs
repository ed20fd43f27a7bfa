//! The peers, set up to do the same as ours, as nearly as they can.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use tower::limit::{ConcurrencyLimit, RateLimit, rate::Rate};
use tower::load_shed::LoadShed;
use tower::retry::budget::{Budget, TpsBudget};
use tower::retry::{Policy, Retry};
use tower::timeout::Timeout;
use tower::{Layer, Service, ServiceBuilder};
use tower_resilience::bulkhead::{Bulkhead, BulkheadLayer};
use tower_resilience::circuitbreaker::{CircuitBreaker, CircuitBreakerLayer, DefaultClassifier};
use tower_resilience::ratelimiter::{RateLimiter, RateLimiterLayer};
use tower_resilience::retry::{RetryBudgetBuilder, RetryLayer};
use tower_resilience::timelimiter::{FixedTimeout, TimeLimiter, TimeLimiterConfigBuilder};

use crate::harness::{Echo, Request};

/// Refuses beyond the limit: it takes two layers.
pub(crate) fn tower_concurrency() -> LoadShed<ConcurrencyLimit<Echo>> {
    LoadShed::new(ConcurrencyLimit::new(Echo, 1_000))
}

/// Waits beyond the limit, without a bound.
pub(crate) fn tower_concurrency_of(limit: usize) -> ConcurrencyLimit<Echo> {
    ConcurrencyLimit::new(Echo, limit)
}

pub(crate) fn bulkhead() -> Bulkhead<Echo> {
    let layer = BulkheadLayer::builder().max_concurrent_calls(1_000).reject_when_full().build();
    layer.expect("a valid configuration").layer(Echo)
}

/// Waits beyond the limit, without a bound.
pub(crate) fn waiting_bulkhead(limit: usize) -> Bulkhead<Echo> {
    let layer = BulkheadLayer::builder().max_concurrent_calls(limit).build();
    layer.expect("a valid configuration").layer(Echo)
}

pub(crate) fn tower_rate() -> RateLimit<Echo> {
    RateLimit::new(Echo, Rate::new(u64::MAX, Duration::from_secs(1)))
}

pub(crate) fn rate_limiter() -> RateLimiter<Echo> {
    let builder = RateLimiterLayer::builder().limit_for_period(1_000_000_000);
    builder.refresh_period(Duration::from_secs(1)).build().expect("a valid configuration").layer(Echo)
}

pub(crate) fn tower_timeout() -> Timeout<Echo> {
    Timeout::new(Echo, Duration::from_secs(10))
}

pub(crate) fn time_limiter() -> TimeLimiter<Echo, FixedTimeout> {
    TimeLimiterConfigBuilder::new().timeout_duration(Duration::from_secs(10)).build().layer(Echo)
}

pub(crate) fn breaker_of_calls() -> CircuitBreaker<Echo, DefaultClassifier> {
    let builder = CircuitBreakerLayer::builder().sliding_window_size(100).minimum_number_of_calls(20);
    builder.build().expect("a valid configuration").layer(Echo)
}

/// Retries every error, within a budget.
#[derive(Clone, Debug)]
pub(crate) struct Within(Arc<TpsBudget>);

impl<E> Policy<Request, u32, E> for Within {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request, result: &mut Result<u32, E>) -> Option<Ready<()>> {
        if result.is_ok() {
            self.0.deposit();
            return None;
        }
        self.0.withdraw().then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        Some(*request)
    }
}

fn within() -> Within {
    Within(Arc::default())
}

pub(crate) fn tower_retry() -> Retry<Within, Echo> {
    Retry::new(within(), Echo)
}

fn retry_layer<E>() -> RetryLayer<Request, u32, E> {
    RetryLayer::builder().budget(RetryBudgetBuilder::new().token_bucket().build().expect("valid")).build()
}

pub(crate) fn retry() -> impl Service<Request, Response = u32, Error = Infallible> + Clone {
    retry_layer().layer(Echo)
}

pub(crate) fn tower_stack() -> impl Service<Request, Response = u32, Error = impl Debug> + Clone {
    ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1_000)
        .timeout(Duration::from_secs(30))
        .retry(within())
        .concurrency_limit(64)
        .timeout(Duration::from_secs(10))
        .service(Echo)
}

pub(crate) fn stack() -> impl Service<Request, Response = u32, Error = impl Debug> + Clone {
    let admission = BulkheadLayer::builder().max_concurrent_calls(1_000).reject_when_full().build();
    let breaker = CircuitBreakerLayer::builder().sliding_window_size(100).minimum_number_of_calls(20).build();
    let pool = BulkheadLayer::builder().max_concurrent_calls(64).build();
    ServiceBuilder::new()
        .layer(admission.expect("a valid configuration"))
        .layer(TimeLimiterConfigBuilder::new().timeout_duration(Duration::from_secs(30)).build())
        .layer(retry_layer())
        .layer(breaker.expect("a valid configuration"))
        .layer(pool.expect("a valid configuration"))
        .layer(TimeLimiterConfigBuilder::new().timeout_duration(Duration::from_secs(10)).build())
        .service(Echo)
}
