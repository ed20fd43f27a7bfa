//! The text reports as a whole, at fixed widths and without colour.

use evidence::record::Record;

use crate::fixture;

/// Only one design of a record.
fn only(record: &Record, design: &str) -> Record {
    let cells = record.cells.iter().filter(|cell| cell.design == design).cloned().collect();
    Record { cells, ..record.clone() }
}

#[test]
fn the_table_is_read_without_a_manual() {
    insta::assert_snapshot!(report::terminal::table(&fixture::ladder(&[1]), Some(120), false));
}

#[test]
fn the_table_still_works_on_a_narrow_terminal() {
    insta::assert_snapshot!(report::terminal::table(&fixture::ladder(&[1]), Some(80), false));
}

#[test]
fn several_seeds_show_their_spread() {
    insta::assert_snapshot!(report::terminal::spread(&fixture::ladder(&[1, 2, 3]), Some(120), false));
}

#[test]
fn two_designs_are_compared_across() {
    let record = fixture::ladder(&[1]);
    let (a, b) = (only(&record, "v0.1.0"), only(&record, "v0.2.0"));
    let comparison = report::compare(&a, &b, ["a.json", "b.json"]);
    insta::assert_snapshot!(comparison.text(Some(100), false));
    insta::assert_json_snapshot!(comparison.pairs[3]);
}
