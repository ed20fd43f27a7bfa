//! Documents that say what is true: links that lead somewhere, a change log that knows this version.

use std::path::Path;

use crate::repo::{Tracked, assert_none, metadata, read, root, tracked};

/// The targets of `[text](target)` outside code blocks.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    for line in prose(text) {
        for after in line.split("](").skip(1) {
            if let Some((target, _)) = after.split_once(')') {
                links.push(target.to_owned());
            }
        }
    }
    links
}

/// The lines outside fenced code blocks.
fn prose(text: &str) -> Vec<&str> {
    let mut in_code = false;
    text.lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            in_code ^= fence;
            !in_code && !fence
        })
        .collect()
}

/// The anchors that GitHub makes of the headings.
fn anchors(text: &str) -> Vec<String> {
    prose(text)
        .iter()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

fn broken_links(file: &Tracked) -> Vec<String> {
    let folder = Path::new(&file.path).parent().expect("a file lies in a folder").to_owned();
    links(&file.text)
        .into_iter()
        .filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
        .filter(|link| {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = root().join(&folder).join(path);
            let text = if path.is_empty() { Ok(file.text.clone()) } else { std::fs::read_to_string(&target) };
            match (anchor, text) {
                ("", _) => !target.exists(),
                (_, Ok(text)) => !anchors(&text).iter().any(|found| found == anchor),
                (_, Err(_)) => true,
            }
        })
        .map(|link| format!("{}: {link}", file.path))
        .collect()
}

#[test]
fn every_relative_link_leads_somewhere() {
    let broken: Vec<_> =
        tracked().iter().filter(|file| file.path.ends_with(".md")).flat_map(broken_links).collect();
    assert_none("links that lead nowhere", &broken);
}

#[test]
fn a_link_to_nowhere_is_found() {
    let file = Tracked {
        path: "README.md".to_owned(),
        text: "# One thing\n[a](Cargo.toml) [b](#one-thing) [c](nowhere.md) [d](#nothing)\n```\n[e](code)\n```\n"
            .to_owned(),
    };
    assert_eq!(broken_links(&file), ["README.md: nowhere.md", "README.md: #nothing"]);
}

#[test]
fn the_change_log_knows_this_version_or_what_is_not_released() {
    let workspace = metadata(&["--no-deps"]);
    let version = workspace.packages.first().expect("a workspace has packages").version.to_string();
    let log = read("CHANGELOG.md");
    let headings: Vec<_> = log.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert!(
        headings.iter().any(|heading| heading.starts_with("Unreleased") || heading.contains(&version)),
        "CHANGELOG.md has neither `## Unreleased` nor `## {version}`: {headings:?}"
    );
}
