//! Arrivals: when orders are to be sent.
//!
//! One method for every load and spacing: *inversion*. Let Λ(t) be the orders that the load has asked for
//! until t, the integral of its rate. Evenly spaced, order k is sent when Λ(t) = k, from k = 0 on. For
//! Poisson arrivals, the order comes when Λ(t) has reached the next point of a Poisson process of rate 1,
//! whose gaps are exponential with mean 1 (the time-change theorem; see Çınlar, *Introduction to Stochastic
//! Processes*, 1975, on non-stationary Poisson processes). At a constant rate this is the familiar sum of
//! exponential gaps. Thinning would do as well, but throws numbers away, and has no even-spaced sibling.
//!
//! The rate of every load is linear in pieces, so Λ is quadratic in pieces and is inverted exactly, with a
//! square root (which IEEE 754 rounds correctly). The logarithm is libm's: the platform's may differ in the
//! last bit.
//!
//! The stream of a longer load begins with the stream of the shorter one.

use std::time::Duration;

use node::Rng;
use rand::RngExt;

use crate::plan::{Load, RateStep, Spacing};
use crate::rates::Stage;

/// The most orders in one load: they are all kept until the run is judged.
pub const ARRIVALS_MAX: usize = 10_000_000;

/// The intended send times of a load from its start, ascending, all before its end, at most [`ARRIVALS_MAX`].
///
/// Even spacing ignores the random stream. A closed loop has none: its users send when they were answered.
#[must_use]
pub fn arrivals(load: &Load, rng: Rng) -> Arrivals {
    let clock = match load.spacing() {
        None | Some(Spacing::Even) => Clock::Even { next: 0 },
        Some(Spacing::Poisson) => Clock::Poisson { rng: Box::new(rng), orders: 0.0 },
    };
    Arrivals {
        pieces: pieces(load),
        piece: 0,
        orders_before: 0.0,
        clock,
        end: load.duration().get(),
        left: ARRIVALS_MAX,
    }
}

/// How many orders a load asks for on average.
pub(crate) fn expected(load: &Load) -> f64 {
    pieces(load).iter().map(Piece::orders).sum()
}

/// The intended send times of a load. Made by [`arrivals`].
#[derive(Debug)]
pub struct Arrivals {
    pieces: Vec<Piece>,
    piece: usize,
    /// Λ at the start of the current piece.
    orders_before: f64,
    clock: Clock,
    end: Duration,
    left: usize,
}

impl Arrivals {
    /// Evenly spaced through stages, however many there are: for whoever keeps none of them.
    pub(crate) fn even(stages: &[Stage]) -> Self {
        let mut end = Duration::ZERO;
        let pieces = stages.iter().map(|stage| {
            let start_s = end.as_secs_f64();
            end += stage.duration;
            let length_s = stage.duration.as_secs_f64();
            Piece { start_s, length_s, from_per_s: stage.from_per_s, to_per_s: stage.to_per_s }
        });
        let pieces = pieces.collect();
        let clock = Clock::Even { next: 0 };
        Self { pieces, piece: 0, orders_before: 0.0, clock, end, left: usize::MAX }
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        let orders = self.clock.next();
        let piece = loop {
            let piece = self.pieces.get(self.piece)?;
            if orders - self.orders_before < piece.orders() {
                break piece;
            }
            self.orders_before += piece.orders();
            self.piece += 1;
        };
        let at = Duration::from_secs_f64(piece.start_s + piece.time_of(orders - self.orders_before));
        (at < self.end).then_some(at)
    }
}

/// Where the next order lies on the axis of Λ.
#[derive(Debug)]
enum Clock {
    Even { next: u64 },
    Poisson { rng: Box<Rng>, orders: f64 },
}

impl Clock {
    fn next(&mut self) -> f64 {
        match self {
            Self::Even { next } => {
                *next += 1;
                (*next - 1) as f64
            }
            Self::Poisson { rng, orders } => {
                // A uniform number is in [0, 1), so the logarithm is of something above zero.
                *orders -= libm::log(1.0 - rng.random::<f64>());
                *orders
            }
        }
    }
}

/// A stretch of time in which the rate goes linearly from one value to another.
#[derive(Debug)]
struct Piece {
    start_s: f64,
    length_s: f64,
    from_per_s: f64,
    to_per_s: f64,
}

impl Piece {
    /// The integral of the rate.
    fn orders(&self) -> f64 {
        f64::midpoint(self.from_per_s, self.to_per_s) * self.length_s
    }

    /// Seconds from the start of the piece until so many orders have been asked for.
    fn time_of(&self, orders: f64) -> f64 {
        if orders == 0.0 {
            return 0.0;
        }
        if self.from_per_s == self.to_per_s {
            return orders / self.from_per_s;
        }
        // Of the quadratic's two forms the one that does not subtract nearly equal numbers when the slope is
        // small.
        let slope = (self.to_per_s - self.from_per_s) / self.length_s;
        let rate_then = (self.from_per_s * self.from_per_s + 2.0 * slope * orders).max(0.0).sqrt();
        2.0 * orders / (self.from_per_s + rate_then)
    }
}

fn pieces(load: &Load) -> Vec<Piece> {
    let length_s = load.duration().get().as_secs_f64();
    let flat = |start_s: f64, end_s: f64, per_s: f64| Piece {
        start_s,
        length_s: end_s - start_s,
        from_per_s: per_s,
        to_per_s: per_s,
    };
    match load {
        Load::Constant { rate_per_s, .. } => vec![flat(0.0, length_s, rate_per_s.per_s())],
        Load::Ramp { from_per_s, to_per_s, .. } => {
            vec![Piece { start_s: 0.0, length_s, from_per_s: from_per_s.per_s(), to_per_s: to_per_s.per_s() }]
        }
        Load::Burst { base_per_s, peak_per_s, burst_start, burst_duration, .. } => {
            let start_s = burst_start.get().as_secs_f64().min(length_s);
            let end_s = (burst_start.get() + burst_duration.get()).as_secs_f64().min(length_s);
            vec![
                flat(0.0, start_s, base_per_s.per_s()),
                flat(start_s, end_s, peak_per_s.per_s()),
                flat(end_s, length_s, base_per_s.per_s()),
            ]
        }
        Load::Steps { steps, .. } => {
            let mut start_s = 0.0;
            let piece = |step: &RateStep| {
                let end_s = start_s + step.duration.get().as_secs_f64();
                let piece = flat(start_s, end_s, step.rate_per_s.per_s());
                start_s = end_s;
                piece
            };
            steps.iter().map(piece).collect()
        }
        Load::Users { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
