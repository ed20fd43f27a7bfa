//! One subscription, from joining the group to leaving it.

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::broker::{BrokerError, Consumer, Delivery, Receipt, Settlement, Verdict};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{sleep_until, timeout};

use super::places::Places;
use super::{CALL_WITHIN, FETCH_WAIT, Worker};
use crate::design::Acknowledgement;
use crate::events::autoscale::Autoscaler;
use crate::events::pause;

/// How many events are settled at a time, at most.
const SETTLE_MAX: usize = 512;

/// How often a process that is to stop tries to settle what it has.
const SETTLE_TRIES_AT_THE_END: u32 = 3;

/// What is said of a broker that takes longer than it may.
const NO_ANSWER: &str = "no answer in time";

/// One subscription of a worker.
#[derive(Debug)]
pub(super) struct Session {
    worker: Arc<Worker>,
    consumer: Box<dyn Consumer>,
    /// Places for events in our hands.
    places: Places,
    /// What is in our hands, so that its leases are begun anew.
    held: Mutex<BTreeSet<Receipt>>,
}

/// An event in our hands: it has its place and its lease for as long as this lives.
#[derive(Debug)]
struct InHand {
    session: Arc<Session>,
    receipt: Receipt,
    _place: OwnedSemaphorePermit,
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.session.held().remove(&self.receipt);
    }
}

/// What became of an event, on its way to the broker.
type Settled = (InHand, Verdict);

impl Session {
    pub(super) fn new(worker: Arc<Worker>, consumer: Box<dyn Consumer>) -> Arc<Self> {
        let most = worker.consuming.at_once;
        let begin = worker.consuming.autoscale.map_or(most, |autoscaling| autoscaling.rules.least() as usize);
        let places = Places::new(most, begin, worker.consuming.workers.clone());
        Arc::new(Self { worker, consumer, places, held: Mutex::default() })
    }

    /// Works until the process is to stop, or the topic is not there any more.
    pub(super) async fn run(self: Arc<Self>) {
        let (settled, to_settle) = mpsc::channel(self.worker.consuming.at_once);
        let acknowledgement = self.worker.acknowledgement.clone();
        let keeper =
            acknowledgement.map(|section| self.worker.node.spawn(Arc::clone(&self).keep(section, to_settle)));
        tokio::select! {
            biased;
            () = self.scale() => {}
            () = self.bring_in(&settled) => {}
        }
        // What is in our hands is finished first, and settled.
        self.places.all_free().await;
        drop(settled);
        if let Some(keeper) = keeper {
            let _ended = keeper.await;
        }
        let _late = timeout(CALL_WITHIN, self.consumer.close()).await;
    }

    /// Keeps as many places as the backlog needs, for as long as it is asked; never ends.
    async fn scale(&self) {
        if let Some(autoscaling) = self.worker.consuming.autoscale {
            let mut scaler = Autoscaler::new(autoscaling.rules);
            let mut behind = self.worker.behind.clone();
            while behind.changed().await.is_ok() {
                let backlog = *behind.borrow_and_update();
                let before = scaler.workers();
                let workers = scaler.looked(self.worker.node.now(), backlog);
                if workers != before {
                    tracing::info!(before, workers, backlog, "the number of workers follows the backlog");
                    self.places.resize(workers as usize);
                }
            }
        }
        pending().await
    }

    /// Takes events on until the process is to stop, or the topic is not there any more.
    async fn bring_in(self: &Arc<Self>, settled: &mpsc::Sender<Settled>) {
        let mut failures = 0;
        while let Some(room) = self.room().await {
            match self.fetch(room).await {
                None => break,
                Some(Ok(deliveries)) => {
                    failures = 0;
                    self.worker.outages.fetching.worked();
                    self.take_on(deliveries, settled).await;
                }
                Some(Err(error)) => {
                    self.worker.outages.fetching.failed(&error.to_string());
                    if matches!(error, BrokerError::NoSuchTopic { .. } | BrokerError::NoSuchGroup { .. }) {
                        break;
                    }
                    failures += 1;
                    self.worker.wait(pause(failures)).await;
                }
            }
        }
    }

    /// How many more events may be taken on, as soon as there is a place; `None` when the process is to stop.
    async fn room(&self) -> Option<usize> {
        tokio::select! {
            biased;
            () = self.worker.node.stopping().begun() => None,
            room = self.places.room(self.worker.fetch_max) => Some(room),
        }
    }

    /// The next events; `None` when the process is to stop.
    async fn fetch(&self, max: usize) -> Option<Result<Vec<Delivery>, BrokerError>> {
        let late = |_elapsed| Err(BrokerError::unknown(NO_ANSWER));
        tokio::select! {
            biased;
            // What comes all the same is given out again when this consumer leaves.
            () = self.worker.node.stopping().begun() => None,
            fetched = timeout(FETCH_WAIT + CALL_WITHIN, self.consumer.fetch(max, FETCH_WAIT)) => {
                Some(fetched.unwrap_or_else(late))
            }
        }
    }

