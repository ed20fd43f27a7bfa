//! Timeouts and a carried deadline around an axum service: `cargo run -p resilience --example timeouts`.
//!
//! The service is called in this process, so nothing needs a port. The deadline comes in as a header, is
//! kept in the request's extensions, and what is left of it reaches the handler.

use std::time::Duration;

use axum::error_handling::HandleErrorLayer;
use axum::extract::Request;
use axum::http::{Extensions, StatusCode};
use axum::routing::get;
use axum::{Extension, Router, body::Body};
use resilience::timeouts::{Carrier, Deadline, TimeLimits, TimeoutError, TimeoutLayer};
use tokio::time::{Instant, sleep};
use tower::{ServiceBuilder, ServiceExt};

/// Where this protocol carries a deadline: in a header on the wire, in the extensions from then on.
#[derive(Clone, Copy)]
struct InExtensions;

fn from_extensions(extensions: &Extensions) -> Option<Deadline> {
    extensions.get::<Deadline>().copied()
}

impl Carrier<Request> for InExtensions {
    fn deadline(&self, request: &Request) -> Option<Deadline> {
        let from_header = || {
            let millis = request.headers().get("x-timeout-ms")?.to_str().ok()?.parse().ok()?;
            Some(Deadline::after(Instant::now(), Duration::from_millis(millis)))
        };
        from_extensions(request.extensions()).or_else(from_header)
    }

    fn set_deadline(&self, request: &mut Request, deadline: Deadline) {
        request.extensions_mut().insert(deadline);
    }
}

async fn slow(Extension(deadline): Extension<Deadline>) -> String {
    let left = deadline.remaining(Instant::now());
    sleep(Duration::from_millis(50)).await;
    format!("done; there were {} ms left at the start", left.as_millis())
}

async fn answer(error: TimeoutError<std::convert::Infallible>) -> (StatusCode, String) {
    (StatusCode::GATEWAY_TIMEOUT, format!("{error}; effect: {:?}", error.effect()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let timeout = TimeoutLayer::new(TimeLimits::request(Duration::from_millis(500))).carried_by(InExtensions);
    let handle = timeout.handle();
    let app = Router::new()
        .route("/", get(slow))
        .layer(ServiceBuilder::new().layer(HandleErrorLayer::new(answer)).layer(timeout));
    for patience in ["2000", "100", "20", "0"] {
        let request = Request::get("/").header("x-timeout-ms", patience).body(Body::empty());
        let response = app.clone().oneshot(request.expect("a request")).await.expect("infallible");
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.expect("a short body");
        println!("patience {patience:>4} ms: {status}: {}", String::from_utf8_lossy(&body));
    }
    println!("timed out: {}, not begun: {}", handle.timed_out(), handle.expired());
}
