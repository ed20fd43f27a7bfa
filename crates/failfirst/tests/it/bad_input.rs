//! Wrong input: exit code 2, a message that says what is wrong, nothing on standard output, nothing written.

use std::fs;
use std::path::Path;

use crate::failfirst;

/// Runs in an empty folder with the inputs beside it, and expects to be refused with all of `said`.
#[track_caller]
fn refused(arguments: &[&str], said: &[&str]) {
    let inputs = Inputs::new();
    let empty = inputs.folder.path().join("empty");
    fs::create_dir(&empty).expect("created");
    let run = failfirst(&empty).args(arguments).assert().code(2).stdout("");
    let stderr = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    for words in said {
        assert!(stderr.contains(words), "failfirst {arguments:?} should say {words:?}, and says:\n{stderr}");
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
    let written: Vec<_> =
        fs::read_dir(&empty).expect("readable").map(|entry| entry.map(|e| e.path())).collect();
    assert!(written.is_empty(), "failfirst {arguments:?} was refused, and wrote {written:?}");
}

/// Files for the commands to stumble over, named from the empty folder as `../name`.
struct Inputs {
    folder: tempfile::TempDir,
}

impl Inputs {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write =
            |name: &str, text: &str| fs::write(Path::new(folder.path()).join(name), text).expect("written");
        write("malformed.toml", "name = \"mine\"\ndesigns = [\"v0.1.0\"\nloads = 3\n");
        write(
            "unknown-key.toml",
            "name = \"mine\"\nextends = \"v0.1.0\"\n\n[admision]\nkind = \"concurrency\"\n",
        );
        write(
            "misspelt-metric.toml",
            "name = \"mine\"\ndesigns = [\"v0.1.0\"]\n[load]\nkind = \"constant\"\nrates = [50]\nduration = \"3s\"\n\
             [[expect]]\nlesson = \"l\"\nmetric = \"goodput_ratoi\"\nat_least = 1\n",
        );
        write("not-json.json", "all is well\n");
        write("other-schema.json", "{\"schema\": 99}\n");
        Self { folder }
    }
}

#[test]
fn processes_that_could_not_keep_what_the_design_promises_are_refused() {
    let two = "notification-service=2";
    let said = ["tell a customer twice", "--store postgres://"];
    refused(&["up", "events-composed", "--replicas", two], &said);
    refused(&["serve", "notification-service", "--design", "events-composed", "--replicas", two], &said);
    refused(&["serve", "broker", "--design", "v1.0.0"], &["joined by no broker"]);
    refused(&["serve", "broker", "--design", "events-composed", "--replica", "2"], &["there is one broker"]);
}

#[test]
fn values_that_cannot_be_meant_are_refused() {
    refused(&["ladder", "--rates", "0"], &["--rates", "greater than 0"]);
    refused(&["ladder", "--rates", "50,-1"], &["--rates", "greater than 0"]);
    refused(&["ladder", "--rates", "fast"], &["--rates", "greater than 0"]);
    refused(&["ladder", "--duration", "-5s"], &["--duration", "positive"]);
    refused(&["ladder", "--duration", "0s"], &["--duration", "positive"]);
    refused(&["ladder", "--duration", "20"], &["--duration", "with its unit"]);
    refused(&["ladder", "--seed", "-1"], &["-1"]);
    refused(&["ladder", "--seeds", "10..1"], &["--seeds", "not above the last"]);
    refused(&["ladder", "--seeds", "1,2"], &["--seeds", "1..10"]);
    refused(&["ladder", "--seed", "1", "--seeds", "1..2"], &["--seed", "cannot be used with"]);
    refused(&["ladder", "--jobs", "0"], &["--jobs"]);
    refused(&["ladder", "--world", "moon"], &["--world", "sim"]);
    refused(&["ladder", "--fast"], &["--fast"]);
}

#[test]
fn names_that_nothing_has_are_refused_with_those_that_exist() {
    refused(&["ladder", "--designs", "v9.9.9"], &["v9.9.9", "v0.1.0"]);
    refused(&["ladder", "--faults", "earthquake"], &["earthquake", "blackout"]);
    refused(&["designs", "show", "v9.9.9"], &["v9.9.9", "v0.1.0"]);
    refused(&["designs", "diff", "v0.1.0", "v9.9.9"], &["v9.9.9", "v0.1.0"]);
    refused(&["up", "v9.9.9"], &["v9.9.9", "v0.1.0"]);
    refused(&["serve", "order-api", "--design", "v9.9.9"], &["v9.9.9", "v0.1.0"]);
    refused(&["serve", "kitchen", "--design", "v0.1.0"], &["kitchen", "order-processor"]);
    refused(&["serve", "order-api", "--design", "v0.1.0", "--peer", "kitchen=127.0.0.1:1"], &["kitchen"]);
}

