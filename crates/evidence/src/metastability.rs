//! Metastable, or merely draining? A verdict on a load that peaks and comes back to what it was.
//!
//! The *base* is the first step, the *trigger* the first one above it, and *after* the first step behind the
//! trigger at the base's rate again: the same load before and after. Judged is the second half of `after`,
//! so that what a bounded queue holds has had time to be worked off.
//!
//! * *recovered*: goodput is at 85 % again of what it was before;
//! * *draining*: it is not, but more is answered with success, however late, than comes in, and the backlog has
//!   shrunk by a twentieth or more within `after`, at the same load and by itself: it only needs time. An
//!   unbounded FIFO without retries does that;
//! * *metastable*: it is not, and no work is done that would end it: retries and stale work take the place of
//!   what is asked for. A backlog that shrinks only because clients give up is no progress. Only less load,
//!   or a restart, ends it.

use crate::record::{Metastability, Stability, Step};
use crate::rounding;

/// Goodput is back when it has this share of what it was.
const BACK: f64 = 0.85;

/// A backlog shrinks when no more than this share of it is left at the end of the step.
const SHRUNK: f64 = 0.95;

/// The verdict; `None` when the load never returns to its first rate after a higher one, or nothing was
/// possible there.
pub(crate) fn metastability(steps: &[Step]) -> Option<Metastability> {
    let (base, rest) = steps.split_first()?;
    let trigger = rest.iter().position(|step| step.rate_per_s > base.rate_per_s)?;
    let at_base = |step: &&Step| is_rate(step, base);
    let after = trigger + 1 + rest[trigger + 1..].iter().position(|step| at_base(&step))?;
    let (trigger, after, from_after) = (&rest[trigger], &rest[after], &rest[after..]);
    let enough = BACK * base.late_goodput_ratio?;
    let is_back = |step: &&Step| step.late_goodput_ratio.is_some_and(|ratio| ratio >= enough);
    let shrinks = after.backlog_end as f64 <= SHRUNK * after.backlog_start as f64;
    let works_off = after.throughput_per_s > after.rate_per_s;
    let verdict = if is_back(&after) {
        Stability::Recovered
    } else if shrinks && works_off {
        Stability::Draining
    } else {
        Stability::Metastable
    };
    Some(Metastability {
        verdict,
        base_per_s: base.rate_per_s,
        trigger_per_s: trigger.rate_per_s,
        goodput_before_per_s: base.goodput_per_s,
        goodput_after_per_s: after.goodput_per_s,
        throughput_after_per_s: after.throughput_per_s,
        attempts_before: base.attempts_per_order,
        calls_per_order_after: calls_per_order(after),
        backlog_after: [after.backlog_start, after.backlog_end],
        recovered_at_per_s: from_after.iter().find(is_back).map(|step| step.rate_per_s),
        goodput_ratio_at_last: from_after.iter().rev().find(at_base).and_then(|step| step.late_goodput_ratio),
    })
}

fn calls_per_order(step: &Step) -> Option<f64> {
    let offered_per_s = step.offered as f64 / (step.to_s - step.from_s);
    (step.offered > 0).then(|| rounding::ratio(step.calls_per_s / offered_per_s))
}

#[expect(clippy::float_cmp, reason = "both stand in the same file")]
fn is_rate(step: &Step, other: &Step) -> bool {
    step.rate_per_s == other.rate_per_s
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(rate_per_s: f64, ratio: f64, backlog: [u64; 2]) -> Step {
        Step {
            rate_per_s,
            to_s: 10.0,
            offered: (rate_per_s * 10.0) as u64,
            late_goodput_ratio: Some(ratio),
            throughput_per_s: 150.0,
            calls_per_s: rate_per_s * 2.0,
            backlog_start: backlog[0],
            backlog_end: backlog[1],
            ..Step::default()
        }
    }

    /// 70, 200, and back to 70 with this ratio and backlog; then 30 and 70, where all is well.
    fn course(ratio: f64, backlog: [u64; 2]) -> Vec<Step> {
        let well = |rate| step(rate, 1.0, [5, 5]);
        vec![well(70.0), step(200.0, 0.3, [5, 900]), step(70.0, ratio, backlog), well(30.0), well(70.0)]
    }

    fn judged(ratio: f64, backlog: [u64; 2]) -> Metastability {
        metastability(&course(ratio, backlog)).expect("it returns to its base")
    }

    #[test]
    fn the_three_verdicts() {
        assert_eq!(judged(0.9, [900, 10]).verdict, Stability::Recovered);
        assert_eq!(judged(0.2, [900, 600]).verdict, Stability::Draining);
        assert_eq!(judged(0.2, [900, 900]).verdict, Stability::Metastable);
        let mut gave_up = course(0.2, [900, 600]);
        gave_up[2].throughput_per_s = 5.0;
        let gave_up = metastability(&gave_up).expect("it returns to its base");
        assert_eq!(gave_up.verdict, Stability::Metastable, "nobody was served: the others have gone");
        assert_eq!(judged(0.2, [900, 1500]).verdict, Stability::Metastable);
    }

    #[test]
    fn says_how_far_the_load_had_to_fall() {
        assert_eq!(judged(0.9, [900, 10]).recovered_at_per_s, Some(70.0));
        let metastable = judged(0.2, [900, 900]);
        assert_eq!(metastable.recovered_at_per_s, Some(30.0));
        assert_eq!(metastable.goodput_ratio_at_last, Some(1.0));
        assert_eq!(metastable.calls_per_order_after, Some(2.0));
        let never = &course(0.2, [900, 900])[..3];
        assert_eq!(metastability(never).expect("it returns").recovered_at_per_s, None);
    }

    #[test]
    fn a_load_that_does_not_peak_or_does_not_return_has_no_verdict() {
        let well = |rate| step(rate, 1.0, [0, 0]);
        assert_eq!(metastability(&[]), None);
        assert_eq!(metastability(&[well(70.0), well(30.0), well(70.0)]), None);
        assert_eq!(metastability(&[well(70.0), well(200.0), well(30.0)]), None);
    }
}
