//! order-api's endpoints.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::{Order, OrderId, OrderState};
use http::{Request, StatusCode, header};
use resilience::idempotency::Fingerprint;
use resilience::timeouts::Deadline;
use serde::{Deserialize, Serialize};
use tower::ServiceExt;
use utoipa::ToSchema;

use super::place::PlaceCall;
use super::{ReadOrder, Shared};
use crate::telemetry::PaymentOutcome;
use crate::web::openapi::{NewOrderBody, OrderBody, ProblemBody};
use crate::web::problem::location;
use crate::web::segment::Segment;
use crate::web::{Problem, ProblemKind, RequestContext, common, deadline, key};

/// Places an order and answers when it is finished; where services are joined by a broker, when it is accepted.
///
/// `POST /orders/sync` and `POST /orders/async` are the same by another name, each in the topologies that can do it.
#[utoipa::path(
    post,
    path = "/orders",
    tag = "orders",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "under which the request may be repeated"),
        ("X-Request-Timeout" = Option<String>, Header, description = "how long the client waits: 1 to 8 digits and H, M, S, m, u or n; anything else counts as absent"),
        ("X-Envoy-Expected-Rq-Timeout-Ms" = Option<String>, Header, description = "the same in milliseconds; the shorter of the two counts"),
    ),
    request_body = NewOrderBody,
    responses(
        (status = 200, description = "Paid and completed", body = OrderBody,
         headers(("Location" = String, description = "where the order is found"),
                 ("RateLimit-Policy" = String, description = "what the door lets in, where the design has one"),
                 ("RateLimit" = String, description = "what is left of it"))),
        (status = 202, description = "Accepted, where services are joined by a broker: it will be done, and is found at its Location",
         body = OrderBody, headers(("Location" = String, description = "where it is seen how the order ends"))),
        (status = 400, description = "Not JSON, or a header that cannot be used", body = ProblemBody, content_type = "application/problem+json"),
        (status = 402, description = "Declined", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "The order is gone from the store", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The order exists, its key is in work, or its charge was voided", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "No order, or the key stands for another", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "We are full", body = ProblemBody, content_type = "application/problem+json",
         headers(("Retry-After" = u64, description = "seconds"),
                 ("RateLimit-Policy" = String, description = "what the door lets in"),
                 ("RateLimit" = String, description = "what is left of it"))),
        (status = 500, description = "Tried too often", body = ProblemBody, content_type = "application/problem+json"),
        (status = 502, description = "Outcome unknown", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "A dependency or the store is away, its breaker is open, or this process is about to stop",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 504, description = "Out of time", body = ProblemBody, content_type = "application/problem+json",
         headers(("Location" = String, description = "where it will be seen how the order ends"))),
    ),
)]
pub(crate) async fn create(
    State(Shared { api, placing }): State<Shared>,
    mut request: Request<Body>,
) -> Result<Response, Problem> {
    let context = RequestContext::in_request(&request);
    let ReadOrder { order: new, body } = ReadOrder::of(&mut request).await?;
    let headers = request.headers();
    // The client may be in more of a hurry than the design, never in less.
    let ours = api.time_limit.map(|limit| Deadline::after(context.arrived(), limit));
    let deadline =
        ours.map(|ours| deadline::of(headers, context.arrived()).map_or(ours, |its| its.min(ours)));
    let key = key::of(headers)?;
    let fingerprint = Fingerprint::of(&[&body]);
    let order = placing.oneshot(PlaceCall { context, order: new, fingerprint, key, deadline }).await?;
    let status = if api.accepts { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, [(header::LOCATION, location(&order.order_id))], Json(order)).into_response())
}

/// Would place an order and answer at once; services that are joined by calls cannot.
pub(crate) async fn no_async() -> Problem {
    ProblemKind::AsyncUnavailable.into()
}

/// Would place an order and answer when it is finished; services that are joined by a broker cannot.
pub(crate) async fn no_sync() -> Problem {
    ProblemKind::SyncUnavailable.into()
}

/// An order as it stands.
#[utoipa::path(
    get,
    path = "/orders/{id}",
    tag = "orders",
    params(("id" = String, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The order", body = OrderBody),
        (status = 404, description = "No such order", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn show(
    State(Shared { api, .. }): State<Shared>,
    Segment(id): Segment,
) -> Result<Json<Order>, Problem> {
    // What cannot be an id is certainly not one of an order.
    let id = OrderId::new(&id).map_err(|_| Problem::from(ProblemKind::OrderNotFound))?;
    let order = api.store.get(&id).await.map_err(|error| super::store_problem(&error, &id))?;
    order.map(Json).ok_or_else(|| ProblemKind::OrderNotFound.into())
}

/// Totals.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Stats {
    /// Orders by state; every state is there.
    orders: BTreeMap<String, u64>,
    /// Payments, as far as order-api was told.
    payments: Payments,
}

/// Payments made and failed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Payments {
    /// Payments that succeeded.
    made: u64,
    /// Payments that were declined for good.
    declined: u64,
    /// Attempts that failed and were repeated.
    failed: u64,
}

/// Totals by state, and payments made and failed.
#[utoipa::path(get, path = "/stats", tag = "orders", responses((status = 200, description = "Totals", body = Stats)))]
pub(crate) async fn stats(State(Shared { api, .. }): State<Shared>) -> Result<Json<Stats>, Problem> {
    let totals = api.store.totals().await;
    let totals = totals.map_err(|error| common::store_problem(ProblemKind::StoreUnavailable, &error))?;
    let orders = OrderState::ALL.iter().map(|state| {
        let total = totals.get(state).copied().unwrap_or_default();
        (state.as_str().to_owned(), total)
    });
    let payments = |outcome| api.telemetry.counters().payments_so_far(outcome);
    Ok(Json(Stats {
        orders: orders.collect(),
        payments: Payments {
            made: payments(PaymentOutcome::Made),
            declined: payments(PaymentOutcome::Declined),
            failed: payments(PaymentOutcome::Failed),
        },
    }))
}
