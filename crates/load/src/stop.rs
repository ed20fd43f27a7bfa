//! Telling a load to end before its time: first to send nothing more, then to wait for nothing more.

use tokio::sync::watch;

/// How far a load has been told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Nothing,
    Sending,
    Waiting,
}

/// Tells a load to stop. Nothing is stopped by dropping it.
#[derive(Debug)]
pub struct Stopper(watch::Sender<Asked>);

/// What a load knows of being stopped.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<Asked>);

/// The two ends.
#[must_use]
pub fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(Asked::Nothing);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Nothing more is sent; what is under way is waited for.
    pub fn sending(&self) {
        self.0.send_modify(|asked| *asked = (*asked).max(Asked::Sending));
    }

    /// What is under way is given up as well.
    pub fn waiting(&self) {
        self.0.send_modify(|asked| *asked = Asked::Waiting);
    }
}

impl Stop {
    /// Nobody stops it.
    #[must_use]
    pub fn never() -> Self {
        stop().1
    }

    /// Whether nothing more is to be sent.
    pub(crate) fn is_asked(&self) -> bool {
        *self.0.borrow() >= Asked::Sending
    }

    /// Ready when nothing more is to be sent.
    pub(crate) async fn sending(&mut self) {
        self.reached(Asked::Sending).await;
    }

    /// Ready when nothing more is to be waited for.
    pub(crate) async fn waiting(&mut self) {
        self.reached(Asked::Waiting).await;
    }

    async fn reached(&mut self, far: Asked) {
        if self.0.wait_for(|asked| *asked >= far).await.is_err() {
            // Nobody is left who could ask.
            std::future::pending::<()>().await;
        }
    }
}
