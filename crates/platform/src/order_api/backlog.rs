//! The backlog: orders that were accepted and are not done, and how many of them there may be.
//!
//! Two counts. What *waits to be paid for* (in the outbox, or at the broker for order-processor) is what the door looks
//! at: at the rate of all payments together it takes so long until a new order is done, and beyond what the completion
//! SLO allows it is refused at once instead of being late. What is *not finished* (in no final state) is what people look
//! at: the gauge `backlog`.
//!
//! The broker is asked now and then, not for every order; what is let in between two looks counts in full, so the bound
//! holds in between as well, and an order may be refused that was just possible, never the other way round. While
//! nobody can say what waits, everything that was let in since counts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::broker::Broker;
use domain::event::ORDERS;
use domain::{OrderStore, Outbox};
use node::{Gauge, Node};

use crate::design::Design;
use crate::events::lag;
use crate::state::ServiceState;
use crate::telemetry::{BACKLOG, OUTBOX_PENDING, Telemetry};

/// Who is behind with orders.
const GROUP: &str = "order-processor";

/// How many orders may wait to be paid for. Clones share the count.
#[derive(Clone, Debug)]
pub(crate) struct BacklogBound {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    waiting_max: u64,
    /// Orders that are done per second, in the best case.
    done_per_s: f64,
    count: Mutex<Count>,
}

#[derive(Debug, Default)]
struct Count {
    /// What waited at the last look.
    waiting: u64,
    /// What was let in since.
    let_in: u64,
}

/// An order was let in; unless it is kept, it does not count.
#[derive(Debug)]
pub(crate) struct LetIn {
    shared: Option<Arc<Shared>>,
}

impl LetIn {
    /// It was accepted: it counts until somebody has looked again.
    pub(crate) fn keep(mut self) {
        self.shared = None;
    }
}

impl Drop for LetIn {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            let mut count = shared.count();
            count.let_in = count.let_in.saturating_sub(1);
        }
    }
}

impl Shared {
    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BacklogBound {
    fn new(waiting_max: u64, done_per_s: f64) -> Self {
        Self { shared: Arc::new(Shared { waiting_max, done_per_s, count: Mutex::default() }) }
    }

    /// Lets an order in, or says after how many seconds there may be room.
    pub(crate) fn let_in(&self) -> Result<LetIn, u64> {
        let mut count = self.shared.count();
        let beyond = (count.waiting + count.let_in + 1).saturating_sub(self.shared.waiting_max);
        if beyond == 0 {
            count.let_in += 1;
            return Ok(LetIn { shared: Some(Arc::clone(&self.shared)) });
        }
        Err(((beyond as f64 / self.shared.done_per_s).ceil() as u64).max(1))
    }

    /// What was let in so far, before somebody looks.
    fn before_look(&self) -> u64 {
        self.shared.count().let_in
    }

    /// Somebody has looked, and could not see everything: so many wait at least, those among them that were let in before.
    fn at_least(&self, waiting: u64, let_in_before: u64) {
        let mut count = self.shared.count();
        // What was let in counts already, and goes on doing so.
        count.waiting = count.waiting.max(waiting.saturating_sub(let_in_before));
    }

    /// Somebody has looked: of what was let in before, this is what waits.
    fn looked(&self, waiting: u64, let_in_before: u64) {
        let mut count = self.shared.count();
        count.waiting = waiting;
        count.let_in = count.let_in.saturating_sub(let_in_before);
    }
}

/// Who looks.
#[derive(Debug)]
struct Look {
    orders: Arc<dyn OrderStore>,
    outbox: Option<Arc<dyn Outbox>>,
    broker: Arc<dyn Broker>,
    bound: Option<BacklogBound>,
    telemetry: Telemetry,
    backlog: Gauge,
    pending: Gauge,
}

/// Looks at the backlog for as long as the process lives; what it bounds, where the design bounds it.
pub(super) fn start(node: &Node, design: &Design, state: &ServiceState) -> Option<BacklogBound> {
    let telemetry = state.telemetry();
    let bound = design.backlog_max().zip(design.completions_per_s());
    let bound = bound.map(|(waiting_max, done_per_s)| BacklogBound::new(waiting_max, done_per_s));
    let every = design.consumers.as_ref().map_or(lag::LOOK_EVERY, |section| section.look_every.get());
    let stores = state.stores();
    let look = Look {
        orders: Arc::clone(stores.orders.as_ref().expect("order-api's state has a store of orders")),
        outbox: stores.outbox.clone().filter(|_| design.outbox.is_some()),
        broker: crate::events::broker(state),
        bound: bound.clone(),
        telemetry: telemetry.clone(),
        backlog: telemetry.gauge(BACKLOG),
        pending: telemetry.gauge(OUTBOX_PENDING),
    };
    // Detached: it ends with its process.
    node.spawn(look.run(node.clone(), every));
    bound
}

impl Look {
    async fn run(self, node: Node, every: Duration) {
        while !node.stopping().has_begun() {
            self.look().await;
            tokio::select! {
                biased;
                () = node.stopping().begun() => return,
                () = node.sleep(every) => {}
            }
        }
    }

