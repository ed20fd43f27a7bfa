//! A breaker in front of an axum service that breaks down: `cargo run -p resilience --example breaker`.
//!
//! The service is called in this process, so nothing needs a port. It fails for a while; the breaker opens,
//! spares it, probes, and closes when it is back.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::{Router, routing::get};
use resilience::breaker::{BreakerError, BreakerLayer, BreakerLimits, BreakerObserver, Health, Transition};
use tokio::time::sleep;
use tower::{ServiceBuilder, ServiceExt};

struct Print;

impl BreakerObserver for Print {
    fn transition(&self, Transition { from, to }: Transition) {
        println!("    breaker: {} -> {}", from.as_str(), to.as_str());
    }
}

/// This is where the protocol is known: an error of the server is one, a "not found" is an answer.
fn judge<E>(result: &Result<Response, E>) -> Health {
    match result {
        Ok(response) if !response.status().is_server_error() => Health::Good,
        _ => Health::Bad,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (down, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let (is_down, count) = (Arc::clone(&down), Arc::clone(&asked));
    let handler = move || async move {
        count.fetch_add(1, Ordering::Relaxed);
        if is_down.load(Ordering::Relaxed) { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
    };
    let limits = BreakerLimits {
        calls_min: NonZeroU32::new(5).expect("not zero"),
        probes: NonZeroU32::new(2).expect("not zero"),
        open: Duration::from_millis(200),
        ..BreakerLimits::default()
    };
    let breaker = BreakerLayer::observed(limits, judge, Print).expect("valid limits");
    let client = ServiceBuilder::new().layer(breaker).service(Router::new().route("/", get(handler)));
    for round in 0..40 {
        down.store((10..25).contains(&round), Ordering::Relaxed);
        let request = Request::get("/").body(Body::empty()).expect("a request");
        match client.clone().oneshot(request).await {
            Ok(response) => println!("{round:>2}: {}", response.status()),
            Err(BreakerError::Refused(refusal)) => {
                println!("{round:>2}: refused, come back in {} ms", refusal.retry_after.as_millis());
            }
            Err(BreakerError::Inner(never)) => match never {},
        }
        sleep(Duration::from_millis(50)).await;
    }
    println!("40 calls, {} of them reached the service", asked.load(Ordering::Relaxed));
}
