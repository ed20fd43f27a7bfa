//! Traces: the way of a few orders through the services, chosen afterwards.
//!
//! Which orders are worth a look is known when all has been answered: one that is as usual, to compare with; the
//! slowest success; the one that failed most painfully during the fault; one that was refused; the one that was
//! tried most often. Nobody had to know beforehand, because the services kept everything (as far as their rings
//! reach). A cell keeps a handful, so that the record stays small.

use std::collections::{BTreeMap, BTreeSet};

use crate::ENTRY_SERVICE;
use crate::facts::{Asked, Facts, Span};
use crate::goodput::STEADY_FROM;
use crate::outcomes::{Outcome, error_key};
use crate::record::{SpanRecord, TraceRecord};
use crate::rounding;

/// The most spans that are kept of one order.
const SPANS_MAX: usize = 40;

/// The most levels of spans within spans.
const DEPTH_MAX: u32 = 20;

/// The ways of the orders that tell most, at most five.
pub(crate) fn traces(facts: &Facts) -> Vec<TraceRecord> {
    if facts.spans.is_empty() {
        return Vec::new();
    }
    let index = Index::of(facts);
    let mut told = BTreeSet::new();
    let mut traces = Vec::new();
    for (why, order) in exemplars(facts, &index) {
        if told.insert(&order.order) {
            traces.push(trace(facts, &index, why, order));
        }
    }
    traces
}

/// Which traces are about which order, and how often each order was tried.
struct Index<'a> {
    traces: BTreeMap<&'a str, BTreeSet<u128>>,
    attempts: BTreeMap<u128, u32>,
}

impl<'a> Index<'a> {
    fn of(facts: &'a Facts) -> Self {
        let (mut traces, mut attempts) = (BTreeMap::<_, BTreeSet<_>>::new(), BTreeMap::<_, u32>::new());
        for span in &facts.spans {
            if let Some(order) = span.order.as_deref().filter(|_| span.service == ENTRY_SERVICE) {
                traces.entry(order).or_default().insert(span.trace_id);
            }
            if let Some(attempt) = span.attempt {
                let most = attempts.entry(span.trace_id).or_default();
                *most = attempt.max(*most);
            }
        }
        Self { traces, attempts }
    }

    fn is_traced(&self, order: &Asked) -> bool {
        self.traces.contains_key(order.order.as_str())
    }

    fn attempts(&self, order: &Asked) -> u32 {
        let traces = self.traces.get(order.order.as_str()).into_iter().flatten();
        traces.filter_map(|trace| self.attempts.get(trace)).copied().max().unwrap_or(0)
    }
}

/// The orders that tell most, with what they tell; an order may be there more than once.
fn exemplars<'a>(facts: &'a Facts, index: &Index<'_>) -> Vec<(&'static str, &'a Asked)> {
    let traced: Vec<&Asked> = facts.asked.iter().filter(|order| index.is_traced(order)).collect();
    let of = |outcomes: &[Outcome]| {
        let mut found: Vec<&Asked> =
            traced.iter().copied().filter(|order| outcomes.contains(&Outcome::of(order.answer))).collect();
        // The order's own name decides between equals, so that the choice is always the same.
        found.sort_by_key(|order| (latency_us(order), &order.order));
        found
    };
    let (start_us, end_us) = facts.fault_window_us.unwrap_or((facts.load_end_us, u64::MAX));
    let steady_us = STEADY_FROM.as_micros() as u64;
    let calm = |order: &&Asked| (steady_us..start_us).contains(&order.intended_us);
    let disturbed = |order: &&Asked| (start_us..end_us).contains(&order.intended_us);
    let middle = |orders: Vec<&'a Asked>| orders.get(orders.len() / 2).copied();

    let successes = of(&[Outcome::Succeeded]);
    let failures = of(&[Outcome::Failed, Outcome::TimedOut]);
    let usual = middle(successes.iter().copied().filter(calm).collect());
    let tried_most = successes.iter().copied().max_by_key(|order| index.attempts(order));
    let picks = [
        ("as usual", usual),
        ("the slowest success", successes.last().copied()),
        ("failed during the fault", failures.iter().copied().rfind(disturbed)),
        (
            "refused during the fault",
            middle(of(&[Outcome::Rejected]).into_iter().filter(disturbed).collect()),
        ),
        ("tried most often", tried_most.filter(|order| index.attempts(order) > 1)),
    ];
    picks.into_iter().filter_map(|(why, order)| Some((why, order?))).collect()
}

