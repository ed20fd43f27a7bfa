//! The limit itself: an algorithm, its bounds, and the estimate that it moves.

use std::time::Duration;

use thiserror::Error;

use super::window::Gathering;
use super::{Aimd, Gradient2, Vegas, Window};

/// Between which limits an algorithm may move: 1 ≤ min ≤ max ≤ 2³².
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitBounds {
    min: usize,
    max: usize,
}

/// Not bounds of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a limit must stay between 1 or more and that or more, at most 2^32, not between {min} and {max}")]
pub struct InvalidBounds {
    /// The least limit given.
    pub min: usize,
    /// The greatest limit given.
    pub max: usize,
}

impl LimitBounds {
    /// From `min` to `max`, both included. The minimum keeps calls coming that show when things are well
    /// again; the maximum is for memory, and for measurements that lie.
    ///
    /// # Errors
    /// When `min` is 0 or above `max`, or `max` above 2³².
    pub const fn new(min: usize, max: usize) -> Result<Self, InvalidBounds> {
        if min == 0 || min > max || max as u64 > 1 << 32 {
            return Err(InvalidBounds { min, max });
        }
        Ok(Self { min, max })
    }

    /// The least limit.
    #[must_use]
    pub const fn min(&self) -> usize {
        self.min
    }

    /// The greatest limit.
    #[must_use]
    pub const fn max(&self) -> usize {
        self.max
    }
}

/// How a limit moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Algorithm {
    /// Not at all.
    Fixed,
    /// By failures.
    Aimd(Aimd),
    /// By the shortest time.
    Vegas(Vegas),
    /// By the long-term mean.
    Gradient2(Gradient2),
}

/// A concurrency limit that is fed with how calls went. Pure.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptiveLimit {
    algorithm: Algorithm,
    bounds: LimitBounds,
    window: Window,
    gathering: Gathering,
    estimate: f64,
}

impl AdaptiveLimit {
    /// A limit that begins with `initial` (within the bounds) and moves by `algorithm`.
    #[must_use]
    pub fn new(algorithm: Algorithm, initial: usize, bounds: LimitBounds, window: Window) -> Self {
        let initial = initial.clamp(bounds.min, bounds.max);
        Self { algorithm, bounds, window, gathering: Gathering::default(), estimate: in_double(initial) }
    }

    /// A limit that stays where it is. 0 refuses everything.
    #[must_use]
    pub fn fixed(limit: usize) -> Self {
        Self::new(Algorithm::Fixed, limit, LimitBounds { min: limit, max: limit }, Window::default())
    }

    /// [`Gradient2`] with its defaults.
    #[must_use]
    pub fn gradient2(initial: usize, bounds: LimitBounds) -> Self {
        Self::new(Algorithm::Gradient2(Gradient2::default()), initial, bounds, Window::default())
    }

    /// [`Vegas`] with its defaults.
    #[must_use]
    pub fn vegas(initial: usize, bounds: LimitBounds) -> Self {
        Self::new(Algorithm::Vegas(Vegas::default()), initial, bounds, Window::default())
    }

    /// [`Aimd`] with its defaults.
    #[must_use]
    pub fn aimd(initial: usize, bounds: LimitBounds) -> Self {
        Self::new(Algorithm::Aimd(Aimd::default()), initial, bounds, Window::default())
    }

    /// The same limit with other windows.
    #[must_use]
    pub const fn windowed(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// The most calls in flight, as things stand.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the estimate is within bounds that fit"
    )]
    pub const fn limit(&self) -> usize {
        if matches!(self.algorithm, Algorithm::Fixed) { self.bounds.max } else { self.estimate as usize }
    }

    /// A call has ended: with its time when it was accepted, with `None` when it was overloaded.
    /// `in_flight` is what it found when it came, itself included.
    pub fn add(&mut self, now: Duration, rtt: Option<Duration>, in_flight: usize) {
        if matches!(self.algorithm, Algorithm::Fixed) {
            return;
        }
        let Some(sample) = self.gathering.add(&self.window, now, rtt, in_flight) else { return };
        // At least half of the limit, or there is nothing to conclude from that it was enough.
        let in_use = in_double(sample.in_flight_max) * 2.0 >= self.estimate;
        let next = match &mut self.algorithm {
            Algorithm::Fixed => self.estimate,
            Algorithm::Aimd(aimd) => aimd.update(self.estimate, in_use, &sample),
            Algorithm::Vegas(vegas) => vegas.update(self.estimate, in_use, &sample),
            Algorithm::Gradient2(gradient) => gradient.update(self.estimate, in_use, &sample),
        };
        self.settle(next);
    }

    /// How the limit moves, with what the algorithm has learnt.
    #[must_use]
    pub const fn algorithm(&self) -> &Algorithm {
        &self.algorithm
    }

    /// Between which limits it moves.
    #[must_use]
    pub const fn bounds(&self) -> LimitBounds {
        self.bounds
    }

    /// Other bounds from now on. The limit moves into them at once; one that is fixed becomes their maximum.
    pub fn set_bounds(&mut self, bounds: LimitBounds) {
        self.bounds = bounds;
        self.settle(self.estimate);
    }

    fn settle(&mut self, next: f64) {
        let (min, max) = (in_double(self.bounds.min), in_double(self.bounds.max));
        // A setting that is no number (a smoothing of NaN) must not become the limit.
        self.estimate = if next.is_nan() { min } else { next.clamp(min, max) };
    }
}

#[expect(clippy::cast_precision_loss, reason = "limits and calls in flight are far below 2^53")]
const fn in_double(count: usize) -> f64 {
    count as f64
}
