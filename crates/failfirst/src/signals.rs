//! Being asked to stop: ctrl-c at a terminal, and what a supervisor sends.

use std::future::Future;
use std::io;

use anyhow::Context as _;

/// Listens from now on; the future is ready at the first request to stop.
///
/// # Errors
///
/// When the system does not let this process listen.
pub(crate) fn interrupted() -> anyhow::Result<impl Future<Output = ()>> {
    listen().context("cannot listen for signals")
}

#[cfg(unix)]
fn listen() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            biased;
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
            _ = hang_up.recv() => (),
        }
    })
}

#[cfg(not(unix))]
fn listen() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