const fn latency_us(order: &Asked) -> u64 {
    order.done_us.saturating_sub(order.intended_us)
}

fn trace(facts: &Facts, index: &Index<'_>, why: &str, order: &Asked) -> TraceRecord {
    let meant = &index.traces[order.order.as_str()];
    let mut spans: Vec<&Span> = facts.spans.iter().filter(|span| meant.contains(&span.trace_id)).collect();
    spans.sort_by_key(|span| (span.start_us, span.end_us, span.span_id));
    let origin_us = spans.first().map_or(order.intended_us, |span| span.start_us);
    let record = |(depth, span): (u32, &Span)| SpanRecord {
        service: span.service.clone().into_owned(),
        name: span.name.clone().into_owned(),
        depth,
        from_ms: rounding::ms(span.start_us - origin_us),
        to_ms: rounding::ms(span.end_us.saturating_sub(origin_us)),
        outcome: span.outcome.clone().into_owned(),
        attempt: span.attempt,
    };
    TraceRecord {
        why: why.to_owned(),
        order: order.order.clone(),
        at_s: rounding::seconds(origin_us),
        answer: answer(order),
        latency_ms: rounding::ms(latency_us(order)),
        spans_total: spans.len() as u64,
        spans: nested(&spans).into_iter().take(SPANS_MAX).map(record).collect(),
    }
}

fn answer(order: &Asked) -> String {
    match order.answer {
        crate::facts::Answer::Status(status) => status.to_string(),
        other => error_key(other).unwrap_or_else(|| "none".to_owned()),
    }
}

