//! The same seed gives the same bytes, whatever runs at the same time.

use std::path::Path;

use crate::failfirst;

/// The record that a small ladder leaves, without the one value that is about this machine.
fn record(folder: &Path, name: &str, more: &[&str]) -> String {
    let out = folder.join(name);
    failfirst(folder)
        .args(["ladder", "--duration", "2s", "--rates", "50,1000", "--out"])
        .arg(&out)
        .args(more)
        .assert()
        .success();
    assert!(out.join("report.html").is_file(), "the report lies beside the record");
    let text = std::fs::read_to_string(out.join("ladder.json")).expect("a record");
    let (before, rest) = text.split_once("\"wall_s\":").expect("a record says how long it took");
    let (_, after) = rest.split_once(',').expect("and more");
    format!("{before}{after}")
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_gives_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = record(folder.path(), "first", &["--seed", "7"]);
    let again = record(folder.path(), "again", &["--seed", "7"]);
    let alone = record(folder.path(), "alone", &["--seed", "7", "--jobs", "1"]);
    let other = record(folder.path(), "other", &["--seed", "8"]);
    assert!(first == again, "the same seed, run twice: diff {}", folder.keep().display());
    assert!(first == alone, "the same seed, one cell at a time: diff {}", folder.keep().display());
    let without_seed = |text: &str| text.replace("\"seed\": 7", "").replace("\"seed\": 8", "");
    assert!(without_seed(&first) != without_seed(&other), "another seed changes nothing");
}

#[test]
fn json_is_the_record_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = failfirst(folder.path())
        .args([
            "ladder",
            "--duration",
            "1s",
            "--rates",
            "50",
            "--designs",
            "v0.1.0",
            "--faults",
            "none",
            "--json",
        ])
        .assert()
        .success();
    let printed = String::from_utf8(run.get_output().stdout.clone()).expect("UTF-8");
    let kept = std::fs::read_to_string(folder.path().join("out/ladder/ladder.json")).expect("a record");
    assert_eq!(printed, kept);
    let record: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(record["schema"], 1);
    assert_eq!(record["cells"].as_array().map(Vec::len), Some(1));
}
