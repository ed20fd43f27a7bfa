//! Every kind of section over small records.

use evidence::record::{
    Cell, Expected, HistogramOf, LoadRecord, LoadStep, Metastability, OrderValue, ResponseMs,
    ResponseSummary, Responses, Stability, Step, Theory,
};

use super::*;
use crate::sample;

fn section(kind: SectionKind) -> Section {
    Section {
        kind,
        title: "A section".to_owned(),
        text: String::new(),
        metrics: vec![],
        designs: vec![],
        loads: vec![],
        faults: vec![],
        reference: None,
        of: None,
        order_value: None,
        sales_per_year: None,
        expected: vec![],
    }
}

fn shown(cells: Vec<Cell>, section: Section) -> Vec<Sheet> {
    let record = Record { sections: vec![section], ..sample::record(cells) };
    sheets(&record, &Grid::new(&record))
}

fn texts(sheet: &Sheet) -> Vec<Vec<String>> {
    let line = |line: &Vec<Entry>| line.iter().map(|entry| entry.text.clone()).collect();
    sheet.groups.iter().flatten().map(line).collect()
}

fn drowned(cell: Cell) -> Cell {
    Cell { goodput_ratio: Some(0.04), rejected: 100, ..cell }
}

#[test]
fn a_table_has_a_line_for_each_design_under_each_load_and_fault() {
    let cells = vec![
        sample::cell("a", "none", 50.0),
        drowned(sample::cell("b", "none", 50.0)),
        sample::cell("a", "none", 200.0),
    ];
    let metrics = ["goodput_ratio", "latency_ms.p99", "rejected", "recovery_s"].map(str::to_owned).to_vec();
    let [sheet] = &shown(cells, Section { metrics, ..section(SectionKind::Table) })[..] else {
        panic!("one")
    };
    assert_eq!(sheet.heads, ["load", "design", "goodput of possible", "p99", "refused", "back after"]);
    assert_eq!(
        texts(sheet),
        [
            ["50/s", "a", "100 %", "600 ms", "0", "–"],
            ["", "b", "4 %", "600 ms", "100", "–"],
            ["200/s", "a", "100 %", "600 ms", "0", "–"],
        ]
    );
    assert_eq!(sheet.groups[0][1][2].tone, Some(Tone::Bad));
    assert_eq!(sheet.groups.len(), 2, "a group for each load");
}

#[test]
fn several_seeds_are_a_mean_and_a_null_in_it_is_nothing() {
    let of_seed = |seed, goodput_ratio| Cell { seed, goodput_ratio, ..sample::cell("a", "none", 50.0) };
    let section = || Section { metrics: vec!["goodput_ratio".to_owned()], ..section(SectionKind::Matrix) };
    let both = shown(vec![of_seed(1, Some(0.5)), of_seed(2, Some(0.7))], section());
    assert_eq!(texts(&both[0]), [["a", "60 %"]]);
    let one_null = shown(vec![of_seed(1, Some(0.5)), of_seed(2, None)], section());
    assert_eq!(texts(&one_null[0]), [["a", "–"]]);
}

#[test]
fn a_section_of_cells_that_were_not_run_is_not_shown() {
    let designs = vec!["elsewhere".to_owned()];
    let metrics = vec!["goodput_ratio".to_owned()];
    let section = Section { metrics, designs, ..section(SectionKind::Table) };
    assert_eq!(shown(vec![sample::cell("a", "none", 50.0)], section), []);
}

