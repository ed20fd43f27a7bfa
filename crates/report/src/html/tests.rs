//! What the page promises: it is self-contained, safe against its own data, and complete.

use evidence::Verdict;

use super::html;
use crate::sample;

/// The page without the drawing library: what we wrote ourselves.
fn own(page: &str) -> String {
    let library = super::plotly();
    assert_eq!(page.matches(library.as_str()).count(), 1, "the drawing library is in the page exactly once");
    page.replace(&library, "")
}

#[test]
fn nothing_is_fetched_from_anywhere() {
    let page = html(&sample::record(vec![sample::cell("v0.1.0", "none", 50.0)]), &[]);
    let own = own(&page);
    for reference in ["http:", "https:", "src=", "@import", "url(", "<link", "<iframe", "MathJax"] {
        assert!(!own.contains(reference), "{reference} in the page");
    }
    assert!(super::plotly().starts_with("<script"), "the library is one script element");
    assert!(!super::plotly().contains("MathJax.loader"), "the typesetter for formulas is not needed");
    assert!(own.contains("default-src 'none'"), "the policy forbids to fetch anything");
}

#[test]
fn names_from_the_record_cannot_write_markup() {
    let evil = "<img src=x onerror=alert(1)></script>\"'&";
    let mut record = sample::record(vec![sample::cell(evil, evil, 50.0)]);
    (record.experiment, record.world) = (evil.to_owned(), evil.to_owned());
    record.not_modelled = vec![evil.to_owned()];
    let verdict = Verdict {
        lesson: evil.to_owned(),
        metric: evil.to_owned(),
        cell: 0,
        value: None,
        expected: evil.to_owned(),
        passed: false,
        off_by: Some(evil.to_owned()),
        replay: evil.to_owned(),
    };
    let own = own(&html(&record, &[verdict]));
    assert!(!own.contains("<img"));
    // The data and our own script: no third end of a script element.
    assert_eq!(own.matches("</script>").count(), 2);
}

#[test]
fn every_link_within_the_page_has_its_target() {
    let record = sample::record(vec![
        sample::cell("v0.1.0", "none", 50.0),
        sample::cell("v0.2.0", "outage", 50.0),
        sample::cell("v0.2.0", "none", 100.0),
    ]);
    let own = own(&html(&record, &[]));
    for link in own.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(own.contains(&format!("id=\"{link}\"")), "#{link} leads nowhere");
    }
}

#[test]
fn expectations_are_shown_with_the_failed_ones_first() {
    let verdict = |lesson: &str, passed: bool| Verdict {
        lesson: lesson.to_owned(),
        metric: "goodput_ratio".to_owned(),
        cell: 0,
        value: Some(0.41),
        expected: "≥ 0.93".to_owned(),
        passed,
        off_by: None,
        replay: "failfirst ladder --seed 1".to_owned(),
    };
    let record = sample::record(vec![sample::cell("v0.1.0", "none", 50.0)]);
    let page = html(&record, &[verdict("lesson that holds", true), verdict("lesson that failed", false)]);
    let (failed, held) = (page.find("lesson that failed"), page.find("lesson that holds"));
    assert!(failed < held && failed.is_some());
    assert!(page.contains("1 of 2 expectations failed"));
    assert!(!html(&record, &[]).contains("id=\"expectations\""));
}

#[test]
fn the_backlog_has_a_chart_where_orders_are_accepted_first_and_nowhere_else() {
    let mut first = sample::cell("events", "none", 50.0);
    first.background = Some(evidence::record::Background::default());
    first.series.bin_s = 1;
    first.series.backlog = vec![7, 3, 0];
    let gauges = |workers: u64| [("workers".to_owned(), vec![workers; 3])].into();
    first.series.services =
        [("order-processor".to_owned(), gauges(4)), ("order-processor-2".to_owned(), gauges(5))].into();
    let with = own(&html(&sample::record(vec![first]), &[]));
    assert!(with.contains("data-kind=\"backlog\""));
    assert!(with.contains("\"backlog\":[7,3,0],\"workers\":[9,9,9]"), "the workers of both replicas");
    assert!(with.contains("Where orders are accepted first"), "and goodput is explained");
    let without = own(&html(&sample::record(vec![sample::cell("v0.1.0", "none", 50.0)]), &[]));
    assert!(
        !without.contains("data-kind=\"backlog\"") && !without.contains("Where orders are accepted first")
    );
}

#[test]
fn an_empty_record_is_an_empty_page_and_no_panic() {
    assert!(html(&sample::record(vec![]), &[]).contains("About this report"));
}

#[test]
fn the_ledger_of_the_page_counts_every_seed() {
    let mut second = sample::cell("v0.1.0", "none", 50.0);
    (second.seed, second.ledger.stuck) = (2, 4_321);
    let record = sample::record(vec![sample::cell("v0.1.0", "none", 50.0), second]);
    let own = own(&html(&record, &[]));
    assert!(own.contains("The ledger of all runs counts 4,321 stuck orders."));
    assert!(own.contains("<td class=\"problem\">4,321</td>"));
    assert!(own.contains("over all loads and seeds."));
}
