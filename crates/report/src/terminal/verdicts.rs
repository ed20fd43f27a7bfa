//! Expectations that failed, with all that is needed to see it for oneself, and the tally.

use std::fmt::Write;

use evidence::Verdict;

use crate::format;

/// The failed expectations, each with its lesson, what was expected and found, and the command that runs that
/// cell again; then one line that sums up.
#[must_use]
pub fn verdicts(verdicts: &[Verdict]) -> String {
    let failed: Vec<&Verdict> = verdicts.iter().filter(|verdict| !verdict.passed).collect();
    let mut text = String::new();
    for verdict in &failed {
        let _ = writeln!(text, "✗ {}", verdict.lesson);
        let _ = writeln!(text, "    {}", finding(verdict));
        let _ = writeln!(text, "    replay: {}\n", verdict.replay);
    }
    let all = format::counted(verdicts.len() as u64, "expectation", "expectations");
    let _ = match (verdicts.len(), failed.len()) {
        (0, _) => writeln!(text, "no expectation was checked"),
        (1, 0) => writeln!(text, "✓ the one expectation holds"),
        (_, 0) => writeln!(text, "✓ all {all} hold"),
        (_, failed) => writeln!(text, "✗ {} of {all} failed", format::count(failed as u64)),
    };
    text
}

/// What was found and what was expected: `goodput_ratio is 0.41, expected ≥ 0.93: off by 0.52`.
///
/// Without a value nothing can be off by an amount: what is said there then is why there is none, as
/// for a metric that the cell does not have. A null that has a meaning (never recovered) comes without.
pub(crate) fn finding(verdict: &Verdict) -> String {
    if let (None, Some(reason)) = (verdict.value, &verdict.off_by) {
        return format!("{}, expected {}: {reason}", verdict.metric, verdict.expected);
    }
    let value = verdict.value.map_or_else(|| "null".to_owned(), precise);
    let off = verdict.off_by.as_ref().map_or_else(String::new, |off| format!(": off by {off}"));
    format!("{} is {value}, expected {}{off}", verdict.metric, verdict.expected)
}

/// A metric's value as the record has it.
pub(crate) fn precise(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
