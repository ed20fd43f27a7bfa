//! A handle to a task that lives on a node.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use thiserror::Error;
use tokio::task::JoinHandle;

/// The task ended without a result: its host crashed, it was aborted, or it panicked.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the task was stopped before it finished")]
pub struct Stopped;

/// A running task. Awaiting it gives its result; dropping it detaches the task, which runs on.
///
/// # Cancel safety
/// Dropping the handle never stops the task; [`Task::abort`] does.
#[derive(Debug)]
pub struct Task<T> {
    handle: Option<JoinHandle<T>>,
}

impl<T> Task<T> {
    pub(crate) fn running(handle: JoinHandle<T>) -> Self {
        Self { handle: Some(handle) }
    }

    /// A task that never ran, because its host is down.
    pub(crate) fn stopped() -> Self {
        Self { handle: None }
    }

    /// Stops the task at its next suspension point.
    pub fn abort(&self) {
        if let Some(handle) = &self.handle {
            handle.abort();
        }
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, Stopped>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.handle {
            Some(handle) => Pin::new(handle).poll(cx).map_err(|_stopped_or_panicked| Stopped),
            None => Poll::Ready(Err(Stopped)),
        }
    }
}
