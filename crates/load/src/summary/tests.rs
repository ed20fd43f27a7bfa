//! Summaries against numbers computed by hand, and against what vegeta 12 printed.

use proptest::prelude::*;

use super::*;

const MS: u64 = 1_000_000;

fn hit(at_ms: i64, latency_ms: u64, code: u16) -> Hit {
    Hit {
        code,
        timestamp_ns: 1_795_519_610_000_000_000 + at_ms * 1_000_000,
        latency: Duration::from_nanos(latency_ms * MS),
        bytes_in: 10,
        error: if code == 200 { String::new() } else { format!("{code} Oops") },
        ..Hit::default()
    }
}

fn four() -> Summary {
    let mut summary = Summary::default();
    for hit in [hit(1_000, 20, 404), hit(0, 10, 200), hit(500, 30, 200), hit(2_000, 40, 200)] {
        summary.add(&hit);
    }
    summary
}

#[test]
fn the_text_has_vegetas_rows_in_vegetas_places() {
    assert_eq!(
        four().text(),
        "Requests      [total, rate, throughput]         4, 2.00, 1.47\n\
         Duration      [total, attack, wait]             2.04s, 2s, 40ms\n\
         Latencies     [min, mean, 50, 90, 95, 99, max]  10ms, 25ms, 20.005ms, 40ms, 40ms, 40ms, 40ms\n\
         Bytes In      [total, mean]                     40, 10.00\n\
         Bytes Out     [total, mean]                     0, 0.00\n\
         Success       [ratio]                           75.00%\n\
         Status Codes  [code:count]                      200:3  404:1  \n\
         Measured      [latencies from]                  actual send\n\
         Error Set:\n404 Oops\n"
    );
}

#[test]
fn what_was_never_sent_is_counted_apart_and_in_no_latency() {
    let mut summary = four();
    summary.add(&Hit {
        error: format!("{}full", crate::hit::NOT_SENT),
        delay: Some(Duration::ZERO),
        ..hit(1, 0, 0)
    });
    assert_eq!(
        (summary.requests(), summary.dropped, summary.latencies.min()),
        (4, 1, Duration::from_millis(10))
    );
    assert!(summary.text().contains("Not Sent      [total]                           1\n"));
}

#[test]
fn a_late_send_shows_in_the_latency_and_not_in_that_from_the_send() {
    let mut summary = Summary::default();
    summary.add(&Hit { delay: Some(Duration::from_millis(15)), ..hit(0, 20, 200) });
    let text = summary.text();
    assert!(text.contains("Latencies     [min, mean, 50, 90, 95, 99, max]  20ms,"), "{text}");
    assert!(text.contains("From Send     [min, mean, 50, 90, 95, 99, max]  5ms,"), "{text}");
    assert!(
        text.contains("Send Delay    [mean, 50, 99, max, late]         15ms, 15ms, 15ms, 15ms, 1\n"),
        "{text}"
    );
    assert!(text.contains("Measured      [latencies from]                  intended send\n"), "{text}");
}

#[test]
fn the_json_has_vegetas_keys() {
    let mut buckets: Buckets = "[0,15ms,100ms]".parse().expect("buckets");
    [10, 20, 30, 40].into_iter().for_each(|ms| buckets.add(Duration::from_millis(ms)));
    let json = four().json(Some(&buckets));
    assert_eq!(json["latencies"]["total"], 100 * MS);
    assert_eq!(json["latencies"]["max"], 40 * MS);
    assert_eq!(json["bytes_in"]["mean"], 10.0);
    assert_eq!(json["earliest"], "2026-11-24T11:26:50Z");
    assert_eq!(json["end"], "2026-11-24T11:26:52.04Z");
    assert_eq!((&json["duration"], &json["wait"]), (&(2_000 * MS).into(), &(40 * MS).into()));
    assert_eq!(json["status_codes"]["404"], 1);
    assert_eq!(json["errors"], serde_json::json!(["404 Oops"]));
    assert_eq!(json["buckets"], serde_json::json!({"0": 1, "15000000": 3, "100000000": 0}));
    assert_eq!(json["latencies_from"], "sent");
    let nothing = Summary::default().json(None);
    assert_eq!((&nothing["requests"], &nothing["success"]), (&0.into(), &0.0.into()));
}

