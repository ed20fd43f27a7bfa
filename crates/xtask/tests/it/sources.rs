//! Sizes and marks: a source says what it is, fits a head, and leaves nothing for later.

use std::collections::BTreeSet;

use crate::repo::{assert_none, tracked};

/// A source is at most so long …
const LINES_MAX: usize = 400;

/// … or so long, when it is listed in [`LONG`] with a reason.
const LINES_MAX_WITH_REASON: usize = 600;

/// Longer sources: path, why it is not two.
const LONG: &[(&str, &str)] = &[];

/// What may stand in no source, and what to do instead. Spelled in two halves, so that this list passes itself.
const MARKS: &[(&str, &str, &str)] = &[
    ("#[", "allow(", "say #[expect(…, reason = \"…\")], so that it goes when it is no longer needed"),
    ("#![", "allow(", "say #![expect(…, reason = \"…\")], so that it goes when it is no longer needed"),
    ("#[", "ignore", "a test runs or does not exist"),
    ("to", "do!(", "finish it or leave it out"),
    ("unim", "plemented!(", "finish it or leave it out"),
    ("FIX", "ME", "finish it or open an issue"),
    ("XX", "X", "finish it or open an issue"),
];

#[test]
fn sources_are_short_or_say_why_not() {
    let mut wrong = Vec::new();
    let mut needed = BTreeSet::new();
    for file in tracked().iter().filter(|file| file.is_rust()) {
        let lines = file.text.lines().count();
        let listed = LONG.iter().any(|(path, _)| *path == file.path);
        if listed && lines > LINES_MAX {
            needed.insert(file.path.clone());
        }
        if lines > if listed { LINES_MAX_WITH_REASON } else { LINES_MAX } {
            wrong.push(format!("{}: {lines} lines", file.path));
        }
    }
    assert_none("longer than they should be: split them, or list them with a reason", &wrong);
    let listed: BTreeSet<_> = LONG.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(needed, listed, "an exception that nobody needs any more goes");
}

#[test]
fn every_module_begins_by_saying_what_it_is() {
    let silent: Vec<_> = tracked()
        .iter()
        .filter(|file| file.is_src() && !file.text.starts_with("//!"))
        .map(|file| file.path.clone())
        .collect();
    assert_none("modules that do not begin with //!", &silent);
}

#[test]
fn a_module_lies_beside_its_folder() {
    let old: Vec<_> = tracked()
        .iter()
        .filter(|file| file.path.ends_with("/mod.rs"))
        .map(|file| file.path.clone())
        .collect();
    assert_none("mod.rs: name it after its folder instead", &old);
}

#[test]
fn nothing_is_left_for_later() {
    let mut wrong = Vec::new();
    for file in tracked().iter().filter(|file| file.is_rust()) {
        for (number, line) in file.text.lines().enumerate() {
            for (first, second, instead) in MARKS {
                if line.contains(&format!("{first}{second}")) {
                    wrong.push(format!("{}:{}: {first}{second}: {instead}", file.path, number + 1));
                }
            }
        }
    }
    assert_none("marks", &wrong);
}
