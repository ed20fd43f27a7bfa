//! Goodput and recovery exactly as DESIGN words them, with no thought of speed: every question looks at every
//! order.

use evidence::SLO;
use evidence::facts::{Answer, Facts};

const MICROS_PER_SECOND: u64 = 1_000_000;

/// Good orders ÷ ∫ min(offered rate, capacity) over `[from, to)`.
pub(crate) fn goodput_ratio(facts: &Facts, from: u64, to: u64) -> Option<f64> {
    let capacity_at =
        |at| facts.capacity.iter().rfind(|&&(since, _)| since <= at).map_or(0.0, |&(_, rate)| rate);
    let changes = facts.capacity.iter().map(|&(since, _)| since).filter(|since| (from..to).contains(since));
    let mut stretches: Vec<u64> = changes.chain([from, to]).collect();
    stretches.sort_unstable();
    stretches.dedup();
    let mut cuts = stretches.clone();
    for stretch in stretches.windows(2) {
        let (start, end, rate) = (stretch[0], stretch[1], capacity_at(stretch[0]));
        // As many seconds as there is room for ten orders in; what would be left over goes with the last of such pieces.
        let seconds = if rate > 0.0 { (10.0 / rate).ceil().max(1.0) as u64 } else { 1 };
        let piece = seconds * MICROS_PER_SECOND;
        let first = from + (start - from) / MICROS_PER_SECOND * MICROS_PER_SECOND + piece;
        let grid = (first..end).step_by(piece as usize);
        cuts.extend(grid.filter(|cut| seconds == 1 || cut + piece <= end));
    }
    cuts.sort_unstable();
    cuts.dedup();
    let mut possible = 0.0;
    for piece in cuts.windows(2) {
        let offered =
            facts.asked.iter().filter(|order| (piece[0]..piece[1]).contains(&order.intended_us)).count();
        let capacity = capacity_at(piece[0]);
        possible += (offered as f64).min(capacity * (piece[1] - piece[0]) as f64 / 1e6);
    }
    let good = facts.asked.iter().filter(|order| {
        (from..to).contains(&order.intended_us)
            && matches!(order.answer, Answer::Status(200..=299))
            && u128::from(order.done_us - order.intended_us) <= SLO.as_micros()
    });
    (possible > 0.0).then(|| good.count() as f64 / possible)
}

/// The earliest t on the grid whose every window is good and lies within the load.
pub(crate) fn recovery_s(facts: &Facts) -> Option<f64> {
    let (_, fault_end_us) = facts.fault_window_us?;
    let is_good = |step: u64| {
        let from = fault_end_us + step * 100_000;
        let to = from + 2 * MICROS_PER_SECOND;
        to <= facts.load_end_us && goodput_ratio(facts, from, to).is_some_and(|ratio| ratio >= 0.85)
    };
    let last = facts.load_end_us / 100_000;
    (0..=last).find(|&t| (t..=t + 30).all(is_good)).map(|t| t as f64 / 10.0)
}