/// Each span after the one it is within, with its depth; the roots and siblings in the order of time.
fn nested<'a>(spans: &[&'a Span]) -> Vec<(u32, &'a Span)> {
    let known: BTreeSet<u64> = spans.iter().map(|span| span.span_id).collect();
    let mut children: BTreeMap<u64, Vec<&Span>> = BTreeMap::new();
    let mut roots = Vec::new();
    for span in spans {
        if known.contains(&span.parent_id) && span.parent_id != span.span_id {
            children.entry(span.parent_id).or_default().push(span);
        } else {
            roots.push((0, *span));
        }
    }
    roots.reverse();
    let mut told = Vec::new();
    while let Some((depth, span)) = roots.pop() {
        told.push((depth, span));
        // Taken out, so that a circle of strangers' ids ends.
        let within = children.remove(&span.span_id).unwrap_or_default();
        roots.extend(within.into_iter().rev().map(|child| ((depth + 1).min(DEPTH_MAX), child)));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Answer;

    const S: u64 = 1_000_000;

    fn asked(order: &str, intended_us: u64, latency_us: u64, answer: Answer) -> Asked {
        let (sent_us, done_us) = (Some(intended_us), intended_us + latency_us);
        Asked { order: order.to_owned(), intended_us, sent_us, done_us, answer }
    }

    fn span(
        order: Option<&str>,
        trace_id: u128,
        ids: (u64, u64),
        name: &'static str,
        times: (u64, u64),
    ) -> Span {
        Span {
            order: order.map(str::to_owned),
            trace_id,
            span_id: ids.0,
            parent_id: ids.1,
            service: if name.starts_with("POST") { ENTRY_SERVICE.into() } else { "order-processor".into() },
            name: name.into(),
            start_us: times.0,
            end_us: times.1,
            outcome: "200".into(),
            attempt: name.strip_prefix("attempt ").and_then(|number| number.parse().ok()),
        }
    }

    fn facts() -> Facts {
        let (ok, failed, refused) = (Answer::Status(200), Answer::Status(504), Answer::Status(503));
        let asked = vec![
            asked("warming-up", S, 10, ok),
            asked("quick", 2 * S, 100, ok),
            asked("usual", 3 * S, 200, ok),
            asked("slow", 4 * S, 900, ok),
            asked("failed-early", 6 * S, 1_000, failed),
            asked("failed", 7 * S, 2_000, failed),
            asked("refused", 8 * S, 3, refused),
            asked("retried", 11 * S, 400, ok),
            asked("untraced", 12 * S, 5_000, ok),
        ];
        let root = |order: &Asked| {
            let trace_id = u128::from(order.intended_us);
            span(Some(&order.order), trace_id, (1, 99), "POST /orders", (order.intended_us, order.done_us))
        };
        let mut spans: Vec<Span> = asked.iter().filter(|order| order.order != "untraced").map(root).collect();
        let retried = u128::from(11 * S);
        spans.push(span(None, retried, (4, 3), "attempt 2", (11 * S + 200, 11 * S + 390)));
        spans.push(span(None, retried, (3, 1), "process", (11 * S + 1, 11 * S + 395)));
        spans.push(span(None, retried, (5, 3), "attempt 1", (11 * S + 2, 11 * S + 150)));
        Facts {
            asked,
            spans,
            fault_window_us: Some((5 * S, 10 * S)),
            load_end_us: 20 * S,
            ..Facts::default()
        }
    }

    #[test]
    fn the_orders_that_tell_most_are_chosen() {
        let chosen: Vec<_> = traces(&facts()).into_iter().map(|trace| (trace.why, trace.order)).collect();
        let expected = [
            ("as usual", "usual"),
            ("the slowest success", "slow"),
            ("failed during the fault", "failed"),
            ("refused during the fault", "refused"),
            ("tried most often", "retried"),
        ];
        assert_eq!(chosen, expected.map(|(why, order)| (why.to_owned(), order.to_owned())));
    }

    #[test]
    fn spans_stand_within_each_other_in_the_order_of_time() {
        let traces = traces(&facts());
        let retried = traces.last().expect("the retried one");
        let spans: Vec<_> = retried
            .spans
            .iter()
            .map(|span| (span.depth, span.name.as_str(), span.from_ms, span.to_ms))
            .collect();
        let expected = [
            (0, "POST /orders", 0.0, 0.4),
            (1, "process", 0.001, 0.395),
            (2, "attempt 1", 0.002, 0.15),
            (2, "attempt 2", 0.2, 0.39),
        ];
        assert_eq!(spans, expected);
        assert_eq!((retried.at_s, retried.answer.as_str(), retried.spans_total), (11.0, "200", 4));
    }

    #[test]
    fn an_order_is_told_once_and_nothing_without_spans() {
        let mut facts = facts();
        facts.asked.retain(|order| order.order == "usual");
        let told = traces(&facts);
        assert_eq!(told.len(), 1, "it is the usual and the slowest");
        facts.spans.clear();
        assert_eq!(traces(&facts), []);
    }

    #[test]
    fn a_circle_of_spans_comes_to_an_end() {
        let spans = [
            span(None, 1, (1, 2), "a", (0, 1)),
            span(None, 1, (2, 1), "b", (0, 1)),
            span(None, 1, (3, 3), "c", (0, 1)),
        ];
        let names: Vec<_> =
            nested(&spans.iter().collect::<Vec<_>>()).into_iter().map(|(_, span)| &span.name).collect();
        assert_eq!(names, ["c"], "who is within each other has no beginning");
    }
}
