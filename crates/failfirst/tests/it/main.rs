//! The program as its users meet it: run as a process, judged by what it prints, writes and returns.

mod attack;
mod bad_input;
mod designs_json;
mod determinism;
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "real processes are waited for on the real clock")]
mod dlq;
mod documented_commands;
#[cfg(unix)]
mod kill;
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "real processes are waited for on the real clock")]
mod local;
mod replay;
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "real processes are waited for on the real clock")]
mod serving;
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "real processes are waited for on the real clock")]
mod stores;
#[cfg(unix)]
mod up;

use assert_cmd::Command;

/// The program, started in `folder`, so that a file that should not be written would be found there.
fn failfirst(folder: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_failfirst"));
    command.current_dir(folder).env_remove("FAILFIRST_LOG").env_remove("RUST_LOG");
    command
}
