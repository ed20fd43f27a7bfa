//! What a call says about itself: until when it is wanted, and how much.

use tokio::time::Instant;

use crate::priority::Priority;

/// A call's deadline and priority. By default neither matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallTerms {
    /// When its answer is worth nothing any more.
    pub deadline: Option<Instant>,
    /// How important it is.
    pub priority: Priority,
}

/// Takes a call's terms from its request. Every `Fn(&R) -> CallTerms` does.
pub trait TermsOf<R> {
    /// The terms of `request`.
    fn terms(&self, request: &R) -> CallTerms;
}

impl<R, F: Fn(&R) -> CallTerms> TermsOf<R> for F {
    fn terms(&self, request: &R) -> CallTerms {
        self(request)
    }
}

/// For pools whose queue does not look at calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTerms;

impl<R> TermsOf<R> for NoTerms {
    fn terms(&self, _: &R) -> CallTerms {
        CallTerms::default()
    }
}
