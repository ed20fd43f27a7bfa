//! A call to the next service: one client, one address, the caller's identity passed on.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, Uri, header};
use node::Node;
use node::http::{CallError, Client, ClientOptions};
use serde::Serialize;

use super::context::RequestContext;
use crate::kind::ServiceKind;

/// One path of one service behind this one. Cloning shares the connections.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    client: Client,
    uri: Uri,
}

impl Upstream {
    /// No connection yet: the first call makes one.
    pub(crate) fn new(node: &Node, service: ServiceKind, port: u16, path: &'static str) -> Self {
        let uri = Uri::try_from(format!("http://{}:{port}{path}", service.name()))
            .expect("service names and our own paths make valid URIs");
        Self { client: Client::new(node, ClientOptions::default()), uri }
    }

    /// Posts a JSON body and waits for the whole answer, without a timeout.
    ///
    /// # Errors
    /// When there is no complete answer.
    pub(crate) async fn post(
        &self,
        context: &RequestContext,
        body: Bytes,
    ) -> Result<Response<Bytes>, CallError> {
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        context.identify(headers);
        self.client.send(request).await
    }
}

/// Our own wire types as JSON.
pub(crate) fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).expect("wire types are plain data").into()
}
