//! Five ways to push back on an axum service: `cargo run -p resilience --example backpressure`.
//!
//! A kitchen with eight cooks and 50 ms per dish, 160 dishes per second, is asked for twice that by guests
//! who have 300 ms. Shown is what each strategy and two more queues make of it: latency against throughput
//! against refusals. The service is called in this process, so nothing needs a port.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use futures_util::future::join_all;
use resilience::Priority;
use resilience::admission::{LeakyBucket, Rate, TokenBucket};
use resilience::backpressure::{
    BackpressureError, CallTerms, CodelSettings, CreditGate, CreditLayer, CreditSettings, PoolConfig,
    PoolLimits, Queue, Strategy, WorkerPoolLayer,
};
use tokio::time::{Instant, sleep};
use tower::{ServiceBuilder, ServiceExt};

const COOKS: usize = 8;
const PATIENCE: Duration = Duration::from_millis(300);
const HINT: Duration = Duration::from_secs(1);

async fn cook() -> &'static str {
    sleep(Duration::from_millis(50)).await;
    "served"
}

/// A refusal is an answer: 429, and when to come back.
async fn refuse(error: BackpressureError<Infallible>) -> Response {
    let BackpressureError::Refused(refusal) = error;
    let retry_after = [(header::RETRY_AFTER, refusal.retry_after_s().to_string())];
    (StatusCode::TOO_MANY_REQUESTS, retry_after, refusal.to_string()).into_response()
}

/// With a constraint within a constraint, either may refuse.
async fn refuse_either(error: BackpressureError<BackpressureError<Infallible>>) -> Response {
    match error {
        BackpressureError::Refused(refusal) => refuse(BackpressureError::Refused(refusal)).await,
        BackpressureError::Inner(inner) => refuse(inner).await,
    }
}

/// What the queue may know of a guest: until when it waits, and how important it is.
fn terms(request: &Request<Body>) -> CallTerms {
    let is_critic = request.headers().contains_key("x-critic");
    CallTerms {
        deadline: Some(Instant::now() + PATIENCE),
        priority: if is_critic { Priority::High } else { Priority::Normal },
    }
}

/// Three seconds of guests, one in ten a critic.
async fn measure(name: &str, kitchen: Router) {
    let guests = (0..960_u64).map(|n| {
        let kitchen = kitchen.clone();
        async move {
            sleep(Duration::from_micros(n * 3125)).await;
            let (start, is_critic) = (Instant::now(), n % 10 == 3);
            let mut request = Request::get("/dish");
            if is_critic {
                request = request.header("x-critic", "yes");
            }
            let answer = kitchen.oneshot(request.body(Body::empty()).expect("a request")).await;
            let is_served = answer.is_ok_and(|answer| answer.status() == StatusCode::OK);
            (is_served, start.elapsed(), is_critic)
        }
    });
    let answers = join_all(guests).await;
    let mut latencies: Vec<_> = answers.iter().filter(|answer| answer.0).map(|answer| answer.1).collect();
    latencies.sort_unstable();
    let in_time = latencies.iter().filter(|latency| **latency <= PATIENCE).count();
    let critics = answers.iter().filter(|answer| answer.0 && answer.1 <= PATIENCE && answer.2).count();
    let at = |part: usize| latencies.get(latencies.len() * part / 100).map_or(0, Duration::as_millis);
    println!(
        "{name:>14}: served {:>3}, in time {in_time:>3}, critics {critics:>2} of 96, refused {:>3}, p50 {:>4} ms, p99 {:>4} ms",
        latencies.len(),
        answers.len() - latencies.len(),
        at(50),
        at(99),
    );
}

fn kitchen() -> Router {
    Router::new().route("/dish", get(cook))
}

/// A kitchen behind this pool.
fn behind(pool: WorkerPoolLayer) -> Router {
    let stack = ServiceBuilder::new().layer(HandleErrorLayer::new(refuse)).layer(pool.classified(terms));
    kitchen().layer(stack)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let rate = Rate::per_second(160.0).expect("a rate that a bucket can keep");
    let burst = NonZeroU32::new(16).expect("not zero");
    let strategy = |strategy| behind(WorkerPoolLayer::with_strategy(COOKS, strategy, HINT, ()));
    measure("block", strategy(Strategy::Block)).await;
    measure("bounded queue", strategy(Strategy::BoundedQueue { queue: 16 })).await;
    let bucket = TokenBucket::full(rate, burst);
    measure("token bucket", strategy(Strategy::TokenBucket { bucket, queue: 16 })).await;
    let bucket = LeakyBucket::empty(rate, burst);
    measure("leaky bucket", strategy(Strategy::LeakyBucket { bucket, queue: 16 })).await;
    measure("priority", strategy(Strategy::Priority { queue: 16 })).await;

    let gate = CreditGate::new(CreditSettings::default(), HINT).expect("settings that can be");
    let credit = Strategy::Credit { gate: gate.clone(), queue: 64 };
    let pool = WorkerPoolLayer::with_strategy(COOKS, credit, HINT, ());
    let stack = ServiceBuilder::new().layer(HandleErrorLayer::new(refuse_either));
    measure("credit", kitchen().layer(stack.layer(CreditLayer::new(gate.clone())).layer(pool))).await;

    let unbounded = PoolConfig::new(PoolLimits { workers: COOKS, queue: usize::MAX }, HINT);
    let queue = Queue::deadline_aware(Duration::from_millis(50));
    measure(
        "deadline-aware",
        behind(WorkerPoolLayer::configured(PoolConfig { queue, ..unbounded.clone() }, ())),
    )
    .await;
    let queue = Queue::adaptive_lifo(CodelSettings::default());
    measure("adaptive LIFO", behind(WorkerPoolLayer::configured(PoolConfig { queue, ..unbounded }, ())))
        .await;
}
