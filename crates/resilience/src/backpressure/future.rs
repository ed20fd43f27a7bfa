//! The response future: a refusal, a start to wait for, a place in line, or the inner call with its worker.

use std::task::{Context, Poll, ready};

use tower::Service;

use super::error::BackpressureError;
use super::pace::Pace;
use super::shared::{Entry, Waiter, Worker};
use crate::held::{Held, Hold};
use crate::refusal::Refusal;

/// The response of a [`WorkerPool`](super::WorkerPool). Dropping it leaves the queue or frees the worker.
pub type WorkerPoolFuture<S, R> = Held<S, R, Worker, BackpressureError<<S as Service<R>>::Error>>;

/// What a call has before it has a worker.
#[derive(Debug)]
pub enum Line {
    /// A time to come to the queue.
    Pacing(Pace),
    /// A place in the queue.
    Waiting(Waiter),
}

impl<T, E> Hold<T, E> for Worker {
    type Line = Line;

    fn poll_turn(line: &mut Line, cx: &mut Context<'_>) -> Poll<Result<Self, Refusal>> {
        loop {
            match line {
                Line::Waiting(waiter) => return waiter.poll_turn(cx),
                Line::Pacing(pace) => match ready!(pace.poll_entry(cx)) {
                    Entry::Run(worker) => return Poll::Ready(Ok(worker)),
                    Entry::Wait(then) => *line = then,
                    Entry::Refuse(refusal) => return Poll::Ready(Err(refusal)),
                },
            }
        }
    }
}
