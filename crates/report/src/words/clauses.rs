//! How one cell ended, as exactly one of a few fates, and the clause that says so for a group of loads.
//!
//! The rules are thresholds over the metrics. They know no design and no fault by name: what is said of
//! v0.1.0 is said because of its numbers, and would be said of any design with such numbers.

use super::Tone;
use super::reading::{Places, Reading};
use crate::format;

/// How a cell ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing was asked of it.
    Idle,
    /// Nearly everyone was served in time.
    Calm,
    /// Overloaded: it refuses the surplus, and what it takes it does in time.
    RefusesEarly,
    /// Some were not served, but most of what was possible was done in time.
    Copes,
    /// Payment is busy, orders are answered with success, and nearly all of them too late.
    TooLate,
    /// Hardly any order gets done at all.
    Stalls,
    /// Between half and most of what was possible was done in time.
    Degrades,
    /// The fault was felt, and service came back.
    Recovers,
    /// Service did not come back within the run.
    NeverBack,
    /// Under a fault it does badly, but so it does without one.
    DrownsAnyway,
}

/// Goodput below this share of what was possible is a collapse.
const COLLAPSE: f64 = 0.5;
/// Goodput from this share on counts as served (the bar of recovery).
const SERVED: f64 = 0.85;
/// Success and goodput from these shares on are "all is well".
const CALM_SUCCESS: f64 = 0.99;
const CALM_GOODPUT: f64 = 0.95;
/// Refusing at least this share is worth saying.
const REFUSING: f64 = 0.01;
/// Throughput from this share of what was possible on means that the work is being done.
const BUSY: f64 = 0.5;

impl Fate {
    /// The fate of a cell.
    pub(crate) fn of(reading: &Reading<'_>) -> Self {
        let cell = reading.cell;
        if cell.offered == 0 {
            return Self::Idle;
        }
        if reading.success() >= CALM_SUCCESS && reading.goodput() >= CALM_GOODPUT {
            return Self::Calm;
        }
        if cell.recovery_s.is_some() || format::never_recovers(cell) {
            if cell.recovery_s.is_some() {
                return Self::Recovers;
            }
            let control = reading.control.and_then(|control| control.goodput_ratio);
            return match control {
                Some(goodput) if goodput < COLLAPSE => Self::DrownsAnyway,
                _ => Self::NeverBack,
            };
        }
        match reading.goodput() {
            goodput if goodput >= SERVED && reading.refused() >= REFUSING => Self::RefusesEarly,
            goodput if goodput >= SERVED => Self::Copes,
            goodput if goodput >= COLLAPSE => Self::Degrades,
            _ if reading.busy() >= BUSY => Self::TooLate,
            _ => Self::Stalls,
        }
    }

    /// How good or bad that is.
    pub(crate) const fn tone(self) -> Tone {
        match self {
            Self::Idle | Self::Calm | Self::RefusesEarly | Self::Copes => Tone::Good,
            Self::Degrades | Self::Recovers => Tone::Mixed,
            Self::TooLate | Self::Stalls | Self::NeverBack | Self::DrownsAnyway => Tone::Bad,
        }
    }