/// 70, 200 and 70 again, with this goodput after the peak.
fn in_steps(design: &str, after_per_s: f64, verdict: Stability) -> Cell {
    let planned = |rate_per_s| LoadStep { rate_per_s, duration_s: 10.0 };
    let step = |rate_per_s: f64, goodput_per_s: f64| Step {
        rate_per_s,
        goodput_per_s,
        goodput_ratio: Some(goodput_per_s / rate_per_s),
        ..Step::default()
    };
    let metastability = Metastability {
        verdict,
        base_per_s: 70.0,
        trigger_per_s: 200.0,
        goodput_before_per_s: 70.0,
        goodput_after_per_s: after_per_s,
        throughput_after_per_s: 69.0,
        attempts_before: Some(1.05),
        calls_per_order_after: Some(2.5),
        backlog_after: [900, 950],
        recovered_at_per_s: None,
        goodput_ratio_at_last: None,
    };
    Cell {
        load: LoadRecord::Steps {
            steps: vec![planned(70.0), planned(200.0), planned(70.0)],
            duration_s: 30.0,
            spacing: "even".to_owned(),
        },
        steps: vec![step(70.0, 70.0), step(200.0, 90.0), step(70.0, after_per_s)],
        metastability: Some(metastability),
        ..sample::cell(design, "none", 70.0)
    }
}

#[test]
fn a_hysteresis_has_a_line_for_each_step_and_says_why_it_did_not_come_back() {
    let cells =
        vec![in_steps("storm", 3.0, Stability::Metastable), in_steps("bounded", 70.0, Stability::Recovered)];
    let [sheet] = &shown(cells, section(SectionKind::Hysteresis))[..] else { panic!("one") };
    assert_eq!(sheet.heads, ["step", "storm", "bounded"]);
    assert_eq!(texts(sheet)[2], ["3: 70/s, 0 to 0 s", "3/s (4 %)", "70/s (100 %)"]);
    assert_eq!(
        sheet.findings,
        [
            "storm is metastable: at 70/s goodput was 70/s before the peak and 3/s after it (all successes: 69/s; \
             backlog 900 → 950); 2.5 payment calls per order; it never came back",
            "bounded is recovered: at 70/s goodput was 70/s before the peak and 70/s after it",
        ]
    );
    let Some(Drawing::Hysteresis(courses)) = &sheet.drawing else { panic!("it is drawn") };
    assert_eq!((courses[0].offered.as_slice(), courses[0].index), (&[70.0, 200.0, 70.0][..], 0));
}

#[test]
fn a_frontier_has_a_point_for_each_load_of_a_design() {
    let cells = vec![sample::cell("a", "none", 50.0), drowned(sample::cell("a", "none", 200.0))];
    let [sheet] = &shown(cells, section(SectionKind::Frontier))[..] else { panic!("one") };
    let Some(Drawing::Frontier(points)) = &sheet.drawing else { panic!("it is drawn") };
    assert_eq!(points.len(), 1);
    assert_eq!(points[0].place, ["50/s", "200/s"]);
    assert_eq!(points[0].errors, [0.0, 0.025]);
}

#[test]
fn an_ablation_names_what_is_lost_and_not_what_chance_moves() {
    let mut without = sample::cell("x without keys", "blackout", 100.0);
    (without.ledger.double_charged, without.goodput_ratio, without.recovery_s) = (12, Some(0.97), None);
    let cells = vec![
        sample::cell("x", "none", 100.0),
        sample::cell("x", "blackout", 100.0),
        sample::cell("x without keys", "none", 100.0),
        without,
    ];
    let section = Section { reference: Some("x".to_owned()), ..section(SectionKind::Ablation) };
    let [sheet] = &shown(cells, section)[..] else { panic!("one") };
    assert_eq!(
        texts(sheet),
        [
            ["x without keys", "without a fault", "nothing"],
            ["", "under blackout", "double charges 0 → 12"],
            ["", "", "recovery 0 s → never"],
        ]
    );
}

#[test]
fn what_is_too_wide_for_a_terminal_follows_beneath() {
    let cells = (1..=6).map(|rate| sample::cell("a", "none", f64::from(rate) * 50.0)).collect();
    let sheets =
        shown(cells, Section { metrics: vec!["rejected".to_owned()], ..section(SectionKind::Matrix) });
    let text = super::text(&sheets, 30, false);
    assert!(text.lines().all(|line| line.chars().count() <= 30), "{text}");
    assert_eq!(text.matches("refused").count(), 2, "{text}");
}

