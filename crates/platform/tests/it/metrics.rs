//! The measurements as Prometheus reads them: every name that is promised, the rules of the format, and `promtool`
//! where it can be had.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use http::{Method, header};
use platform::ServiceKind::{self, OrderApi, OrderProcessor, PaymentService};

use crate::support::{CHAIN, Platform, SURE, order, request, sleep_ms, with_platform};

const ALL: &str = "failure_rate = 0.5\n[admission]\nkind = 'concurrency'\nlimit = 1\n\
    [backpressure]\nstrategy = 'bounded-queue'\nworkers = 1\nqueue = 1\n\
    [timeouts]\nrequest = '2s'\nattempt = '1s'\n[idempotency]\n\
    [retries]\nattempts = 3\nbackoff = '10ms'\nbudget_ratio = 1.0\nbudget_floor_per_s = 10\n\
    [breaker]\nwindow_calls = 20\ncalls_min = 20\nfailure_rate = 1.0\nopen = '500ms'\nprobes = 1\nprobe_max = '300ms'\n";

/// Orders that are paid, refused and repeated.
async fn use_it(platform: &Platform) {
    let first = platform.place_in_background("o-1");
    sleep_ms(20).await;
    platform.place("o-2").await.assert_problem(429, "concurrency-limit");
    first.await.expect("an answer");
    for _ in 0..2 {
        let mut request = request(Method::POST, "/orders", order("o-3"));
        request.headers_mut().insert("idempotency-key", "k-1".parse().expect("a header"));
        platform.send(OrderApi, request).await.expect("an answer");
    }
}

#[test]
fn every_service_measures_what_it_promises() {
    with_platform(&format!("{SURE}{ALL}"), async |platform| {
        use_it(&platform).await;
        let everywhere = [
            "request_count_total",
            "request_duration_seconds_bucket",
            "in_flight_requests",
            "queue_depth",
            "dropped_requests_total",
            "connections",
            "connections_turned_away_total",
        ];
        let own: [(ServiceKind, &[&str]); 3] = [
            (OrderApi, &["orders_total", "admission_limit", "idempotent_replays_total"]),
            (
                OrderProcessor,
                &[
                    "payment_attempts_total",
                    "payment_duration_seconds_bucket",
                    "retries_total",
                    "breaker_state",
                ],
            ),
            (PaymentService, &["payment_duration_seconds_bucket", "idempotent_replays_total"]),
        ];
        for (kind, own) in own {
            let text = platform.ask(kind, Method::GET, "/metrics", "").await.text;
            let names: BTreeSet<_> = samples(&text).map(|(name, _)| name).collect();
            for name in everywhere.iter().chain(own) {
                assert!(names.contains(name), "{kind} does not tell {name}:\n{text}");
            }
        }
        let text = platform.get("/metrics").await.text;
        for line in [
            "admission_limit 1\n",
            "idempotent_replays_total 1\n",
            "dropped_requests_total{reason=\"concurrency-limit\"} 1\n",
            "request_duration_seconds_count{method=\"POST\",route=\"/orders\",class=\"4xx\"} 1\n",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    });
}

#[test]
fn the_text_keeps_the_rules_of_its_format() {
    for topology in ["chain", "monolith"] {
        with_platform(&format!("topology = '{topology}'\n{SURE}{ALL}"), async |platform| {
            use_it(&platform).await;
            let mut texts = Vec::new();
            match topology {
                "chain" => {
                    for kind in CHAIN {
                        texts.push(platform.ask(kind, Method::GET, "/metrics", "").await.text);
                    }
                }
                _ => {
                    texts.push(platform.get("/metrics").await.text);
                    texts.push(platform.ask_admin(OrderApi, Method::GET, "/metrics", "").await.text);
                }
            }
            for text in texts {
                keeps_the_rules(&text);
                promtool(&text);
            }
        });
    }
}

#[test]
fn who_accepts_openmetrics_gets_it_and_everyone_else_the_classic_text() {
    with_platform(SURE, async |platform| {
        let ask = async |accept: &str| {
            let mut request = request(Method::GET, "/metrics", "");
            request.headers_mut().insert(header::ACCEPT, accept.parse().expect("a header"));
            platform.send(PaymentService, request).await.expect("an answer")
        };
        let prometheus = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
        let open = ask(prometheus).await;
        assert!(open.header(header::CONTENT_TYPE).starts_with("application/openmetrics-text"));
        assert!(
            open.text.ends_with("# EOF\n") && open.text.contains("# TYPE charges counter\n"),
            "{}",
            open.text
        );
        let classic = ask("*/*").await;
        assert_eq!(classic.header(header::CONTENT_TYPE), "text/plain; version=0.0.4; charset=utf-8");
        assert!(classic.text.contains("# TYPE charges_total counter\n"), "{}", classic.text);
        assert!(!classic.text.contains("# EOF"), "{}", classic.text);
    });
}

/// The name and the whole of each sample.
fn samples(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| (line.split(['{', ' ']).next().unwrap_or_default(), line))
}

/// What `promtool check metrics` looks at, as far as it can go wrong here: each family has a help and a type before its
/// samples and stands there once, counters end in `_total` and nothing else does, no sample stands there twice.
pub(crate) fn keeps_the_rules(text: &str) {
    let (mut families, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut family = ("", "");
    let mut helped = "";
    for line in text.lines() {
        if let Some(of) = line.strip_prefix("# HELP ") {
            let (name, help) = of.split_once(' ').expect("a help says something");
            assert!(help.len() > 3, "{line}");
            helped = name;
        } else if let Some(of) = line.strip_prefix("# TYPE ") {
            family = of.split_once(' ').expect("a type follows the name");
            assert_eq!(helped, family.0, "a family without a help");
            assert!(families.insert(family.0), "{} twice", family.0);
            assert_eq!(family.0.ends_with("_total"), family.1 == "counter", "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').expect("a sample has a value");
            assert!(value.parse::<f64>().is_ok() || value == "+Inf", "{line}");
            assert!(seen.insert(name), "{name} twice");
            let bare = name.split('{').next().unwrap_or_default();
            let stem = ["_bucket", "_sum", "_count"].iter().find_map(|end| bare.strip_suffix(end));
            let expected = if family.1 == "histogram" { stem } else { Some(bare) };
            assert_eq!(expected, Some(family.0), "{line} is of another family");
        }
    }
    assert!(families.len() > 5, "{text}");
}

/// Asks `promtool`, where it is installed.
pub(crate) fn promtool(text: &str) {
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = started else { return };
    promtool.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads");
    let output = promtool.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}\n{text}", String::from_utf8_lossy(&said));
}