    /// The clause for cells that share this fate, in the order of their loads.
    pub(crate) fn clause(self, group: &[Reading<'_>]) -> String {
        let goodput = each(group, |reading| reading.goodput(), percent);
        let p99 = worst_p99(group);
        match self {
            Self::Idle => "nothing was asked of it".to_owned(),
            Self::Calm => calm(group, &p99),
            Self::RefusesEarly => {
                let refused = each(group, |reading| reading.refused(), percent);
                let speed = refusal_speed(group);
                format!("it refuses {refused}{speed} and keeps goodput at {goodput} of possible, p99 {p99}")
            }
            Self::Copes => format!("goodput holds at {goodput} of possible, p99 {p99}"),
            Self::TooLate => {
                format!("answers come, but too late: payment is busy, yet goodput is {goodput} of possible")
            }
            Self::Stalls => {
                let throughput = each(group, |reading| whole(reading.cell.throughput_per_s), format::number);
                format!("work stalls: {throughput} orders/s get done, goodput is {goodput} of possible")
            }
            Self::Degrades => format!("goodput falls to {goodput} of possible, p99 {p99}"),
            Self::Recovers => recovers(group, &goodput),
            Self::NeverBack => never_back(group),
            Self::DrownsAnyway => format!("it drowns, as it does without the fault: goodput {goodput}"),
        }
    }
}

fn percent(ratio: f64) -> String {
    format::percent(Some(ratio))
}

fn calm(group: &[Reading<'_>], p99: &str) -> String {
    let success = group.iter().map(Reading::success).min_by(f64::total_cmp);
    let success = format::percent(success);
    let at_least = if success == "100 %" { "all orders" } else { &format!("at least {success}") };
    if group.iter().any(|reading| reading.cell.background.is_some()) {
        return accepted(group, at_least, p99);
    }
    if group.iter().any(|reading| reading.cell.fault_window_s.is_some()) {
        return format!("it gets through: {at_least} succeed, p99 {p99}");
    }
    format!("all is well: {at_least} succeed, p99 {p99}")
}

/// An answer that was only a promise: when it was kept belongs to it.
fn accepted(group: &[Reading<'_>], at_least: &str, p99: &str) -> String {
    let done = group.iter().filter_map(|reading| reading.cell.background.as_ref()?.completion_ms.p99);
    match done.max_by(f64::total_cmp) {
        Some(ms) => {
            format!("{at_least} are accepted, p99 {p99}, and done within {} (p99)", format::millis(Some(ms)))
        }
        None => format!("{at_least} are accepted, p99 {p99}, and none is done"),
    }
}

/// Refusals are worth a word about their speed when every one of them was quick.
fn refusal_speed(group: &[Reading<'_>]) -> String {
    const QUICK_MS: f64 = 100.0;
    let slowest = group.iter().filter_map(Reading::refusal_p99_ms).max_by(f64::total_cmp);
    match slowest {
        Some(ms) if ms <= QUICK_MS => format!(" within {}", format::millis(Some(ms))),
        _ => String::new(),
    }
}

fn recovers(group: &[Reading<'_>], goodput: &str) -> String {
    let slowest = group.iter().filter_map(|reading| reading.cell.recovery_s).max_by(f64::total_cmp);
    match slowest {
        Some(seconds) if seconds > 0.0 => {
            let times = each(group, |reading| reading.cell.recovery_s.unwrap_or_default(), format::number);
            format!("it is back {times} s after the fault, goodput {goodput} of possible")
        }
        _ => format!("it is back as soon as the fault ends, goodput {goodput} of possible"),
    }
}

/// The cause is said where the numbers show it: places held at the end, orders stuck, or a backlog.
fn never_back(group: &[Reading<'_>]) -> String {
    let said = "it never comes back";
    if let Some(held) = places_held(group) {
        return format!("{said}: {held}");
    }
    let stuck = |reading: &Reading<'_>| reading.cell.ledger.stuck;
    if group.iter().all(|reading| stuck(reading) > 0) {
        let one = group.iter().all(|reading| stuck(reading) == 1);
        let orders = counts(&group.iter().map(stuck).collect::<Vec<_>>());
        return format!("{said}: {orders} {} for ever", if one { "order waits" } else { "orders wait" });
    }
    if group.iter().all(|reading| reading.busy() >= BUSY) {
        return format!("{said}: payment works again, but on a backlog that makes every answer late");
    }
    said.to_owned()
}

/// The places that every cell of the group still had taken at the end, and one of them all of its places. A
/// gauge that is full in all of them is said before one that is full in some.
fn places_held(group: &[Reading<'_>]) -> Option<String> {
    let all: Vec<Vec<Places<'_>>> = group.iter().map(Reading::places_held).collect();
    let same = |one: &Places<'_>| -> Option<Vec<Places<'_>>> {
        let alike = |other: &&Places<'_>| {
            (other.service, other.gauge, other.bound) == (one.service, one.gauge, one.bound)
        };
        all.iter().map(|cell| cell.iter().find(alike).copied()).collect()
    };
    let shared: Vec<Vec<Places<'_>>> = all.first()?.iter().filter_map(same).collect();
    let full = |places: &Places<'_>| places.held >= places.bound;
    let everywhere = shared.iter().find(|cells| cells.iter().all(full));
    let cells = everywhere.or_else(|| shared.iter().find(|cells| cells.iter().any(full)))?;
    let Places { service, bound, .. } = cells[0];
    let bound_shown = format::count(bound);
    let which = match (everywhere, bound) {
        (Some(_), 1) => "the one place".to_owned(),
        (Some(_), _) => format!("all {bound_shown} places"),
        (None, _) => {
            let held: Vec<u64> = cells.iter().map(|places| places.held).collect();
            format!("{} of {bound_shown} places", counts(&held))
        }
    };
    let are = if bound == 1 { "is" } else { "are" };
    Some(format!("{which} at {service} {are} held by answers that will never come"))
}

/// The slowest p99 of the group.
fn worst_p99(group: &[Reading<'_>]) -> String {
    format::millis(group.iter().filter_map(|reading| reading.cell.latency_ms.p99).max_by(f64::total_cmp))
}

/// One value per cell as a phrase.
fn each(group: &[Reading<'_>], value: impl Fn(&Reading<'_>) -> f64, show: impl Fn(f64) -> String) -> String {
    phrase(group.iter().map(value).collect(), show)
}

/// A rate without its fraction, unless there is little else: one order in ten seconds is not none.
fn whole(per_s: f64) -> f64 {
    if per_s < 10.0 { per_s } else { per_s.round() }
}

/// The same for counts.
#[expect(clippy::cast_precision_loss, reason = "counts of orders stay far below 2^52")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was a count before")]
fn counts(counts: &[u64]) -> String {
    phrase(counts.iter().map(|count| *count as f64).collect(), |value| format::count(value as u64))
}

/// Several values as a phrase: equal ones are said once, two are said both, of more only the ends.
fn phrase(mut values: Vec<f64>, show: impl Fn(f64) -> String) -> String {
    let shown: Vec<String> = values.iter().map(|value| show(*value)).collect();
    if shown.iter().all(|one| *one == shown[0]) {
        return shown[0].clone();
    }
    if shown.len() == 2 {
        return format::list(&shown);
    }
    values.sort_by(f64::total_cmp);
    format!("{} to {}", show(values[0]), show(values[values.len() - 1]))
}