/// A sale in which most is lost: two replicas, a payment of 3 s, 30 s of it.
fn sale(users: u32, seed: u64, served: u64, timed_out: u64) -> Cell {
    let summary = ResponseSummary {
        requests: served + timed_out,
        succeeded: served,
        failed: timed_out,
        failure_ratio: None,
        time_ms: ResponseMs { mean: Some(9_500.0), p50: Some(10_000.0), ..ResponseMs::default() },
    };
    let histogram = [("succeeded", vec![0, served, 0]), ("timed_out", vec![0, 0, timed_out])];
    Cell {
        seed,
        load: LoadRecord::Users {
            users,
            spawn_per_s: 1.0,
            think_s: [0.1, 0.5],
            duration_s: 30.0,
            balance: None,
        },
        offered: served + timed_out,
        succeeded: served,
        timed_out,
        wasted_payments: 14,
        responses: Some(Responses {
            client_timeout_s: 10.0,
            all: summary,
            by_load_end: summary,
            bin_ms: 5_000.0,
            histogram: histogram.map(|(key, counts)| (key.to_owned(), counts)).into(),
        }),
        theory: Some(Theory {
            replicas: 2,
            slots: 1,
            service_time_s: 3.0,
            duration_s: 30.0,
            maximum_orders: 20.0,
            payments: 18,
            payments_for_nobody: 12,
            served,
            busy_ratio: Some(0.9),
            useful_ratio: Some(served as f64 / 20.0),
        }),
        ..sample::cell("monolith", "none", 1.0)
    }
}

#[test]
fn a_business_section_shows_the_loss_and_the_formulas_it_came_from() {
    let order_value = OrderValue::try_from(50.5).ok();
    let sales_per_year = std::num::NonZeroU32::new(12);
    let section = Section { order_value, sales_per_year, ..section(SectionKind::Business) };
    let [sheet] = &shown(vec![sale(20, 1, 6, 40)], section)[..] else { panic!("one") };
    assert_eq!(texts(sheet), [["20 users", "46", "40", "87 %", "$2,020", "$242,400", "$24,240"]]);
    assert!(sheet.findings.iter().any(|line| line.contains("× $50.50,")), "{:?}", sheet.findings);
    assert!(sheet.findings.iter().any(|line| line.ends_with("× 12 sales per year.")), "{:?}", sheet.findings);
}

#[test]
fn a_capacity_section_tells_the_busy_from_the_useful() {
    let [sheet] = &shown(vec![sale(20, 1, 6, 40)], section(SectionKind::Capacity))[..] else { panic!("one") };
    assert_eq!(texts(sheet), [["20 users", "20", "18", "90 %", "12", "6", "30 %"]]);
    assert_eq!(sheet.groups[0][0][6].tone, Some(Tone::Bad));
    assert_eq!(sheet.findings, ["Possible is 2 replicas × 1 slot ÷ 3 s per payment × 30 s = 20 orders."]);
    let without = shown(vec![sample::cell("a", "none", 50.0)], section(SectionKind::Capacity));
    assert_eq!(without, [], "a record from before it was asked for has nothing to show");
}

#[test]
fn a_histogram_counts_failures_with_the_time_they_took() {
    let [sheet] = &shown(vec![sale(20, 1, 6, 40)], section(SectionKind::Histogram))[..] else {
        panic!("one")
    };
    let bins = texts(sheet);
    assert_eq!(bins[0], ["0 to 5 s", ""]);
    assert_eq!(bins[1], ["5 to 10 s", "6 ████"]);
    assert_eq!(bins[2], ["10 to 15 s".to_owned(), format!("40 {}", "░".repeat(24))]);
    let Some(Drawing::Bars(bars)) = &sheet.drawing else { panic!("it is drawn") };
    let keys: Vec<_> = bars[0].stacks.iter().map(|stack| stack.key).collect();
    assert_eq!(keys, ["succeeded", "timed_out"], "what never happened is in no legend");

    let outcomes = Section { of: Some(HistogramOf::Outcomes), ..section(SectionKind::Histogram) };
    let [sheet] = &shown(vec![sale(20, 1, 6, 40)], outcomes)[..] else { panic!("one") };
    assert_eq!(texts(sheet)[0][..3], ["20 users", "46", "6 (13 %)"]);
}

