//! Client-side throttling: refuse here what would be refused there.
//!
//! Refusing costs too. A server at ten times its capacity can spend all of it on saying no, so its
//! clients should stop asking: each refuses locally, with a probability that follows from how many of
//! its recent calls were taken on (Google, *Site Reliability Engineering*, chapter 21, "Client-Side
//! Throttling"):
//!
//! ```text
//! p = max(0, (requests − K × accepts) ÷ (requests + 1))
//! ```
//!
//! over the last two minutes; K = 2 lets about twice as many through as are taken on, so that the client
//! notices soon when the server takes on more. K nearer to 1 wastes less of the server and notices later.
//! There are no states: unlike a breaker it never closes altogether (p < 1) and needs no probes.
//!
//! Counted are calls whose outcome is known, when it is known, and what was refused here. The book counts
//! a call when it is made; but then a slow server's calls under way look like refused ones, and a client
//! that has just started throttles itself before the first answer. A call whose caller leaves is not
//! counted at all.
//!
//! Defaults: K = 2, 120 s (in slots of 12 s, so up to 132 s are remembered). Chance is passed in, one
//! number per call that might be refused, none while p is 0.
//!
//! In failure, with a server that takes on nothing, about one call per window gets through. That is the
//! book's formula, and it is slow to forgive: after a minute's outage a client with 100 calls per second
//! takes eleven minutes until it refuses nothing any more. `probability_max` bounds that (Envoy's admission
//! control has the same, with 0.8): at 0.9 a tenth of the calls always probes, and it takes four. The
//! layer belongs on the client's side, outside of the timeout that makes an overload of silence.
//!
//! ```
//! use resilience::admission::guard::GuardLayer;
//! use resilience::admission::throttle::{Throttle, ThrottleSettings};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! // In earnest: a seeded generator's next number in [0, 1).
//! let layer = GuardLayer::new(Throttle::new(ThrottleSettings::default(), Box::new(|| 0.5)));
//! let service = layer.layer(service_fn(|n: u32| async move { Ok::<_, std::io::Error>(n + 1) }));
//! assert_eq!(service.oneshot(41).await.unwrap(), 42);
//! # });
//! ```

use std::fmt;
use std::time::Duration;

use super::guard::{Outcome, Rule};
use crate::randomness::{Randomness, clamped};
use crate::refusal::{Reason, Refusal};
use crate::slots::Slots;

/// How eagerly a client holds back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThrottleSettings {
    /// How many requests per accepted one may be made before any is refused. Default: 2. Below 1, calls
    /// are refused even when all are accepted; what is no number refuses nothing.
    pub k: f64,
    /// The probability never exceeds this, between 0 and 1. Default: 1, which is the book's; below it,
    /// recovery from an outage is quicker.
    pub probability_max: f64,
    /// How long results count. Default: two minutes.
    pub window: Duration,
    /// What the refused are told. Default: 1 s.
    pub retry_after: Duration,
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self {
            k: 2.0,
            probability_max: 1.0,
            window: Duration::from_secs(120),
            retry_after: Duration::from_secs(1),
        }
    }
}

/// The rule: refuses by chance, the more the other side refused lately.
pub struct Throttle {
    settings: ThrottleSettings,
    counts: Slots<Counts>,
    randomness: Box<dyn Randomness>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    requests: u64,
    accepts: u64,
}

impl Throttle {
    /// A client that knows nothing yet, and so refuses nothing.
    #[must_use]
    pub fn new(settings: ThrottleSettings, randomness: Box<dyn Randomness>) -> Self {
        Self { settings, counts: Slots::new(settings.window), randomness }
    }

    /// With what probability the next call is refused.
    pub fn probability(&mut self, now: Duration) -> f64 {
        self.counts.advance(now);
        let (mut requests, mut accepts) = (0_u64, 0_u64);
        for slot in self.counts.iter() {
            requests = requests.saturating_add(slot.requests);
            accepts = accepts.saturating_add(slot.accepts);
        }
        let (requests, accepts) = (in_double(requests), in_double(accepts));
        // `max` gives 0 for what is not a number.
        ((requests - self.settings.k * accepts) / (requests + 1.0))
            .max(0.0)
            .min(self.settings.probability_max)
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> ThrottleSettings {
        self.settings
    }

    /// Other settings from now on. Another window begins empty.
    pub fn set_settings(&mut self, settings: ThrottleSettings) {
        if settings.window != self.settings.window {
            self.counts = Slots::new(settings.window);
        }
        self.settings = settings;
    }

    fn count(&mut self, now: Duration, accepts: u64) {
        self.counts.advance(now);
        let (_, slot) = self.counts.current();
        slot.requests = slot.requests.saturating_add(1);
        slot.accepts = slot.accepts.saturating_add(accepts);
    }
}

impl Rule for Throttle {
    type Tag = ();
    type Pass = ();

    fn admit(&mut self, now: Duration, _: usize, (): ()) -> Result<(), Refusal> {
        let probability = self.probability(now);
        if probability > 0.0 && clamped(self.randomness.unit()) < probability {
            self.count(now, 0);
            return Err(Refusal { reason: Reason::Throttled, retry_after: self.settings.retry_after });
        }
        Ok(())
    }

    fn end(&mut self, now: Duration, _: usize, (): (), outcome: Outcome) {
        match outcome {
            Outcome::Accepted => self.count(now, 1),
            Outcome::Overloaded => self.count(now, 0),
            Outcome::Unknown => {}
        }
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Throttle");
        f.field("settings", &self.settings).field("counts", &self.counts).finish_non_exhaustive()
    }
}

#[expect(clippy::cast_precision_loss, reason = "calls in two minutes are far below 2^53")]
const fn in_double(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
