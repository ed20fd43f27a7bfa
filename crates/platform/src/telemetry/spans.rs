//! Spans: the way of single orders through the services, kept in memory.
//!
//! Each service writes down what it did for each order (and when) into a ring of its own, and says nothing to
//! anybody: which orders are worth a look is known only afterwards, by whoever sees how they ended. That is
//! retroactive sampling (Zhang et al., "The Benefit of Hindsight: Tracing Edge-Cases in Distributed Systems",
//! NSDI 2023): edge cases are found because nothing was thrown away by chance beforehand, and the cost is memory
//! and not traffic. The ring is bounded; its oldest spans go first.
//!
//! Recording is off, and costs nothing, unless the design has `[observability]` or whoever runs the service asked
//! for it ([`crate::ServiceState::record_spans`]). Ids are those of the W3C trace context that crosses every hop.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::OrderId;
use serde::{Deserialize, Serialize};

use crate::kind::ServiceKind;

/// Something that a service did for an order. Times are in µs of the node's timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanFact {
    /// The order, where it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// The same for everything that was done for one request of a client.
    #[serde(with = "hex_128")]
    pub trace_id: u128,
    /// Its own id.
    #[serde(with = "hex_64")]
    pub span_id: u64,
    /// The span within which it happened; the client's own, or nobody's, for the first.
    #[serde(with = "hex_64")]
    pub parent_id: u64,
    /// Who did it.
    pub service: ServiceKind,
    /// What was done: `POST /orders`, `queue`, `attempt`, `pause`, `slot`, `execute`, `settle`, …
    pub name: Cow<'static, str>,
    /// When it began.
    pub start_us: u64,
    /// When it ended.
    pub end_us: u64,
    /// How: a status and a reason, or a word.
    pub outcome: Cow<'static, str>,
    /// Which attempt at the payment it was; the first is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

/// The last spans of one service; the same for all its processes.
#[derive(Debug, Default)]
pub(crate) struct SpanJournal {
    /// How many are kept because somebody asked for it, whatever the design.
    asked: AtomicUsize,
    /// How many are kept; 0 is off.
    spans_max: AtomicUsize,
    spans: Mutex<VecDeque<SpanFact>>,
}

impl SpanJournal {
    /// Somebody wants so many spans, under any design.
    pub(crate) fn ask(&self, spans_max: usize) {
        self.asked.fetch_max(spans_max, Relaxed);
        self.spans_max.fetch_max(spans_max, Relaxed);
    }

    /// A process begins under a design that keeps so many.
    pub(crate) fn begin(&self, spans_max: usize) {
        self.spans_max.store(spans_max.max(self.asked.load(Relaxed)), Relaxed);
    }

    /// Whether spans are recorded.
    pub(crate) fn is_on(&self) -> bool {
        self.spans_max.load(Relaxed) > 0
    }

    /// Writes a span down.
    pub(crate) fn record(&self, span: SpanFact) {
        let spans_max = self.spans_max.load(Relaxed);
        let mut spans = self.lock();
        while spans.len() >= spans_max {
            if spans.pop_front().is_none() {
                return;
            }
        }
        spans.push_back(span);
    }

    /// All of them, in the order in which they ended.
    pub(crate) fn facts(&self) -> Vec<SpanFact> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<SpanFact>> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ids as the trace context writes them: 128 bits are beyond what JSON's numbers can hold.
macro_rules! hex {
    ($module:ident, $type:ty, $digits:literal) => {
        mod $module {
            use serde::{Deserialize, Deserializer, Serializer, de::Error};

            pub(super) fn serialize<S: Serializer>(id: &$type, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(&format_args!(concat!("{:0", $digits, "x}"), id))
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                <$type>::from_str_radix(&text, 16).map_err(D::Error::custom)
            }
        }
    };
}

hex!(hex_128, u128, "32");
hex!(hex_64, u64, "16");

#[cfg(test)]
mod tests {
    use super::*;

    fn span(span_id: u64) -> SpanFact {
        SpanFact {
            order_id: None,
            trace_id: u128::MAX,
            span_id,
            parent_id: 0,
            service: ServiceKind::OrderApi,
            name: "queue".into(),
            start_us: 1,
            end_us: 2,
            outcome: "served".into(),
            attempt: None,
        }
    }

    #[test]
    fn it_is_off_until_a_design_or_somebody_asks() {
        let journal = SpanJournal::default();
        journal.record(span(1));
        assert!(!journal.is_on() && journal.facts().is_empty());
        journal.begin(2);
        assert!(journal.is_on());
        journal.begin(0);
        assert!(!journal.is_on(), "another design");
        journal.ask(5);
        journal.begin(0);
        assert!(journal.is_on(), "whatever the design");
    }

    #[test]
    fn the_oldest_go_first() {
        let journal = SpanJournal::default();
        journal.begin(2);
        (1..=5).for_each(|id| journal.record(span(id)));
        let ids: Vec<_> = journal.facts().iter().map(|span| span.span_id).collect();
        assert_eq!(ids, [4, 5]);
    }

    #[test]
    fn a_span_survives_the_way_through_json() {
        let text = serde_json::to_string(&span(0xab)).expect("plain data");
        assert!(text.contains(r#""span_id":"00000000000000ab""#), "{text}");
        assert_eq!(serde_json::from_str::<SpanFact>(&text).expect("what was written"), span(0xab));
    }
}
