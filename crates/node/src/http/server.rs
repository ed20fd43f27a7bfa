//! The server loop: accept, and one task per connection.
//!
//! Every connection has a limit on how long it may be quiet ([`connection`]), their number has one, and a head has
//! one in bytes (hyper answers 431 beyond it). A node that is asked to stop accepts nothing more, tells whoever
//! is connected that this was the last answer, and holds itself unfinished until the last connection is closed.

mod connection;
mod turned_away;

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use tower::{Service, ServiceExt};

use self::connection::{Activity, Limits, drive};
use self::turned_away::turn_away;
use crate::gauge::Gauge;
use crate::node::Node;
use crate::sim::Work;
use crate::stream::{Listener, Stream};

/// The largest head of a request in bytes, and the most of a body that is read ahead; beyond it the answer is 431.
/// The most header lines are 100, hyper's own limit.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How many connections there may be at once, unless it is said otherwise. A simulated host has fewer descriptors.
pub const CONNECTIONS_MAX: usize = 65_536;

/// How a server treats its connections.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Counts the open connections. Default: a gauge of its own.
    pub connections: Gauge,
    /// How many there may be. Whoever comes beyond is answered `turned_away` and let go. Default
    /// [`CONNECTIONS_MAX`].
    pub connections_max: usize,
    /// What is answered beyond that, as it goes over the wire. Default: an empty 503 with `Retry-After: 1`.
    pub turned_away: Bytes,
    /// How many were turned away. Default: a gauge of its own.
    pub turned_away_total: Gauge,
    /// How long a client may take to send a request's head, from its first byte on. Default 10 s.
    pub header_read_timeout: Duration,
    /// How long a kept-alive connection may be idle, or an answer may wait for a client to read it. Default 75 s,
    /// so that the pooled clients of this crate let go first.
    pub idle_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        const EMPTY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
            content-length: 0\r\n\r\n";
        Self {
            connections: Gauge::new(),
            connections_max: CONNECTIONS_MAX,
            turned_away: Bytes::from_static(EMPTY),
            turned_away_total: Gauge::new(),
            header_read_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
        }
    }
}

/// Accepts connections and answers requests with `service` until the node is asked to stop; for ever otherwise.
///
/// When it returns, nothing is accepted any more; the connections that are left are unfinished work of the node
/// ([`Stopping::finished`](crate::Stopping::finished)). A request whose client has gone is dropped where it stands:
/// work that must outlive its client has to be spawned on the node.
///
/// # Cancel safety
/// Dropping the future stops accepting; connections that were accepted live on with their node.
pub async fn serve<S, B>(node: Node, mut listener: Listener, service: S, options: ServerOptions)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut builder = http1::Builder::new();
    // How long it may be quiet is watched here: hyper knows one limit for a head and for no request at all.
    builder.header_read_timeout(None).max_buf_size(HEAD_BYTES_MAX).auto_date_header(node.dates_answers());
    let limits = Limits { head: options.header_read_timeout, idle: options.idle_timeout };
    let leaving = Gauge::new();
    let mut stop = pin!(node.stopping().begun());
    loop {
        let stream = tokio::select! {
            biased;
            () = &mut stop => return,
            stream = listener.accept() => stream,
        };
        if options.connections.now() >= options.connections_max as u64 {
            options.turned_away_total.set(options.turned_away_total.now() + 1);
            turn_away(&node, stream, &options.turned_away, &leaving);
            continue;
        }
        let counted = (options.connections.enter(), node.stopping().hold());
        let (builder, service, on) = (builder.clone(), service.clone(), node.clone());
        node.spawn(async move {
            serve_connection(&builder, stream, service, on, limits).await;
            drop(counted);
        });
    }
}

async fn serve_connection<S, B>(
    builder: &http1::Builder,
    stream: Stream,
    service: S,
    node: Node,
    limits: Limits,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let activity = Activity::default();
    let (own, stopping) = (activity.clone(), node.stopping().clone());
    let answer = service_fn(move |request| {
        activity.serving();
        let (service, node, activity) = (service.clone(), node.clone(), activity.clone());
        async move {
            node.compute(Work::Arrival).await;
            let mut response = service.oneshot(request).await?;
            if !is_refusal(response.status()) {
                node.compute(Work::Service).await;
            }
            if node.stopping().has_begun() {
                // hyper reads this too, and closes the connection behind the answer.
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            activity.answered();
            Ok::<_, Infallible>(response)
        }
    });
    let connection = builder.serve_connection(own.watched(stream), answer);
    drive(connection, &own, limits, &stopping).await;
}

/// What is answered at the door costs less than what is served.
fn is_refusal(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}
