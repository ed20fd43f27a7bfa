//! What it costs: orders and revenue lost, with the formulas in the numbers they were computed from.

use evidence::business::{Impact, Terms, impact};

use super::spots::{Spot, amount, dollars, price};
use super::{Entry, Sheet, Source};
use crate::format;
use crate::words::Tone;

/// A line for each load, with the formulas beneath.
pub(super) fn sheet(source: &Source<'_>) -> Sheet {
    let terms = source.section.terms();
    let heads =
        ["", "orders asked for", "orders lost", "lost", "revenue lost in the sale", "per hour", "per year"];
    let spots = source.spots();
    let lines =
        spots.iter().filter_map(|spot| Some(line(&spot.label, &impact(&spot.runs, terms)?))).collect();
    let mut sheet = source.sheet(heads.map(str::to_owned).into(), vec![lines]);
    let durations: Vec<f64> = spots.iter().map(|spot| spot.runs[0].load.duration_s()).collect();
    let is_accepted_first = spots.iter().any(Spot::is_accepted_first);
    sheet.findings = formulas(terms, &durations, is_accepted_first);
    sheet
}

fn line(label: &str, impact: &Impact) -> Vec<Entry> {
    let share = if impact.asked > 0.0 { Some(impact.lost / impact.asked) } else { None };
    let tone = (impact.lost > 0.0).then_some(Tone::Bad);
    let money = |value: f64| Entry { text: dollars(value), tone };
    vec![
        Entry::plain(label),
        Entry::plain(amount(impact.asked)),
        Entry { text: amount(impact.lost), tone },
        Entry::plain(format::percent(share)),
        money(impact.lost_in_sale),
        money(impact.lost_per_hour),
        money(impact.lost_per_year),
    ]
}

fn formulas(terms: Terms, durations_s: &[f64], is_accepted_first: bool) -> Vec<String> {
    let mut lasting: Vec<String> = Vec::new();
    for duration in durations_s.iter().map(|duration| format::number(*duration)) {
        if !lasting.contains(&duration) {
            lasting.push(duration);
        }
    }
    let mut lost = "Orders lost = asked for − answered with success − declined (a declined payment would be declined on any \
                    platform)."
        .to_owned();
    if is_accepted_first {
        lost.push_str(" Where orders are accepted first: asked for − paid − declined.");
    }
    vec![
        lost,
        format!(
            "Revenue lost in the sale = orders lost × {}, the average order value.",
            price(terms.order_value)
        ),
        format!("Per hour = revenue lost in the sale ÷ {} s × 3,600 s.", lasting.join(" or ")),
        format!(
            "Per year = revenue lost in the sale × {}.",
            format::counted(u64::from(terms.sales_per_year), "sale per year", "sales per year")
        ),
    ]
}
