//! Logs, on standard error: for people when it is a terminal, JSON lines when it is not.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

/// The variables that say what is logged, the first that is set: `info`, `platform=debug`, …
const VARIABLES: [&str; 2] = ["FAILFIRST_LOG", "RUST_LOG"];

/// Starts logging; without a variable, from `level` on.
///
/// A variable that cannot be read as a filter is reported and ignored: a typo in it should stop nobody's run.
pub(crate) fn start(level: &str) {
    let wanted = VARIABLES.iter().find_map(|name| Some((name, std::env::var(name).ok()?)));
    let filter = match wanted {
        None => EnvFilter::new(level),
        Some((name, text)) => EnvFilter::try_new(&text).unwrap_or_else(|error| {
            eprintln!("warning: {name} is no log filter and is ignored: {error}");
            EnvFilter::new(level)
        }),
    };
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = if io::stderr().is_terminal() {
        logs.compact().try_init()
    } else {
        logs.json().flatten_event(true).try_init()
    };
    // It fails only when a test of this process has started it already.
    drop(started);
}
