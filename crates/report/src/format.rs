//! Numbers as people read them: short, with their unit, always the same way.
//!
//! The terminal and the page share these functions, so that one number never has two faces. What is
//! not defined (`null` in the record) is an en dash.

use evidence::record::{Cell, LoadRecord};

/// What stands for "not defined".
pub(crate) const NOTHING: &str = "–";

/// A ratio as a percentage: whole numbers in the middle, one decimal where it matters (near 0 and 100).
pub(crate) fn percent(ratio: Option<f64>) -> String {
    let Some(ratio) = ratio else { return NOTHING.to_owned() };
    let percent = ratio * 100.0;
    let one_decimal = (percent > 0.0 && percent < 1.0) || (percent > 99.0 && percent < 100.0);
    if !one_decimal {
        return format!("{percent:.0} %");
    }
    // Rounding must claim neither perfection nor nothing at all.
    format!("{:.1} %", percent.clamp(0.1, 99.9))
}

/// `part ÷ whole` as a ratio; `None` when there is no whole.
#[expect(clippy::cast_precision_loss, reason = "counts of orders stay far below 2^52")]
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Milliseconds with a fitting unit: `0.8 ms`, `98 ms`, `1.42 s`, `30.0 s`.
pub(crate) fn millis(ms: Option<f64>) -> String {
    match ms {
        None => NOTHING.to_owned(),
        Some(ms) if ms < 9.95 => format!("{ms:.1} ms"),
        Some(ms) if ms < 999.5 => format!("{ms:.0} ms"),
        Some(ms) if ms < 9_995.0 => format!("{:.2} s", ms / 1_000.0),
        Some(ms) => format!("{:.1} s", ms / 1_000.0),
    }
}

