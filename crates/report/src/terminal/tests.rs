//! The drawing's own promises; what the whole looks like is held by the snapshots in `tests/it`.

use evidence::Verdict;

use super::{Column, Field, finding, paragraph, render, spread, table, verdicts};
use crate::sample;

fn verdict(passed: bool) -> Verdict {
    Verdict {
        lesson: "refusing early keeps goodput near capacity".to_owned(),
        metric: "goodput_ratio".to_owned(),
        cell: 0,
        value: Some(0.41),
        expected: "≥ 0.93".to_owned(),
        passed,
        off_by: (!passed).then(|| "0.52".to_owned()),
        replay: "failfirst ladder --seed 1 --designs v0.2.0 --rates 200 --faults none".to_owned(),
    }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let cells = ["none", "outage"].map(|fault| sample::cell("v0.1.0", fault, 1_000.0));
    let record = sample::record(cells.to_vec());
    for width in [80, 100, 120] {
        let text = table(&record, Some(width), false);
        let longest = text.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(usize::from(width)), "{longest:?} in\n{text}");
    }
}

#[test]
fn without_colour_there_is_no_escape_sequence_and_with_colour_there_is() {
    let record = sample::record(vec![sample::cell("v0.1.0", "none", 50.0)]);
    assert!(!table(&record, None, false).contains('\u{1b}'));
    assert!(table(&record, None, true).contains('\u{1b}'));
}

#[test]
fn an_empty_record_is_an_empty_comparison_and_no_panic() {
    let record = sample::record(vec![]);
    assert!(table(&record, Some(80), false).contains("What happened"));
    assert!(spread(&record, Some(80), false).contains("over 0 seeds"));
}

#[test]
fn narrow_terminals_lose_the_least_dear_column_first() {
    let columns =
        [Column::left("a", Column::ALWAYS), Column::left("bbbbbbbb", 1), Column::left("cccccccc", 2)];
    let line = ["1", "2", "3"].map(|text| Field::plain(text.to_owned())).to_vec();
    let head =
        |width| render(&columns, &[vec![line.clone()]], width, false).lines().nth(1).unwrap_or("").to_owned();
    assert_eq!(head(80).split_whitespace().collect::<Vec<_>>(), ["a", "bbbbbbbb", "cccccccc"]);
    assert_eq!(head(20).split_whitespace().collect::<Vec<_>>(), ["a", "cccccccc"]);
    assert_eq!(head(2).split_whitespace().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn paragraphs_hang_under_their_first_word() {
    assert_eq!(paragraph("ab ", "one two three", 10), "ab one two\n   three\n");
    assert_eq!(paragraph("ab ", "incomprehensibilities no", 10), "ab incomprehensibilities\n   no\n");
}

#[test]
fn verdicts_show_what_failed_and_sum_up() {
    assert_eq!(verdicts(&[]), "no expectation was checked\n");
    assert_eq!(verdicts(&[verdict(true)]), "✓ the one expectation holds\n");
    assert_eq!(verdicts(&[verdict(true), verdict(true)]), "✓ all 2 expectations hold\n");
    assert_eq!(
        verdicts(&[verdict(true), verdict(false)]),
        "✗ refusing early keeps goodput near capacity\n    goodput_ratio is 0.41, expected ≥ 0.93: off by 0.52\n    \
         replay: failfirst ladder --seed 1 --designs v0.2.0 --rates 200 --faults none\n\n\
         ✗ 1 of 2 expectations failed\n"
    );
}

#[test]
fn a_metric_that_the_cell_does_not_have_is_neither_null_nor_off() {
    let reason = Some("the cell has no such metric".to_owned());
    let missing = Verdict { value: None, off_by: reason, ..verdict(false) };
    assert_eq!(finding(&missing), "goodput_ratio, expected ≥ 0.93: the cell has no such metric");
    let null = Verdict { value: None, off_by: None, ..verdict(false) };
    assert_eq!(finding(&null), "goodput_ratio is null, expected ≥ 0.93");
}