    async fn look(&self) {
        if let Ok(unfinished) = self.orders.unfinished_total().await {
            self.backlog.set(unfinished);
        }
        let before = self.bound.as_ref().map(BacklogBound::before_look);
        // The outbox first: what moves on in between is counted twice rather than never.
        let pending = match &self.outbox {
            Some(outbox) => outbox.pending_total().await,
            None => Ok(0),
        };
        if let Ok(pending) = &pending {
            self.pending.set(*pending);
        }
        let lag = lag::look(&self.broker, &self.telemetry, ORDERS, GROUP).await;
        let Some((bound, before)) = self.bound.as_ref().zip(before) else { return };
        match (pending, lag) {
            (Ok(pending), Ok(lag)) => bound.looked(pending.saturating_add(lag.total()), before),
            // A process that began while the broker is away knows by that what the last one had accepted.
            (Ok(pending), Err(_unknown)) => bound.at_least(pending, before),
            (Err(_unknown), _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_let_in_between_two_looks_counts_in_full() {
        let bound = BacklogBound::new(3, 2.0);
        bound.looked(1, 0);
        let before = bound.before_look();
        bound.let_in().expect("the second of three").keep();
        drop(bound.let_in().expect("the third"));
        bound.let_in().expect("the third again: that one was not accepted").keep();
        assert_eq!(bound.let_in().expect_err("the fourth"), 1);
        bound.looked(2, before);
        assert!(
            bound.let_in().is_err(),
            "two wait, and the two that came after the look began count as well"
        );
        bound.looked(0, 2);
        assert!(bound.let_in().is_ok());
    }

    #[test]
    fn while_nobody_can_say_what_waits_no_order_counts_twice() {
        let bound = BacklogBound::new(10, 2.0);
        bound.looked(1, 0);
        for pending in 1..=9 {
            bound.let_in().expect("one waits at the broker, and nine have room in the outbox").keep();
            bound.at_least(pending, bound.before_look());
        }
        assert!(bound.let_in().is_err(), "ten wait");
    }

    #[test]
    fn what_a_process_finds_in_the_outbox_counts_while_nobody_can_say_more() {
        let bound = BacklogBound::new(10, 2.0);
        bound.let_in().expect("the first").keep();
        bound.at_least(9, bound.before_look());
        bound.let_in().expect("eight were there, and this is the tenth").keep();
        assert!(bound.let_in().is_err(), "ten wait");
    }

    #[test]
    fn who_is_refused_is_told_how_long_it_takes_until_there_is_room() {
        let bound = BacklogBound::new(10, 2.0);
        bound.looked(30, 0);
        assert_eq!(bound.let_in().expect_err("far above"), 11, "21 too many, at two per second");
    }
}
