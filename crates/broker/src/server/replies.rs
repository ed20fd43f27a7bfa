//! Answers: JSON, bytes, nothing, or a problem document.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use domain::broker::BrokerError;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::wire::{BINARY, Problem, Refusal, encode};

const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// JSON, or why not.
pub(super) fn answer(result: Result<impl Serialize, BrokerError>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error) => refused(error),
    }
}

/// Nothing, or why not.
pub(super) fn nothing(result: Result<(), BrokerError>) -> Response {
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(error),
    }
}

/// What is not JSON, or why not.
pub(super) fn binary(result: Result<impl Serialize, BrokerError>) -> Response {
    match result {
        Ok(value) => ([(header::CONTENT_TYPE, BINARY)], encode(&value)).into_response(),
        Err(error) => refused(error),
    }
}

pub(super) fn refused(error: BrokerError) -> Response {
    let refusal = Refusal::from(error);
    problem(refusal.status(), refusal)
}

pub(super) fn problem(status: StatusCode, refusal: Refusal) -> Response {
    let problem = Problem { status: status.as_u16(), ..refusal.into() };
    let mut response = (status, Json(problem)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, PROBLEM);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
