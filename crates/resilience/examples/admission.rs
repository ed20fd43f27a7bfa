//! Admission on an axum service: `cargo run -p resilience --example admission`.
//!
//! A shop that can do 32 orders at once, 320 per second, is asked by three tenants. One of them asks
//! twenty times as often as the others, and more than the shop can do. First one limit for all, then the
//! same limit shared out fairly, then with a part of it kept for important orders.
//! The service is called in this process, so nothing needs a port.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::post};
use futures_util::future::join_all;
use resilience::Priority;
use resilience::admission::adaptive::AdaptiveLimit;
use resilience::admission::fairness::{FairSettings, FairShare};
use resilience::admission::guard::GuardLayer;
use resilience::admission::priorities::{Priorities, Reserves};
use resilience::admission::{AdmissionError, AdmissionLayer, Limiter};
use tokio::time::sleep;
use tower::{ServiceBuilder, ServiceExt};

/// What the handler can really do at once, and so the limit before it.
const AT_ONCE: usize = 32;
const HINT: Duration = Duration::from_secs(1);

async fn order() -> &'static str {
    sleep(Duration::from_millis(100)).await;
    "ordered"
}

/// A refusal is an answer: 429, and when to come back.
async fn refuse(error: AdmissionError<Infallible>) -> Response {
    let AdmissionError::Refused(refusal) = error;
    let retry_after = [(header::RETRY_AFTER, refusal.retry_after_s().to_string())];
    (StatusCode::TOO_MANY_REQUESTS, retry_after, refusal.to_string()).into_response()
}

/// In earnest this comes from who was authenticated, and not from what the caller says.
fn tenant(headers: &HeaderMap) -> String {
    headers.get("x-tenant").and_then(|name| name.to_str().ok()).unwrap_or("nobody").to_owned()
}

/// Two seconds of tenants at their rates: how many of each one's orders were taken.
async fn measure(name: &str, shop: Router) {
    let orders = |tenant: &'static str, every_ms: u64, offset_ms: u64| {
        let shop = shop.clone();
        async move {
            let calls = (0..2000 / every_ms).map(|n| {
                let shop = shop.clone();
                async move {
                    sleep(Duration::from_millis(n * every_ms + offset_ms)).await;
                    let request = Request::post("/orders").header("x-tenant", tenant);
                    let answer = shop.oneshot(request.body(Body::empty()).expect("a request")).await;
                    answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
                }
            });
            let answers = join_all(calls).await;
            (answers.iter().filter(|ok| **ok).count(), answers.len())
        }
    };
    let (greedy, one, other) =
        tokio::join!(orders("greedy", 1, 0), orders("one", 20, 7), orders("important", 20, 13));
    println!(
        "{name:>10}: greedy {} of {}, one {} of {}, important {} of {}",
        greedy.0, greedy.1, one.0, one.1, other.0, other.1
    );
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let shop = || Router::new().route("/orders", post(order));

    let limit = AdmissionLayer::new(Limiter::concurrency(AT_ONCE, HINT));
    let stack = ServiceBuilder::new().layer(HandleErrorLayer::new(refuse)).layer(limit);
    measure("one limit", shop().layer(stack)).await;

    let rule = FairShare::new(AdaptiveLimit::fixed(AT_ONCE), FairSettings::default(), HINT);
    let fair = GuardLayer::new(rule).tagged(|request: &Request<Body>| tenant(request.headers()));
    let handle = fair.handle();
    let stack = ServiceBuilder::new().layer(HandleErrorLayer::new(refuse)).layer(fair);
    measure("fair", shop().layer(stack)).await;
    println!("            {} tenants were told apart", handle.read(FairShare::keys));

    let rule = Priorities::new(AdaptiveLimit::fixed(AT_ONCE), Reserves::default(), HINT);
    let priorities = GuardLayer::new(rule).tagged(|request: &Request<Body>| {
        if tenant(request.headers()) == "important" { Priority::Critical } else { Priority::Normal }
    });
    let stack = ServiceBuilder::new().layer(HandleErrorLayer::new(refuse)).layer(priorities);
    measure("priorities", shop().layer(stack)).await;
}