#[test]
fn what_was_expected_stands_beside_the_mean_and_its_spread() {
    let row = |metric: &str, value, load: Option<&str>| Expected {
        what: "requests".to_owned(),
        metric: metric.to_owned(),
        value,
        load: load.map(str::to_owned),
    };
    let expected = vec![
        row("responses.by_load_end.requests", 40.0, None),
        row("responses.all.time_ms.mean", 9_500.0, Some("20 users")),
        row("offered", 1.0, Some("elsewhere")),
    ];
    let section = Section { expected, ..section(SectionKind::Expected) };
    let [sheet] = &shown(vec![sale(20, 1, 6, 40), sale(20, 2, 6, 44)], section)[..] else { panic!("one") };
    assert_eq!(
        texts(sheet),
        [
            ["20 users: requests", "40", "48", "46 to 50", "+20 %"],
            ["20 users: requests", "9.50 s", "9.50 s", "–", "0 %"],
        ]
    );
}

#[test]
fn a_table_shows_what_is_said_of_a_series_as_a_whole() {
    let mut cell = sample::cell("a", "none", 50.0);
    cell.series.backlog = vec![1, 2, 6];
    let metrics = vec!["series.backlog.mean".to_owned(), "series.backlog.max".to_owned()];
    let [sheet] = &shown(vec![cell], Section { metrics, ..section(SectionKind::Table) })[..] else {
        panic!("one")
    };
    assert_eq!(sheet.heads, ["design", "backlog, mean", "backlog, at most"]);
    assert_eq!(texts(sheet), [["a", "3", "6"]]);
}

#[test]
fn the_summary_says_what_the_numbers_say() {
    let business = Section { title: "Money".to_owned(), ..section(SectionKind::Business) };
    let cells = vec![sale(5, 1, 12, 6), sale(20, 1, 6, 40), sale(5, 2, 13, 5), sale(20, 2, 5, 41)];
    let record = Record { sections: vec![section(SectionKind::Summary), business], ..sample::record(cells) };
    let sheets = sheets(&record, &Grid::new(&record));
    insta::assert_snapshot!(super::text(&sheets[..1], 100, false));
}

#[test]
fn the_summary_tells_acceptance_from_payment_where_orders_are_accepted_first() {
    let mut first = sale(5, 1, 20, 0);
    first.wasted_payments = 0;
    first.background = Some(evidence::record::Background {
        accepted: 20,
        completed: 18,
        declined: 1,
        last_done_s: Some(32.5),
        ..Default::default()
    });
    let record = Record { sections: vec![section(SectionKind::Summary)], ..sample::record(vec![first]) };
    let text = super::text(&sheets(&record, &Grid::new(&record))[..1], 1_000, false);
    for said in [
        "20 were accepted (100 %); afterwards 18 paid, 1 declined and 1 still open, the last after 32.5 s.",
        "(90 % of possible), 12 of them for customers who had gone; the rest afterwards.",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("were served"), "{text}");
}

#[test]
fn where_all_is_well_the_summary_claims_no_loss() {
    let mut calm = sale(5, 1, 20, 0);
    calm.wasted_payments = 0;
    let record = Record {
        sections: vec![section(SectionKind::Summary), section(SectionKind::Business)],
        ..sample::record(vec![calm])
    };
    let text = super::text(&sheets(&record, &Grid::new(&record))[..1], 1_000, false);
    assert!(text.contains("Nothing is lost: 5 users."), "{text}");
    for word in ["given up", "charged after", "fewer were served"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}
