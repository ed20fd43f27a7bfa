//! A server that answers every request with 204 at once: what a load generator is measured against.
//!
//! `cargo run --release -p load --example answer -- 28090` listens on 127.0.0.1:28090; without a port the system chooses
//! one. Either way it says which, and serves until it is stopped.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use node::http::{ServerOptions, serve};
use node::{Node, RealOptions};

async fn answer(_request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

fn main() {
    let port = std::env::args().nth(1).map_or(0, |port| port.parse().expect("the argument is a port"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let node = Node::real(RealOptions { name: "answer".to_owned(), ..RealOptions::default() });
        let listener = node.listen(port).await.expect("the port is free");
        println!("listening on 127.0.0.1:{}", listener.port().expect("it listens"));
        serve(node.clone(), listener, tower::service_fn(answer), ServerOptions::default()).await;
    });
}
