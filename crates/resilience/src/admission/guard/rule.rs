//! What a rule is, and what it is told about requests and results.

use std::time::Duration;

use crate::refusal::Refusal;

/// How an admitted call ended, as far as a rule is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The other side took the call on and answered; whether with a yes or a no does not matter.
    Accepted,
    /// The other side was overloaded: it refused, or did not answer in time.
    Overloaded,
    /// It says nothing about the other side: the caller left, or the call never got there.
    Unknown,
}

/// Decides at the door and is told how it went. Pure: time comes in, nothing waits, nothing is locked.
///
/// `now` is the time since some fixed origin and never goes back; `in_flight` counts the calls inside
/// without this one.
pub trait Rule {
    /// What the rule has to know of a request: a tenant, a priority, nothing.
    type Tag;
    /// What an admitted call carries until it ends.
    type Pass;

    /// Whether one more call may come in.
    ///
    /// # Errors
    /// The refusal to hand to the caller.
    fn admit(&mut self, now: Duration, in_flight: usize, tag: Self::Tag) -> Result<Self::Pass, Refusal>;

    /// An admitted call has ended.
    fn end(&mut self, now: Duration, in_flight: usize, pass: Self::Pass, outcome: Outcome);

    /// The most calls in flight as things stand, where the rule has such a limit.
    fn limit(&self) -> Option<usize> {
        None
    }
}

/// Takes from a request what a rule has to know. Every `Fn(&R) -> T` is one.
pub trait Tagger<R, T> {
    /// The tag of `request`.
    fn tag(&self, request: &R) -> T;
}

impl<R, T, F: Fn(&R) -> T> Tagger<R, T> for F {
    fn tag(&self, request: &R) -> T {
        self(request)
    }
}

/// For rules that do not look at requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Untagged;

impl<R> Tagger<R, ()> for Untagged {
    fn tag(&self, _: &R) {}
}

/// Tells from a result how the other side did. Every `Fn(&Result<T, E>) -> Outcome` is one.
///
/// This is where a protocol is known; the crate knows none.
pub trait Judge<T, E> {
    /// What `result` says.
    fn judge(&self, result: &Result<T, E>) -> Outcome;
}

impl<T, E, F: Fn(&Result<T, E>) -> Outcome> Judge<T, E> for F {
    fn judge(&self, result: &Result<T, E>) -> Outcome {
        self(result)
    }
}

/// The default judge: an answer is an answer, an error is overload. Right for transports whose errors are
/// timeouts and refusals; anything finer needs a judge of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct ErrorsAreOverload;

impl<T, E> Judge<T, E> for ErrorsAreOverload {
    fn judge(&self, result: &Result<T, E>) -> Outcome {
        if result.is_ok() { Outcome::Accepted } else { Outcome::Overloaded }
    }
}
