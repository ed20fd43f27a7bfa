//! A deadline, and how it finds its way into a request and out again.

use std::time::Duration;

use tokio::time::Instant;

/// Longer than anything waits, short enough for any clock.
const FOREVER: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// A point in time after which nobody waits for the answer any more. It has passed at that very instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline {
    at: Instant,
}

impl Deadline {
    /// The deadline at an instant.
    #[must_use]
    pub const fn at(at: Instant) -> Self {
        Self { at }
    }

    /// So long after `now`: also for what remained when a request came in from another machine. What no
    /// clock can express becomes a year.
    #[must_use]
    #[inline]
    pub fn after(now: Instant, remaining: Duration) -> Self {
        Self { at: now.checked_add(remaining).unwrap_or_else(|| now + FOREVER) }
    }

    /// The instant.
    #[must_use]
    pub const fn instant(self) -> Instant {
        self.at
    }

    /// What is left at `now`; zero when it has passed.
    #[must_use]
    pub fn remaining(self, now: Instant) -> Duration {
        self.at.saturating_duration_since(now)
    }

    /// Whether nothing is left at `now`.
    #[must_use]
    #[inline]
    pub fn has_passed(self, now: Instant) -> bool {
        self.at <= now
    }

    /// What the next machine may be told: what is left, less what the way there takes. `None` when that is
    /// nothing, and there is no point in asking.
    #[must_use]
    pub fn to_send(self, now: Instant, transit: Duration) -> Option<Duration> {
        self.remaining(now).checked_sub(transit).filter(|left| !left.is_zero())
    }
}

/// A request that carries its deadline.
pub trait HasDeadline {
    /// When nobody waits any more; `None` when the caller named no end.
    fn deadline(&self) -> Option<Deadline>;

    /// Carries another deadline from now on.
    fn set_deadline(&mut self, deadline: Deadline);
}

/// Knows where requests carry their deadline.
///
/// It stands apart from the request, so that it can be written for request types of other crates (and
/// their headers or extensions).
pub trait Carrier<R> {
    /// When nobody waits any more; `None` when the caller named no end.
    fn deadline(&self, request: &R) -> Option<Deadline>;

    /// Makes the request carry another deadline from now on.
    fn set_deadline(&self, request: &mut R, deadline: Deadline);
}

/// The request itself knows, being [`HasDeadline`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InRequest;

impl<R: HasDeadline> Carrier<R> for InRequest {
    fn deadline(&self, request: &R) -> Option<Deadline> {
        request.deadline()
    }

    fn set_deadline(&self, request: &mut R, deadline: Deadline) {
        request.set_deadline(deadline);
    }
}

/// Requests carry no deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nowhere;

impl<R> Carrier<R> for Nowhere {
    fn deadline(&self, _: &R) -> Option<Deadline> {
        None
    }

    fn set_deadline(&self, _: &mut R, _: Deadline) {}
}
