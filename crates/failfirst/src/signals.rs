//! Being asked to stop: ctrl-c at a terminal, and what a supervisor sends.

use std::io;

use anyhow::Context as _;
use lab::runner::Interrupt;

/// Requests to stop, from the moment on at which this was made.
#[derive(Debug)]
pub(crate) struct Interrupts {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 3],
}

/// Listens from now on.
///
/// # Errors
///
/// When the system does not let this process listen.
pub(crate) fn interrupts() -> anyhow::Result<Interrupts> {
    Interrupts::listen().context("cannot listen for signals")
}

/// Raises the interrupt at the first request to stop, and ends the program at the second. Listens on a thread of its
/// own: whoever is interrupted may be busy.
///
/// # Errors
///
/// When the system does not let this process listen.
pub(crate) fn raise_when_interrupted(interrupt: &Interrupt) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let mut requests = {
        let _context = runtime.enter();
        interrupts()?
    };
    let interrupt = interrupt.clone();
    #[expect(clippy::disallowed_methods, reason = "nothing simulated: it waits for the system's signals")]
    std::thread::spawn(move || {
        runtime.block_on(async {
            requests.next().await;
            interrupt.raise();
            requests.next().await;
            std::process::exit(130);
        });
    });
    Ok(())
}

#[cfg(unix)]
impl Interrupts {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = [
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ];
        Ok(Self { signals })
    }

    /// Waits for the next request. Cancel safe.
    pub(crate) async fn next(&mut self) {
        let [interrupt, terminate, hang_up] = &mut self.signals;
        tokio::select! {
            biased;
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
            _ = hang_up.recv() => (),
        }
    }
}

#[cfg(not(unix))]
impl Interrupts {
    fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next request. Cancel safe.
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
