//! Phases: a run around its fault, by intended send time.
//!
//! `before` runs from the start of the steady window to the fault, `onset` is the fault's first two seconds
//! (what hits an unprepared platform), `during` is the rest of it, `after` runs from its end to the end of
//! the load. Without a fault there is only `before`, up to the end of the load. No phase reaches beyond the
//! load; one that is empty is there all the same, with nothing in it.

use std::collections::BTreeMap;

use crate::attempts::Attempts;
use crate::facts::{Answer, Asked, Facts};
use crate::goodput::{Goodput, steady_window};
use crate::latency::Latencies;
use crate::outcomes::Outcome;
use crate::record::Phase;
use crate::rounding;

const ONSET_US: u64 = 2_000_000;

/// Every phase of the run by name.
pub(crate) fn phases(facts: &Facts, goodput: &Goodput<'_>) -> BTreeMap<String, Phase> {
    windows(facts)
        .into_iter()
        .map(|(name, from, to)| (name.to_owned(), phase(facts, goodput, from, to)))
        .collect()
}

fn windows(facts: &Facts) -> Vec<(&'static str, u64, u64)> {
    let (steady_us, load_end_us) = steady_window(facts);
    let Some((start_us, end_us)) = facts.fault_window_us else {
        return vec![("before", steady_us, load_end_us)];
    };
    let (start_us, end_us) = (start_us.min(load_end_us), end_us.min(load_end_us));
    let onset_end_us = start_us.saturating_add(ONSET_US).min(end_us);
    vec![
        ("before", steady_us, start_us),
        ("onset", start_us, onset_end_us),
        ("during", onset_end_us, end_us),
        ("after", end_us, load_end_us),
    ]
}

fn phase(facts: &Facts, goodput: &Goodput<'_>, from: u64, to: u64) -> Phase {
    let mut successes = Latencies::new();
    let mut refusals = Latencies::new();
    let mut attempts = Attempts::default();
    for order in facts.asked.iter().filter(|order| (from..to).contains(&order.intended_us)) {
        attempts.add(facts.payment_calls.get(&order.order).copied().unwrap_or(0));
        if Outcome::of(order.answer) == Outcome::Succeeded {
            successes.record(order);
        } else if is_refusal(order) {
            refusals.record(order);
        }
    }
    let offered = goodput.offered(from, to);
    Phase {
        offered,
        goodput_ratio: goodput.ratio(from, to).map(rounding::ratio),
        attempts_per_order: attempts.per_order(),
        latency_ms: successes.phase(),
        refusal_latency_ms: refusals.refusals(),
        payment_calls: attempts.calls,
        payment_calls_per_offered: rounding::share(attempts.calls, offered),
    }
}

/// An answer (silence is none) that is neither success nor decline.
fn is_refusal(order: &Asked) -> bool {
    matches!(order.answer, Answer::Status(_))
        && !matches!(Outcome::of(order.answer), Outcome::Succeeded | Outcome::Declined)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000;

    fn run(fault_window_us: Option<(u64, u64)>) -> Facts {
        let answer = |second: u64| match second {
            5 | 6 => Answer::Status(429),
            7 => Answer::TimedOut,
            _ => Answer::Status(200),
        };
        let asked: Vec<_> = (0..20)
            .map(|second| Asked {
                order: format!("o{second:02}"),
                intended_us: second * S,
                sent_us: Some(second * S),
                done_us: second * S + 1000 * (second + 1),
                answer: answer(second),
            })
            .collect();
        Facts {
            payment_calls: asked.iter().map(|order| (order.order.clone(), 2)).collect(),
            asked,
            capacity: vec![(0, 152.0)],
            fault_window_us,
            load_end_us: 20 * S,
            ..Facts::default()
        }
    }

    fn offered(facts: &Facts) -> Vec<(String, u64)> {
        phases(facts, &Goodput::of(facts)).into_iter().map(|(name, phase)| (name, phase.offered)).collect()
    }

    #[test]
    fn without_a_fault_only_before_is_there() {
        assert_eq!(offered(&run(None)), [("before".to_owned(), 18)]);
    }

    #[test]
    fn a_fault_divides_the_run_into_four() {
        let facts = run(Some((5 * S, 10 * S)));
        let phases = phases(&facts, &Goodput::of(&facts));
        let offered: Vec<_> = phases.iter().map(|(name, phase)| (name.as_str(), phase.offered)).collect();
        assert_eq!(offered, [("after", 10), ("before", 3), ("during", 3), ("onset", 2)]);

        let onset = &phases["onset"];
        assert_eq!(onset.goodput_ratio, Some(0.0));
        assert_eq!(onset.refusal_latency_ms.p99, Some(7.0), "refused at once, from the intended time");
        assert_eq!(onset.latency_ms.p50, None);
        let during = &phases["during"];
        assert_eq!(during.refusal_latency_ms.p50, None, "silence is no refusal");
        assert_eq!((during.payment_calls, during.attempts_per_order), (6, Some(2.0)));
        assert_eq!(during.payment_calls_per_offered, Some(2.0));
    }

    #[test]
    fn phases_end_with_the_load() {
        let expected = [("after", 0), ("before", 16), ("during", 0), ("onset", 2)];
        assert_eq!(
            offered(&run(Some((18 * S, 30 * S)))),
            expected.map(|(name, count)| (name.to_owned(), count))
        );
    }
}
