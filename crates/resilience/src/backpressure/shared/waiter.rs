//! What a call of a pool has: a worker, or a place in the queue.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::{Shared, Slot};
use crate::backpressure::policy::Ticket;
use crate::refusal::Refusal;

/// The right to run. Dropping it hands the worker on.
#[derive(Debug)]
pub struct Worker {
    shared: Arc<Shared>,
}

impl Worker {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl Drop for Worker {
    #[inline]
    fn drop(&mut self) {
        self.shared.finish();
    }
}

/// A place in the queue. Dropping it leaves the queue, or hands on the worker that it was given meanwhile.
#[derive(Debug)]
pub struct Waiter {
    shared: Arc<Shared>,
    /// `None` once the worker was taken.
    ticket: Option<Ticket>,
}

impl Waiter {
    pub(super) const fn new(shared: Arc<Shared>, ticket: Ticket) -> Self {
        Self { shared, ticket: Some(ticket) }
    }

    pub(in crate::backpressure) fn poll_turn(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Worker, Refusal>> {
        let ticket = self.ticket.expect("not polled again after its turn");
        let mut state = self.shared.lock_state();
        match state.slots.get_mut(ticket).expect("a waiter has a slot until it is done") {
            Slot::Waiting(Some(waker)) if waker.will_wake(cx.waker()) => Poll::Pending,
            Slot::Waiting(waker) => {
                let before = waker.replace(cx.waker().clone());
                drop(state);
                drop(before);
                Poll::Pending
            }
            Slot::Granted => {
                state.slots.remove(ticket);
                self.ticket = None;
                Poll::Ready(Ok(Worker::new(Arc::clone(&self.shared))))
            }
            Slot::Shed(refusal) => {
                let refusal = *refusal;
                state.slots.remove(ticket);
                self.ticket = None;
                Poll::Ready(Err(refusal))
            }
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        let mut state = self.shared.lock();
        let slot = state.slots.remove(ticket);
        match slot {
            Some(Slot::Granted) => {
                drop(state);
                self.shared.finish();
            }
            // It was counted as refused when it was, and has nothing to give back.
            Some(Slot::Shed(_)) => drop(state),
            Some(Slot::Waiting(_)) | None => {
                state.pool.leave(ticket);
                self.shared.report(|observer| observer.queue_depth(state.pool.waiting()));
                drop(state);
            }
        }
        drop(slot);
    }
}
