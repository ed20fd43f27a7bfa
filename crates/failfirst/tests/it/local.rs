//! The local world: real processes, a real kill, and the same record as from the simulation.

use std::path::Path;
use std::time::{Duration, Instant};

use chaos::{Action, FaultPlan, PAYMENT_HOST, Step};
use lab::experiment::Experiment;
use lab::runner::{Interrupt, LocalOptions, RunOptions, Silent, World};
use serde_json::Value;

use super::failfirst;

/// How long a cell may take to begin: machines are slow when they are busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Payment is killed and comes back while orders keep coming. The design settles unknown outcomes.
const KILLED: &str = r#"
name = "killed"
designs = ["quick"]
faults = ["killed"]

[[variant]]
name = "quick"
extends = "v1.0.0"
payment = { slots = 8, service_time = { kind = "constant", value = "5ms" }, failure_rate = 0.0, decline_rate = 0.0 }

[[fault]]
name = "killed"
kind = "kill"
host = "payment-service"
at = "500ms"
until = "800ms"

[[expect]]
lesson = "every process can be told from the others by what it used"
world = "local"
metric = "processes.driver.descriptors_max"
at_least = 4
"#;

/// What is asked of each.
const LOAD: &str = r#"
[load]
kind = "constant"
rates = [40]
duration = "2s"
spacing = "even"
client_timeout = "5s"
"#;

/// Services that are joined by a broker, which does mischief in one cell and is killed in the other.
const EVENTS: &str = r#"
name = "events"
designs = ["quick"]
faults = ["mischief", "broker-killed"]

[[variant]]
name = "quick"
extends = "events-composed"
payment = { slots = 8, service_time = { kind = "constant", value = "20ms" }, failure_rate = 0.0, decline_rate = 0.0 }
consumers = { workers = 9, completion_slo = "30s" }

[[fault]]
name = "mischief"
kind = "events"
at = "0s"
until = "2s"
duplicated = 0.2
reordered = 0.2
poisoned = 0.2

[[fault]]
name = "broker-killed"
kind = "kill"
host = "broker"
at = "500ms"
until = "800ms"

[[expect]]
lesson = "the broker is one of the processes"
world = "local"
metric = "processes.broker.descriptors_max"
at_least = 4

[[expect]]
lesson = "and how far its groups are behind"
metric = "series.services.broker.lag_orders_order-processor.0"
at_least = 0
"#;

/// What every test here runs; the experiment lies in the folder.
const LOCAL: [&str; 6] = ["run", "experiment.toml", "--world", "local", "--out", "out"];

fn write(folder: &Path, experiment: &str) {
    std::fs::write(folder.join("experiment.toml"), [experiment, LOAD].concat()).expect("written");
}

fn run(folder: &Path, experiment: &str, more: &[&str]) -> assert_cmd::assert::Assert {
    write(folder, experiment);
    failfirst(folder).args(LOCAL).args(more).assert()
}

fn record(folder: &Path, name: &str) -> Value {
    let text = std::fs::read_to_string(folder.join("out").join(name)).expect("a record");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_cell_of_real_processes_survives_a_kill_and_stands_beside_the_simulated_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), KILLED, &["--check"]).success().get_output().clone();
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(said.contains("Simulated against real") && said.contains("What the processes used"), "{said}");

    let (real, simulated) = (record(folder.path(), "run.json"), record(folder.path(), "sim.json"));
    assert_eq!((&real["world"], &simulated["world"]), (&"local".into(), &"sim".into()));
    let (cell, other) = (&real["cells"][0], &simulated["cells"][0]);
    assert_eq!((&cell["offered"], &cell["offered"]), (&80.into(), &other["offered"]));
    let count = |key: &str| cell[key].as_u64().expect("a count");
    assert!(count("succeeded") >= 40, "{cell}");
    assert!(count("succeeded") < 80, "a kill is felt: {cell}");
    for (violation, count) in cell["ledger"].as_object().expect("a ledger") {
        assert_eq!(count, 0, "{violation}: {cell}");
    }
    let names: Vec<_> = cell["processes"].as_object().expect("processes").keys().cloned().collect();
    assert_eq!(names, ["driver", "order-api", "order-processor", "payment-service"]);
    let payment = &cell["processes"]["payment-service"];
    assert!(payment["resident_bytes_max"].as_u64() > Some(1_000_000), "{payment}");
    let seconds = payment["cpu_s"].as_array().expect("a series").len();
    assert!(seconds >= 2 && payment["descriptors"].as_array().expect("a series").len() == seconds);
    assert!(
        cell["series"]["services"]["payment-service"]["running"].as_array().is_some_and(|s| s.len() >= 2)
    );
    assert!(other.get("processes").is_none(), "what is simulated uses nothing of this machine");
    assert!(!folder.path().join("out/cells").exists(), "nothing is left of cells that went well");
}

