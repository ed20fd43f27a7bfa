//! A segment of the path that names something: what cannot be a name names nothing.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use super::problem::{Problem, ProblemKind};

/// The longest name that anything here has: an idempotency key's.
const BYTES_MAX: usize = 255;

/// The one variable segment of a route's path, decoded.
#[derive(Clone, Debug)]
pub(crate) struct Segment(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(name)) if name.len() <= BYTES_MAX => Ok(Self(name)),
            // No UTF-8, or too long.
            _ => Err(ProblemKind::NotFound.into()),
        }
    }
}
