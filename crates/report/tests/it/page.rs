//! The page of a whole ladder; it is left in the target directory's `tmp`, for people to look at.

use std::path::Path;

use evidence::Verdict;

use crate::fixture;

fn verdict(cell: usize, lesson: &str, passed: bool) -> Verdict {
    Verdict {
        lesson: lesson.to_owned(),
        metric: "goodput_ratio".to_owned(),
        cell,
        value: Some(if passed { 0.98 } else { 0.41 }),
        expected: "≥ 0.93".to_owned(),
        passed,
        off_by: (!passed).then(|| "0.52".to_owned()),
        replay: "failfirst ladder --seed 1 --designs v0.2.0 --rates 200 --faults none".to_owned(),
    }
}

#[test]
fn a_whole_ladder_is_one_page() {
    let record = fixture::ladder(&[1, 2]);
    let verdicts = [
        verdict(7, "refusing early keeps goodput near capacity", true),
        verdict(10, "it drowns quietly", false),
    ];
    let page = report::html(&record, &verdicts);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html");
    std::fs::write(&path, &page).expect("the target directory can be written");
    assert_eq!(page.matches("<details").count(), 12, "one section per fault and load");
    assert_eq!(page.matches("class=\"chart\"").count(), 12 * 4);
    assert!(page.len() < 6_000_000, "{} bytes", page.len());
}
