//! Who may depend on whom, and what a crate may not even mention.
//!
//! The table in `ARCHITECTURE.md` *is* the rule: what people read is what is enforced.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::DependencyKind;

use crate::repo::{assert_none, metadata, read, tracked};

/// Dependencies that only tests and benches may have, beyond the table: crate, dependency, why.
const DEV_ONLY: &[(&str, &str, &str)] = &[
    ("adapters", "servers", "adapters are tested against real servers"),
    ("failfirst", "servers", "and so is the platform on them"),
    ("failfirst", "chaos", "a plan of several faults cannot be written as an experiment"),
];

/// Words that `platform` may not contain: a service cannot know whether it is being tested.
fn of_the_simulation(word: &str) -> bool {
    word == "sim" || word.starts_with("simulat")
}

/// Words that `resilience` may not contain in its code: it serves any `tower` service.
fn of_orders_or_http(word: &str) -> bool {
    ["order", "orders", "payment", "payments", "customer", "http", "hyper", "axum"].contains(&word)
}

/// The rows of the code map: crate → what it may depend on.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    read("ARCHITECTURE.md")
        .lines()
        .skip_while(|line| !line.starts_with("| crate |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [name, _, allowed] = cells[..] else {
                panic!("a row of the code map has three cells: {line}")
            };
            let names = allowed.split(',').map(unquoted).filter(|name| !name.is_empty() && name != "–");
            (unquoted(name), names.collect())
        })
        .collect()
}

fn unquoted(cell: &str) -> String {
    cell.trim().trim_matches('`').to_owned()
}

/// `NodeSim`, `node_sim` and `node-sim` are all the words `node` and `sim`.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous = ' ';
    for letter in text.chars() {
        if !letter.is_alphanumeric() || (previous.is_lowercase() && letter.is_uppercase()) {
            words.push(String::new());
        }
        if letter.is_alphanumeric() {
            words.last_mut().expect("never empty").extend(letter.to_lowercase());
        }
        previous = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn crates_depend_on_each_other_as_the_code_map_says() {
    let allowed = table();
    let workspace = metadata(&["--no-deps"]);
    let members: BTreeSet<_> = workspace.packages.iter().map(|package| package.name.to_string()).collect();
    assert_eq!(
        allowed.keys().cloned().collect::<BTreeSet<_>>(),
        members,
        "the code map in ARCHITECTURE.md (left) names exactly the crates of the workspace (right)"
    );
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for package in &workspace.packages {
        let name = package.name.to_string();
        for dependency in package.dependencies.iter().filter(|dependency| members.contains(&dependency.name))
        {
            if allowed[&name].contains(&dependency.name) {
                continue;
            }
            let for_tests = DEV_ONLY.iter().find(|(of, on, _)| *of == name && *on == dependency.name);
            match for_tests {
                Some(exception) if dependency.kind == DependencyKind::Development => {
                    used.insert(exception);
                }
                _ => wrong.push(format!("{name} depends on {} ({:?})", dependency.name, dependency.kind)),
            }
        }
    }
    assert_none("walls that were crossed (ARCHITECTURE.md, code map)", &wrong);
    assert_eq!(used.len(), DEV_ONLY.len(), "an exception that nobody needs any more goes");
}

#[test]
fn the_code_map_has_no_cycle() {
    let allowed = table();
    let mut placed = BTreeSet::new();
    while placed.len() < allowed.len() {
        let next: Vec<_> = allowed
            .iter()
            .filter(|(name, on)| !placed.contains(*name) && on.is_subset(&placed))
            .map(|(name, _)| name.clone())
            .collect();
        assert!(!next.is_empty(), "a cycle among the crates outside {placed:?}");
        placed.extend(next);
    }
}

#[test]
fn the_platform_never_mentions_the_simulation() {
    assert_none(
        "the platform knows about the simulation",
        &mentions("crates/platform/src/", of_the_simulation),
    );
}

#[test]
fn the_constraints_know_no_orders_and_no_http() {
    assert_none("resilience is not neutral", &mentions("crates/resilience/src/", of_orders_or_http));
}

/// Lines of code under `folder` with a banned word. Comments of `resilience` may explain who calls it; the words
/// of the simulation are banned from comments too.
fn mentions(folder: &str, banned: fn(&str) -> bool) -> Vec<String> {
    let comments_count = banned("simulation");
    let mut found = Vec::new();
    for file in tracked().iter().filter(|file| file.path.starts_with(folder)) {
        for (number, line) in file.text.lines().enumerate() {
            let judged = if comments_count { line } else { line.split("//").next().unwrap_or_default() };
            if let Some(word) = words(judged).into_iter().find(|word| banned(word)) {
                found.push(format!("{}:{}: {word}", file.path, number + 1));
            }
        }
    }
    found
}

#[test]
fn banned_words_are_found_in_every_spelling() {
    for spelling in ["node::sim::World", "NodeSim", "in_sim()", "// simulated here", "SIM"] {
        assert!(words(spelling).iter().any(|word| of_the_simulation(word)), "{spelling}");
    }
    for innocent in ["similar", "simple", "simultaneous", "Ordering::SeqCst"] {
        let words = words(innocent);
        assert!(!words.iter().any(|word| of_the_simulation(word) || of_orders_or_http(word)), "{innocent}");
    }
}
