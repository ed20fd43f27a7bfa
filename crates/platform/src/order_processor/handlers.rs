//! order-processor's endpoint.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use domain::{ProcessOrder, ProcessedOrder};
use http::Request;

use super::OrderProcessor;
use crate::web::openapi::{ProblemBody, ProcessOrderBody, ProcessedOrderBody};
use crate::web::{Problem, RequestContext, body, deadline};

/// Gets an order paid and answers how that ended; a decline is an ending like any other.
#[utoipa::path(
    post,
    path = "/process",
    tag = "orders",
    params(
        ("X-Request-Timeout" = Option<String>, Header, description = "how long the caller waits: 1 to 8 digits and H, M, S, m, u or n; anything else counts as absent"),
        ("X-Priority" = Option<String>, Header, description = "low, normal or high; anything else counts as normal"),
    ),
    request_body = ProcessOrderBody,
    responses(
        (status = 200, description = "Paid, or declined for good", body = ProcessedOrderBody),
        (status = 400, description = "Not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The order's charge was voided", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "No order", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "The queue is full", body = ProblemBody, content_type = "application/problem+json",
         headers(("Retry-After" = u64, description = "seconds"))),
        (status = 503, description = "Payment is down", body = ProblemBody, content_type = "application/problem+json",
         headers(("Retry-After" = u64, description = "seconds"))),
        (status = 504, description = "Out of time", body = ProblemBody, content_type = "application/problem+json"),
        (status = 502, description = "Payment does not accept the charge", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Tried too often", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn process(
    State(processor): State<Arc<OrderProcessor>>,
    request: Request<Body>,
) -> Result<Json<ProcessedOrder>, Problem> {
    let context = RequestContext::in_request(&request);
    let (head, body) = request.into_parts();
    // Reckoned from its arrival: the wait for a worker has used up a part of it.
    let deadline = deadline::of(&head.headers, context.arrived()).filter(|_| processor.has_deadlines);
    let order: ProcessOrder = body::parse(&body::read(&head.headers, body).await?)?;
    context.about(&order.order_id);
    processor.get_paid(&context, &order, deadline).await.map(Json)
}
