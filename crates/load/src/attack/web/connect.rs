//! Connections through the node, and the pool's work as its tasks.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::rt::TokioIo;
use node::{Node, Stream};

/// Runs the pool's background work as tasks of the node.
#[derive(Clone, Debug)]
pub(super) struct OnNode(pub(super) Node);

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
pub(super) struct Connector(pub(super) Node);

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
            let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
            let stream = node.connect(host.trim_matches(['[', ']']), port).await?;
            Ok(TokioIo::new(stream))
        })
    }
}
