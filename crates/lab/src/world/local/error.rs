//! Why a local cell could not be run.

use std::{
    fs,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    process::ExitStatus,
};

use chaos::ChaosError;
use domain::broker::BrokerError;
use node::http::CallError;

/// How much of what a process said last is shown.
const TAIL_BYTES: u64 = 2_000;

/// Why a local cell could not be run. Where a process is to blame, its last words are part of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalError {
    #[error("interrupted")]
    Interrupted,
    #[error("no runtime")]
    Runtime(#[source] io::Error),
    #[error("the folder {} cannot be used", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error("there are no {wanted} free ports on the loopback")]
    Ports { wanted: usize },
    #[error("{process} could not be started")]
    Start { process: String, source: io::Error },
    #[error("{process} ended by itself: {status}{}", said(log))]
    Died { process: String, status: ExitStatus, log: PathBuf },
    #[error("{process} was not ready within {within_s} s{}", said(log))]
    NotAlive { process: String, within_s: u64, log: PathBuf },
    #[error("the fault could not be injected")]
    Fault(#[from] ChaosError),
    #[error("{process} did not testify")]
    Testimony { process: String, source: AdminError },
    #[error("the dead letters could not be read")]
    Letters(#[from] BrokerError),
    #[error("the load generator broke: {reason}{}", said(log))]
    Driver { reason: String, log: PathBuf },
}

impl LocalError {
    pub(super) fn folder(folder: &Path, source: io::Error) -> Self {
        Self::Folder { folder: folder.to_owned(), source }
    }
}

/// Why an admin port gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    #[error("no answer within {0} ms")]
    Late(u128),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("it was answered with {0}")]
    Status(u16),
    #[error("the answer is not what was asked for")]
    Body(#[from] serde_json::Error),
}

/// The end of what a process said; where the rest is.
fn said(log: &Path) -> String {
    let tail = (|| {
        let mut file = fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        io::Result::Ok(String::from_utf8_lossy(&tail).trim().to_owned())
    })();
    match tail {
        Ok(tail) if !tail.is_empty() => {
            format!("; it last said (all of it is in {}):\n{tail}\n", log.display())
        }
        _ => "; it said nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_told_and_no_more() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        assert_eq!(said(&log), "; it said nothing");
        fs::write(&log, format!("{}\nthe last", "x".repeat(5_000))).expect("written");
        let told = said(&log);
        assert!(told.ends_with("\nthe last\n") && told.len() < 2_200, "{}", told.len());
    }
}
