//! Goodput: what was answered in time, against what could have been.
//!
//! An order is *good* when it was answered 2xx within the service level ([`SLO`], unless the experiment says
//! otherwise) of its **intended** send time; it counts at that time. A window's ratio is its good orders ÷ ∫ min(offered rate, capacity).
//!
//! The offered rate is taken from the orders that really arrived, not from the schedule: the window is cut at
//! every change of capacity and at each whole second from its start, and each piece could have served
//! min(orders offered in it, capacity × its length). With the schedule's rate instead, the noise of Poisson
//! arrivals (± 10 % in a second of 100) would move the ratio of a platform that answered everybody; with
//! pieces that have room for a few orders only, a few arriving at once would look like overload. So a piece is as
//! many seconds long as there is room for [`PIECE_ORDERS_MIN`] orders in it: one, unless payment is as slow as in a
//! flash sale, where two thirds of an order are possible in a second, and customers come two at a time or not at all.
//! 0 ÷ 0 is `None`.
//!
//! Every question is answered from two sorted lists by binary search, so a window costs O(log orders).

use std::time::Duration;

use crate::facts::{Asked, Facts};
use crate::outcomes::Outcome;

/// A success later than this after its intended send time is worth nothing to its client, unless the
/// experiment states another service level.
pub const SLO: Duration = Duration::from_secs(2);

/// Where the steady window begins: before it, connections open and the first orders find an empty platform.
pub const STEADY_FROM: Duration = Duration::from_secs(2);

/// What the pieces of a window are made of.
const SECOND_US: u64 = 1_000_000;

/// A piece has room for so many orders, unless the window or a capacity is over before.
const PIECE_ORDERS_MIN: f64 = 10.0;

/// A piece is no longer than this, in seconds: longer than any run.
const PIECE_S_MAX: f64 = 1e9;

/// Whether the order was answered with success within the service level.
pub(crate) fn is_good(order: &Asked, slo: Duration) -> bool {
    Outcome::of(order.answer) == Outcome::Succeeded
        && u128::from(order.done_us.saturating_sub(order.intended_us)) <= slo.as_micros()
}

/// The steady window in µs; empty when the load is shorter than its warm-up.
pub(crate) fn steady_window(facts: &Facts) -> (u64, u64) {
    (STEADY_FROM.as_micros() as u64, facts.load_end_us)
}

/// A run's orders by intended send time, ready for questions about any window.
#[derive(Debug)]
pub(crate) struct Goodput<'a> {
    offered_us: Vec<u64>,
    good_us: Vec<u64>,
    capacity: &'a [(u64, f64)],
}

impl<'a> Goodput<'a> {
    /// With the default [`SLO`].
    #[cfg(test)]
    pub(crate) fn of(facts: &'a Facts) -> Self {
        Self::within(facts, SLO)
    }

    /// With a service level of its own.
    pub(crate) fn within(facts: &'a Facts, slo: Duration) -> Self {
        let mut offered_us: Vec<u64> = facts.asked.iter().map(|order| order.intended_us).collect();
        let mut good_us: Vec<u64> =
            facts.asked.iter().filter(|order| is_good(order, slo)).map(|order| order.intended_us).collect();
        offered_us.sort_unstable();
        good_us.sort_unstable();
        Self { offered_us, good_us, capacity: &facts.capacity }
    }

    /// Orders intended in `[from, to)`.
    pub(crate) fn offered(&self, from: u64, to: u64) -> u64 {
        count(&self.offered_us, from, to)
    }

    /// Good orders intended in `[from, to)`.
    pub(crate) fn good(&self, from: u64, to: u64) -> u64 {
        count(&self.good_us, from, to)
    }

    /// Good orders ÷ what was possible in `[from, to)`, not rounded.
    pub(crate) fn ratio(&self, from: u64, to: u64) -> Option<f64> {
        let possible: f64 = pieces(self.capacity, from, to)
            .map(|piece| (self.offered(piece.from, piece.to) as f64).min(piece.orders()))
            .sum();
        (possible > 0.0).then(|| self.good(from, to) as f64 / possible)
    }
}

/// How many seconds a piece is long under a capacity: a rate is one only where it is of several orders. Without any
/// capacity nothing is possible in a piece of any length.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds, and at least one")]
pub fn piece_s(capacity_per_s: f64) -> u64 {
    if capacity_per_s <= 0.0 {
        return 1;
    }
    (PIECE_ORDERS_MIN / capacity_per_s).ceil().clamp(1.0, PIECE_S_MAX) as u64
}

/// What payment could do in `[from, to)`, in successful orders, whoever asks.
pub(crate) fn capacity_in(capacity: &[(u64, f64)], from: u64, to: u64) -> f64 {
    pieces(capacity, from, to).map(|piece| piece.orders()).sum()
}

/// A part of a window under one capacity: as long as [`piece_s`] says, less where something ends, and more where the rest would
/// be left over.
#[derive(Debug, PartialEq)]
struct Piece {
    from: u64,
    to: u64,
    capacity_per_s: f64,
}

impl Piece {
    fn orders(&self) -> f64 {
        self.capacity_per_s * (self.to - self.from) as f64 / 1e6
    }
}

/// Cuts `[from, to)` at each change of capacity and at each whole second from `from`, or after as many of them as a piece
/// is long; what would be left over of such a piece goes with the last. Before the first known capacity there is none.
fn pieces(capacity: &[(u64, f64)], from: u64, to: u64) -> impl Iterator<Item = Piece> {
    let mut at = from;
    std::iter::from_fn(move || {
        if at >= to {
            return None;
        }
        let next = capacity.partition_point(|&(since, _)| since <= at);
        let capacity_per_s = next.checked_sub(1).map_or(0.0, |current| capacity[current].1);
        let end = capacity.get(next).map_or(to, |&(since, _)| since.min(to));
        let seconds = piece_s(capacity_per_s);
        let second = from + ((at - from) / SECOND_US + seconds) * SECOND_US;
        let is_rest = seconds > 1 && second + seconds * SECOND_US > end;
        let piece = Piece { from: at, to: if is_rest { end } else { second.min(end) }, capacity_per_s };
        at = piece.to;
        Some(piece)
    })
}

fn count(sorted_us: &[u64], from: u64, to: u64) -> u64 {
    let before = |us: u64| sorted_us.partition_point(|&at| at < us);
    before(to).saturating_sub(before(from)) as u64
}

#[cfg(test)]
mod tests;
