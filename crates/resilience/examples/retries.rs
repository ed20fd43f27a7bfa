//! Retries against an axum service that stumbles: `cargo run -p resilience --example retries`.
//!
//! The service is called in this process, so nothing needs a port. It fails now and then, is busy now and
//! then (with `Retry-After`), and declines some: only what may gain is repeated, and the budget bounds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use resilience::Class;
use resilience::retries::{RetryLayer, RetryLimits, RetryObserver, Trail};
use tower::{ServiceBuilder, ServiceExt};

struct Print;

impl RetryObserver for Print {
    fn retry(&self, class: Class, after: Duration) {
        println!("    {class:?}: again in {} ms", after.as_millis());
    }

    fn concluded(&self, trail: Trail) {
        let why = trail.gave_up.map_or("", |why| why.as_str());
        println!("    {} attempts {why}", trail.attempts);
    }
}

/// This is where the protocol is known.
fn classify<R, E>(_: &R, result: &Result<Response, E>) -> Class {
    let Ok(response) = result else { return Class::Unknown { safe_to_retry: true } };
    let seconds =
        |response: &Response| response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok();
    match response.status() {
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            Class::Failure { retryable: true, retry_after: seconds(response).map(Duration::from_secs) }
        }
        StatusCode::GATEWAY_TIMEOUT => Class::Unknown { safe_to_retry: true },
        status if status.is_server_error() => Class::Failure { retryable: false, retry_after: None },
        _ => Class::Success,
    }
}

/// A small generator (SplitMix64): the same pauses in every run. A real caller hands in its own.
fn seeded(mut state: u64) -> impl FnMut() -> f64 + Send {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let handler = move || async move {
        match count.fetch_add(1, Ordering::Relaxed) {
            1 | 2 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            4 => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")]).into_response(),
            6 => StatusCode::NOT_IMPLEMENTED.into_response(),
            7..=9 => StatusCode::GATEWAY_TIMEOUT.into_response(),
            _ => StatusCode::OK.into_response(),
        }
    };
    let retries = RetryLayer::observed(RetryLimits::default(), classify, seeded(1), Print);
    let handle = retries.handle();
    // A request that can be cloned is what is tried again; each attempt makes an HTTP request of it.
    let client = ServiceBuilder::new()
        .layer(retries)
        .map_request(|path: &'static str| Request::get(path).body(Body::empty()).expect("a request"))
        .service(Router::new().route("/", get(handler)));
    for call in 0..5 {
        println!("call {call}");
        let response = client.clone().oneshot("/").await.expect("infallible");
        println!("    {}", response.status());
    }
    println!("{} attempts for 5 calls, {} retries left", handle.attempts(), handle.available());
}
