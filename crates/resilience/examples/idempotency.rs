//! Idempotency keys on an axum service: `cargo run -p resilience --example idempotency`.
//!
//! The handler reads what HTTP has to say (the tenant, the key, the body) and hands a plain request to a
//! small service that the layer protects. The service is called in this process, so nothing needs a port.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use resilience::idempotency::{
    Answer, Fingerprint, IdempotencyError, IdempotencyLayer, IdempotencySettings, Identity, InvalidKey, Keep,
    Key, MemoryRecords, Mode, Scheme, Unreadable,
};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

/// A request without HTTP.
#[derive(Clone, Debug)]
struct Order {
    tenant: String,
    key: Option<String>,
    body: String,
}

/// How orders are told apart and what is kept of an answer: its text, which is all there is.
#[derive(Debug)]
struct Orders;

impl Scheme<Order> for Orders {
    type Response = String;
    type Error = Infallible;

    fn identify(&self, order: &Order) -> Result<Option<Identity>, InvalidKey> {
        let Some(key) = &order.key else { return Ok(None) };
        let fingerprint = Fingerprint::of(&[order.body.as_bytes()]);
        Ok(Some(Identity { key: Key::new(&order.tenant, key)?, fingerprint }))
    }

    fn keep(&self, result: &Result<String, Infallible>) -> Keep {
        match result {
            Ok(answer) => Keep::Store(Answer::from(answer.clone().into_bytes())),
            Err(never) => match *never {},
        }
    }

    fn replay(&self, answer: &Answer) -> Result<Result<String, Infallible>, Unreadable> {
        String::from_utf8(answer.0.to_vec()).map(Ok).map_err(|_| Unreadable)
    }
}

type Protected = BoxCloneSyncService<Order, String, IdempotencyError<Infallible>>;

async fn place(State(orders): State<Protected>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let order = Order {
        tenant: text("x-tenant").unwrap_or_default().to_owned(),
        // A quoted string by the draft standard, and mostly sent without the quotes.
        key: text("idempotency-key").map(|key| key.trim_matches('"').to_owned()),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let status = match orders.oneshot(order).await {
        Ok(answer) => return answer.into_response(),
        Err(IdempotencyError::InProgress { retry_after }) => {
            let retry_after = retry_after.as_secs().max(1).to_string();
            return (StatusCode::CONFLICT, [("retry-after", retry_after)], "in progress").into_response();
        }
        Err(error) => (http_status(&error), error.to_string()),
    };
    status.into_response()
}

fn http_status(error: &IdempotencyError<Infallible>) -> StatusCode {
    match error {
        IdempotencyError::MissingKey | IdempotencyError::InvalidKey(_) => StatusCode::BAD_REQUEST,
        IdempotencyError::InProgress { .. } => StatusCode::CONFLICT,
        IdempotencyError::Mismatch => StatusCode::UNPROCESSABLE_ENTITY,
        IdempotencyError::Records(_) => StatusCode::SERVICE_UNAVAILABLE,
        IdempotencyError::Unreadable(_) => StatusCode::INTERNAL_SERVER_ERROR,
        IdempotencyError::Inner(never) => match *never {},
    }
}

/// An app in front of a kitchen that takes its time and counts its pizzas.
fn app(mode: Mode, pizzas: &Arc<AtomicU32>) -> Router {
    let records = Arc::new(MemoryRecords::new(NonZeroUsize::new(100_000).expect("not zero")));
    let settings = IdempotencySettings { mode, ..IdempotencySettings::default() };
    let pizzas = Arc::clone(pizzas);
    let kitchen = service_fn(move |order: Order| {
        let number = pizzas.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok::<_, Infallible>(format!("pizza {number}: {}", order.body))
        }
    });
    let service = IdempotencyLayer::new(Orders, records, settings).layer(kitchen);
    Router::new().route("/orders", post(place)).with_state(BoxCloneSyncService::new(service))
}

async fn ask(app: &Router, key: Option<&str>, body: &'static str) -> String {
    let mut request = Request::post("/orders").header("x-tenant", "c1");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let response = app.clone().oneshot(request.body(Body::from(body)).expect("a request")).await;
    let response = response.expect("infallible");
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 16).await.expect("a short body");
    format!("{status} {}", String::from_utf8_lossy(&body))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for mode in [Mode::Reject, Mode::Join] {
        let pizzas = Arc::default();
        let app = app(mode, &pizzas);
        let key = Some("\"8e03978e\"");
        let (first, second) = tokio::join!(ask(&app, key, "margherita"), ask(&app, key, "margherita"));
        println!("{mode:?}: the first      {first}");
        println!("{mode:?}: meanwhile      {second}");
        println!("{mode:?}: afterwards     {}", ask(&app, key, "margherita").await);
        println!("{mode:?}: other contents {}", ask(&app, key, "quattro formaggi").await);
        println!("{mode:?}: without a key  {}", ask(&app, None, "margherita").await);
        println!("{mode:?}: pizzas baked   {}", pizzas.load(Ordering::Relaxed));
    }
}
