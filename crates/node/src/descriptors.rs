//! Running out of descriptors, in both worlds.
//!
//! It is no property of the other side and passes by itself as soon as a socket is closed. So both
//! accepting and connecting take it as something to wait for, not as an answer: a process that is short
//! of descriptors grows slow, and says so with its queue, before it says so with errors.

use std::io;
use std::time::Duration;

/// How long connecting waits for a descriptor before it fails.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(60);

/// How long a real process rests before it tries again: trying at once would take the processor away
/// from the work that gives descriptors back.
pub(crate) const REST: Duration = Duration::from_millis(50);

/// `EMFILE`, this process has no descriptor left: the same number on Linux, macOS and the BSDs.
const PROCESS_LIMIT: i32 = 24;

/// `ENFILE`, the whole system has none left.
const SYSTEM_LIMIT: i32 = 23;

/// The error of a process that has no descriptor left.
pub(crate) fn out_of_descriptors() -> io::Error {
    io::Error::from_raw_os_error(PROCESS_LIMIT)
}

/// Whether an error says that descriptors have run out.
pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(PROCESS_LIMIT | SYSTEM_LIMIT))
}
