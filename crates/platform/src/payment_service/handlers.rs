//! payment-service's endpoints.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use domain::{Charge, ChargeAnswer, ChargeRequest, Currency, Voided};
use http::Request;
use serde::Serialize;
use tower::ServiceExt;
use utoipa::ToSchema;

use super::once::ChargeCall;
use super::{Shared, store_problem};
use crate::ids::now_us;
use crate::web::openapi::{ChargeAnswerBody, ChargeBody, ChargeRequestBody, ProblemBody};
use crate::web::segment::Segment;
use crate::web::upstream::FromWithin;
use crate::web::{Problem, ProblemKind, RequestContext, body, deadline, key};

/// Moves money. Executed to its end even if the caller hangs up.
#[utoipa::path(
    post,
    path = "/charges",
    tag = "charges",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "charged once; recorded with the charge"),
        ("X-Request-Timeout" = Option<String>, Header, description = "how long the caller waits: 1 to 8 digits and H, M, S, m, u or n; anything else counts as absent"),
    ),
    request_body = ChargeRequestBody,
    responses(
        (status = 200, description = "The money moved", body = ChargeAnswerBody),
        (status = 400, description = "Not JSON, or a bad key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 402, description = "Declined", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Key charged or voided", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "No charge, or the key stands for another", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "The charge is gone from the store", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "Something broke", body = ProblemBody, content_type = "application/problem+json"),
        (status = 504, description = "Not begun in time", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Failed for now", body = ProblemBody, content_type = "application/problem+json",
         headers(("Retry-After" = u64, description = "seconds"))),
    ),
)]
pub(crate) async fn charge(
    State(shared): State<Shared>,
    request: Request<Body>,
) -> Result<Json<ChargeAnswer>, Problem> {
    let context = RequestContext::in_request(&request);
    let (head, body) = request.into_parts();
    let is_from_within = head.extensions.get::<FromWithin>().is_some();
    let key = key::of(&head.headers)?;
    let deadline = deadline::of(&head.headers, context.arrived());
    let request: ChargeRequest = body::parse(&body::read(&head.headers, body).await?)?;
    context.about(&request.order_id);
    let charge =
        shared.charging.oneshot(ChargeCall { context, request, key, deadline, is_from_within }).await?;
    Ok(Json(ChargeAnswer {
        charge_id: charge.id,
        order_id: charge.order_id,
        amount: charge.amount,
        currency: Currency::Eur,
    }))
}

/// A charge that succeeded, by its id or its idempotency key.
#[utoipa::path(
    get,
    path = "/charges/{key}",
    tag = "charges",
    params(("key" = String, Path, description = "The charge's id or idempotency key")),
    responses(
        (status = 200, description = "The charge", body = ChargeBody),
        (status = 404, description = "None has succeeded", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    Segment(key): Segment,
) -> Result<Json<Charge>, Problem> {
    let charge = shared.service.store.get(&key).await.map_err(|error| store_problem(&error))?;
    charge.map(Json).ok_or_else(|| ProblemKind::ChargeNotFound.into())
}

/// What voiding a key found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VoidAnswer {
    /// Whether nothing was and nothing will be charged under the key.
    voided: bool,
    /// The charge that came before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ChargeBody>)]
    charge: Option<Charge>,
}

/// Makes sure that nothing is charged under a key, or tells that it was already. Idempotent.
#[utoipa::path(
    post,
    path = "/charges/{key}/void",
    tag = "charges",
    params(("key" = String, Path, description = "The idempotency key")),
    responses(
        (status = 200, description = "Voided, or charged before", body = VoidAnswer),
        (status = 404, description = "No key is like this", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn void(
    State(shared): State<Shared>,
    Segment(key): Segment,
) -> Result<Json<VoidAnswer>, Problem> {
    let voided = shared.service.store.void(&key).await.map_err(|error| store_problem(&error))?;
    Ok(Json(match voided {
        Voided::Tombstone => VoidAnswer { voided: true, charge: None },
        Voided::AlreadyCharged(charge) => VoidAnswer { voided: false, charge: Some(charge) },
    }))
}

/// Gives the money of a charge back, once. Idempotent.
#[utoipa::path(
    post,
    path = "/charges/{key}/refund",
    tag = "charges",
    params(("key" = String, Path, description = "The charge's id or idempotency key")),
    responses(
        (status = 200, description = "The refunded charge", body = ChargeBody),
        (status = 404, description = "None has succeeded", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn refund(
    State(shared): State<Shared>,
    Segment(key): Segment,
) -> Result<Json<Charge>, Problem> {
    let refunded = shared.service.store.refund(&key, now_us(&shared.service.node)).await;
    refunded.map(Json).map_err(|error| store_problem(&error))
}
