//! Response times of all requests, and the theoretical maximum beside what was measured.
//!
//! [`latency`](crate::latency) is about successes; here a failure counts with the time it took, because its client
//! waited for that long. A request is counted twice: among all, whose last ones end after the load, and among those
//! that had ended with it. Generators that stop with their load report the second; the difference is exactly the
//! requests that were open then, which are the slow ones.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::attempts::gone;
use crate::facts::{Asked, Facts};
use crate::goodput::capacity_in;
use crate::latency::Latencies;
use crate::outcomes::Outcome;
use crate::record::{ResponseMs, ResponseSummary, Responses, Theory};
use crate::rounding;

/// What an experiment that asks for this part of a cell has to say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// How long a client waits.
    pub client_timeout: Duration,
    /// How many payment services share the work.
    pub replicas: u32,
    /// Payments that one of them does at once.
    pub slots: u32,
    /// How long one takes on average.
    pub service_time: Duration,
}

/// A client's patience is at least so many bins, and less than two and a half times as many.
const BINS_MIN: u64 = 20;

/// The most bins: twice what patience fills. What takes even longer is in the last one.
const BINS_MAX: usize = 100;

/// How long every request took.
pub(crate) fn responses(detail: &Detail, facts: &Facts) -> Responses {
    let bin_us = bin_us(detail.client_timeout);
    let ended_by = |order: &&Asked| order.done_us <= facts.load_end_us;
    Responses {
        client_timeout_s: detail.client_timeout.as_secs_f64(),
        all: summary(facts.asked.iter()),
        by_load_end: summary(facts.asked.iter().filter(ended_by)),
        bin_ms: rounding::ms(bin_us),
        histogram: histogram(&facts.asked, bin_us),
    }
}

fn summary<'a>(orders: impl Iterator<Item = &'a Asked>) -> ResponseSummary {
    let mut times = Latencies::new();
    let (mut requests, mut succeeded, mut sum_us) = (0, 0, 0);
    for order in orders {
        times.record(order);
        requests += 1;
        succeeded += u64::from(Outcome::of(order.answer) == Outcome::Succeeded);
        sum_us += order.done_us.saturating_sub(order.intended_us);
    }
    let cell = times.cell();
    let mean = (requests > 0).then(|| rounding::ms((sum_us as f64 / requests as f64).round() as u64));
    ResponseSummary {
        requests,
        succeeded,
        failed: requests - succeeded,
        failure_ratio: rounding::share(requests - succeeded, requests),
        time_ms: ResponseMs {
            mean,
            p50: cell.p50,
            p90: cell.p90,
            p95: cell.p95,
            p99: cell.p99,
            max: cell.max,
        },
    }
}

/// 1, 2 or 5 times a power of ten of microseconds, the widest that divides the client's patience finely enough.
fn bin_us(client_timeout: Duration) -> u64 {
    let wanted = (client_timeout.as_micros() as u64 / BINS_MIN).max(1);
    let mut power = 1;
    while power * 10 <= wanted {
        power *= 10;
    }
    [5, 2].into_iter().map(|step| step * power).find(|width| *width <= wanted).unwrap_or(power)
}

fn histogram(asked: &[Asked], bin_us: u64) -> BTreeMap<String, Vec<u64>> {
    let outcomes =
        [Outcome::Succeeded, Outcome::Declined, Outcome::Rejected, Outcome::Failed, Outcome::TimedOut];
    let bin = |order: &Asked| {
        let bin = order.done_us.saturating_sub(order.intended_us) / bin_us;
        usize::try_from(bin).unwrap_or(usize::MAX).min(BINS_MAX - 1)
    };
    let bins = asked.iter().map(|order| bin(order) + 1).max().unwrap_or(0);
    let mut counts: BTreeMap<String, Vec<u64>> =
        outcomes.map(|outcome| (outcome.key().to_owned(), vec![0; bins])).into();
    for order in asked {
        let counts = counts.get_mut(Outcome::of(order.answer).key()).expect("every outcome has its bins");
        counts[bin(order)] += 1;
    }
    counts
}

