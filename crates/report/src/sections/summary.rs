//! One page of words for those who decide: what was asked, what came of it, why, what it costs, how sure that is.
//!
//! Every number is of the record, and every sentence is chosen by the numbers: one that would say nothing is left out,
//! and none claims what was not measured. What a design or a load is called is all that is known of it.

use evidence::business::{Terms, impact};
use evidence::record::{Background, Record, SectionKind, Theory};

use super::spots::{Spot, amount, dollars, price};
use super::{Sheet, Source, Tile, capacity};
use crate::format;
use crate::words::{Tone, under, violations};

/// A median within this share of the client's patience is the patience.
const AT_PATIENCE: f64 = 0.97;

/// A share of the payments for nobody that is worth a sentence.
const WORTH_SAYING: f64 = 0.05;

/// So many times the orders for more users is more.
const MORE: f64 = 1.1;

/// The page.
pub(super) fn sheet(source: &Source<'_>, record: &Record) -> Sheet {
    let spots = source.spots();
    let terms = record.sections.iter().find(|section| section.kind == SectionKind::Business);
    let terms = terms.map(evidence::record::Section::terms);
    let mut sheet = source.sheet(Vec::new(), Vec::new());
    let lost = |spot: &&Spot<'_>| spot.count(|run| run.offered.saturating_sub(run.succeeded + run.declined));
    let Some(worst) = spots.iter().max_by(|a, b| lost(a).total_cmp(&lost(b))) else { return sheet };
    sheet.tiles = tiles(worst, terms);
    let mut say = |heading: &str, sentences: Vec<String>| {
        if !sentences.is_empty() {
            sheet.prose.push((heading.to_owned(), sentences));
        }
    };
    say("What happened", spots.iter().map(happened).collect());
    say("How long customers waited", spots.iter().filter_map(waited).collect());
    say("Why", why(&spots));
    say("More customers", spots.chunk_by(same_design).filter_map(more_customers).collect());
    if let Some(terms) = terms {
        say("What it costs", costs(&spots, terms));
    }
    say("What the books say", spots.iter().filter_map(books).collect());
    say("How sure this is", vec![certainty(&spots, source)]);
    sheet
}

fn same_design(one: &Spot<'_>, other: &Spot<'_>) -> bool {
    (one.design, one.fault) == (other.design, other.fault)
}

/// The numbers that a page begins with, of the load under which most is lost.
fn tiles(worst: &Spot<'_>, terms: Option<Terms>) -> Vec<Tile> {
    let offered = worst.count(|run| run.offered);
    let served = worst.count(|run| run.succeeded);
    let served_share = (offered > 0.0).then(|| served / offered);
    let tile = |value: String, label: String, tone| Tile { value, label, tone };
    let bad_below = |share: Option<f64>| match share {
        Some(share) if share < 0.5 => Tone::Bad,
        Some(share) if share < 0.95 => Tone::Mixed,
        _ => Tone::Good,
    };
    let mut tiles = vec![tile(
        format::percent(served_share),
        format!("of the orders answered with success, {}", worst.label),
        bad_below(served_share),
    )];
    if let Some(impact) = terms.and_then(|terms| impact(&worst.runs, terms)) {
        let tone = if impact.lost > 0.0 { Tone::Bad } else { Tone::Good };
        tiles.push(tile(amount(impact.lost), format!("of {} orders lost", amount(impact.asked)), tone));
        tiles.push(tile(
            dollars(impact.lost_per_hour),
            "revenue lost per hour of such a sale".to_owned(),
            tone,
        ));
        tiles.push(tile(
            dollars(impact.lost_per_year),
            "revenue lost per year of such sales".to_owned(),
            tone,
        ));
    }
    if let Some(useful) = worst.mean(|run| run.theory.as_ref().and_then(|theory| theory.useful_ratio)) {
        let label = "of what payment could do was of use to a customer".to_owned();
        tiles.push(tile(format::percent(Some(useful)), label, bad_below(Some(useful))));
    }
    tiles
}

