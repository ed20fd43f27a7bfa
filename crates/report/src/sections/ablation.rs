//! Ablation: what is lost when one constraint is taken away, under which fault.
//!
//! Each design is held against the reference under the same load and fault, in the qualities that constraints are
//! there for. A quality is lost when it is worse by more than chance makes it: by a tenth, and by an amount that
//! somebody would notice. Of several loads the one where most is lost is told.

use evidence::record::LoadRecord;

use super::metric::text;
use super::numbers::Number;
use super::{Entry, Sheet, Source};
use crate::format;
use crate::words::{self, Tone};

/// A quality of a design, and what losing it is called.
struct Quality {
    metric: &'static str,
    loss: &'static str,
    better: Better,
    /// A smaller change than this is not noticed.
    noticed: f64,
}

enum Better {
    /// More is better; null is as good as unknown.
    More,
    /// Less is better; null is as good as unknown.
    Less,
    /// Less is better, and null is worst: it never happened.
    SoonerOrNever,
}

const QUALITIES: [Quality; 13] = [
    quality("ledger.lost", "lost orders", Better::Less, 1.0),
    quality("ledger.double_charged", "double charges", Better::Less, 1.0),
    quality("ledger.ghost_charged", "ghost charges", Better::Less, 1.0),
    quality("ledger.stuck", "stuck orders", Better::Less, 1.0),
    quality("ledger.bounds_exceeded", "bounds exceeded", Better::Less, 1.0),
    quality("goodput_ratio", "goodput", Better::More, 0.05),
    quality("recovery_s", "recovery", Better::SoonerOrNever, 0.5),
    quality("detection_s", "detection", Better::SoonerOrNever, 0.5),
    quality("latency_ms.p99", "latency p99", Better::Less, 200.0),
    quality("phases.during.refusal_latency_ms.p95", "slow refusals", Better::Less, 100.0),
    quality("attempts_per_order", "attempts per order", Better::Less, 0.1),
    quality("wasted_payments", "wasted payments", Better::Less, 50.0),
    quality("services.payment-service.waiting_max", "waiting inside payment", Better::Less, 8.0),
];

const fn quality(metric: &'static str, loss: &'static str, better: Better, noticed: f64) -> Quality {
    Quality { metric, loss, better, noticed }
}

/// One quality that is lost.
struct Loss {
    quality: &'static Quality,
    reference: Number,
    now: Number,
    load: String,
    /// By how much, in units of what is noticed: to find the worst load.
    weight: f64,
}

/// A line for each design and fault: which failure returns.
pub(super) fn sheet(source: &Source<'_>) -> Sheet {
    let reference = source.section.reference.as_deref().unwrap_or_default();
    let heads = ["design", "fault", "what returns"].map(str::to_owned).to_vec();
    let mut groups = Vec::new();
    for design in source.designs().into_iter().filter(|design| *design != reference) {
        let mut group: Vec<Vec<Entry>> = Vec::new();
        for fault in source.faults() {
            let losses = losses(source, reference, design, fault);
            let mut told: Vec<Entry> =
                losses.iter().map(|loss| Entry::toned(loss.told(source), Tone::Bad)).collect();
            if told.is_empty() {
                told.push(Entry::plain("nothing"));
            }
            let mut place = Entry::plain(words::under(fault));
            for told in told {
                let name = if group.is_empty() { design } else { "" };
                group.push(vec![Entry::plain(name), std::mem::replace(&mut place, Entry::plain("")), told]);
            }
        }
        groups.push(group);
    }
    let mut sheet = source.sheet(heads, groups);
    sheet.findings = vec![format!("Each is held against {reference} under the same load and fault.")];
    sheet
}

/// What the design has lost under the fault, the gravest first; of each quality under the load where most is lost.
fn losses(source: &Source<'_>, reference: &str, design: &str, fault: &str) -> Vec<Loss> {
    let worst = |quality: &'static Quality| {
        let under = source.loads().into_iter().filter_map(|(load, name)| {
            loss(source, quality, [reference, design], fault, (source.grid.loads[load].0, name))
        });
        under.max_by(|one, other| one.weight.total_cmp(&other.weight))
    };
    QUALITIES.iter().filter_map(worst).collect()
}

fn loss(
    source: &Source<'_>,
    quality: &'static Quality,
    [reference, design]: [&str; 2],
    fault: &str,
    (load, name): (&LoadRecord, &str),
) -> Option<Loss> {
    let number = |design| source.numbers.mean(design, fault, load, quality.metric);
    let (reference, now) = (number(reference), number(design));
    if reference == Number::Absent || now == Number::Absent {
        return None;
    }
    let weight = quality.weight(reference.value(), now.value())?;
    Some(Loss { quality, reference, now, load: name.to_owned(), weight })
}

impl Quality {
    /// How much worse it is, in units of what is noticed; `None` when it is not.
    fn weight(&self, reference: Option<f64>, now: Option<f64>) -> Option<f64> {
        const A_TENTH: f64 = 0.1;
        let (reference, worse_by) = match (&self.better, reference, now) {
            (Better::More, Some(reference), Some(now)) => (reference, reference - now),
            (Better::Less | Better::SoonerOrNever, Some(reference), Some(now)) => {
                (reference, now - reference)
            }
            (Better::SoonerOrNever, Some(_), None) => return Some(f64::INFINITY),
            _ => return None,
        };
        let is_lost = worse_by >= self.noticed && worse_by >= A_TENTH * reference.abs();
        is_lost.then(|| worse_by / self.noticed)
    }
}

impl Loss {
    /// `goodput 97 % → 31 % at 200/s`.
    fn told(&self, source: &Source<'_>) -> String {
        let value = |number: &Number| match (&self.quality.better, number) {
            (Better::SoonerOrNever, Number::Value(None)) => "never".to_owned(),
            _ => text(self.quality.metric, number),
        };
        let [reference, now] = [&self.reference, &self.now].map(value);
        let at = if source.loads().len() > 1 { format!(" at {}", self.load) } else { String::new() };
        let arrow = if reference == format::NOTHING { String::new() } else { format!("{reference} → ") };
        format!("{} {arrow}{now}{at}", self.quality.loss)
    }
}