/// What payment could have done, and did.
pub(crate) fn theory(detail: &Detail, facts: &Facts) -> Theory {
    let end_us = facts.load_end_us;
    let maximum = capacity_in(&facts.capacity, 0, end_us);
    let gone = gone(facts);
    let charges = || facts.charged.iter().filter(|charge| charge.at_us <= end_us);
    let for_nobody = |order: &str, at_us: u64| gone.get(order).is_some_and(|&done_us| at_us > done_us);
    let answered = |outcome| {
        let is = |order: &&Asked| order.done_us <= end_us && Outcome::of(order.answer) == outcome;
        facts.asked.iter().filter(is).count() as u64
    };
    let (payments, served) =
        (charges().count() as u64 + answered(Outcome::Declined), answered(Outcome::Succeeded));
    let of_maximum = |count: u64| (maximum > 0.0).then(|| rounding::ratio(count as f64 / maximum));
    Theory {
        replicas: detail.replicas,
        slots: detail.slots,
        service_time_s: rounding::ratio(detail.service_time.as_secs_f64()),
        duration_s: rounding::seconds(end_us),
        maximum_orders: rounding::rate(maximum),
        payments,
        payments_for_nobody: charges().filter(|charge| for_nobody(&charge.order, charge.at_us)).count()
            as u64,
        served,
        busy_ratio: of_maximum(payments),
        useful_ratio: of_maximum(served),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Answer, Charged};

    const S: u64 = 1_000_000;

    fn detail() -> Detail {
        Detail {
            client_timeout: Duration::from_secs(10),
            replicas: 2,
            slots: 1,
            service_time: Duration::from_secs(3),
        }
    }

    fn asked(order: &str, from_s: u64, to_s: u64, answer: Answer) -> Asked {
        Asked {
            order: order.into(),
            intended_us: from_s * S,
            sent_us: Some(from_s * S),
            done_us: to_s * S,
            answer,
        }
    }

    fn facts() -> Facts {
        let charged =
            |order: &str, at_s: u64| Charged { order: order.into(), at_us: at_s * S, refunded: false };
        Facts {
            asked: vec![
                asked("a", 0, 3, Answer::Status(200)),
                asked("b", 0, 10, Answer::TimedOut),
                asked("c", 1, 6, Answer::Status(402)),
                asked("d", 25, 35, Answer::TimedOut),
            ],
            charged: vec![charged("a", 3), charged("b", 12), charged("d", 36)],
            capacity: vec![(0, 2.0 / 3.0)],
            load_end_us: 30 * S,
            ended_us: 40 * S,
            ..Facts::default()
        }
    }

    #[test]
    fn what_was_open_at_the_end_of_the_load_is_only_among_all() {
        let responses = responses(&detail(), &facts());
        let (all, by_end) = (responses.all, responses.by_load_end);
        assert_eq!((all.requests, all.succeeded, all.failed, all.time_ms.mean), (4, 1, 3, Some(7_000.0)));
        assert_eq!((by_end.requests, by_end.failed, by_end.time_ms.mean), (3, 2, Some(6_000.0)));
        assert_eq!((by_end.failure_ratio, by_end.time_ms.max), (Some(0.6667), Some(10_000.0)));
    }

    #[test]
    fn a_failure_is_in_the_histogram_with_the_time_it_took() {
        let responses = responses(&detail(), &facts());
        assert_eq!(responses.bin_ms, 500.0);
        let (timed_out, succeeded) = (&responses.histogram["timed_out"], &responses.histogram["succeeded"]);
        assert_eq!((timed_out[20], succeeded[6], responses.histogram["declined"][10]), (2, 1, 1));
        assert!(responses.histogram.values().all(|bins| bins.len() == 21));
    }

    #[test]
    fn bins_are_round_and_fit_the_clients_patience() {
        let width = |ms| bin_us(Duration::from_millis(ms)) as f64 / 1e3;
        assert_eq!([10_000, 30_000, 2_000, 1_999, 50].map(width), [500.0, 1_000.0, 100.0, 50.0, 2.0]);
        let late = Asked { done_us: 900 * S, ..asked("late", 0, 0, Answer::Status(200)) };
        assert_eq!(histogram(&[late], S)["succeeded"].len(), BINS_MAX);
    }

    #[test]
    fn the_theoretical_maximum_is_compared_with_what_was_paid_and_with_what_was_of_use() {
        let theory = theory(&detail(), &facts());
        assert_eq!((theory.maximum_orders, theory.payments, theory.payments_for_nobody), (20.0, 3, 1));
        assert_eq!((theory.served, theory.busy_ratio, theory.useful_ratio), (1, Some(0.15), Some(0.05)));
    }

    #[test]
    fn nothing_asked_is_nothing_divided() {
        let none = Facts::default();
        assert_eq!(responses(&detail(), &none).all, ResponseSummary::default());
        assert_eq!(theory(&detail(), &none).busy_ratio, None);
    }
}