#[test]
fn event_driven_cells_of_real_processes_keep_every_promise_whatever_the_broker_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), EVENTS, &["--check"]).success().get_output().clone();
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(said.contains("Accepted first: simulated against real"), "{said}");

    let real = record(folder.path(), "run.json");
    let [mischief, killed] = &real["cells"].as_array().expect("cells")[..] else { panic!("two cells") };
    for cell in [mischief, killed] {
        let background = &cell["async"];
        for count in ["accepted", "completed", "notified"] {
            assert_eq!(background[count], 80, "{count}: {cell}");
        }
        for (violation, count) in cell["ledger"].as_object().expect("a ledger") {
            assert_eq!(count, 0, "{violation}: {cell}");
        }
        let series = |values: &Value| values.as_array().map(|values| values.len()).unwrap_or(0);
        assert!(series(&cell["series"]["backlog"]) >= 2, "{cell}");
        let services = &cell["series"]["services"];
        assert!(series(&services["order-processor"]["workers"]) >= 2, "{cell}");
        assert!(series(&services["broker"]["lag_payments_notification-service"]) >= 2, "{cell}");
        assert!(background["completion_ms"]["p99"].as_f64() > Some(20.0), "payment takes that long: {cell}");
        assert!(cell["processes"]["broker"]["resident_bytes_max"].as_u64() > Some(1_000_000), "{cell}");
    }
    let put_aside = |cell: &Value| cell["async"]["dead_letters"].as_u64().expect("a count");
    let poisoned = mischief["async"]["poisoned"].as_u64().expect("a count");
    assert!(poisoned > 0 && put_aside(mischief) >= poisoned, "{mischief}");
    assert_eq!(put_aside(killed), 0, "{killed}");
}

/// A service under hardship that is killed: what payment suffers is of its host, and not of its process.
#[test]
fn a_hardship_outlives_the_process_that_suffers_it() {
    let folder = tempfile::tempdir().expect("a folder");
    // Nothing is settled later: whatever payment does at all it does at once.
    write(folder.path(), &KILLED.replace("v1.0.0", "v0.2.0"));
    let mut experiment = Experiment::read(&folder.path().join("experiment.toml")).expect("an experiment");
    let suffer = Action::Hardship { slowdown: 1.0, failure_rate: Some(1.0) };
    let payment = || PAYMENT_HOST.to_owned();
    let [kill, restart] = [Action::Kill { host: payment() }, Action::Restart { host: payment() }];
    // It begins before the kill, and while nobody is there; it ends when the fresh process may not listen yet.
    let plans = [
        [(50, &suffer), (200, &kill), (400, &restart), (4_000, &Action::EndHardship)],
        [(50, &kill), (100, &suffer), (150, &restart), (4_000, &Action::EndHardship)],
        [(50, &suffer), (200, &kill), (400, &restart), (400, &Action::EndHardship)],
    ];
    let plan = |(name, steps): (&str, [(u64, &Action); 4])| {
        let steps = steps.map(|(ms, action)| Step { at: Duration::from_millis(ms), action: action.clone() });
        FaultPlan::new(name, Duration::ZERO, Duration::from_secs(4), steps.into()).expect("a plan")
    };
    experiment.faults = ["first", "meanwhile", "over"].into_iter().zip(plans).map(plan).collect();
    let local = LocalOptions {
        program: env!("CARGO_BIN_EXE_failfirst").into(),
        folder: folder.path().join("cells"),
        interrupt: Interrupt::default(),
    };
    let options = RunOptions { world: World::Local(local), ..RunOptions::default() };
    let record = lab::runner::run(&experiment, &options, &Silent).expect("a record");
    for cell in &record.cells[..2] {
        // While it lasts: what is tried again for long enough succeeds when it is over.
        let during = |series: &[u64]| series[1..4].iter().sum::<u64>();
        let (paid, asked) = (during(&cell.series.throughput), during(&cell.series.attempts));
        assert!(
            paid == 0 && asked > 20,
            "{}: a fresh process suffers as well: {:?}",
            cell.fault,
            cell.series
        );
    }
    assert!(record.cells[2].succeeded > 20, "it is over: {:?}", record.cells[2].series.throughput);
}

#[test]
fn a_fault_that_needs_another_network_is_refused_before_anything_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    let kill = "kind = \"kill\"\nhost = \"payment-service\"";
    let cut = KILLED.replace(kill, "kind = \"partition\"\na = \"order-api\"\nb = \"order-processor\"");
    let output = run(folder.path(), &cut, &[]).code(2).get_output().clone();
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("the fault killed cannot be had in the local world"), "{said}");
    assert!(said.contains("partition order-api <-> order-processor"), "{said}");
    assert!(!folder.path().join("out").exists(), "{said}");
}

#[test]
fn ctrl_c_stops_everything_and_leaves_no_half_record() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), KILLED);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_failfirst"))
        .args(LOCAL)
        .args(["--without-sim", "--duration", "1m"])
        .current_dir(folder.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("started");
    let cells = folder.path().join("out/cells");
    let driver_log = |cells: &Path| {
        let cell = std::fs::read_dir(cells).ok()?.next()?.ok()?;
        cell.path().join("driver.log").exists().then_some(())
    };
    let mut stderr = child.stderr.take().expect("piped");
    // It ends only when every process that holds it has ended.
    let mut all_said = || {
        let mut said = String::new();
        std::io::Read::read_to_string(&mut stderr, &mut said).expect("text");
        said
    };
    let began = Instant::now();
    while driver_log(&cells).is_none() {
        if began.elapsed() > PATIENCE {
            child.kill().expect("a child");
        }
        if let Some(status) = child.try_wait().expect("a child") {
            panic!("it ended with {status} before the cell began: {}", all_said());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    let said = all_said();
    let status = child.wait().expect("it ended");
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("error: interrupted"), "{said}");
    assert!(!folder.path().join("out/run.json").exists());
}
