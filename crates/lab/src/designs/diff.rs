//! What one design has and another has not.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;
use toml::{Table, Value};

use super::{DesignError, resolve};

/// The difference between two resolved designs, section by section. Values are as TOML writes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DesignDiff {
    /// The design to start from.
    pub from: String,
    /// The design to arrive at.
    pub to: String,
    /// Sections that only the second has, with their keys.
    pub added: BTreeMap<String, BTreeMap<String, String>>,
    /// Sections that only the first has, with their keys.
    pub removed: BTreeMap<String, BTreeMap<String, String>>,
    /// Sections that both have, with the keys that differ.
    pub changed: BTreeMap<String, BTreeMap<String, KeyChange>>,
}

/// How one key differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyChange {
    /// Its value in the first design; `None` when it is not there.
    pub from: Option<String>,
    /// Its value in the second design; `None` when it is not there.
    pub to: Option<String>,
}

/// Compares two designs, each by its built-in name or its path.
///
/// # Errors
/// When one of them cannot be resolved.
pub fn diff(from: &str, to: &str) -> Result<DesignDiff, DesignError> {
    let (from, to) = (resolve(from)?.design, resolve(to)?.design);
    let sections = |design| {
        let mut table = Table::try_from(design).expect("a design is plain TOML");
        table.remove("name");
        table
    };
    let (before, after) = (sections(&from), sections(&to));
    let mut diff = DesignDiff {
        from: from.name,
        to: to.name,
        added: BTreeMap::new(),
        removed: BTreeMap::new(),
        changed: BTreeMap::new(),
    };
    for (section, value) in &after {
        match before.get(section) {
            None => _ = diff.added.insert(section.clone(), keys(value)),
            Some(old) if old != value => _ = diff.changed.insert(section.clone(), changes(old, value)),
            Some(_) => {}
        }
    }
    for (section, value) in before.iter().filter(|(section, _)| !after.contains_key(*section)) {
        diff.removed.insert(section.clone(), keys(value));
    }
    Ok(diff)
}

impl DesignDiff {
    /// Whether the two are the same but for their names.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// The keys of a section, nested ones joined by dots; a plain value has one key without a name.
fn keys(value: &Value) -> BTreeMap<String, String> {
    fn walk(prefix: &str, value: &Value, into: &mut BTreeMap<String, String>) {
        let Value::Table(table) = value else {
            into.insert(prefix.to_owned(), value.to_string());
            return;
        };
        for (key, value) in table {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            walk(&path, value, into);
        }
    }
    let mut into = BTreeMap::new();
    walk("", value, &mut into);
    into
}

fn changes(from: &Value, to: &Value) -> BTreeMap<String, KeyChange> {
    let (from, to) = (keys(from), keys(to));
    let all: std::collections::BTreeSet<_> = from.keys().chain(to.keys()).cloned().collect();
    all.into_iter()
        .map(|key| {
            let change = KeyChange { from: from.get(&key).cloned(), to: to.get(&key).cloned() };
            (key, change)
        })
        .filter(|(_, change)| change.from != change.to)
        .collect()
}

/// As people read it: a line for each section and key, `+` added, `-` removed, `~` changed.
impl fmt::Display for DesignDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "{} and {} differ in nothing but their names", self.from, self.to);
        }
        writeln!(f, "{} → {}", self.from, self.to)?;
        for (sign, sections) in [('-', &self.removed), ('+', &self.added)] {
            for (section, keys) in sections {
                if let Some(value) = keys.get("") {
                    writeln!(f, "{sign} {section} = {value}")?;
                    continue;
                }
                writeln!(f, "{sign} [{section}]")?;
                for (key, value) in keys {
                    writeln!(f, "{sign} {key} = {value}")?;
                }
            }
        }
        for (section, keys) in &self.changed {
            writeln!(f, "~ [{section}]")?;
            for (key, change) in keys {
                let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "absent".to_owned());
                let key = if key.is_empty() { section } else { key };
                writeln!(f, "~ {key} = {} → {}", side(&change.from), side(&change.to))?;
            }
        }
        Ok(())
    }
}
