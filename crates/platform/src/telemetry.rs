//! What a service knows about itself: gauges with exact maxima, counters, and the journal of its calls
//! to payment.
//!
//! It is kept by whoever runs the service, beside the stores, so that a crash does not erase what is
//! known about the time before. Two readers: `GET /metrics`, for people and their dashboards, and the
//! collector of facts, for the evidence; both read the same numbers.

mod alerts;
mod counters;
mod events;
mod exposition;
mod histogram;
mod journal;
mod layers;
mod observer;
mod requests;
mod spans;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::OrderId;
use http::StatusCode;
use node::{Gauge, Node};
use tokio::time::Instant;

use alerts::watch;
pub use alerts::{ALERTS_MAX, About, AlertFact, AlertName};
use alerts::{AlertLog, Signals};
pub(crate) use alerts::{CallWatch, OrderEnd, Ticket};
pub(crate) use counters::{AttemptOutcome, ChargeOutcome, Counters, PaymentOutcome, Settled, Tally};
pub use events::EVENT_GROUPS;
use events::EventMetrics;
pub(crate) use exposition::{Format, expose};
use histogram::Histogram;
pub use journal::{CallJournal, JOURNALLED_ORDERS_MAX};
use layers::LayerMetrics;
use requests::Requests;
pub(crate) use requests::RouteIndex;
pub use spans::SpanFact;
pub(crate) use spans::SpanJournal;

use crate::design::{Design, Topology};
use crate::ids::now_us;
use crate::kind::ServiceKind;

/// Orders in work; inside admission and the worker pool, where there are such.
pub(crate) const IN_FLIGHT: &str = "in_flight";
/// Orders that wait for a worker.
pub(crate) const QUEUE_DEPTH: &str = "queue_depth";
/// Orders that are in no final state; kept up where they are settled.
pub(crate) const UNFINISHED: &str = "unfinished";
/// Orders that were accepted and are in no final state, where services are joined by a broker.
pub(crate) const BACKLOG: &str = "backlog";
/// Messages that are committed and not sent yet.
pub(crate) const OUTBOX_PENDING: &str = "outbox_pending";
/// Workers that order-processor has now: payments that it may have under way at once, where a design bounds them.
pub(crate) const WORKERS: &str = "workers";
/// Open connections to the service's port.
pub(crate) const CONNECTIONS: &str = "connections";
/// Payments that hold a slot.
pub(crate) const RUNNING: &str = "running";
/// Payments that wait for a slot.
pub(crate) const WAITING: &str = "waiting";

/// One service's measurements. Clones share them.
#[derive(Clone, Debug)]
pub struct Telemetry {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    kind: ServiceKind,
    gauges: BTreeMap<&'static str, Gauge>,
    /// Those of them that measure something where services call each other.
    gauges_of_calls: BTreeMap<&'static str, Gauge>,
    bounds: Mutex<BTreeMap<&'static str, u64>>,
    journal: Mutex<CallJournal>,
    journalled_orders_max: AtomicUsize,
    counters: Counters,
    layers: LayerMetrics,
    signals: Signals,
    /// `None` until a process ran under a design with observability.
    alerts: Mutex<Option<AlertLog>>,
    spans: SpanJournal,
    turned_away: Gauge,
    requests: Requests,
    events: EventMetrics,
    /// How long calls to payment took; at payment, how long it took to execute a charge.
    payments: Histogram,
}

