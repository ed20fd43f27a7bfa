//! The server loop: accept, and one task per connection.

use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tower::{Service, ServiceExt};

use crate::gauge::Gauge;
use crate::node::Node;
use crate::sim::Work;
use crate::stream::{Listener, Stream};

/// How a server treats its connections.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Counts the open connections. Default: a gauge of its own.
    pub connections: Gauge,
    /// How long a client may take to send a request's head (and how long a kept-alive connection may
    /// stay idle). Default 75 s, so that the pooled clients of this crate let go first.
    pub header_read_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self { connections: Gauge::new(), header_read_timeout: Duration::from_secs(75) }
    }
}

/// Accepts connections and answers requests with `service` for ever.
///
/// The number of connections is bounded by the host's descriptors. A request whose client has gone is
/// dropped where it stands: work that must outlive its client has to be spawned on the node.
///
/// # Cancel safety
/// Dropping the future stops accepting; connections that were accepted live on with their node.
pub async fn serve<S, B>(node: Node, mut listener: Listener, service: S, options: ServerOptions) -> Infallible
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_read_timeout)
        .auto_date_header(node.dates_answers());
    loop {
        let stream = listener.accept().await;
        let counted = options.connections.enter();
        let (builder, service, on) = (builder.clone(), service.clone(), node.clone());
        node.spawn(async move {
            serve_connection(&builder, stream, service, on).await;
            drop(counted);
        });
    }
}

async fn serve_connection<S, B>(builder: &http1::Builder, stream: Stream, service: S, node: Node)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let answer = service_fn(move |request| {
        let (service, node) = (service.clone(), node.clone());
        async move {
            node.compute(Work::Arrival).await;
            let response = service.oneshot(request).await?;
            if !is_refusal(response.status()) {
                node.compute(Work::Service).await;
            }
            Ok::<_, Infallible>(response)
        }
    });
    // A connection that breaks is its client's loss, and the client's to report.
    let _broken = builder.serve_connection(TokioIo::new(stream), answer).await;
}

/// What is answered at the door costs less than what is served.
fn is_refusal(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}
