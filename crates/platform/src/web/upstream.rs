//! A call to the next service: one client, one address, the caller's identity passed on.
//!
//! The next service is another process, reached over HTTP, or a part of this one, whose router is called
//! as it is. Both are called with the same request and answer with the same response, so that whoever
//! calls cannot tell them apart.

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use node::Node;
use node::http::{CallError, Client, ClientOptions};
use resilience::timeouts::Deadline;
use serde::Serialize;
use tower::ServiceExt;

use super::context::RequestContext;
use super::deadline::{self, X_REQUEST_TIMEOUT};
use super::key::IDEMPOTENCY_KEY;
use super::recording;
use crate::kind::ServiceKind;
use crate::service::Peer;
use crate::telemetry::{CallWatch, Telemetry};

/// A service behind this one. Cloning shares the connections.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    client: Caller,
    node: Node,
    authority: String,
    /// Who is told how its calls go.
    watched_by: Option<Telemetry>,
}

/// A call to be made.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Bytes,
    /// Until when it is waited for; what remains of it is sent along.
    pub(crate) deadline: Option<Deadline>,
    pub(crate) idempotency_key: Option<HeaderValue>,
}

impl Call {
    /// To post a JSON body.
    pub(crate) fn post(path: impl Into<String>, body: Bytes) -> Self {
        Self { method: Method::POST, path: path.into(), body, deadline: None, idempotency_key: None }
    }

    /// To get what is at a path.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, ..Self::post(path, Bytes::new()) }
    }
}

impl Upstream {
    /// No connection yet: the first call makes one.
    pub(crate) fn new(node: &Node, service: ServiceKind, peer: &Peer) -> Self {
        let (client, port) = match peer {
            Peer::Http { port } => (Caller::Http(Client::new(node, ClientOptions::default())), *port),
            Peer::Local(router) => (Caller::Local(router.clone()), service.default_port()),
        };
        Self { client, node: node.clone(), authority: format!("{}:{port}", service.name()), watched_by: None }
    }

    /// Somebody who is no service of this platform.
    pub(crate) fn to(node: &Node, host: &str, port: u16) -> Self {
        let client = Caller::Http(Client::new(node, ClientOptions::default()));
        Self { client, node: node.clone(), authority: format!("{host}:{port}"), watched_by: None }
    }

    /// The alerts look at how the calls to this service go.
    pub(crate) fn watched(self, telemetry: &Telemetry) -> Self {
        Self { watched_by: Some(telemetry.clone()), ..self }
    }

    /// Makes a call and waits for the whole answer; it is up to the caller not to wait for ever.
    ///
    /// # Errors
    /// When there is no complete answer.
    pub(crate) async fn call(
        &self,
        context: &RequestContext,
        call: Call,
    ) -> Result<Response<Bytes>, CallError> {
        let Call { method, path, body, deadline, idempotency_key } = call;
        let mut request = Request::new(body);
        *request.uri_mut() = Uri::try_from(format!("http://{}{path}", self.authority))
            .map_err(|error| CallError::Protocol(error.to_string()))?;
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(deadline) = deadline {
            let remaining = deadline.remaining(self.node.now());
            headers.insert(X_REQUEST_TIMEOUT, deadline::header(remaining));
        }
        if let Some(key) = idempotency_key {
            headers.insert(IDEMPOTENCY_KEY, key);
        }
        let mut span = context.identify(&method, &path, headers);
        *request.method_mut() = method;
        let watch = self.watched_by.as_ref().map(CallWatch::new);
        let answer = self.client.send(request).await;
        if let Some(watch) = watch {
            watch.ended(answer.as_ref().map_or(true, |answer| answer.status().is_server_error()));
        }
        if span.is_recorded() {
            span.will_end(match &answer {
                Ok(answer) => recording::outcome(answer.status()),
                Err(error) => error.to_string().into(),
            });
        }
        answer
    }
}

/// Marks a request that another part of the same process makes; travels in its extensions, which no client can set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FromWithin;

/// Who carries a request to the next service and its answer back.
#[derive(Clone, Debug)]
enum Caller {
    /// To another process.
    Http(Client),
    /// To a part of this process. Dropping the call drops the handler, as hyper does with that of a closed
    /// connection; what is detached lives on in both cases.
    Local(Router),
}

impl Caller {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, CallError> {
        match self {
            Self::Http(client) => client.send(request).await,
            Self::Local(router) => {
                let mut request = request.map(Body::from);
                request.extensions_mut().insert(FromWithin);
                let Ok(answer) = router.clone().oneshot(request).await;
                whole(answer).await
            }
        }
    }
}

/// A local answer with its whole body, under the bound that holds for one from afar.
async fn whole(answer: Response<Body>) -> Result<Response<Bytes>, CallError> {
    let limit = ClientOptions::default().response_bytes_max;
    let (head, body) = answer.into_parts();
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(Response::from_parts(head, body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Err(CallError::TooLarge { limit }),
        Err(error) => Err(CallError::Protocol(error.to_string())),
    }
}

/// Our own wire types as JSON.
pub(crate) fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).expect("wire types are plain data").into()
}
