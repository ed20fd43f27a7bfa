//! The load tool as its users meet it: what it refuses, and one attack on a real server from end to end.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;

use crate::failfirst;

/// Answers every request on a connection of its own with 200, but those for `/missing` with 404.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    #[expect(clippy::disallowed_methods, reason = "a real server for a real client, outside any simulation")]
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut lines = BufReader::new(stream.try_clone().expect("the same socket")).lines();
            let first = lines.next().and_then(Result::ok).unwrap_or_default();
            while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
            let status = if first.contains("/missing") { "404 Not Found" } else { "200 OK" };
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi");
            // A client that was stopped has gone.
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    port
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn refused(folder: &Path, arguments: &[&str], said: &[&str]) {
    let before = fs::read_dir(folder).expect("readable").count();
    let run = failfirst(folder).args(arguments).write_stdin("").assert().code(2).stdout("");
    let stderr = text(&run.get_output().stderr);
    for words in said {
        assert!(stderr.contains(words), "failfirst {arguments:?} should say {words:?}, and says:\n{stderr}");
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert_eq!(fs::read_dir(folder).expect("readable").count(), before, "nothing is written: {arguments:?}");
}

#[test]
fn wrong_input_is_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("written");
    write("good", b"GET http://127.0.0.1:1/\n");
    write("empty", b"# nothing\n");
    write("relative", b"GET http://127.0.0.1:1/\n\nGET /orders\n");
    write("typo", b"GTE http://127.0.0.1:1/\n");
    write("latin", b"GET http://127.0.0.1:1/\nX: \xe9\n");
    write("body", b"POST http://127.0.0.1:1/\nA: b\n@nowhere.json\n");
    write("cut.json", b"{\"code\":200,\"timestamp\":\"2026-01-01T00:00:00Z\",\"latency\":1}\n{\"code\":2");
    write("gob", b"\x01\x02");
    let refused = |arguments: &str, said: &[&str]| {
        refused(folder.path(), &arguments.split(' ').collect::<Vec<_>>(), said);
    };
    refused("attack -targets nowhere", &["cannot read the targets nowhere"]);
    refused("attack -targets empty", &["empty:1: no targets", "GET http"]);
    refused("attack -targets relative", &["relative:3: `/orders` is no URL", "http://"]);
    refused("attack -targets typo", &["typo:1: `GTE` is no HTTP method"]);
    refused("attack -targets latin", &["latin:2: the line is no UTF-8"]);
    refused("attack -targets body", &["body:3: cannot read the body file nowhere.json"]);
    refused("attack -targets good -format json", &["good:1: no target"]);
    refused("attack", &["stdin:1: no targets"]);
    refused("attack -targets good -body nowhere", &["cannot read the body nowhere"]);
    refused("attack -targets good -header oops", &["-header: `oops` is no header"]);
    refused("attack -targets good -rate fast", &["--rate", "like 50/1s"]);
    refused("attack -targets good -rate 0", &["-max-workers"]);
    refused("attack -targets good -ramp 30s", &["--ramp", "30s@50"]);
    refused("attack -targets good -duration 5", &["--duration", "with its unit"]);
    refused("attack -targets good -think 5s..1s -users 2", &["--think", "shorter time first"]);
    refused("attack -targets good -threshold p(95)", &["--threshold", "compares nothing"]);
    refused("attack -targets good -h2c", &["vegeta's -h2c is not supported", "HTTP/1.1"]);
    refused("attack -targets good -output nowhere/a.json", &["cannot write to nowhere/a.json", "--output"]);
    refused("attack -targets good -encode gob", &["vegeta encode"]);
    refused("report nowhere", &["cannot read the results nowhere"]);
    refused(
        "report cut.json",
        &["cut.json:2: the file ends in the middle of a result", "head -n 1 cut.json"],
    );
    refused("report gob", &["gob:1: neither JSON lines nor CSV", "vegeta encode --to json"]);
    refused("report -type histo cut.json", &["hist"]);
    refused("report -type hist cut.json", &["needs buckets"]);
    refused("plot cut.json -output p.html", &["cut.json:2:"]);
    refused("encode cut.json -to csv -output a.csv", &["cut.json:2:"]);
}

#[test]
fn an_attack_is_written_reported_converted_plotted_and_judged() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = server();
    let targets = format!("GET http://127.0.0.1:{port}/\n\nGET http://127.0.0.1:{port}/missing\n");
    fs::write(folder.path().join("targets"), targets).expect("written");
    let run = |line: &str| failfirst(folder.path()).args(line.split(' ')).assert();

    let attacked =
        run("attack -targets targets -rate 200 -duration 200ms -keepalive=false -name it -output a.json");
    let report = text(&attacked.code(0).get_output().stdout);
    assert!(report.starts_with("Requests      [total, rate, throughput]         40, "), "{report}");
    assert!(
        report.contains("Status Codes  [code:count]                      200:20  404:20  \n"),
        "{report}"
    );
    assert!(report.contains("Not Sent      [total]                           0\n"), "{report}");
    assert!(
        report.contains("intended send\n") && report.ends_with("Error Set:\n404 Not Found\n"),
        "{report}"
    );

    assert_eq!(text(&run("report a.json").code(0).get_output().stdout), report);
    let json = run("report -type json -per-target a.json").code(0);
    let json: serde_json::Value = serde_json::from_slice(&json.get_output().stdout).expect("JSON");
    assert_eq!((&json["requests"], &json["success"]), (&40.into(), &0.5.into()));
    assert_eq!(json["targets"].as_object().map(serde_json::Map::len), Some(2));

    run("encode -to csv -output a.csv a.json").code(0);
    run("encode -to json -output b.json a.csv").code(0);
    let b = fs::read_to_string(folder.path().join("b.json")).expect("written");
    let a = fs::read_to_string(folder.path().join("a.json")).expect("written");
    let without_delay =
        |line: &str| line.split(",\"delay\"").next().map(|line| line.trim_end_matches('}').to_owned());
    assert!(
        b.lines().map(without_delay).eq(a.lines().map(without_delay)),
        "but for the delay they are the same"
    );

    let compared = text(&run("report a.json a.csv").code(0).get_output().stdout);
    assert!(compared.contains("change") && compared.contains("status 404"), "{compared}");

    run("plot a.json a.csv -output plot.html").code(0);
    let page = fs::read_to_string(folder.path().join("plot.html")).expect("written");
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"), "a whole page");

    let judged = run("report a.json -threshold success>=0.5 -threshold requests<40").code(1);
    let said = text(&judged.get_output().stderr);
    assert_eq!(said, "✓ success>=0.5: 50%\n✗ requests<40: 40\n");
    let left: Vec<_> = fs::read_dir(folder.path())
        .expect("readable")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(left.len(), 5, "nothing half-written is left: {left:?}");
}