#[test]
fn files_that_are_wrong_are_refused_with_the_place() {
    refused(&["run", "../absent.toml"], &["../absent.toml", "No such file"]);
    refused(&["run", "../malformed.toml"], &["../malformed.toml:3:"]);
    refused(
        &["run", "../misspelt-metric.toml"],
        &["../misspelt-metric.toml:7:1:", "goodput_ratoi", "goodput_ratio"],
    );
    refused(&["ladder", "--designs", "../malformed.toml"], &["../malformed.toml:3:"]);
    refused(
        &["designs", "show", "../unknown-key.toml"],
        &["../unknown-key.toml:4:", "admision", "admission"],
    );
    refused(&["compare", "../absent.json", "../absent.json"], &["../absent.json", "No such file"]);
    refused(&["compare", "../not-json.json", "../not-json.json"], &["../not-json.json", "line 1"]);
    refused(&["compare", "../other-schema.json", "../other-schema.json"], &["../other-schema.json", "99"]);
}

#[test]
fn a_run_that_would_take_all_memory_is_refused() {
    refused(&["ladder", "--rates", "100000"], &["v0.1.0 at 100000/s", "at most 8192 MiB", "a lower rate"]);
}

#[test]
fn an_out_folder_that_cannot_be_written_is_refused_before_the_run() {
    refused(&["ladder", "--out", "../not-json.json/out"], &["cannot write to ../not-json.json/out", "--out"]);
    refused(&["ladder", "--out", "../not-json.json"], &["cannot write to ../not-json.json", "--out"]);
}

#[test]
fn a_data_directory_that_cannot_be_used_is_refused_with_what_to_do() {
    // As root may write everywhere: a file where the directory should be, and a directory where a file should be.
    let help = ["cannot be opened", "choose a directory that this process may write to with --data"];
    for (service, design) in [("order-api", "v1.0.0"), ("broker", "events-composed")] {
        let data = ["--design", design, "--port", "0", "--data", "../not-json.json"];
        refused(&[&["serve", service], &data[..]].concat(), &["not-json.json", help[0], help[1]]);
    }
}

/// Asks for the dead letters of a broker that is not there; its URL begins like `scheme`, with a user or without.
#[track_caller]
fn nobody_listens(scheme: &str, user: &str, help: &str) {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = nobody.local_addr().expect("bound").port();
    // Nobody listens there any more.
    drop(nobody);
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("{scheme}://{user}127.0.0.1:{port}");
    let begins = format!("error: cannot ask {scheme}://127.0.0.1:{port} for its dead letters: ");
    for verb in [&["list"][..], &["show", "1"], &["purge", "--all"]] {
        let run = failfirst(folder.path()).args(["dlq", "--broker", &url]).args(verb).assert().code(1);
        let stderr = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        let lines: Vec<_> = stderr.lines().collect();
        assert_eq!(lines.len(), 2, "one error and one help:\n{stderr}");
        assert!(lines[0].starts_with(&begins), "{stderr}");
        assert!(lines[1].starts_with("  help: ") && lines[1].contains(help), "{stderr}");
        assert!(!stderr.contains("sesame"), "{stderr}");
    }
}

#[test]
fn a_broker_that_is_not_there_is_named_without_its_password_and_with_what_to_do() {
    nobody_listens("nats", "me:sesame@", "nats-server -js");
    nobody_listens("embedded", "", "failfirst up");
}

#[cfg(feature = "kafka")]
#[test]
fn a_cluster_that_is_not_there_is_named_with_what_to_do_on_kafka() {
    nobody_listens("kafka", "", "is the cluster running");
}

#[test]
fn a_taken_port_is_refused_with_its_service() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let said = format!("port {port} for payment-service is already in use");
    let free =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").port();
    let other =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").port();
    let (free, other) = (free.to_string(), other.to_string());
    refused(
        &[
            "up",
            "v0.1.0",
            "--port-order-api",
            &free,
            "--port-order-processor",
            &other,
            "--port-payment-service",
            &port,
        ],
        &[&said, "--base-port", "--port-payment-service"],
    );
}
