//! Waterfalls: the way of single orders through the services, one line per span.
//!
//! Drawn with boxes and not by the script: what a bar's place says is written beside it as well, so that it can be
//! read aloud, printed, and seen without JavaScript.

use evidence::record::{Cell, SpanRecord, TraceRecord};
use maud::{Markup, html};

use super::matrix::chip;
use crate::format;
use crate::words;

/// Services in the order of their colours; others share the last one.
const SERVICES: [&str; 3] = ["order-api", "order-processor", "payment-service"];

/// The waterfalls of every design whose services wrote spans, folded.
pub(super) fn waterfalls(cells: &[(usize, &Cell)]) -> Markup {
    html! {
        @for (design, cell) in cells.iter().filter(|(_, cell)| !cell.traces.is_empty()) {
            details.traces {
                summary {
                    (chip(*design)) (cell.design) ": "
                    strong { "the way of " (format::counted(cell.traces.len() as u64, "order", "orders")) }
                    ", span by span"
                }
                p.scale {
                    @for (place, service) in SERVICES.iter().enumerate() { span.chip.{ "s" (place) } {} (service) " " }
                }
                @for trace in &cell.traces { (waterfall(trace)) }
            }
        }
    }
}

fn waterfall(trace: &TraceRecord) -> Markup {
    let whole_ms = trace.spans.iter().map(|span| span.to_ms).fold(1e-3, f64::max);
    html! {
        figure.waterfall {
            figcaption {
                strong { (words::capital(&trace.why)) } ": "
                span {
                    "order " (trace.order) ", sent at " (format::number(trace.at_s)) " s, answered "
                    (trace.answer) " after " (format::millis(Some(trace.latency_ms)))
                }
            }
            div.wide {
                table {
                    thead {
                        tr {
                            th scope="col" { "what" }
                            th.axis scope="col" { span { "0" } span { (format::millis(Some(whole_ms))) } }
                            th scope="col" { "took" } th scope="col" { "ended" }
                        }
                    }
                    tbody { @for span in &trace.spans { (row(span, whole_ms)) } }
                }
            }
            @if trace.spans_total > trace.spans.len() as u64 {
                p.soft { "The first " (trace.spans.len()) " of " (format::count(trace.spans_total)) " spans." }
            }
        }
    }
}

fn row(span: &SpanRecord, whole_ms: f64) -> Markup {
    let place = SERVICES.iter().position(|service| *service == span.service).unwrap_or(SERVICES.len());
    let (left, width) = (span.from_ms / whole_ms * 100.0, (span.to_ms - span.from_ms) / whole_ms * 100.0);
    let attempt = span.attempt.map(|attempt| format!(" {attempt}")).unwrap_or_default();
    html! {
        tr {
            th scope="row" style={ "padding-left:" (f64::from(span.depth.min(8)) * 0.8) "rem" } title=(span.service) {
                span.chip.{ "s" (place) } {} (span.name) (attempt)
            }
            td.lane title={ "from " (format::millis(Some(span.from_ms))) " to " (format::millis(Some(span.to_ms))) } {
                span.bar.{ "s" (place) } style=(format!("left:{left:.2}%;width:{width:.2}%")) {}
            }
            td { (format::millis(Some(span.to_ms - span.from_ms))) }
            td.words { (span.outcome) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn each_span_has_its_place_its_time_and_its_end() {
        let span = |service: &str, name: &str, depth, from_ms, to_ms, outcome: &str, attempt| SpanRecord {
            service: service.to_owned(),
            name: name.to_owned(),
            depth,
            from_ms,
            to_ms,
            outcome: outcome.to_owned(),
            attempt,
        };
        let mut cell = sample::cell("v0.8.0", "brownout", 100.0);
        cell.traces = vec![TraceRecord {
            why: "the slowest success".to_owned(),
            order: "o-<17>".to_owned(),
            at_s: 6.25,
            answer: "200".to_owned(),
            latency_ms: 1_410.0,
            spans_total: 5,
            spans: vec![
                span("order-api", "POST /orders", 0, 0.0, 1_400.0, "200", None),
                span("order-processor", "attempt", 2, 350.0, 1_050.0, "503 payment-failed", Some(2)),
            ],
        }];
        let page = waterfalls(&[(3, &cell)]).into_string();
        for text in [
            "The slowest success",
            "order o-&lt;17&gt;, sent at 6.25 s, answered 200 after 1.41 s",
            "left:25.00%;width:50.00%",
            "attempt 2",
            "503 payment-failed",
            "700 ms",
            "The first 2 of 5 spans.",
        ] {
            assert!(page.contains(text), "{text} is missing in {page}");
        }
        assert_eq!(waterfalls(&[(0, &sample::cell("v0.7.0", "none", 50.0))]).into_string(), "");
    }
}
