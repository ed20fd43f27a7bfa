//! The least that an answer can cost here: a handler that answers 204, on the server loop of the services.
//!
//! Not a part of the program: `scripts/bench-refusal` measures a refusal against it. Prints its port.

use std::convert::Infallible;

use axum::body::Body;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use node::http::{ServerOptions, serve};
use node::{Node, RealOptions};
use tower::service_fn;

// As the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let node = Node::real(RealOptions { name: "bare".to_owned(), ..RealOptions::default() });
    let listener = node.listen(0).await?;
    println!("{}", listener.port()?);
    let service = service_fn(async |_: Request<Incoming>| {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::NO_CONTENT;
        Ok::<_, Infallible>(answer)
    });
    serve(node, listener, service, ServerOptions::default()).await;
    Ok(())
}
