//! A design's worker pool as a layer: whichever strategy it has, it answers with problem details.

use axum::body::Body;
use http::Request;
use resilience::admission::{LeakyBucket, TokenBucket};
use resilience::backpressure::{
    CallTerms, CodelSettings, CreditGate, CreditSettings, Front, PoolConfig, PoolLimits, Queue,
    WorkerPoolLayer,
};
use std::time::Duration;
use tokio::time::Instant;
use tower::layer::util::Stack;

use super::admission::rate;
use super::refusals::AnswerRefusalsLayer;
use crate::design::{Backpressure, BackpressureStrategy, Patience, QueueDiscipline};
use crate::telemetry::Telemetry;
use crate::web::{deadline, priority};

/// The gate that grants demand, where the design has one.
pub(crate) fn credit_gate(pool: &Backpressure) -> Option<CreditGate> {
    let credits = pool.credits()?;
    let settings = CreditSettings {
        target: credits.target.get(),
        interval: credits.interval.get(),
        initial: credits.initial.get() as usize,
        min: credits.min.get() as usize,
        max: credits.max.get() as usize,
        ..CreditSettings::default()
    };
    Some(CreditGate::new(settings, pool.retry_after.get()).expect("a design's credits are in order"))
}

/// The design's backpressure. With the strategy `credit`, `gate` is told what calls waited.
pub(crate) fn worker_pool(
    pool: &Backpressure,
    gate: Option<&CreditGate>,
    telemetry: &Telemetry,
) -> Stack<WorkerPoolLayer<impl Fn(&Request<Body>) -> CallTerms + Clone + use<>>, AnswerRefusalsLayer> {
    let limits = PoolLimits {
        workers: pool.workers.get() as usize,
        queue: pool.queue_max().map_or(usize::MAX, |queue| queue as usize),
    };
    let front = match pool.strategy {
        BackpressureStrategy::TokenBucket { rate_per_s, burst, .. } => {
            Front::Tokens(TokenBucket::full(rate(rate_per_s), burst))
        }
        BackpressureStrategy::LeakyBucket { rate_per_s, depth, .. } => {
            Front::Leaky(LeakyBucket::empty(rate(rate_per_s), depth))
        }
        BackpressureStrategy::Credit { .. } => gate.cloned().map_or(Front::Open, Front::Credits),
        BackpressureStrategy::Block
        | BackpressureStrategy::BoundedQueue { .. }
        | BackpressureStrategy::Priority { .. } => Front::Open,
    };
    let config = PoolConfig { queue: queue(pool), front, ..PoolConfig::new(limits, pool.retry_after.get()) };
    let patience = pool.discipline.patience().map(|patience| patience.deadline.get());
    let layer = WorkerPoolLayer::configured(config, telemetry.clone());
    Stack::new(layer.classified(move |request: &Request<Body>| terms(request, patience)), AnswerRefusalsLayer)
}

fn queue(pool: &Backpressure) -> Queue {
    let service_time = |patience: Patience| patience.service_time.map_or(Duration::ZERO, |time| time.get());
    match pool.discipline {
        QueueDiscipline::Fifo => Queue::fifo(),
        QueueDiscipline::DeadlineAware { patience } => Queue::deadline_aware(service_time(patience)),
        QueueDiscipline::EarliestDeadline { patience } => Queue::earliest_deadline(service_time(patience)),
        QueueDiscipline::AdaptiveLifo { target, interval, patience } => Queue::adaptive_lifo(CodelSettings {
            target: target.get(),
            interval: interval.get(),
            service_time: patience.map_or(Duration::ZERO, service_time),
        }),
        QueueDiscipline::BoundedWait { wait_max } => Queue::bounded_wait(wait_max.get()),
        QueueDiscipline::Priority => Queue::priority(),
        QueueDiscipline::Credit => {
            let target = pool.credits().map_or(Duration::ZERO, |credits| credits.target.get());
            Queue::bounded_wait(target * 2)
        }
    }
}

/// What the queue may know of an order, from its headers alone: a refusal costs no parsing. Its priority is
/// what order-api read in the order; its deadline is the
/// earlier of what came with it and of the design's.
fn terms(request: &Request<Body>, patience: Option<Duration>) -> CallTerms {
    let now = Instant::now();
    let theirs = deadline::of(request.headers(), now).map(|deadline| deadline.instant());
    let ours = patience.map(|patience| now + patience);
    CallTerms { deadline: theirs.into_iter().chain(ours).min(), priority: priority::of(request.headers()) }
}
