//! Reading what a request says: so much of it, and within such a time.

use std::time::Duration;

use axum::response::Response;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

pub(super) use axum::body::Body;

use super::replies::problem;
use crate::wire::{REQUEST_BYTES_MAX, Refusal};

/// How long a body may take to come.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// A request's body.
pub(super) async fn bytes(request: Request<Body>) -> Result<Bytes, Response> {
    let body = Limited::new(request.into_body(), REQUEST_BYTES_MAX).collect();
    match timeout(BODY_WITHIN, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(bad(StatusCode::PAYLOAD_TOO_LARGE, format!("more than {REQUEST_BYTES_MAX} bytes")))
        }
        Ok(Err(error)) => Err(bad(StatusCode::BAD_REQUEST, error.to_string())),
        Err(_elapsed) => Err(bad(StatusCode::REQUEST_TIMEOUT, "the body did not come".to_owned())),
    }
}

pub(super) async fn json<T: DeserializeOwned>(request: Request<Body>) -> Result<T, Response> {
    let bytes = bytes(request).await?;
    serde_json::from_slice(&bytes).map_err(|error| bad(StatusCode::BAD_REQUEST, error.to_string()))
}

/// What is not JSON.
pub(super) async fn binary<T: DeserializeOwned>(request: Request<Body>) -> Result<T, Response> {
    let bytes = bytes(request).await?;
    postcard::from_bytes(&bytes).map_err(|error| garbled(&error))
}

/// A binary body that says nothing that is understood here.
pub(super) fn garbled(error: &postcard::Error) -> Response {
    bad(StatusCode::BAD_REQUEST, format!("the body is not of this protocol: {error}"))
}

fn bad(status: StatusCode, detail: String) -> Response {
    problem(status, Refusal::Untouched { detail })
}
