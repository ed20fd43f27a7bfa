//! Reading an order: once, where the design needs it first.
//!
//! That is inside the door as a rule: who is refused costs no parsing. A door that has to know whose order
//! it is or how important ([`read_first`]) costs reading every order, and then nothing is read again.
//! What that takes is bounded by the size of a body, the time for it, and the connections there can be.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use domain::{NewOrder, Rejection};

use crate::web::{Problem, ProblemKind, body};

/// Ids that would collide with our own paths below `/orders/`.
const RESERVED_IDS: [&str; 2] = ["sync", "async"];

/// An order as it was read, with the bytes that it was read from.
#[derive(Clone, Debug)]
pub(crate) struct ReadOrder {
    pub(crate) order: NewOrder,
    pub(crate) body: Bytes,
}

impl ReadOrder {
    /// The order that was read before the door.
    pub(crate) fn in_request(request: &Request) -> &Self {
        request.extensions().get().expect("the door stands behind the reading where it needs it")
    }

    /// The order of a request, read now unless it was read already.
    ///
    /// # Errors
    /// When it is none.
    pub(super) async fn of(request: &mut Request) -> Result<Self, Problem> {
        if let Some(read) = request.extensions_mut().remove() {
            return Ok(read);
        }
        let body = std::mem::replace(request.body_mut(), Body::empty());
        let body = body::read(request.headers(), body).await?;
        let order = NewOrder::parse(&body).map_err(rejected)?;
        if order.order_id().is_some_and(|id| RESERVED_IDS.contains(&id.as_str())) {
            let detail = "order_id must not be \"sync\" or \"async\"";
            return Err(Problem::new(ProblemKind::InvalidBody, detail).field("order_id".to_owned()));
        }
        Ok(Self { order, body })
    }
}

/// Reads the order before whatever is inside, which finds it with [`ReadOrder::in_request`].
pub(super) async fn read_first(mut request: Request, next: Next) -> Result<Response, Problem> {
    let read = ReadOrder::of(&mut request).await?;
    request.extensions_mut().insert(read);
    Ok(next.run(request).await)
}

fn rejected(rejection: Rejection) -> Problem {
    match rejection {
        Rejection::Malformed { .. } => Problem::new(ProblemKind::MalformedBody, rejection.to_string()),
        Rejection::Invalid(invalid) => {
            Problem::new(ProblemKind::InvalidBody, invalid.to_string()).field(invalid.field)
        }
    }
}