impl Telemetry {
    /// Nothing measured yet.
    #[must_use]
    pub fn new(kind: ServiceKind) -> Self {
        let names: &[&'static str] = match kind {
            ServiceKind::OrderApi => {
                &[IN_FLIGHT, QUEUE_DEPTH, CONNECTIONS, UNFINISHED, BACKLOG, OUTBOX_PENDING]
            }
            ServiceKind::OrderProcessor => &[IN_FLIGHT, QUEUE_DEPTH, CONNECTIONS, WORKERS],
            ServiceKind::PaymentService => &[RUNNING, WAITING, CONNECTIONS],
            ServiceKind::NotificationService => &[IN_FLIGHT, CONNECTIONS],
        };
        let gauges: BTreeMap<_, _> = names.iter().map(|name| (*name, Gauge::new())).collect();
        let is_of_events = |name: &str| matches!(name, BACKLOG | OUTBOX_PENDING | WORKERS);
        let gauges_of_calls = gauges.clone().into_iter().filter(|(name, _)| !is_of_events(name)).collect();
        let shared = Shared {
            kind,
            gauges,
            gauges_of_calls,
            bounds: Mutex::default(),
            journal: Mutex::default(),
            journalled_orders_max: JOURNALLED_ORDERS_MAX.into(),
            counters: Counters::default(),
            layers: LayerMetrics::default(),
            signals: Signals::default(),
            alerts: Mutex::default(),
            spans: SpanJournal::default(),
            turned_away: Gauge::new(),
            requests: Requests::new(kind),
            events: EventMetrics::default(),
            payments: Histogram::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Whose measurements these are.
    #[must_use]
    pub fn kind(&self) -> ServiceKind {
        self.shared.kind
    }

    /// Every gauge by name: `in_flight`, `queue_depth`, `connections` at the order services; `running`,
    /// `waiting`, `connections` at payment; what measures events only where there are any, or nothing ran yet.
    #[must_use]
    pub fn gauges(&self) -> &BTreeMap<&'static str, Gauge> {
        if self.events().are_none() { &self.shared.gauges_of_calls } else { &self.shared.gauges }
    }

    /// The bounds that the running design declares for gauges of the same names. Empty before the
    /// service was first assembled.
    #[must_use]
    pub fn bounds(&self) -> BTreeMap<&'static str, u64> {
        self.shared.bounds.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The maximum of each gauge since the last call: a new window begins.
    #[must_use]
    pub fn take_window_maxima(&self) -> BTreeMap<&'static str, u64> {
        self.gauges().iter().map(|(name, gauge)| (*name, gauge.take_window_max())).collect()
    }

