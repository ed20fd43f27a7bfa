//! Whether a server is there: what its keeper knows, for those who wait to hear it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// What is known of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is being found out.
    Unknown,
    /// It is there.
    Up,
    /// It is not, because of this.
    Down(Arc<str>),
}

/// Waits until it is known whether the server is there, but not longer than this.
///
/// # Errors
/// In words, when it is not, or when nobody knows in time.
pub(crate) async fn known(
    mut presence: watch::Receiver<Presence>,
    within: Duration,
    place: &impl fmt::Display,
) -> Result<(), String> {
    match timeout(within, presence.wait_for(|presence| *presence != Presence::Unknown)).await {
        Ok(Ok(presence)) => match &*presence {
            Presence::Down(reason) => Err(reason.to_string()),
            Presence::Up | Presence::Unknown => Ok(()),
        },
        Ok(Err(_stopped)) => Err("the connection was closed".to_owned()),
        Err(_silence) => Err(format!("{place} was not reached within {within:?}")),
    }
}
