//! What outlives a service's process: its stores, its measurements, and the hand that breaks it.
//!
//! A service is started from this and can be started from it again: tasks, sockets and queues are new,
//! what was committed is still there: in a file or a database, or in this value itself ([`Stores::in_memory`], as
//! long as whoever runs the service keeps it).

use std::num::NonZeroUsize;
use std::sync::Arc;

use domain::broker::Broker;
use domain::memory::{MemoryCharges, MemoryNotices, MemoryOrders};
use domain::{ChargeStore, NoticeStore, OrderStore, Outbox, StoreError};
use resilience::admission::shared_rate::{MemoryBuckets, SharedBuckets};
use resilience::idempotency::{IdempotencyRecords, MemoryRecords};

use crate::design::Topology;
use crate::events::Hindrances;
use crate::facts::{ChargeFact, GaugeFact, NoticeFact, OrderFact, ServiceFacts, SettledFact};
use crate::hardship::HardshipControl;
use crate::kind::ServiceKind;
use crate::notification_service::Webhook;
use crate::telemetry::{Settled, Telemetry};

/// How many idempotency keys a service remembers. More than come in while any client still repeats itself;
/// the oldest answers are forgotten first.
const RECORDS_MAX: NonZeroUsize = NonZeroUsize::new(200_000).expect("not zero");

/// What outlives the processes of a whole platform: the state of each service, whatever process it runs in.
/// Clones share it.
#[derive(Clone, Debug)]
pub struct PlatformState {
    services: [ServiceState; ServiceKind::ALL.len()],
}

impl Default for PlatformState {
    /// The state of a platform that never ran.
    fn default() -> Self {
        Self::of(ServiceState::new)
    }
}

impl PlatformState {
    /// The state of a platform whose services' states are made like this.
    ///
    /// # Panics
    /// When a state is made for another service than asked.
    pub fn of(state: impl Fn(ServiceKind) -> ServiceState) -> Self {
        let services = ServiceKind::ALL.map(state);
        let kinds = services.iter().map(ServiceState::kind);
        assert!(kinds.eq(ServiceKind::ALL), "each service has its own state");
        Self { services }
    }

    /// The same with another state of one service.
    #[must_use]
    pub fn with(mut self, state: ServiceState) -> Self {
        let place = self.services.iter_mut().find(|own| own.kind() == state.kind());
        *place.expect("a platform has every service") = state;
        self
    }

    /// The state of each service that there is in a topology, from the edge inwards.
    pub fn services(&self, topology: Topology) -> impl Iterator<Item = &ServiceState> {
        topology.services().iter().map(|kind| self.service(*kind))
    }

    /// The state of one service.
    #[must_use]
    pub fn service(&self, kind: ServiceKind) -> &ServiceState {
        self.services.iter().find(|service| service.kind() == kind).expect("a platform has every service")
    }
}

/// Where a service keeps what it owns. Clones share it.
#[derive(Clone, Debug)]
pub struct Stores {
    /// The orders; only order-api has them.
    pub orders: Option<Arc<dyn OrderStore>>,
    /// What is committed together with orders and waits to be told; only order-api has it.
    pub outbox: Option<Arc<dyn Outbox>>,
    /// The charges; only payment-service has them.
    pub charges: Option<Arc<dyn ChargeStore>>,
    /// The notices; only notification-service has them.
    pub notices: Option<Arc<dyn NoticeStore>>,
    /// The idempotency keys, for designs that heed them.
    pub records: Arc<dyn IdempotencyRecords>,
}

impl Stores {
    /// A service's stores in memory: they live as long as this value and its clones.
    #[must_use]
    pub fn in_memory(kind: ServiceKind) -> Self {
        let orders = (kind == ServiceKind::OrderApi).then(|| Arc::new(MemoryOrders::new()));
        Self {
            orders: orders.clone().map(|store| store as _),
            outbox: orders.map(|store| store as _),
            charges: (kind == ServiceKind::PaymentService).then(|| Arc::new(MemoryCharges::new()) as _),
            notices: (kind == ServiceKind::NotificationService).then(|| Arc::new(MemoryNotices::new()) as _),
            records: Self::records_in_memory(),
        }
    }

    /// Idempotency keys in memory, at most 200,000 of them.
    #[must_use]
    pub fn records_in_memory() -> Arc<dyn IdempotencyRecords> {
        Arc::new(MemoryRecords::new(RECORDS_MAX))
    }

    /// Whether every store can serve right now.
    ///
    /// # Errors
    /// What the first says that cannot.
    pub async fn check(&self) -> Result<(), StoreError> {
        if let Some(orders) = &self.orders {
            orders.check().await?;
        }
        if let Some(charges) = &self.charges {
            charges.check().await?;
        }
        match &self.notices {
            Some(notices) => notices.check().await,
            None => Ok(()),
        }
    }
}

/// What outlives a service's process. Clones share it.
#[derive(Clone, Debug)]
pub struct ServiceState {
    stores: Stores,
    /// The buckets that replicas of this service share.
    buckets: Arc<dyn SharedBuckets>,
    /// What carries events, in the hands of this process; where services are joined by calls there is none.
    broker: Option<Arc<dyn Broker>>,
    /// Whoever wants to hear of notices.
    webhook: Option<Webhook>,
    /// Why nothing comes in from the broker, where that is so.
    hindrances: Hindrances,
    telemetry: Telemetry,
    hardship: HardshipControl,
}

