//! Steps: what a load in steps leaves, step by step.

use crate::attempts::Attempts;
use crate::facts::Facts;
use crate::goodput::Goodput;
use crate::latency::Latencies;
use crate::outcomes::Outcome;
use crate::record::{LoadRecord, LoadStep, Step};
use crate::rounding;

const SECOND_US: u64 = 1_000_000;

/// The gauges that count orders in work or waiting. A service may count the same order in several.
const BACKLOG: [&str; 3] = ["in_flight", "queue_depth", "waiting"];

/// Every step of the load; none when it has none.
pub(crate) fn steps(load: &LoadRecord, facts: &Facts, goodput: &Goodput<'_>) -> Vec<Step> {
    let LoadRecord::Steps { steps, .. } = load else { return Vec::new() };
    let mut from_s = 0.0;
    let mut of_step = |planned: &LoadStep| {
        let to_s = from_s + planned.duration_s;
        let step = step(planned.rate_per_s, from_s, to_s, facts, goodput);
        from_s = to_s;
        step
    };
    steps.iter().map(&mut of_step).collect()
}

fn step(rate_per_s: f64, from_s: f64, to_s: f64, facts: &Facts, goodput: &Goodput<'_>) -> Step {
    let [from, to] = [from_s, to_s].map(|at| (at * 1e6).round() as u64);
    let mut successes = Latencies::new();
    let mut attempts = Attempts::default();
    let (mut offered, mut answered) = (0, 0);
    for order in &facts.asked {
        let succeeded = Outcome::of(order.answer) == Outcome::Succeeded;
        answered += u64::from(succeeded && (from..to).contains(&order.done_us));
        if (from..to).contains(&order.intended_us) {
            offered += 1;
            attempts.add(facts.payment_calls.get(&order.order).copied().unwrap_or(0));
            if succeeded {
                successes.record(order);
            }
        }
    }
    let per_second = |count: u64| rounding::rate(count as f64 / (to_s - from_s).max(1e-6));
    Step {
        rate_per_s,
        from_s: rounding::seconds(from),
        to_s: rounding::seconds(to),
        offered,
        goodput_per_s: per_second(goodput.good(from, to)),
        goodput_ratio: goodput.ratio(from, to).map(rounding::ratio),
        late_goodput_ratio: goodput.ratio(u64::midpoint(from, to), to).map(rounding::ratio),
        throughput_per_s: per_second(answered),
        attempts_per_order: attempts.per_order(),
        calls_per_s: per_second(calls(facts, from, to)),
        backlog_start: backlog(facts, from / SECOND_US),
        backlog_end: backlog(facts, to.saturating_sub(1) / SECOND_US),
        latency_ms: successes.phase(),
    }
}

/// Payment calls made within the window; a second that it shares with another counts where it begins.
fn calls(facts: &Facts, from: u64, to: u64) -> u64 {
    let seconds = facts.payment_calls_per_second.iter().zip(0_u64..);
    let within = seconds.filter(|(_, second)| (from..to).contains(&(second * SECOND_US)));
    within.map(|(calls, _)| calls).sum()
}

/// Orders in work or waiting in that second, at the service where most are.
fn backlog(facts: &Facts, second: u64) -> u64 {
    let gauges = facts.services.values().flat_map(|service| {
        BACKLOG.iter().filter_map(|gauge| service.per_second.get(*gauge)?.get(second as usize).copied())
    });
    gauges.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Answer, Asked, ServiceGauges};

    const S: u64 = 1_000_000;

    #[test]
    fn orders_belong_to_the_step_of_their_send_and_answers_to_that_of_their_time() {
        let order = |at: u64, took: u64, answer| Asked {
            order: format!("o{at}"),
            intended_us: at,
            sent_us: Some(at),
            done_us: at + took,
            answer,
        };
        let gauges = ServiceGauges {
            per_second: [("in_flight".to_owned(), vec![1, 2, 9, 4]), ("connections".to_owned(), vec![99; 4])]
                .into(),
            ..ServiceGauges::default()
        };
        let facts = Facts {
            asked: vec![
                order(0, S / 10, Answer::Status(200)),
                order(S, 2 * S + S / 2, Answer::Status(200)),
                order(2 * S, S / 10, Answer::Status(429)),
                order(3 * S, S / 10, Answer::Status(200)),
            ],
            payment_calls: [("o0".to_owned(), 1), (format!("o{S}"), 5)].into(),
            payment_calls_per_second: vec![1, 1, 4],
            services: [("order-api".to_owned(), gauges)].into(),
            capacity: vec![(0, 10.0)],
            load_end_us: 4 * S,
            ..Facts::default()
        };
        let planned = |rate_per_s| LoadStep { rate_per_s, duration_s: 2.0 };
        let load = LoadRecord::Steps {
            steps: vec![planned(1.0), planned(1.5)],
            duration_s: 4.0,
            spacing: "even".into(),
        };
        let steps = steps(&load, &facts, &Goodput::of(&facts));
        let [first, second] = &steps[..] else { panic!("two steps") };
        assert_eq!((first.rate_per_s, first.from_s, first.to_s, first.offered), (1.0, 0.0, 2.0, 2));
        assert_eq!((first.goodput_ratio, first.late_goodput_ratio), (Some(0.5), Some(0.0)));
        assert_eq!((first.throughput_per_s, second.throughput_per_s), (0.5, 1.0), "one came late");
        assert_eq!((first.attempts_per_order, second.attempts_per_order), (Some(3.0), None));
        assert_eq!((first.calls_per_s, second.calls_per_s), (1.0, 2.0));
        assert_eq!((second.backlog_start, second.backlog_end), (9, 4), "connections are no work");
        assert_eq!(second.goodput_per_s, 0.5);
    }

    #[test]
    fn another_load_has_no_steps() {
        let load = LoadRecord::Constant { rate_per_s: 1.0, duration_s: 2.0, spacing: "even".into() };
        let facts = Facts::default();
        assert_eq!(steps(&load, &facts, &Goodput::of(&facts)), []);
    }
}