#[test]
fn a_histogram_looks_like_vegetas() {
    let mut buckets: Buckets = "[1ms, 5ms]".parse().expect("buckets");
    (0..35).for_each(|_| buckets.add(Duration::from_millis(2)));
    (0..5).for_each(|_| buckets.add(Duration::from_millis(7)));
    assert_eq!(
        buckets.text(),
        format!(
            "Bucket         #   %       Histogram\n\
             [0s,    1ms]   0   0.00%   \n\
             [1ms,   5ms]   35  87.50%  {}\n\
             [5ms,   +Inf]  5   12.50%  {}\n",
            "#".repeat(65),
            "#".repeat(9)
        )
    );
    for bad in ["", "[]", "[1ms", "1ms]", "[1]", "[2ms,1ms]", "[1ms,1ms]", "[-1ms]", "[0,,1ms]"] {
        assert!(bad.parse::<Buckets>().is_err(), "{bad}");
    }
}

#[test]
fn the_quantiles_ascend_to_the_longest() {
    let plot = four().hdr_plot();
    let lines: Vec<_> = plot.lines().collect();
    assert_eq!(lines[0], "Value(ms)  Percentile  TotalCount  1/(1-Percentile)");
    assert_eq!(lines[lines.len() - 1], "40.000000  1.000000    4           10000000.000000");
    let values: Vec<f64> =
        lines[1..].iter().filter_map(|line| line.split(' ').next()?.parse().ok()).collect();
    assert!(values.is_sorted() && values.len() == 74, "{values:?}");
}

#[test]
fn files_side_by_side_say_what_changed() {
    let mut slower = four();
    slower.add(&hit(2_000, 100, 503));
    let text = compare::text(&[("a".to_owned(), four()), ("b".to_owned(), slower)]);
    let row = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).expect("a row");
        line[name.len()..].split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("requests"), ["4", "5", "+25.0%"]);
    assert_eq!(row("success"), ["75.00%", "60.00%", "-15.00", "pt"]);
    assert_eq!(row("max"), ["40ms", "100ms", "+150.0%"]);
    assert_eq!(row("status 503"), ["0", "1", "new"]);
    assert_eq!(row("bytes out"), ["0", "0", "="]);
}

#[test]
fn errors_are_bounded() {
    let mut summary = Summary::default();
    for index in 0..ERRORS_MAX + 5 {
        summary.add(&Hit { error: format!("error {index}"), ..hit(0, 1, 500) });
    }
    assert_eq!((summary.errors.len(), summary.errors_beyond), (ERRORS_MAX, 5));
    assert!(summary.text().ends_with("… and 5 more, of other kinds\n"));
}

proptest! {
    #[test]
    fn no_duration_is_too_long(all in proptest::collection::vec(any::<u64>(), 1..9)) {
        let mut durations = Durations::default();
        all.iter().for_each(|ns| durations.add(Duration::from_nanos(*ns)));
        prop_assert_eq!(durations.max().as_nanos() as u64, *all.iter().max().expect("one at least"));
        prop_assert!(durations.quantile(0.5) <= durations.quantile(0.99));
    }

    #[test]
    fn no_text_makes_the_buckets_panic(text in "\\[?[0-9ms,. -]{0,20}\\]?|\\PC{0,12}") {
        let _either = text.parse::<Buckets>();
    }

    #[test]
    fn every_latency_is_in_one_bucket(all in proptest::collection::vec(0..200_u64, 0..20)) {
        let mut buckets: Buckets = "[10ms,20ms,150ms]".parse().expect("buckets");
        all.iter().for_each(|ms| buckets.add(Duration::from_millis(*ms)));
        prop_assert_eq!(buckets.counts().map(|(_, count)| count).sum::<u64>(), all.len() as u64);
    }
}
