//! The monolith as a cell: one host, one process, and what a crash of it leaves.

use std::{fs, path::Path};

use evidence::record::Record;
use lab::{
    experiment::{Experiment, ExperimentError, Narrowing, check},
    runner::{RunOptions, Silent, run},
};

/// Payments of which the last tenth of a second is confirmation, by all three parts in one process.
const CRASHING: &str = r#"
name = "crashing"
topology = "monolith"
[payment]
slots = 32
service_time = { kind = "uniform", min = "200ms", max = "400ms" }
confirmation = "100ms"
"#;

const CRASH: &str = r#"
name = "crash"
designs = ["crashing.toml"]
faults = ["crash"]

[load]
kind = "constant"
rates = [50]
duration = "4s"
client_timeout = "3s"

[[fault]]
name = "crash"
at = "2s"
until = "3s"
kind = "kill"
host = "order-api"
"#;

fn experiment(folder: &Path, text: &str) -> Result<Experiment, ExperimentError> {
    fs::write(folder.join("crashing.toml"), CRASHING).expect("writable");
    let path = folder.join("experiment.toml");
    fs::write(&path, text).expect("writable");
    Experiment::read(&path)
}

fn record(experiment: &Experiment) -> Record {
    run(experiment, &RunOptions::default(), &Silent).expect("it runs")
}

#[test]
fn a_crash_between_charge_and_save_shows_in_the_ledger_the_same_every_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let experiment = experiment(folder.path(), CRASH).expect("valid");
    let (first, second) = (record(&experiment), record(&experiment));
    let [cell] = &first.cells[..] else { panic!("one cell") };
    assert!(cell.ledger.ghost_charged > 0, "who was charged and never saved: {:?}", cell.ledger);
    assert!(cell.ledger.stuck > cell.ledger.ghost_charged, "and who was not charged yet: {:?}", cell.ledger);
    assert!(cell.succeeded > 100, "it went on after the restart: {}", cell.succeeded);
    let bytes = |record: &Record| serde_json::to_string(&record.cells).expect("plain data");
    assert_eq!(bytes(&first), bytes(&second));
}

#[test]
fn the_small_service_keeps_its_bounds_and_its_goodput_at_ten_times_its_capacity() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "name = 'small'\ndesigns = ['small-service']\n[load]\nkind = 'constant'\nrates = [1000]\nduration = '6s'\n";
    let record = record(&experiment(folder.path(), text).expect("valid"));
    let [cell] = &record.cells[..] else { panic!("one cell") };
    let ratio = cell.goodput_ratio.expect("there was load");
    assert!(ratio > 0.9, "{ratio}");
    assert!(cell.latency_ms.p99.expect("successes") < 1_000.0, "{:?}", cell.latency_ms);
    assert_eq!(cell.errors.get("429").copied().unwrap_or_default(), cell.rejected, "an explicit 429");
    let processor = &cell.services["order-processor"];
    let text = serde_json::to_value(processor).expect("plain data");
    assert_eq!((&text["in_flight_max"], &text["queue_depth_max"]), (&10.into(), &20.into()), "{text}");
    assert_eq!(text["bounds"], serde_json::json!({"in_flight": 10, "queue_depth": 20}));
}

/// Two replicas that share nothing, and a crash of the second.
const REPLICAS: &str = r#"
name = "replicas"
designs = ["two"]
faults = ["crash"]

[load]
kind = "users"
users = 20
spawn_per_s = 20
think = { min = "50ms", max = "100ms" }
duration = "4s"
client_timeout = "3s"
balance = "round-robin"

[[fault]]
name = "crash"
at = "2s"
until = "3s"
kind = "kill"
host = "order-api-2"

[[variant]]
name = "two"
extends = "crashing.toml"
replicas = 2

[[expect]]
lesson = "its gauges have a name of their own"
metric = "services.payment-service-2.running_max"
at_least = 1
"#;

#[test]
fn replicas_are_hosts_of_their_own_and_their_books_are_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let experiment = experiment(folder.path(), REPLICAS).expect("valid");
    let (first, second) = (record(&experiment), record(&experiment));
    let [cell] = &first.cells[..] else { panic!("one cell") };
    assert!(check(&experiment, &first).iter().all(|verdict| verdict.passed));
    let names: Vec<_> = cell.services.keys().map(String::as_str).collect();
    let parts = ["order-api", "order-processor", "payment-service"];
    assert!(
        parts.iter().all(|part| names.contains(part) && names.contains(&&*format!("{part}-2"))),
        "{names:?}"
    );
    let most = |service: &str| cell.services[service].max["in_flight_max"];
    assert!(most("order-api") > 5 && most("order-api-2") > 5, "both were asked: {:?}", cell.services);
    assert_eq!(cell.in_flight_max, most("order-api") + most("order-api-2"));
    assert_eq!(cell.ledger.lost, 0, "whoever answered has the order: {:?}", cell.ledger);
    assert!(cell.ledger.stuck > 0, "the crash of one leaves orders: {:?}", cell.ledger);
    assert!(cell.errors.keys().any(|error| error == "connect" || error == "reset"), "{:?}", cell.errors);
    let capacity = &cell.series.capacity;
    assert!((capacity[0] - 2.0 * capacity[2]).abs() < 0.1, "half of it is gone: {capacity:?}");
    let bytes = |record: &Record| serde_json::to_string(&record.cells).expect("plain data");
    assert_eq!(bytes(&first), bytes(&second));
}

#[test]
fn replicas_in_a_chain_are_refused_where_they_are_stated() {
    let folder = tempfile::tempdir().expect("a folder");
    let chain = REPLICAS.replace("crashing.toml", "v0.1.0");
    let error = experiment(folder.path(), &chain).expect_err("refused").to_string();
    assert!(error.contains("2 replicas need topology = \"monolith\""), "{error}");
    let line = chain.lines().position(|line| line.starts_with("replicas = ")).expect("it is stated") + 1;
    assert!(error.contains(&format!("experiment.toml:{line}:")), "{error}");
}

#[test]
fn a_fault_at_a_host_that_a_monolith_has_not_is_refused_when_the_experiment_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = CRASH.replace("host = \"order-api\"", "host = \"payment-service\"");
    let refused = |text: &str| experiment(folder.path(), text).expect_err("refused").to_string();
    let reason =
        "no host \"payment-service\" to disturb in the design crashing, expected one of order-api, clients";
    assert!(refused(&elsewhere).contains(reason), "{}", refused(&elsewhere));
    let (head, _) = CRASH.split_once("[[fault]]").expect("it has one");
    let blackout = head.replace("\"crash\"]", "\"blackout\"]");
    assert!(refused(&blackout).contains(reason), "{}", refused(&blackout));

    let narrowing = Narrowing { designs: Some(vec!["small-service".to_owned()]), ..Narrowing::default() };
    let error = Experiment::ladder().narrow(&narrowing).expect_err("the ladder has a blackout");
    assert!(error.to_string().contains("in the design small-service"), "{error}");
}