/// How the orders of a load ended.
fn happened(spot: &Spot<'_>) -> String {
    let offered = spot.count(|run| run.offered);
    let served = spot.count(|run| run.succeeded);
    let share = format::percent((offered > 0.0).then(|| served / offered));
    let patience = spot.mean(|run| run.responses.as_ref().map(|responses| responses.client_timeout_s));
    let gave_up = match patience {
        Some(seconds) => format!("given up after {} s", format::number(seconds)),
        None => "timed out".to_owned(),
    };
    let others = [
        (spot.count(|run| run.timed_out), gave_up.as_str()),
        (spot.count(|run| run.rejected), "refused"),
        (spot.count(|run| run.failed), "failed"),
        (spot.count(|run| run.declined), "declined by the bank"),
    ];
    let others = those_there_are(&others);
    let others = if others.is_empty() { others } else { format!("; {others}") };
    let duration = format::number(spot.runs[0].load.duration_s());
    let answered = if spot.is_accepted_first() { "accepted" } else { "answered with success" };
    format!(
        "{}: of {} orders in {duration} s {} were {answered} ({share}){others}{}.",
        spot.label,
        amount(offered),
        amount(served),
        afterwards(spot).unwrap_or_default()
    )
}

/// What became of the orders that were accepted first.
fn afterwards(spot: &Spot<'_>) -> Option<String> {
    let background =
        |value: fn(&Background) -> u64| spot.count(|run| run.background.as_ref().map_or(0, value));
    let last_s = spot.mean(|run| run.background.as_ref()?.last_done_s)?;
    let open =
        background(|found| found.accepted.saturating_sub(found.completed + found.declined + found.failed));
    let ends = [
        (background(|found| found.completed), "paid"),
        (background(|found| found.declined), "declined"),
        (background(|found| found.failed), "given up"),
        (open, "still open"),
    ];
    let ends = those_there_are(&ends);
    Some(format!("; afterwards {ends}, the last after {} s", format::number(last_s)))
}

/// `3 refused and 1 failed`: the counts that are not zero, each with what it counts.
fn those_there_are(counts: &[(f64, &str)]) -> String {
    let there = counts.iter().filter(|(count, _)| *count > 0.0);
    format::list(&there.map(|(count, what)| format!("{} {what}", amount(*count))).collect::<Vec<_>>())
}

/// The median and the mean, failures included.
fn waited(spot: &Spot<'_>) -> Option<String> {
    let median = spot.mean(|run| run.responses.as_ref()?.all.time_ms.p50)?;
    let mean = spot.mean(|run| run.responses.as_ref()?.all.time_ms.mean)?;
    let patience = spot.mean(|run| Some(run.responses.as_ref()?.client_timeout_s))? * 1e3;
    let is_patience =
        if median >= patience * AT_PATIENCE { ", which is as long as anybody waits" } else { "" };
    Some(format!(
        "{}: half of all requests took {} or longer{is_patience}; the mean is {}.",
        spot.label,
        format::millis(Some(median)),
        format::millis(Some(mean))
    ))
}

/// What payment could do, and what it did instead.
fn why(spots: &[Spot<'_>]) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for spot in spots.iter().filter(|spot| spot.runs[0].theory.is_some()) {
        let formula = capacity::formula(spot);
        if !sentences.contains(&formula) {
            sentences.push(formula);
        }
        let theory =
            |value: fn(&Theory) -> f64| spot.mean(|run| run.theory.as_ref().map(value)).unwrap_or(0.0);
        #[expect(clippy::cast_precision_loss, reason = "counts of payments stay far below 2^52")]
        let (payments, gone, served) = (
            theory(|theory| theory.payments as f64),
            theory(|theory| theory.payments_for_nobody as f64),
            theory(|theory| theory.served as f64),
        );
        let busy = format::percent(spot.mean(|run| run.theory.as_ref()?.busy_ratio));
        let useful = format::percent(spot.mean(|run| run.theory.as_ref()?.useful_ratio));
        let end = if spot.is_accepted_first() {
            "the rest afterwards".to_owned()
        } else {
            format!("{} served ({useful})", counted(served, "order was", "orders were"))
        };
        let nobody = if payments > 0.0 && gone / payments >= WORTH_SAYING {
            format!(", {} of them for customers who had gone", amount(gone))
        } else {
            String::new()
        };
        sentences.push(format!(
            "{}: {} made in that time ({busy} of possible){nobody}; {end}.",
            spot.label,
            counted(payments, "payment was", "payments were"),
        ));
    }
    sentences
}

