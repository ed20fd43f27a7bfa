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

/// Lets this process have as many descriptors as it may at most, and says how many that are; `None` without a limit,
/// or where the system does not tell.
///
/// To be called by a real process before it serves or asks. Who may raise the hard limit has to do that outside.
#[must_use = "how many there are may be too few"]
pub fn raise_descriptors() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        match setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
            Ok(()) => limit.maximum,
            Err(_refused) => limit.current,
        }
    }
    #[cfg(not(unix))]
    None
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::process::{Resource, getrlimit};

    use super::*;

    #[test]
    fn a_process_takes_what_it_may_have() {
        let has = raise_descriptors();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(has, limit.current);
        assert!(limit.current == limit.maximum || has < limit.maximum);
    }
}
