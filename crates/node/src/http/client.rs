//! A client with a pool of kept-alive connections.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::Client as Pooled;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioIo, TokioTimer};

use super::error::CallError;
use crate::node::Node;
use crate::stream::Stream;

/// How a client keeps its connections.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// How long an idle connection is kept. Default 60 s.
    pub idle_timeout: Duration,
    /// How many idle connections are kept. Default 8,192, as many as a host has descriptors.
    pub idle_connections_max: usize,
    /// How long an answer may be. Default 1 MiB.
    pub response_bytes_max: usize,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            idle_timeout: Duration::from_secs(60),
            idle_connections_max: 8_192,
            response_bytes_max: 1024 * 1024,
        }
    }
}

/// An HTTP/1.1 client for one upstream. Cloning shares the pool.
///
/// One client per upstream: the pool keeps its hosts in a hash map, whose order differs between
/// processes. It has no timeout of its own, and takes as many connections as there are calls at once.
/// When this process has no descriptor left, a call waits for a pooled connection or a descriptor,
/// whichever comes free first.
#[derive(Clone, Debug)]
pub struct Client {
    pooled: Pooled<Connector, Full<Bytes>>,
    response_bytes_max: usize,
}

impl Client {
    /// A client of `node` without connections yet.
    #[must_use]
    pub fn new(node: &Node, options: ClientOptions) -> Self {
        let pooled = Pooled::builder(OnNode(node.clone()))
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(options.idle_timeout)
            .pool_max_idle_per_host(options.idle_connections_max)
            .build(Connector(node.clone()));
        Self { pooled, response_bytes_max: options.response_bytes_max }
    }

    /// Sends a request and reads the whole answer. The URI names the upstream: `http://order-processor:8081/…`.
    ///
    /// hyper repeats a request by itself only if it had taken an idle connection that turned out to be
    /// closed before the first byte was sent.
    ///
    /// # Errors
    /// When there is no complete answer. [`CallError::fate`] tells whether it may have had an effect.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection it used; what the peer makes of the request is unknown.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, CallError> {
        let answer = self.pooled.request(request.map(Full::new)).await;
        let (head, body) = answer.map_err(|error| CallError::from_client(&error))?.into_parts();
        let body = Limited::new(body, self.response_bytes_max).collect().await;
        match body {
            Ok(body) => Ok(Response::from_parts(head, body.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => {
                Err(CallError::TooLarge { limit: self.response_bytes_max })
            }
            Err(error) => Err(CallError::from_cause(error.as_ref())),
        }
    }
}

/// Runs the pool's background work as tasks of the node.
#[derive(Clone, Debug)]
struct OnNode(Node);

impl<F> hyper::rt::Executor<F> for OnNode
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

/// Connects through the node.
#[derive(Clone, Debug)]
struct Connector(Node);

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Stream>>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let node = self.0.clone();
        Box::pin(async move {
            let host = uri.host().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no host"))?;
            let stream = node.connect(host.trim_matches(['[', ']']), uri.port_u16().unwrap_or(80)).await?;
            Ok(TokioIo::new(stream))
        })
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}