/// A count with thousands separated: `12,345`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number without needless zeros: `200`, `0.5`, `12.25`.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Several things as one phrase: `a`, `a and b`, `a, b and c`.
pub(crate) fn list<S: AsRef<str>>(things: &[S]) -> String {
    match things {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [all_but_last @ .., last] => {
            let first: Vec<&str> = all_but_last.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

/// `one thing`, `2 things`: a count and its noun.
pub(crate) fn counted(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// A horizontal bar of `width` characters in eighths of a character, padded with blanks.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the ratio is clamped to 0..=1 and the width is a handful of characters"
)]
pub(crate) fn bar(ratio: Option<f64>, width: usize) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let filled = (ratio.unwrap_or(0.0).clamp(0.0, 1.0) * (width * 8) as f64).round() as usize;
    let mut text = "█".repeat(filled / 8);
    if !filled.is_multiple_of(8) {
        text.push(EIGHTHS[filled % 8]);
    }
    let drawn = text.chars().count();
    text.extend(std::iter::repeat_n(' ', width - drawn));
    text
}

/// The load in the fewest words that tell it from others of its kind: `200/s`, `10→200/s`, `100/s, burst 1000/s`.
pub(crate) fn load(load: &LoadRecord) -> String {
    match load {
        LoadRecord::Constant { rate_per_s, .. } => format!("{}/s", number(*rate_per_s)),
        LoadRecord::Ramp { from_per_s, to_per_s, .. } => {
            format!("{}→{}/s", number(*from_per_s), number(*to_per_s))
        }
        LoadRecord::Burst { base_per_s, peak_per_s, .. } => {
            format!("{}/s, burst {}/s", number(*base_per_s), number(*peak_per_s))
        }
        LoadRecord::Steps { steps, .. } => {
            let rates: Vec<String> = steps.iter().map(|step| number(step.rate_per_s)).collect();
            format!("{}/s", rates.join("→"))
        }
        LoadRecord::Users { users, .. } => counted(u64::from(*users), "user", "users"),
    }
}

/// The load with everything that defines it, for where two loads would otherwise look the same.
pub(crate) fn load_in_full(record: &LoadRecord) -> String {
    let short = load(record);
    match record {
        LoadRecord::Constant { duration_s, spacing, .. } | LoadRecord::Ramp { duration_s, spacing, .. } => {
            format!("{short} for {} s, {spacing}", number(*duration_s))
        }
        LoadRecord::Burst { burst_s: [from, to], duration_s, spacing, .. } => {
            let (from, to, duration) = (number(*from), number(*to), number(*duration_s));
            format!("{short} from {from} s to {to} s, for {duration} s, {spacing}")
        }
        LoadRecord::Steps { steps, spacing, .. } => {
            let each: Vec<String> = steps.iter().map(|step| number(step.duration_s)).collect();
            format!("{short} for {} s, {spacing}", each.join(", "))
        }
        LoadRecord::Users { spawn_per_s, think_s: [min, max], duration_s, balance, .. } => {
            let [spawn, min, max, duration] = [spawn_per_s, min, max, duration_s].map(|it| number(*it));
            let balance = balance.as_ref().map(|balance| format!(", {balance}")).unwrap_or_default();
            format!("{short}, {spawn} more per second, thinking {min} to {max} s, for {duration} s{balance}")
        }
    }
}

/// Seconds that the load lasts.
pub(crate) const fn load_duration_s(load: &LoadRecord) -> f64 {
    load.duration_s()
}

/// The highest rate of the load, in orders per second; `None` in a closed loop, where answers set it.
pub(crate) fn load_peak_per_s(load: &LoadRecord) -> Option<f64> {
    match load {
        LoadRecord::Constant { rate_per_s, .. } => Some(*rate_per_s),
        LoadRecord::Ramp { from_per_s, to_per_s, .. } => Some(from_per_s.max(*to_per_s)),
        LoadRecord::Burst { base_per_s, peak_per_s, .. } => Some(base_per_s.max(*peak_per_s)),
        LoadRecord::Steps { steps, .. } => Some(steps.iter().map(|step| step.rate_per_s).fold(0.0, f64::max)),
        LoadRecord::Users { .. } => None,
    }
}

/// Whether a cell had the time to recover from its fault and did not. Recovery is judged over five seconds
/// of load after the fault (`evidence`): where the load ends before that, nothing can be said.
pub(crate) fn never_recovers(cell: &Cell) -> bool {
    const JUDGED_S: f64 = 5.0;
    cell.recovery_s.is_none()
        && cell.fault_window_s.is_some_and(|[_, end]| load_duration_s(&cell.load) >= end + JUDGED_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_never_round_to_perfection_or_to_nothing() {
        let shown: Vec<String> = [0.0, 0.0004, 0.004, 0.283, 0.99, 0.9932, 0.99999, 1.0, 1.02]
            .into_iter()
            .map(|ratio| percent(Some(ratio)))
            .collect();
        assert_eq!(shown, ["0 %", "0.1 %", "0.4 %", "28 %", "99 %", "99.3 %", "99.9 %", "100 %", "102 %"]);
        assert_eq!(percent(None), "–");
    }

    #[test]
    fn milliseconds_become_seconds_when_they_are_many() {
        let shown: Vec<String> =
            [0.84, 9.96, 98.4, 999.9, 1_421.0, 30_000.0].into_iter().map(|ms| millis(Some(ms))).collect();
        assert_eq!(shown, ["0.8 ms", "10 ms", "98 ms", "1.00 s", "1.42 s", "30.0 s"]);
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(counted(1, "order", "orders"), "1 order");
        assert_eq!(counted(2_000, "order", "orders"), "2,000 orders");
    }

    #[test]
    fn a_bar_always_has_its_width() {
        for step in 0..=40_u32 {
            assert_eq!(bar(Some(f64::from(step) / 32.0), 6).chars().count(), 6);
        }
        assert_eq!(bar(Some(0.5), 6), "███   ");
        assert_eq!(bar(Some(7.0), 2), "██");
        assert_eq!(bar(None, 3), "   ");
    }

    #[test]
    fn lists_read_like_speech() {
        assert_eq!(list::<&str>(&[]), "");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }

    #[test]
    fn numbers_carry_no_needless_zeros() {
        assert_eq!([200.0, 0.5, 12.25, 0.0, -0.001].map(number), ["200", "0.5", "12.25", "0", "0"]);
    }

    #[test]
    fn a_load_that_ends_too_early_says_nothing_about_recovery() {
        let mut cell = crate::sample::cell("v0.1.0", "blackout", 50.0);
        (cell.fault_window_s, cell.recovery_s) = (Some([5.0, 10.0]), None);
        let lasting =
            |duration_s| LoadRecord::Constant { rate_per_s: 50.0, duration_s, spacing: "even".into() };
        cell.load = lasting(15.0);
        assert!(never_recovers(&cell));
        cell.load = lasting(14.0);
        assert!(!never_recovers(&cell));
        (cell.load, cell.recovery_s) = (lasting(15.0), Some(1.0));
        assert!(!never_recovers(&cell));
    }
}
