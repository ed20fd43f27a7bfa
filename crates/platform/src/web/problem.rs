//! Problem details (RFC 9457): what every error of every service looks like.
//!
//! A handler or a layer answers with a [`Problem`], which travels as an extension of an otherwise empty
//! response; the outermost layer ([`super::context`]) writes the body, once, where the request's path and
//! id are known. So a constraint that refuses needs to know neither.

mod catalogue;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::OrderId;
use http::{HeaderValue, header};
use resilience::Reason;
use serde::{Deserialize, Serialize};

pub(crate) use catalogue::ProblemKind;

/// The media type of problem details.
pub(crate) const CONTENT_TYPE: &str = "application/problem+json";

/// An error on its way to the client.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    kind: ProblemKind,
    detail: Cow<'static, str>,
    retry_after_s: Option<u64>,
    order_id: Option<OrderId>,
    field: Option<String>,
    refused_by: Option<Reason>,
}

impl Problem {
    /// A problem of a kind; the detail says what is wrong this time.
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            retry_after_s: None,
            order_id: None,
            field: None,
            refused_by: None,
        }
    }

    /// When to come back, in seconds.
    pub(crate) const fn retry_after_s(mut self, after_s: u64) -> Self {
        self.retry_after_s = Some(after_s);
        self
    }

    /// The order it is about: its id stands in the body, and its place in `Location`.
    pub(crate) fn order(mut self, order_id: OrderId) -> Self {
        self.order_id = Some(order_id);
        self
    }

    /// The field of the request body that is wrong.
    pub(crate) fn field(mut self, field: String) -> Self {
        self.field = Some(field);
        self
    }

    /// The constraint of this very service that refused.
    pub(crate) const fn refused(mut self, by: Reason) -> Self {
        self.refused_by = Some(by);
        self
    }

    /// The constraint of this very service that refused, if one did.
    pub(crate) const fn refused_by(&self) -> Option<Reason> {
        self.refused_by
    }

    /// Its kind.
    pub(crate) const fn kind(&self) -> ProblemKind {
        self.kind
    }

    /// What is wrong this time.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The order it is about.
    pub(crate) const fn order_id(&self) -> Option<&OrderId> {
        self.order_id.as_ref()
    }

    /// The document for a client.
    pub(crate) fn document<'a>(&'a self, instance: &'a str, request_id: &'a str) -> Document<'a> {
        let entry = self.kind.entry();
        Document {
            kind: TypeUri(entry.slug),
            title: entry.title,
            status: entry.status.as_u16(),
            detail: &self.detail,
            instance,
            retryable: entry.retryable,
            request_id,
            order_id: self.order_id.as_ref(),
            field: self.field.as_deref(),
        }
    }

    /// The whole answer as it goes over the wire, to a client whose request was not read: there is neither a path
    /// nor an id to tell.
    pub(crate) fn on_the_wire(&self) -> Bytes {
        let status = self.kind.entry().status;
        let body =
            serde_json::to_string(&self.document("", "")).expect("a problem is plain text and numbers");
        let retry_after = self.retry_after_s.map(|after_s| format!("retry-after: {after_s}\r\n"));
        let text = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {CONTENT_TYPE}\r\n{}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            retry_after.unwrap_or_default(),
            body.len(),
        );
        Bytes::from(text)
    }

    /// Writes the body into a response that carries this problem.
    pub(crate) fn write(&self, response: &mut Response, instance: &str, request_id: &str) {
        let body = serde_json::to_vec(&self.document(instance, request_id))
            .expect("a problem is plain text and numbers");
        *response.body_mut() = Body::from(Bytes::from(body));
    }
}

impl From<ProblemKind> for Problem {
    /// A problem that needs no more detail than its kind's own.
    fn from(kind: ProblemKind) -> Self {
        Self::new(kind, kind.entry().meaning)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.kind.entry().status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        if let Some(after_s) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, after_s.into());
        }
        if let Some(order_id) = &self.order_id {
            headers.insert(header::LOCATION, location(order_id));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Where an order is to be found.
pub(crate) fn location(order_id: &OrderId) -> HeaderValue {
    HeaderValue::try_from(format!("/orders/{order_id}")).expect("an order's id can stand in a header")
}

/// A problem document as it is written.
#[derive(Debug, Serialize)]
pub(crate) struct Document<'a> {
    #[serde(rename = "type")]
    kind: TypeUri,
    title: &'static str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    retryable: bool,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<&'a OrderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

/// `/problems/<slug>`: relative, and answered by every service with a page about it.
#[derive(Debug)]
struct TypeUri(&'static str);

const TYPE_PREFIX: &str = "/problems/";

impl Serialize for TypeUri {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{TYPE_PREFIX}{}", self.0))
    }
}

/// A problem document as it was received from another service. Everything may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Received {
    #[serde(rename = "type")]
    kind: String,
    pub(crate) detail: String,
}

impl Received {
    /// Reads a body that should be a problem document; anything else is an empty one.
    pub(crate) fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// Whether it is of this kind.
    pub(crate) fn is(&self, kind: ProblemKind) -> bool {
        self.kind.strip_prefix(TYPE_PREFIX) == Some(kind.entry().slug)
    }
}
