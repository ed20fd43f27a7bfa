//! The theoretical maximum against what was measured: how busy payment was, and how much of that was of use.

use super::spots::{Spot, amount};
use super::{Entry, Sheet, Source};
use crate::format;
use crate::words::Tone;

/// A line for each load, with the formula beneath.
pub(super) fn sheet(source: &Source<'_>) -> Sheet {
    let heads = [
        "",
        "possible",
        "payments made",
        "of possible",
        "for customers who had gone",
        "orders served",
        "of possible",
    ];
    let spots: Vec<_> = source.spots().into_iter().filter(|spot| spot.runs[0].theory.is_some()).collect();
    let lines: Vec<Vec<Entry>> = spots.iter().map(line).collect();
    let mut sheet = source.sheet(heads.map(str::to_owned).into(), vec![lines]);
    for spot in &spots {
        let formula = formula(spot);
        if !sheet.findings.contains(&formula) {
            sheet.findings.push(formula);
        }
    }
    sheet
}

fn line(spot: &Spot<'_>) -> Vec<Entry> {
    let theory = |value: fn(&evidence::record::Theory) -> f64| {
        spot.mean(|run| run.theory.as_ref().map(value)).unwrap_or_default()
    };
    let ratio = |value: fn(&evidence::record::Theory) -> Option<f64>| {
        spot.mean(|run| run.theory.as_ref().and_then(value))
    };
    let useful = ratio(|theory| theory.useful_ratio);
    let tone = match useful {
        Some(useful) if useful < 0.5 => Some(Tone::Bad),
        Some(useful) if useful < 0.85 => Some(Tone::Mixed),
        _ => None,
    };
    vec![
        Entry::plain(spot.label.clone()),
        Entry::plain(amount(theory(|theory| theory.maximum_orders))),
        Entry::plain(amount(theory(|theory| theory.payments as f64))),
        Entry::plain(format::percent(ratio(|theory| theory.busy_ratio))),
        Entry::plain(amount(theory(|theory| theory.payments_for_nobody as f64))),
        Entry::plain(amount(theory(|theory| theory.served as f64))),
        Entry { text: format::percent(useful), tone },
    ]
}

/// How the maximum comes about, in the numbers of the record.
pub(super) fn formula(spot: &Spot<'_>) -> String {
    let Some(theory) = &spot.runs[0].theory else { return String::new() };
    let replicas = format::counted(u64::from(theory.replicas), "replica", "replicas");
    let slots = format::counted(u64::from(theory.slots), "slot", "slots");
    let (service, duration) = (format::number(theory.service_time_s), format::number(theory.duration_s));
    let plain =
        f64::from(theory.replicas) * f64::from(theory.slots) / theory.service_time_s * theory.duration_s;
    let less = if (plain - theory.maximum_orders).abs() >= 0.5 {
        format!(
            " = {}, of which failing payments and faults leave {}",
            amount(plain),
            amount(theory.maximum_orders)
        )
    } else {
        format!(" = {} orders", amount(theory.maximum_orders))
    };
    format!("Possible is {replicas} × {slots} ÷ {service} s per payment × {duration} s{less}.")
}
