//! payment-service's endpoints.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use domain::{Charge, ChargeAnswer, ChargeRequest, Currency, Voided};
use http::{HeaderMap, Request};
use serde::Serialize;
use utoipa::ToSchema;

use super::{PaymentService, store_problem};
use crate::ids::now_us;
use crate::web::openapi::{ChargeAnswerBody, ChargeBody, ChargeRequestBody, ProblemBody};
use crate::web::{Problem, ProblemKind, body};

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The longest idempotency key.
const KEY_LENGTH_MAX: usize = 255;

/// Moves money. Executed to its end even if the caller hangs up.
#[utoipa::path(
    post,
    path = "/charges",
    tag = "charges",
    params(("Idempotency-Key" = Option<String>, Header, description = "recorded with the charge")),
    request_body = ChargeRequestBody,
    responses(
        (status = 200, description = "The money moved", body = ChargeAnswerBody),
        (status = 400, description = "Not JSON, or a bad key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 402, description = "Declined", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Key charged or voided", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "No charge", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Failed for now", body = ProblemBody, content_type = "application/problem+json",
         headers(("Retry-After" = u64, description = "seconds"))),
    ),
)]
pub(crate) async fn charge(
    State(service): State<Arc<PaymentService>>,
    request: Request<Body>,
) -> Result<Json<ChargeAnswer>, Problem> {
    let (head, body) = request.into_parts();
    let key = idempotency_key(&head.headers)?;
    let request: ChargeRequest = body::parse(&body::read(&head.headers, body).await?)?;
    let charge = service.execute(request, key).await?;
    Ok(Json(ChargeAnswer {
        charge_id: charge.id,
        order_id: charge.order_id,
        amount: charge.amount,
        currency: Currency::Eur,
    }))
}

/// The key as the draft standard writes it, a quoted string, or as most clients do, without the quotes.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let bad = |reason| Problem::new(ProblemKind::BadHeader, reason);
    let text = value.to_str().map_err(|_| bad("Idempotency-Key must be visible ASCII"))?;
    let key = match text.strip_prefix('"') {
        None => text,
        Some(quoted) => quoted.strip_suffix('"').ok_or(bad("Idempotency-Key lacks its closing quote"))?,
    };
    if key.is_empty() || key.len() > KEY_LENGTH_MAX || key.contains('"') {
        return Err(bad("Idempotency-Key must have 1 to 255 characters and no quotes inside"));
    }
    Ok(Some(key.to_owned()))
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
    State(service): State<Arc<PaymentService>>,
    Path(key): Path<String>,
) -> Result<Json<Charge>, Problem> {
    let charge = service.store.get(&key).await.map_err(|error| store_problem(&error))?;
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
    responses((status = 200, description = "Voided, or charged before", body = VoidAnswer)),
)]
pub(crate) async fn void(
    State(service): State<Arc<PaymentService>>,
    Path(key): Path<String>,
) -> Result<Json<VoidAnswer>, Problem> {
    let voided = service.store.void(&key).await.map_err(|error| store_problem(&error))?;
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
    State(service): State<Arc<PaymentService>>,
    Path(key): Path<String>,
) -> Result<Json<Charge>, Problem> {
    let refunded = service.store.refund(&key, now_us(&service.node)).await;
    refunded.map(Json).map_err(|error| store_problem(&error))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn key(text: &str) -> Result<Option<String>, ()> {
        let value = HeaderValue::from_bytes(text.as_bytes()).expect("a header value");
        idempotency_key(&HeaderMap::from_iter([(IDEMPOTENCY_KEY.parse().expect("a name"), value)]))
            .map_err(|_| ())
    }

    #[test]
    fn a_key_may_be_quoted_or_not() {
        assert_eq!(key("\"k-1\""), Ok(Some("k-1".to_owned())));
        assert_eq!(key("k-1"), Ok(Some("k-1".to_owned())));
        assert_eq!(idempotency_key(&HeaderMap::new()).map_err(|_| ()), Ok(None));
    }

    #[test]
    fn a_bad_key_is_refused() {
        for text in ["", "\"\"", "\"open", "a\"b", "ä", &"x".repeat(256)] {
            assert_eq!(key(text), Err(()), "{text}");
        }
    }
}