/// Whether more customers brought more orders, of one design under its lightest and its heaviest load.
fn more_customers(spots: &[Spot<'_>]) -> Option<String> {
    let (few, many) = (spots.first()?, spots.last()?);
    let asked = |spot: &Spot<'_>| spot.count(|run| run.offered);
    if spots.len() < 2 || asked(many) <= asked(few) {
        return None;
    }
    let (before, after) = (few.count(|run| run.succeeded), many.count(|run| run.succeeded));
    let (was, is) = (amount(before), amount(after));
    let asked = format!("{} orders were asked for instead of {}", amount(asked(many)), amount(asked(few)));
    let served = if many.is_accepted_first() { "accepted" } else { "served" };
    Some(if after < before / MORE {
        format!(
            "{} against {}: {asked}, and fewer were {served}, {is} instead of {was}.",
            many.label, few.label
        )
    } else if after <= before * MORE {
        format!("{} against {}: {asked}, and no more were {served}, {is} and {was}.", many.label, few.label)
    } else {
        format!("{} against {}: {asked}, and {is} instead of {was} were {served}.", many.label, few.label)
    })
}

/// The loss in money, and the money that was taken for nothing.
fn costs(spots: &[Spot<'_>], terms: Terms) -> Vec<String> {
    let mut sentences = vec![format!(
        "An order is worth {} on average, and there are {}.",
        price(terms.order_value),
        format::counted(u64::from(terms.sales_per_year), "sale a year", "sales a year")
    )];
    let found = spots.iter().filter_map(|spot| Some((spot, impact(&spot.runs, terms)?)));
    let (lossless, lossy): (Vec<_>, Vec<_>) = found.partition(|(_, impact)| impact.lost == 0.0);
    for (spot, impact) in lossy {
        sentences.push(format!(
            "{}: {} {} in this sale, {} per hour and {} per year.",
            spot.label,
            counted(impact.lost, "order lost is", "orders lost are"),
            dollars(impact.lost_in_sale),
            dollars(impact.lost_per_hour),
            dollars(impact.lost_per_year)
        ));
        let wasted = spot.count(|run| run.wasted_payments);
        if wasted > 0.0 {
            sentences.push(format!(
                "{}: {} charged after having left without an answer, {} to be given back or explained.",
                spot.label,
                counted(wasted, "customer was", "customers were"),
                dollars(wasted * terms.order_value)
            ));
        }
    }
    let lossless: Vec<&str> = lossless.iter().map(|(spot, _)| spot.label.as_str()).collect();
    if !lossless.is_empty() {
        sentences.push(format!("Nothing is lost: {}.", lossless.join("; ")));
    }
    sentences
}

/// A count, or the mean of some, and its noun.
fn counted(value: f64, one: &str, many: &str) -> String {
    let text = amount(value);
    let noun = if text == "1" { one } else { many };
    format!("{text} {noun}")
}

/// What is wrong in the ledger, over all runs.
fn books(spot: &Spot<'_>) -> Option<String> {
    let mut found: Vec<String> = Vec::new();
    for (index, (_, one, many)) in violations(&Default::default()).into_iter().enumerate() {
        let count: u64 = spot.runs.iter().map(|run| violations(&run.ledger)[index].0).sum();
        if count > 0 {
            found.push(format::counted(count, one, many));
        }
    }
    (!found.is_empty()).then(|| format!("{}: {}.", spot.label, format::list(&found)))
}

/// How many runs there were, and how far chance moved the successes.
fn certainty(spots: &[Spot<'_>], source: &Source<'_>) -> String {
    let runs = spots.iter().map(|spot| spot.runs.len()).max().unwrap_or(0);
    let faults = source.faults();
    let calm = if faults.iter().all(|fault| *fault == "none") {
        format!(", {}", under("none"))
    } else {
        String::new()
    };
    if runs < 2 {
        return format!(
            "One run of each load with one seed{calm}: chance may move these numbers; more seeds tell how far."
        );
    }
    let range = |spot: &Spot<'_>| {
        #[expect(clippy::cast_precision_loss, reason = "counts of orders stay far below 2^52")]
        let (least, most) = spot.range(|run| Some(run.succeeded as f64))?;
        Some(format!("{} to {} ({})", amount(least), amount(most), spot.label))
    };
    let ranges: Vec<String> = spots.iter().filter_map(range).collect();
    format!(
        "Means over {runs} runs of each load with a seed each{calm}; orders served lie between {}.",
        format::list(&ranges)
    )
}
