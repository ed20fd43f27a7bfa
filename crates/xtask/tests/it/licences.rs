//! Licences of everything that is built here, without any tool but cargo. The list is `deny.toml`'s.

use std::collections::BTreeSet;

use crate::repo::{assert_none, metadata, read};

/// Whether an SPDX expression is met by the allowed licences: every `AND` part has an allowed `OR` branch.
/// `/` is the old spelling of `OR`. `WITH` makes another licence of it, which has to be allowed as a whole.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let expression = expression.replace('/', " OR ");
    let expression = expression.trim();
    if let Some((left, right)) = split_outside_brackets(expression, " OR ") {
        return is_met(left, allowed) || is_met(right, allowed);
    }
    if let Some((left, right)) = split_outside_brackets(expression, " AND ") {
        return is_met(left, allowed) && is_met(right, allowed);
    }
    match expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => is_met(inner, allowed),
        None => allowed.contains(expression),
    }
}

fn split_outside_brackets<'a>(expression: &'a str, operator: &str) -> Option<(&'a str, &'a str)> {
    expression
        .match_indices(operator)
        .map(|(at, _)| (&expression[..at], &expression[at + operator.len()..]))
        .find(|(left, _)| left.matches('(').count() == left.matches(')').count())
}

/// `[licenses] allow` of `deny.toml`.
fn allowed() -> BTreeSet<String> {
    let deny: toml::Table = read("deny.toml").parse().expect("deny.toml is TOML");
    deny["licenses"]["allow"]
        .as_array()
        .expect("licenses.allow is a list")
        .iter()
        .map(|licence| licence.as_str().expect("licences are strings").to_owned())
        .collect()
}

#[test]
fn everything_that_is_built_here_has_an_allowed_licence() {
    let allowed = allowed();
    // Only this platform's packages are sure to be on disk after a build.
    let host = host_triple();
    let metadata = metadata(&["--filter-platform", &host]);
    let resolved = metadata.resolve.as_ref().expect("asked with dependencies");
    let built: BTreeSet<_> = resolved.nodes.iter().map(|node| &node.id).collect();
    let wrong: Vec<_> = metadata
        .packages
        .iter()
        .filter(|package| built.contains(&package.id))
        .filter(|package| !package.license.as_deref().is_some_and(|licence| is_met(licence, &allowed)))
        .map(|package| format!("{} {}: {:?}", package.name, package.version, package.license))
        .collect();
    assert_none("licences that deny.toml does not allow", &wrong);
}

fn host_triple() -> String {
    let output = std::process::Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .arg("-vV")
        .output()
        .expect("rustc built this test");
    String::from_utf8(output.stdout)
        .expect("rustc speaks UTF-8")
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("rustc names its host")
        .to_owned()
}

#[test]
fn expressions_are_read_as_their_authors_meant_them() {
    let allowed: BTreeSet<_> = ["MIT", "Unicode-3.0"].map(str::to_owned).into();
    for met in ["MIT", "MIT/Apache-2.0", "Apache-2.0 OR MIT", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
        assert!(is_met(met, &allowed), "{met}");
    }
    for unmet in ["GPL-3.0", "MIT AND GPL-3.0", "(GPL-3.0 OR Apache-2.0) AND MIT", "MIT WITH Strings"] {
        assert!(!is_met(unmet, &allowed), "{unmet}");
    }
}
