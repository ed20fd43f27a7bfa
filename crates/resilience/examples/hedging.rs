//! Hedging against an axum service with a long tail: `cargo run -p resilience --example hedging`.
//!
//! The service is called in this process, so nothing needs a port. One in twenty answers takes 500 ms
//! instead of 10; a second attempt for the slowest few cuts that, for a few more calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use axum::{Router, routing::get};
use resilience::hedging::{HedgeDelay, HedgeLayer, HedgeLimits, Percentile};
use resilience::{Class, Ratio};
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceBuilder, ServiceExt};

/// This is where the protocol is known.
fn classify<R, E>(_: &R, result: &Result<Response, E>) -> Class {
    match result {
        Ok(response) if !response.status().is_server_error() => Class::Success,
        Ok(_) => Class::Failure { retryable: true, retry_after: None },
        Err(_) => Class::Unknown { safe_to_retry: true },
    }
}

/// The median and the worst two of two hundred calls.
async fn measure<S>(name: &str, client: S)
where
    S: Service<&'static str, Response = Response> + Clone,
{
    let mut latencies = Vec::new();
    for _ in 0..200 {
        let start = Instant::now();
        assert!(client.clone().oneshot("/").await.is_ok(), "the service does not fail");
        latencies.push(start.elapsed());
    }
    latencies.sort_unstable();
    let at = |index: usize| latencies[index].as_millis();
    println!("{name:>7}: p50 {} ms, p95 {} ms, p99 {} ms", at(100), at(190), at(198));
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let handler = move || async move {
        let slow = count.fetch_add(1, Ordering::Relaxed) % 20 == 19;
        sleep(Duration::from_millis(if slow { 500 } else { 10 })).await;
        "done"
    };
    let plain = ServiceBuilder::new()
        .map_request(|path: &'static str| Request::get(path).body(Body::empty()).expect("a request"))
        .service(Router::new().route("/", get(handler)));
    measure("plain", plain.clone()).await;
    let percentile = Percentile { percentile: Ratio::percent(90), samples_min: 10, ..Percentile::default() };
    let limits = HedgeLimits { delay: HedgeDelay::Percentile(percentile), ..HedgeLimits::default() };
    // Reading a page twice is harmless; a real client would look at the method.
    let hedging = HedgeLayer::new(limits, |_: &&'static str| true, classify);
    measure("hedged", ServiceBuilder::new().layer(hedging.clone()).service(plain)).await;
    let handle = hedging.handle();
    println!("{} of {} calls were hedged, late after {:?}", handle.hedged(), handle.calls(), handle.delay());
}
