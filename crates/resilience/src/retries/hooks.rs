//! What a user may do to each attempt's request and to the result in the end.

use super::policy::GiveUp;

/// How a call came to its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trail {
    /// How many attempts there were.
    pub attempts: u32,
    /// Whether any of them may have had an effect that nobody knows of. True with a result that surely had
    /// none, when that is the last one's: the call as a whole is unknown then.
    pub unknown: bool,
    /// Why there is no other attempt; `None` after a success.
    pub gave_up: Option<GiveUp>,
}

/// Takes a hand in attempts. Both methods do nothing by default; `()` is the hooks that do nothing.
pub trait Hooks<R, T, E> {
    /// The request of attempt number `attempt` (the first is 1), before it is sent: a new trace id, say.
    fn prepare(&self, _request: &mut R, _attempt: u32) {}

    /// The result, before it is handed out: a note of how it came about, an error that says *unknown*.
    ///
    /// # Errors
    /// Whatever it makes of the result.
    fn conclude(&self, result: Result<T, E>, _trail: Trail) -> Result<T, E> {
        result
    }
}

impl<R, T, E> Hooks<R, T, E> for () {}
