//! Sending one request over HTTP/1.1, with or without TLS, and reading its answer.
//!
//! Not the laboratory's client: that one speaks to one upstream of a cell, has no TLS, and keeps whole answers. Here
//! connections go to whoever a target names, a body is counted to its end and kept only in part.

mod connect;
mod tls;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONNECTION, COOKIE, HOST, HeaderValue, LOCATION};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioTimer;
use node::Node;
use tokio::sync::Semaphore;

use self::connect::{Connector, OnNode};
use crate::hit::{Headers, Hit};
use crate::targets::Target;

/// How requests are sent.
#[derive(Clone, Debug)]
pub struct WebOptions {
    /// How long an answer may take, from the actual send to its last byte. Default 30 s.
    pub timeout: Duration,
    /// Whether a connection is used again. Default yes.
    pub keepalive: bool,
    /// How many idle connections are kept per host. Default 10,000.
    pub idle_connections_max: usize,
    /// How many requests may have a connection at once; those beyond wait for one, and their timeout runs. No bound
    /// by default.
    pub connections_max: Option<usize>,
    /// Whether any certificate is good enough. Default no.
    pub insecure: bool,
    /// How many redirects are followed; `None`: a redirect is an answer like any other. Default 10.
    pub redirects_max: Option<u32>,
    /// How many bytes of an answer's body are kept; all are read and counted. Default 1 MiB.
    pub body_bytes_max: usize,
}

impl Default for WebOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            keepalive: true,
            idle_connections_max: 10_000,
            connections_max: None,
            insecure: false,
            redirects_max: Some(10),
            body_bytes_max: 1024 * 1024,
        }
    }
}

/// A client for every target.
#[derive(Debug)]
pub(super) struct WebClient {
    pooled: Client<HttpsConnector<Connector>, Full<Bytes>>,
    connections: Option<Arc<Semaphore>>,
    options: WebOptions,
}

impl WebClient {
    pub(super) fn new(node: &Node, options: &WebOptions, with_tls: bool) -> Result<Self, String> {
        let tls = tls::config(options.insecure, with_tls)?;
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(Connector(node.clone()));
        let idle_max = if options.keepalive { options.idle_connections_max } else { 0 };
        let pooled = Client::builder(OnNode(node.clone()))
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_max_idle_per_host(idle_max)
            .build(connector);
        let connections = options.connections_max.map(|max| Arc::new(Semaphore::new(max)));
        Ok(Self { pooled, connections, options: options.clone() })
    }

    /// Sends a target and writes what was answered into the hit. What went wrong is the error.
    pub(super) async fn call(&self, target: &Target, hit: &mut Hit) -> Result<(), String> {
        let _connection = match &self.connections {
            Some(connections) => Some(connections.acquire().await.expect("nobody closes the semaphore")),
            None => None,
        };
        let mut request = self.request(target)?;
        let mut followed = 0;
        loop {
            let (method, headers, url) =
                (request.method().clone(), request.headers().clone(), request.uri().clone());
            let sent = self.pooled.request(request).await;
            let response = sent.map_err(|error| {
                if error.is_connect() { format!("connect: {}", deepest(&error)) } else { deepest(&error) }
            })?;
            let (Some(max), Some(to)) = (self.options.redirects_max, redirect(&response, &url)) else {
                return self.read(response, hit).await;
            };
            if followed >= max {
                return Err(format!("stopped after {max} redirects"));
            }
            followed += 1;
            let status = response.status();
            // Read to its end, so that the connection can be used again.
            self.read(response, hit).await?;
            request = again(status, method, headers, &url, to, &target.body);
        }
    }

    fn request(&self, target: &Target) -> Result<Request<Full<Bytes>>, String> {
        let mut request = Request::new(Full::new(target.body.clone()));
        *request.method_mut() = target.method.clone();
        *request.uri_mut() = target.url.clone();
        *request.version_mut() = Version::HTTP_11;
        *request.headers_mut() = target.headers.clone();
        if !self.options.keepalive {
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(request)
    }

    async fn read(&self, response: Response<Incoming>, hit: &mut Hit) -> Result<(), String> {
        let (head, mut body) = response.into_parts();
        let mut kept = BytesMut::new();
        hit.bytes_in = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| format!("body: {}", deepest(&error)))?;
            if let Some(data) = frame.data_ref() {
                hit.bytes_in += data.len() as u64;
                let room = self.options.body_bytes_max.saturating_sub(kept.len());
                kept.extend_from_slice(&data[..data.len().min(room)]);
            }
        }
        hit.body = kept.freeze();
        hit.code = head.status.as_u16();
        hit.headers = Some(headers(&head.headers));
        hit.error = if hit.succeeded() { String::new() } else { head.status.to_string() };
        Ok(())
    }
}

/// Where a redirect leads; `None` when the answer is none, or leads nowhere that can be asked.
fn redirect(response: &Response<Incoming>, from: &Uri) -> Option<Uri> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let to = url::Url::parse(&from.to_string()).ok()?.join(location).ok()?;
    let to: Uri = to.as_str().split('#').next()?.parse().ok()?;
    matches!(to.scheme_str(), Some("http" | "https")).then_some(to)
}

/// The request that a redirect asks for (RFC 9110, 15.4): 307 and 308 repeat it, the others become a GET without a
/// body, unless they were a HEAD. Credentials stay with their host.
fn again(
    status: StatusCode,
    method: Method,
    mut headers: http::HeaderMap,
    from: &Uri,
    to: Uri,
    body: &Bytes,
) -> Request<Full<Bytes>> {
    let repeats = matches!(status.as_u16(), 307 | 308);
    let method = if repeats || method == Method::HEAD { method } else { Method::GET };
    headers.remove(HOST);
    if from.authority() != to.authority() {
        headers.remove(AUTHORIZATION);
        headers.remove(COOKIE);
    }
    if !repeats {
        headers.remove(http::header::CONTENT_TYPE);
        headers.remove(http::header::CONTENT_LENGTH);
    }
    let mut request = Request::new(Full::new(if repeats { body.clone() } else { Bytes::new() }));
    *request.method_mut() = method;
    *request.uri_mut() = to;
    *request.headers_mut() = headers;
    request
}

/// Names as most servers write them, and as Go does: `Content-Type`.
fn headers(map: &http::HeaderMap) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in map {
        let mut upper = true;
        let letters = name.as_str().chars().map(|letter| {
            let letter = if upper { letter.to_ascii_uppercase() } else { letter };
            upper = letter == '-';
            letter
        });
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.entry(letters.collect()).or_default().push(value);
    }
    headers
}

/// What it comes down to: the last error of the chain, which names the cause and no address.
fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}
