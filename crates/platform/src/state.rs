//! What outlives a service's process: its stores, its measurements, and the hand that breaks it.
//!
//! A service is started from this and can be started from it again: tasks, sockets and queues are new,
//! what was committed is still there. Until stores are durable, that is the stated assumption.

use std::num::NonZeroUsize;
use std::sync::Arc;

use domain::memory::{MemoryCharges, MemoryOrders};
use domain::{ChargeStore, OrderStore, StoreError};
use resilience::idempotency::MemoryRecords;

use crate::facts::{ChargeFact, GaugeFact, OrderFact, ServiceFacts, SettledFact};
use crate::hardship::HardshipControl;
use crate::kind::ServiceKind;
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

    /// The state of each service, from the edge inwards.
    #[must_use]
    pub const fn services(&self) -> &[ServiceState] {
        &self.services
    }

    /// The state of one service.
    #[must_use]
    pub fn service(&self, kind: ServiceKind) -> &ServiceState {
        self.services.iter().find(|service| service.kind() == kind).expect("a platform has every service")
    }
}

/// What outlives a service's process. Clones share it.
#[derive(Clone, Debug)]
pub struct ServiceState {
    orders: Option<Arc<dyn OrderStore>>,
    charges: Option<Arc<dyn ChargeStore>>,
    records: Arc<MemoryRecords>,
    telemetry: Telemetry,
    hardship: HardshipControl,
}

impl ServiceState {
    /// The state of a service that never ran.
    #[must_use]
    pub fn new(kind: ServiceKind) -> Self {
        Self {
            orders: (kind == ServiceKind::OrderApi).then(|| Arc::new(MemoryOrders::new()) as _),
            charges: (kind == ServiceKind::PaymentService).then(|| Arc::new(MemoryCharges::new()) as _),
            records: Arc::new(MemoryRecords::new(RECORDS_MAX)),
            telemetry: Telemetry::new(kind),
            hardship: HardshipControl::default(),
        }
    }

    /// The same with another store of orders. A service that has none ignores it.
    #[must_use]
    pub fn with_orders(mut self, store: Arc<dyn OrderStore>) -> Self {
        self.orders = self.orders.map(|_own| store);
        self
    }

    /// The same with another store of charges. A service that has none ignores it.
    #[must_use]
    pub fn with_charges(mut self, store: Arc<dyn ChargeStore>) -> Self {
        self.charges = self.charges.map(|_own| store);
        self
    }

    /// Whose state it is.
    #[must_use]
    pub fn kind(&self) -> ServiceKind {
        self.telemetry.kind()
    }

    /// The orders; only order-api has them.
    #[must_use]
    pub const fn orders(&self) -> Option<&Arc<dyn OrderStore>> {
        self.orders.as_ref()
    }

    /// The charges; only payment-service has them.
    #[must_use]
    pub const fn charges(&self) -> Option<&Arc<dyn ChargeStore>> {
        self.charges.as_ref()
    }

    /// The idempotency keys, for designs that heed them.
    pub(crate) const fn records(&self) -> &Arc<MemoryRecords> {
        &self.records
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
        let orders = match &self.orders {
            Some(store) => store.all().await?,
            None => Vec::new(),
        };
        let charges = match &self.charges {
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
            calls: self.telemetry.calls(),
            settled: SettledFact { completed, failed, refunded },
            gauges: gauges.iter().map(|(name, value)| ((*name).to_owned(), gauge(value))).collect(),
            bounds: bounds.into_iter().map(|(name, bound)| (name.to_owned(), bound)).collect(),
            alerts: self.telemetry.alerts(),
            spans: self.telemetry.spans().facts(),
        })
    }
}