    /// The calls to payment that this service made, so far.
    #[must_use]
    pub fn calls(&self) -> CallJournal {
        self.shared.journal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes a call to payment down, at its start and whatever becomes of it.
    pub(crate) fn record_call(&self, order_id: &OrderId, elapsed: Duration) {
        let orders_max = self.shared.journalled_orders_max.load(Ordering::Relaxed);
        self.shared
            .journal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .record(order_id, elapsed, orders_max);
    }

    /// Of how many orders calls are counted one by one from now on; [`JOURNALLED_ORDERS_MAX`] at first. Who runs for
    /// long and is not examined wants none: each is remembered as long as the process.
    pub fn set_journalled_orders_max(&self, orders_max: usize) {
        self.shared.journalled_orders_max.store(orders_max, Ordering::Relaxed);
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// A gauge that this kind of service has.
    pub(crate) fn gauge(&self, name: &str) -> Gauge {
        self.shared.gauges.get(name).expect("asked only for gauges of its own kind").clone()
    }

    /// The alerts, in the order in which they began; `None` when nothing ever watched for any.
    #[must_use]
    pub fn alerts(&self) -> Option<Vec<AlertFact>> {
        self.alert_log().as_ref().map(AlertLog::facts)
    }

    /// What is measured of events.
    pub(crate) fn events(&self) -> &EventMetrics {
        &self.shared.events
    }

    /// Where the layers report what the alerts look at.
    pub(crate) fn signals(&self) -> &Signals {
        &self.shared.signals
    }

    /// What was done for single orders.
    pub(crate) fn spans(&self) -> &SpanJournal {
        &self.shared.spans
    }

    /// The route of a request, by the path that it matched.
    pub(crate) fn route(&self, method: &str, matched: Option<&str>) -> RouteIndex {
        self.shared.requests.route(method, matched)
    }

    /// A request was answered.
    pub(crate) fn answered(&self, route: RouteIndex, status: StatusCode, took: Duration) {
        self.counters().request(status);
        self.shared.requests.answered(route, status, took);
    }

    /// A payment begins; its time ends when what is returned is dropped, however it ends.
    pub(crate) fn payment_begins(&self, node: &Node) -> PaymentTimer {
        PaymentTimer { telemetry: self.clone(), node: node.clone(), since: node.now() }
    }

    /// How many connections were turned away, beyond the most there may be.
    pub(crate) fn turned_away(&self) -> &Gauge {
        &self.shared.turned_away
    }

    fn alert_log(&self) -> MutexGuard<'_, Option<AlertLog>> {
        self.shared.alerts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_alerts(&self, change: impl FnOnce(&mut AlertLog)) {
        change(self.alert_log().get_or_insert_default());
    }

    /// A new process of the service under a design: its bounds hold now, nothing waits in it yet, and it
    /// watches for its alerts.
    pub(crate) fn begin(&self, node: &Node, design: &Design) {
        if let Some(queue) = self.shared.gauges.get(QUEUE_DEPTH) {
            queue.set(0);
        }
        if let Some(workers) = self.shared.gauges.get(WORKERS) {
            workers.set(0);
        }
        let limit = design.admission.as_ref().and_then(|admission| admission.limit.in_flight_max());
        self.shared.events.begin(design.topology == Topology::Events);
        self.shared.layers.begin(limit.map_or(0, |limit| limit.get().into()));
        *self.shared.bounds.lock().unwrap_or_else(PoisonError::into_inner) = bounds(self.shared.kind, design);
        let traces = design.observability.as_ref().map(|section| section.traces.spans.get() as usize);
        self.shared.spans.begin(traces.unwrap_or(0));
        self.shared.signals.begin(node, design.observability.as_ref());
        if let Some(observability) = &design.observability {
            self.with_alerts(|log| log.end_all(now_us(node)));
            watch(node, observability, self);
        }
    }
}

/// A payment that runs.
#[derive(Debug)]
pub(crate) struct PaymentTimer {
    telemetry: Telemetry,
    node: Node,
    since: Instant,
}

impl Drop for PaymentTimer {
    fn drop(&mut self) {
        let took = self.node.now().saturating_duration_since(self.since);
        self.telemetry.shared.payments.record(took);
    }
}

/// What a design promises about a service's gauges. What it does not bound is absent.
fn bounds(kind: ServiceKind, design: &Design) -> BTreeMap<&'static str, u64> {
    match kind {
        ServiceKind::OrderApi => {
            let door = design.admission.as_ref().and_then(|admission| admission.limit.in_flight_max());
            let granted = design.backpressure.as_ref().and_then(|pool| Some(pool.credits()?.max));
            let least = door.into_iter().chain(granted).min();
            least.map(|limit| (IN_FLIGHT, limit.get().into())).into_iter().collect()
        }
        ServiceKind::OrderProcessor if design.topology == Topology::Events => {
            let consumers = design.consumers.as_ref();
            let workers = consumers.map(|section| u64::from(section.workers.get()));
            workers.map_or_else(BTreeMap::new, |most| [(IN_FLIGHT, most), (WORKERS, most)].into())
        }
        ServiceKind::OrderProcessor => design.backpressure.as_ref().map_or_else(BTreeMap::new, |pool| {
            let workers = (IN_FLIGHT, pool.workers.get().into());
            let queue = pool.queue_max().map(|queue| (QUEUE_DEPTH, queue.into()));
            std::iter::once(workers).chain(queue).collect()
        }),
        ServiceKind::PaymentService => [(RUNNING, design.payment.slots.get().into())].into(),
        ServiceKind::NotificationService => {
            let consumers = design.consumers.as_ref();
            consumers.map(|section| (IN_FLIGHT, section.in_hand_max.get().into())).into_iter().collect()
        }
    }
}