    /// Begins to work on events, each in a task of its own.
    async fn take_on(self: &Arc<Self>, deliveries: Vec<Delivery>, settled: &mpsc::Sender<Settled>) {
        let on_delivery = self.worker.acknowledgement.is_none();
        if on_delivery && !deliveries.is_empty() {
            let acks = deliveries.iter().map(|delivery| settlement(delivery.receipt, Verdict::Ack)).collect();
            // What is not acknowledged comes again.
            let _said = self.settle_once(acks).await;
        }
        for delivery in deliveries {
            let place = self.places.take().await;
            let in_hand = InHand { session: Arc::clone(self), receipt: delivery.receipt, _place: place };
            self.held().insert(delivery.receipt);
            let settled = settled.clone();
            // Detached: whoever leaves the group waits for its place.
            self.worker.node.spawn(async move {
                let verdict = in_hand.session.worker.work(delivery).await;
                if !on_delivery {
                    // When nobody settles any more, its lease ends and it comes again.
                    let _gone = settled.send((in_hand, verdict)).await;
                } else if let Verdict::RetryAfter { reason, .. } | Verdict::Dead { reason } = verdict {
                    tracing::warn!(reason, "an event is lost: it was acknowledged before it was dealt with");
                }
            });
        }
    }

    /// Settles what is done, as much at a time as there is, and begins the leases of everything else anew.
    async fn keep(self: Arc<Self>, section: Acknowledgement, mut to_settle: mpsc::Receiver<Settled>) {
        let every = section.lease.get() / 3;
        let mut next = self.worker.node.now() + every;
        let mut batch = Vec::with_capacity(SETTLE_MAX);
        loop {
            tokio::select! {
                biased;
                () = sleep_until(next) => {
                    self.extend().await;
                    next = self.worker.node.now() + every;
                }
                settled = to_settle.recv_many(&mut batch, SETTLE_MAX) => {
                    if settled == 0 {
                        return;
                    }
                    self.settle(&mut batch, section.lease.get()).await;
                }
            }
        }
    }

    async fn extend(&self) {
        let held: Vec<_> = self.held().iter().copied().collect();
        if held.is_empty() {
            return;
        }
        let outage = &self.worker.outages.extending;
        match timeout(CALL_WITHIN, self.consumer.extend(&held)).await {
            // What is lost is counted when it is settled.
            Ok(Ok(_lost)) => outage.worked(),
            Ok(Err(error)) => outage.failed(&error.to_string()),
            Err(_elapsed) => outage.failed(NO_ANSWER),
        }
    }

    /// Settles until the broker has heard it, or the leases are over and it would not matter any more.
    async fn settle(&self, batch: &mut Vec<Settled>, lease: Duration) {
        let settlements: Vec<_> =
            batch.iter().map(|(in_hand, verdict)| settlement(in_hand.receipt, verdict.clone())).collect();
        let died = batch.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Dead { .. })).count();
        let (node, since) = (&self.worker.node, self.worker.node.now());
        for failures in 1.. {
            if let Ok(lost) = self.settle_once(settlements.clone()).await {
                self.lost(lost);
                // Of those that were lost nobody knows which: at least so many died here.
                let died = died.saturating_sub(lost) as u64;
                self.worker.telemetry.events().buried(self.worker.consuming.topic, died);
                break;
            }
            let is_over = node.now().saturating_duration_since(since) >= lease;
            if is_over {
                self.lost(batch.len());
                break;
            }
            if node.stopping().has_begun() && failures >= SETTLE_TRIES_AT_THE_END {
                break;
            }
            node.sleep(pause(failures)).await;
        }
        batch.clear();
    }

    async fn settle_once(&self, settlements: Vec<Settlement>) -> Result<usize, BrokerError> {
        let settled = timeout(CALL_WITHIN, self.consumer.settle(settlements)).await;
        let settled = settled.unwrap_or_else(|_elapsed| Err(BrokerError::unknown(NO_ANSWER)));
        match &settled {
            Ok(_lost) => self.worker.outages.settling.worked(),
            Err(error) => self.worker.outages.settling.failed(&error.to_string()),
        }
        settled
    }

    fn lost(&self, lost: usize) {
        if lost > 0 {
            let topic = self.worker.consuming.topic;
            self.worker.telemetry.events().leases_lost(topic, lost as u64);
            tracing::warn!(
                topic,
                lost,
                "leases were over before the work was done: others have these events"
            );
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeSet<Receipt>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn settlement(receipt: Receipt, verdict: Verdict) -> Settlement {
    Settlement { receipt, verdict }
}
