//! For tests: what the log says.

use std::io::{Read as _, Seek as _};

/// The lines that are logged meanwhile: the level, the words, and the fields.
pub(crate) fn logged(run: impl FnOnce()) -> Vec<String> {
    let mut file = tempfile::tempfile().expect("a file");
    let logs = tracing_subscriber::fmt().with_writer(file.try_clone().expect("the same file"));
    let logs = logs.without_time().with_target(false).with_ansi(false).finish();
    tracing::subscriber::with_default(logs, run);
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).expect("readable");
    text.lines().map(|line| line.trim_start().to_owned()).collect()
}