impl ServiceState {
    /// The state of a service that never ran and keeps everything in memory.
    #[must_use]
    pub fn new(kind: ServiceKind) -> Self {
        Self::on(kind, Stores::in_memory(kind))
    }

    /// The state of a service that never ran, on its stores.
    ///
    /// # Panics
    /// When a store is missing that such a service needs.
    #[must_use]
    pub fn on(kind: ServiceKind, stores: Stores) -> Self {
        Self {
            stores: checked(kind, stores),
            buckets: Arc::new(MemoryBuckets::default()),
            broker: None,
            webhook: None,
            hindrances: Hindrances::default(),
            telemetry: Telemetry::new(kind),
            hardship: HardshipControl::default(),
        }
    }

    /// The same on other stores: those that a new process has opened. Measurements go on.
    ///
    /// # Panics
    /// When a store is missing that such a service needs.
    #[must_use]
    pub fn with_stores(mut self, stores: Stores) -> Self {
        self.stores = checked(self.kind(), stores);
        self
    }

    /// The same with the place where its replicas have their rates together; by default it has that to itself.
    #[must_use]
    pub fn with_buckets(mut self, buckets: Arc<dyn SharedBuckets>) -> Self {
        self.buckets = buckets;
        self
    }

    /// The same with the broker that its process talks to.
    #[must_use]
    pub fn with_broker(mut self, broker: Arc<dyn Broker>) -> Self {
        self.broker = Some(broker);
        self
    }

    /// The broker, where services are joined by one.
    #[must_use]
    pub const fn broker(&self) -> Option<&Arc<dyn Broker>> {
        self.broker.as_ref()
    }

    /// The same with somebody who is told each notice. Only notification-service tells any.
    #[must_use]
    pub fn with_webhook(mut self, webhook: Webhook) -> Self {
        self.webhook = Some(webhook);
        self
    }

    /// Whoever is told each notice.
    pub(crate) const fn webhook(&self) -> Option<&Webhook> {
        self.webhook.as_ref()
    }

    /// Why nothing comes in from the broker.
    pub(crate) const fn hindrances(&self) -> &Hindrances {
        &self.hindrances
    }

    /// Where its replicas have their rates together.
    pub(crate) const fn buckets(&self) -> &Arc<dyn SharedBuckets> {
        &self.buckets
    }

    /// Whose state it is.
    #[must_use]
    pub fn kind(&self) -> ServiceKind {
        self.telemetry.kind()
    }

    /// Where it keeps what it owns.
    #[must_use]
    pub const fn stores(&self) -> &Stores {
        &self.stores
    }

    /// The measurements.
    #[must_use]
    pub const fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Keeps so many spans of what is done for single orders (the last ones), under any design: to be said before the
    /// service is started. Unless it is said, the design's `[observability]` decides.
    pub fn record_spans(&self, spans_max: usize) {
        self.telemetry.spans().ask(spans_max);
    }

    /// The hand that breaks payment. Only payment-service heeds it.
    #[must_use]
    pub const fn hardship(&self) -> &HardshipControl {
        &self.hardship
    }

    /// Everything this service knows that the ledger needs; the same that `GET /facts` answers.
    ///
    /// # Errors
    /// When a store cannot be read.
    pub async fn facts(&self) -> Result<ServiceFacts, StoreError> {
        let orders = match &self.stores.orders {
            Some(store) => store.all().await?,
            None => Vec::new(),
        };
        let charges = match &self.stores.charges {
            Some(store) => store.all().await?,
            None => Vec::new(),
        };
        let notices = match &self.stores.notices {
            Some(store) => store.all().await?,
            None => Vec::new(),
        };
        let settled = |outcome| self.telemetry.counters().settled_so_far(outcome);
        let [completed, failed, refunded] = Settled::ALL.map(settled);
        let gauge = |gauge: &node::Gauge| GaugeFact { now: gauge.now(), max: gauge.max() };
        let gauges = self.telemetry.gauges();
        let bounds = self.telemetry.bounds();
        Ok(ServiceFacts {
            service: self.kind(),
            orders: orders.iter().map(OrderFact::from).collect(),
            charges: charges.iter().map(ChargeFact::from).collect(),
            notices: notices.iter().map(NoticeFact::from).collect(),
            calls: self.telemetry.calls(),
            settled: SettledFact { completed, failed, refunded },
            gauges: gauges.iter().map(|(name, value)| ((*name).to_owned(), gauge(value))).collect(),
            bounds: bounds.into_iter().map(|(name, bound)| (name.to_owned(), bound)).collect(),
            alerts: self.telemetry.alerts(),
            spans: self.telemetry.spans().facts(),
        })
    }
}

fn checked(kind: ServiceKind, stores: Stores) -> Stores {
    assert!(kind != ServiceKind::OrderApi || stores.orders.is_some(), "order-api needs a store of orders");
    assert!(
        kind != ServiceKind::PaymentService || stores.charges.is_some(),
        "payment-service needs a store of charges"
    );
    assert!(
        kind != ServiceKind::NotificationService || stores.notices.is_some(),
        "notification-service needs a store of notices"
    );
    stores
}
