//! Requests to the broker, and what their answers mean.

use std::time::Duration;

use bytes::Bytes;
use domain::broker::BrokerError;
use http::{Method, Request, Response, StatusCode, header};
use node::Node;
use node::http::{CallError, Client, ClientOptions as HttpOptions, Fate};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::ClientOptions;
use crate::wire::{ANSWER_BYTES_MAX, BINARY, Problem};

const JSON: &str = "application/json";

/// Whoever asks one broker.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    pub(super) node: Node,
    http: Client,
    upstream: String,
    pub(super) options: ClientOptions,
}

impl Calls {
    pub(super) fn new(node: &Node, host: &str, port: u16, options: ClientOptions) -> Self {
        let http = HttpOptions { response_bytes_max: ANSWER_BYTES_MAX, ..HttpOptions::default() };
        let upstream = format!("http://{host}:{port}");
        Self { node: node.clone(), http: Client::new(node, http), upstream, options }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, BrokerError> {
        self.read_json(self.send(Method::GET, path, JSON, Bytes::new(), Duration::ZERO).await?)
    }

    /// `GET` with a query.
    pub(super) async fn query<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, BrokerError> {
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        self.get(&format!("{path}?{}", query.join("&"))).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, BrokerError> {
        let body = serde_json::to_vec(body).expect("what is sent has text keys only");
        self.read_json(self.send(Method::POST, path, JSON, body.into(), Duration::ZERO).await?)
    }

    pub(super) async fn put(&self, path: &str, body: &impl Serialize) -> Result<(), BrokerError> {
        let body = serde_json::to_vec(body).expect("what is sent has text keys only");
        self.send(Method::PUT, path, JSON, body.into(), Duration::ZERO).await.map(drop)
    }

    /// Without a body, and without an answer but that it was done.
    pub(super) async fn tell(&self, method: Method, path: &str) -> Result<(), BrokerError> {
        self.send(method, path, JSON, Bytes::new(), Duration::ZERO).await.map(drop)
    }

    /// `POST` of what is not JSON.
    pub(super) async fn binary<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, BrokerError> {
        let answer = self.bytes(path, body, Duration::ZERO).await?;
        postcard::from_bytes(&answer).map_err(|error| garbled(&error))
    }

    /// The same, whose answer the caller reads; it may take longer by a wait.
    pub(super) async fn bytes(
        &self,
        path: &str,
        body: Vec<u8>,
        wait: Duration,
    ) -> Result<Bytes, BrokerError> {
        self.send(Method::POST, path, BINARY, body.into(), wait).await
    }

    fn read_json<T: DeserializeOwned>(&self, answer: Bytes) -> Result<T, BrokerError> {
        serde_json::from_slice(&answer).map_err(|error| garbled(&error))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: Bytes,
        wait: Duration,
    ) -> Result<Bytes, BrokerError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.upstream))
            .header(header::CONTENT_TYPE, media_type)
            .body(body);
        let request = request.map_err(|error| BrokerError::untouched(error.to_string()))?;
        let within = self.options.answer_within + wait;
        match timeout(within, self.http.send(request)).await {
            Ok(Ok(response)) => understood(response),
            Ok(Err(error)) => Err(unanswered(&error)),
            Err(_elapsed) => Err(BrokerError::unknown(format!("no answer within {within:?}"))),
        }
    }
}

/// A call without an answer.
fn unanswered(error: &CallError) -> BrokerError {
    let mut detail = error.to_string();
    if let Some(behind) = std::error::Error::source(error) {
        detail = format!("{detail}: {behind}");
    }
    match error.fate() {
        Fate::NotSent => BrokerError::untouched(detail),
        Fate::Unknown => BrokerError::unknown(detail),
    }
}

/// An answer's body, or the error that it is.
fn understood(response: Response<Bytes>) -> Result<Bytes, BrokerError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response.into_body());
    }
    if let Ok(problem) = serde_json::from_slice::<Problem>(response.body()) {
        return Err(problem.refusal.into());
    }
    let detail = format!("the broker answered {status}");
    match status {
        // Whoever is turned away at the door was not let in.
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::NOT_FOUND => Err(BrokerError::untouched(detail)),
        _ => Err(BrokerError::unknown(detail)),
    }
}

/// An answer that is none.
pub(super) fn garbled(error: &dyn std::error::Error) -> BrokerError {
    BrokerError::unknown(format!("the answer is not of this protocol: {error}"))
}

/// A text as it can stand in a query: everything that is not a letter or a digit as `%XX`.
fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b if b.is_ascii_alphanumeric() || b == b'-' => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}
