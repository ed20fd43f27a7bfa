//! Reading what a request says: so much of it, and within such a time. What cannot be read is answered with a problem.

use std::time::Duration;

use axum::extract::{FromRequestParts, Path, Query};
use axum::response::Response;
use bytes::Bytes;
use domain::broker::BrokerError;
use http::request::Parts;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

pub(super) use axum::body::Body;

use super::replies::{bad, refused};
use crate::wire::REQUEST_BYTES_MAX;

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

/// What the query says.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(asked)| Self(asked)).map_err(|error| bad(StatusCode::BAD_REQUEST, error.body_text()))
    }
}

/// The letter that the path names.
#[derive(Debug)]
pub(super) struct LetterId(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for LetterId {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            // What is no text is no letter's name.
            Err(_no_text) => Err(refused(BrokerError::NoSuchLetter { id: "of that name".to_owned() })),
        }
    }
}
