//! What a layer costs per call, beside `tower` and `tower-resilience` in the same run.
//!
//! Two situations, on one thread:
//!
//! * **alone**: one caller, one call after the other, an answer that is there at once. The price of the
//!   mechanics.
//! * **64 callers**: all in flight at once; each call is answered at its second poll, so that permits,
//!   timers and wakers are really held. The time is that of one call (a round ÷ 64).
//!
//! All have the same service inside, the same runtime and the same limits. Nobody watches: `tower`'s layers cannot be
//! watched, and nobody listens to those of `tower-resilience`. `tower`'s do less: they are fixed once they are made,
//! count nothing, and its queue before a concurrency limit has no bound. On a machine with others on it, compare the lowest
//! samples of one run.
//!
//! *bare* is the same without any layer; what a layer costs is the difference. Nobody is refused and
//! nothing fails: the limits are out of reach. `cargo bench -p resilience` measures; `cargo test -p
//! resilience --benches` runs each once.

mod harness;
mod peers;
mod subjects;

use criterion::{Criterion, criterion_group, criterion_main};

use harness::{alone, bare, crowd};

fn admission(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("concurrency limit");
    alone(&mut group, "bare", bare);
    alone(&mut group, "resilience", subjects::concurrency);
    alone(&mut group, "tower", peers::tower_concurrency);
    alone(&mut group, "tower-resilience", peers::bulkhead);
    crowd(&mut group, "bare", bare);
    crowd(&mut group, "resilience", subjects::concurrency);
    crowd(&mut group, "tower", peers::tower_concurrency);
    crowd(&mut group, "tower-resilience", peers::bulkhead);
    group.finish();
}

fn rate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rate limit");
    alone(&mut group, "resilience", subjects::rate);
    // For one caller only: tower's cannot be cloned, and shared behind a buffer it would be a measurement of the buffer.
    alone(&mut group, "tower", peers::tower_rate);
    alone(&mut group, "tower-resilience", peers::rate_limiter);
    crowd(&mut group, "resilience", subjects::rate);
    crowd(&mut group, "tower-resilience", peers::rate_limiter);
    group.finish();
}

fn backpressure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("worker pool");
    alone(&mut group, "resilience", || subjects::pool(64));
    alone(&mut group, "tower", || peers::tower_concurrency_of(64));
    alone(&mut group, "tower-resilience", || peers::waiting_bulkhead(64));
    // Half of the callers wait for a worker.
    crowd(&mut group, "resilience", || subjects::pool(32));
    crowd(&mut group, "tower", || peers::tower_concurrency_of(32));
    crowd(&mut group, "tower-resilience", || peers::waiting_bulkhead(32));
    group.finish();
}

fn timeouts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("timeout");
    alone(&mut group, "resilience", subjects::timeout);
    alone(&mut group, "tower", peers::tower_timeout);
    alone(&mut group, "tower-resilience", peers::time_limiter);
    crowd(&mut group, "resilience", subjects::timeout);
    crowd(&mut group, "tower", peers::tower_timeout);
    crowd(&mut group, "tower-resilience", peers::time_limiter);
    group.finish();
}

fn breaker(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("breaker");
    alone(&mut group, "resilience, last 100 calls", subjects::breaker_of_calls);
    alone(&mut group, "tower-resilience, last 100 calls", peers::breaker_of_calls);
    // The peer's time window keeps every call and walks through all of them at each: nothing to measure a rate by.
    alone(&mut group, "resilience, calls of 10 s", subjects::breaker_of_time);
    crowd(&mut group, "resilience, last 100 calls", subjects::breaker_of_calls);
    crowd(&mut group, "tower-resilience, last 100 calls", peers::breaker_of_calls);
    crowd(&mut group, "resilience, calls of 10 s", subjects::breaker_of_time);
    group.finish();
}

/// The price of being ready to retry: every call succeeds at once.
fn retries(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("retries");
    alone(&mut group, "resilience", subjects::retry);
    alone(&mut group, "tower", peers::tower_retry);
    alone(&mut group, "tower-resilience", peers::retry);
    crowd(&mut group, "resilience", subjects::retry);
    crowd(&mut group, "tower", peers::tower_retry);
    crowd(&mut group, "tower-resilience", peers::retry);
    group.finish();
}

/// Everything that a call to a dependency goes through: the bar is 2 µs. `tower` has no breaker.
fn whole_stack(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("whole stack");
    alone(&mut group, "resilience", subjects::stack);
    alone(&mut group, "tower, without a breaker", peers::tower_stack);
    alone(&mut group, "tower-resilience", peers::stack);
    crowd(&mut group, "resilience", subjects::stack);
    crowd(&mut group, "tower, without a breaker", peers::tower_stack);
    crowd(&mut group, "tower-resilience", peers::stack);
    group.finish();
}

/// Nobody else has it: a new key each time, and the same key again and again.
fn idempotency(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("idempotency");
    alone(&mut group, "resilience, new key", || subjects::idempotency(true));
    alone(&mut group, "resilience, replay", || subjects::idempotency(false));
    crowd(&mut group, "resilience, new key", || subjects::idempotency(true));
    crowd(&mut group, "resilience, joined", || subjects::idempotency(false));
    group.finish();
}

criterion_group!(
    benches,
    admission,
    rate,
    backpressure,
    timeouts,
    breaker,
    retries,
    whole_stack,
    idempotency,
);
criterion_main!(benches);
