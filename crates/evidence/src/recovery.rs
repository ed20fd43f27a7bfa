//! Recovery: how long after a fault the platform is itself again, and stays so.
//!
//! The earliest t ≥ 0 after the end of the fault, on a grid of 0.1 s, such that *every* window [s, s + 2 s)
//! with s in [t, t + 3 s] on the same grid has a goodput ratio ≥ 0.85. One good window is not enough: a
//! platform that gulps and chokes in turn has not recovered.
//!
//! Near the end of the load: a window counts only if it lies within the load, because beyond it nothing is
//! offered and nothing could be shown; and a t counts only if all its 31 windows do. Recovery thus needs five
//! seconds of proof, and the last t that can be found is five seconds before the load ends. In a load that
//! ends sooner after the fault the answer is `None`: not shown within the run. For the same reason a window
//! in which nothing was possible (0 ÷ 0) proves nothing.

use crate::facts::Facts;
use crate::goodput::Goodput;

const STEP_US: u64 = 100_000;
const WINDOW_US: u64 = 2_000_000;
const RATIO_MIN: f64 = 0.85;
/// The windows from t to t + 3 s on the grid, both ends included.
const WINDOWS_IN_A_ROW: u64 = 31;

/// Seconds from the end of the fault to recovery.
pub(crate) fn recovery_s(facts: &Facts, goodput: &Goodput<'_>) -> Option<f64> {
    let (_, fault_end_us) = facts.fault_window_us?;
    let mut good_in_a_row = 0;
    for step in 0.. {
        let from = fault_end_us.checked_add(step * STEP_US)?;
        let to = from.checked_add(WINDOW_US)?;
        if to > facts.load_end_us {
            return None;
        }
        let good = goodput.ratio(from, to).is_some_and(|ratio| ratio >= RATIO_MIN);
        good_in_a_row = if good { good_in_a_row + 1 } else { 0 };
        if good_in_a_row == WINDOWS_IN_A_ROW {
            return Some((step + 1 - WINDOWS_IN_A_ROW) as f64 / 10.0);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Answer, Asked};

    const S: u64 = 1_000_000;

    /// 100 orders a second for `load_s`, evenly spaced; those for which `is_bad` are refused.
    fn facts(load_s: u64, fault: Option<(u64, u64)>, is_bad: impl Fn(u64) -> bool) -> Facts {
        let asked = (0..load_s * 100)
            .map(|i| i * S / 100)
            .map(|at| Asked {
                order: at.to_string(),
                intended_us: at,
                sent_us: Some(at),
                done_us: at + 1,
                answer: Answer::Status(if is_bad(at) { 503 } else { 200 }),
            })
            .collect();
        Facts {
            asked,
            capacity: vec![(0, 152.0)],
            fault_window_us: fault,
            load_end_us: load_s * S,
            ..Facts::default()
        }
    }

    fn recovery(facts: &Facts) -> Option<f64> {
        recovery_s(facts, &Goodput::of(facts))
    }

    #[test]
    fn is_at_once_when_nothing_was_lost() {
        assert_eq!(recovery(&facts(20, Some((5 * S, 10 * S)), |_| false)), Some(0.0));
    }

    #[test]
    fn is_not_defined_without_a_fault() {
        assert_eq!(recovery(&facts(20, None, |_| false)), None);
    }

    #[test]
    fn begins_with_the_first_window_that_has_enough() {
        // Bad until 12 s: the window [s, s + 2 s) with 0.3 s of bad orders is just good enough (170 of 200).
        assert_eq!(recovery(&facts(20, Some((5 * S, 10 * S)), |at| at < 12 * S)), Some(1.7));
    }

    #[test]
    fn a_relapse_within_three_seconds_starts_the_count_again() {
        let relapse = |at: u64| (14 * S..14 * S + S / 2).contains(&at);
        assert_eq!(recovery(&facts(30, Some((5 * S, 10 * S)), relapse)), Some(4.2));
    }

    #[test]
    fn needs_five_seconds_of_proof_before_the_load_ends() {
        assert_eq!(recovery(&facts(15, Some((5 * S, 10 * S)), |_| false)), Some(0.0));
        assert_eq!(recovery(&facts(14, Some((5 * S, 10 * S)), |_| false)), None);
        assert_eq!(recovery(&facts(20, Some((5 * S, 10 * S)), |at| at < 16 * S)), None);
    }
}
