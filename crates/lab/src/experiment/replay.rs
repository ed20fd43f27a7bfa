//! The command that runs exactly one cell again.

use std::{collections::BTreeSet, fmt, time::Duration};

use evidence::record::{Cell, LoadRecord};

use super::{Experiment, Source};

/// What tells a cell from all others of its experiment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CellName<'a> {
    pub(crate) design: &'a str,
    pub(crate) fault: &'a str,
    pub(crate) seed: u64,
    pub(crate) load: LoadRecord,
    pub(crate) load_name: Option<&'a str>,
}

impl<'a> CellName<'a> {
    pub(crate) fn of(cell: &'a Cell) -> Self {
        Self {
            design: &cell.design,
            fault: &cell.fault,
            seed: cell.seed,
            load: cell.load.clone(),
            load_name: cell.load_name.as_deref(),
        }
    }
}

/// For people: `v0.1.0 at 1000/s under none, seed 1`.
impl fmt::Display for CellName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { design, fault, seed, load, load_name } = self;
        write!(f, "{design} at ")?;
        match load {
            _ if load_name.is_some() => f.write_str(load_name.unwrap_or_default())?,
            LoadRecord::Constant { rate_per_s, .. } => write!(f, "{rate_per_s}/s")?,
            LoadRecord::Ramp { from_per_s, to_per_s, .. } => write!(f, "{from_per_s} to {to_per_s}/s")?,
            LoadRecord::Burst { base_per_s, peak_per_s, .. } => write!(f, "{base_per_s} to {peak_per_s}/s")?,
            LoadRecord::Steps { steps, .. } => write!(f, "{} steps", steps.len())?,
            LoadRecord::Users { users, .. } => write!(f, "{users} users")?,
        }
        write!(f, " under {fault}, seed {seed}")
    }
}

/// How the program is started where it is not installed: in the checkout, as the documents say.
const PROGRAM: &str = "cargo run --release --";

/// What every replay ends with: it shows the failure again, and leaves the record of the whole run alone.
const CHECKED_BESIDE: &str = "--check --out out/replay";

/// `cargo run --release -- ladder --designs v0.1.0 --rates 1000 --faults none --seed 1 --duration 20s --check
/// --out out/replay`. The cells are of one load; several designs, faults and seeds stand for each other's verdict.
pub(crate) fn replay(experiment: &Experiment, world: &str, cells: &[CellName<'_>]) -> String {
    let first = cells.first().expect("a replay is of at least one cell");
    let mut command = match &experiment.source {
        Source::Ladder => format!("{PROGRAM} ladder"),
        Source::File(path) => format!("{PROGRAM} run {}", word(&path.display().to_string())),
    };
    if world != evidence::SIM {
        command.push_str(&format!(" --world {world}"));
    }
    let argument = |cell: &CellName<'_>| {
        let candidate = experiment.designs.iter().find(|candidate| candidate.name() == cell.design);
        word(candidate.map_or(cell.design, |candidate| &candidate.argument))
    };
    command.push_str(&format!(" --designs {}", distinct(cells.iter().map(argument)).join(",")));
    match (first.load_name, &first.load) {
        (Some(name), _) => command.push_str(&format!(" --loads {}", word(name))),
        (None, LoadRecord::Constant { rate_per_s, .. }) => {
            command.push_str(&format!(" --rates {rate_per_s}"))
        }
        (None, _) => {}
    }
    let duration_s = first.load.duration_s();
    let duration = humantime::format_duration(Duration::from_secs_f64(duration_s)).to_string();
    let duration = duration.replace(' ', "");
    let faults = distinct(cells.iter().map(|cell| word(cell.fault))).join(",");
    let seeds: BTreeSet<_> = cells.iter().map(|cell| cell.seed).collect();
    let seeds = match (seeds.first(), seeds.last()) {
        (Some(first), Some(last)) if first < last => format!("--seeds {first}..{last}"),
        _ => format!("--seed {}", first.seed),
    };
    command.push_str(&format!(" --faults {faults} {seeds} --duration {duration} {CHECKED_BESIDE}"));
    command
}

/// Each once, in the order of first appearance.
fn distinct(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut known = Vec::new();
    for word in words {
        if !known.contains(&word) {
            known.push(word);
        }
    }
    known
}

/// A word that a shell leaves as it is.
pub(crate) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./,+@%:=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn cell(load: LoadRecord) -> CellName<'static> {
        CellName { design: "v0.2.0", fault: "none", seed: 3, load, load_name: None }
    }

    #[test]
    fn an_experiment_file_is_replayed_by_its_path_and_a_shell_can_read_it() {
        let mut experiment = Experiment::ladder();
        experiment.source = Source::File(PathBuf::from("my experiments/it's.toml"));
        experiment.designs[1].argument = "designs/two.toml".to_owned();
        let load =
            LoadRecord::Ramp { from_per_s: 1.0, to_per_s: 2.0, duration_s: 90.5, spacing: "even".to_owned() };
        assert_eq!(
            replay(&experiment, evidence::SIM, &[cell(load)]),
            r"cargo run --release -- run 'my experiments/it'\''s.toml' --designs designs/two.toml --faults none --seed 3 --duration 1m30s500ms --check --out out/replay"
        );
    }

    #[test]
    fn a_rate_is_written_as_it_is() {
        let load = LoadRecord::Constant { rate_per_s: 0.5, duration_s: 20.0, spacing: "even".to_owned() };
        let command = replay(&Experiment::ladder(), evidence::LOCAL, &[cell(load)]);
        assert!(command.contains(" --rates 0.5 ") && command.contains(" ladder --world local "), "{command}");
    }
}
