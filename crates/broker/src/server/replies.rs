//! Answers: JSON, bytes, nothing, or a problem document.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use domain::broker::BrokerError;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::wire::{BINARY, Problem, Refusal, encode};

const PROBLEM: &str = "application/problem+json";

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

/// What was asked cannot be asked: nothing has happened.
pub(super) fn bad(status: StatusCode, detail: impl Into<String>) -> Response {
    problem(status, Refusal::Untouched { detail: detail.into() })
}

/// The whole answer as it goes over the wire, to a client whose request was not read.
pub(crate) fn turned_away() -> Bytes {
    let refusal = Refusal::Untouched { detail: "there are as many connections as there may be".to_owned() };
    let status = refusal.status();
    let body = serde_json::to_string(&Problem::from(refusal)).expect("text keys only");
    Bytes::from(format!(
        "HTTP/1.1 {status}\r\ncontent-type: {PROBLEM}\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len(),
    ))
}

fn problem(status: StatusCode, refusal: Refusal) -> Response {
    let problem = Problem::answered(status, refusal);
    let mut response = (status, Json(problem)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
