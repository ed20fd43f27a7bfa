//! Each invariant fires: a bug is planted behind a port in a simulated world, and the whole way from there
//! (services, collector, ledger, campaign) has to find it. The same campaign without the bug finds nothing of
//! the kind, so that it is the bug that is found.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use domain::{
    Charge, ChargeId, ChargeStore, Message, Order, OrderEvent, OrderId, OrderState, OrderStore, StoreError,
    Voided,
    memory::{MemoryCharges, MemoryOrders},
};
use evidence::facts::Told;
use platform::{ServiceKind, ServiceState, Stores, Telemetry};

use super::*;
use crate::{
    runner::Silent,
    world::sim::{Disks, Inbox},
};

/// What is wrong with a store of orders.
#[derive(Clone, Copy, Debug, PartialEq)]
enum OrderBug {
    /// Forgets a completed order after having acknowledged it.
    Forgets,
    /// Acknowledges that an order failed, and does not write it down.
    LeavesOpen,
    /// Tells the customer of a completed order, and then once more.
    TellsTwice,
    /// Lets more orders be in work than the service's bound.
    WorksOnTooMany,
}

/// A store of orders with a bug that shows with every tenth order.
#[derive(Debug)]
struct BuggyOrders {
    store: MemoryOrders,
    bug: OrderBug,
    completed: AtomicU64,
    forgotten: Mutex<BTreeSet<OrderId>>,
    telemetry: Telemetry,
    inbox: Inbox,
}

#[async_trait]
impl OrderStore for BuggyOrders {
    async fn insert_with(&self, order: Order, messages: Vec<Message>) -> Result<(), StoreError> {
        if self.bug == OrderBug::WorksOnTooMany {
            let gauge = &self.telemetry.gauges()["in_flight"];
            let _too_many: Vec<_> = (0..1_000).map(|_| gauge.enter()).collect();
        }
        self.store.insert_with(order, messages).await
    }

    async fn get(&self, id: &OrderId) -> Result<Option<Order>, StoreError> {
        self.store.get(id).await
    }

    async fn apply(&self, id: &OrderId, event: OrderEvent, at_us: u64) -> Result<Order, StoreError> {
        if self.bug == OrderBug::LeavesOpen && matches!(event, OrderEvent::Failed { .. }) {
            let mut order = self.store.get(id).await?.expect("it was stored");
            order.apply(event, at_us).expect("it may fail");
            return Ok(order);
        }
        let order = self.store.apply(id, event, at_us).await?;
        if order.state() != OrderState::Completed || !self.completed.fetch_add(1, Relaxed).is_multiple_of(10)
        {
            return Ok(order);
        }
        match self.bug {
            OrderBug::Forgets => _ = self.forgotten.lock().expect("no panic").insert(id.clone()),
            OrderBug::TellsTwice => {
                let told = Told { order: id.to_string() };
                self.inbox.lock().expect("no panic").extend([told.clone(), told]);
            }
            OrderBug::LeavesOpen | OrderBug::WorksOnTooMany => {}
        }
        Ok(order)
    }

    async fn unfinished(&self, before_us: u64, limit: usize) -> Result<Vec<Order>, StoreError> {
        self.store.unfinished(before_us, limit).await
    }

    async fn unfinished_total(&self) -> Result<u64, StoreError> {
        self.store.unfinished_total().await
    }

    async fn totals(&self) -> Result<BTreeMap<OrderState, u64>, StoreError> {
        self.store.totals().await
    }

    async fn all(&self) -> Result<Vec<Order>, StoreError> {
        let mut orders = self.store.all().await?;
        let forgotten = self.forgotten.lock().expect("no panic");
        orders.retain(|order| !forgotten.contains(&order.order_id));
        Ok(orders)
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.store.check().await
    }
}

/// What is wrong with a store of charges.
#[derive(Clone, Copy, Debug, PartialEq)]
enum ChargeBug {
    /// Every tenth charge is booked twice.
    BooksTwice,
    /// Acknowledges that a key was voided, and charges under it all the same.
    ForgetsVoids,
}

/// A store of charges with a bug.
#[derive(Debug)]
struct BuggyCharges {
    store: MemoryCharges,
    bug: ChargeBug,
    recorded: AtomicU64,
}

#[async_trait]
impl ChargeStore for BuggyCharges {
    async fn record(&self, charge: Charge) -> Result<(), StoreError> {
        self.store.record(charge.clone()).await?;
        if self.bug == ChargeBug::BooksTwice && self.recorded.fetch_add(1, Relaxed).is_multiple_of(10) {
            let id = ChargeId::new(format!("{}-again", charge.id)).expect("a little longer");
            self.store.record(Charge { id, key: None, ..charge }).await?;
        }
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Charge>, StoreError> {
        self.store.get(key).await
    }

    async fn void(&self, key: &str) -> Result<Voided, StoreError> {
        match self.bug {
            ChargeBug::ForgetsVoids if self.store.get(key).await?.is_none() => Ok(Voided::Tombstone),
            _ => self.store.void(key).await,
        }
    }

    async fn refund(&self, key: &str, at_us: u64) -> Result<Charge, StoreError> {
        self.store.refund(key, at_us).await
    }

    async fn all(&self) -> Result<Vec<Charge>, StoreError> {
        self.store.all().await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.store.check().await
    }
}

/// A world whose order-api has a buggy store.
fn with_orders(bug: OrderBug) -> impl Fn() -> Wiring + Sync {
    move || {
        let inbox = Inbox::default();
        let customers = Inbox::clone(&inbox);
        let state = move |kind: ServiceKind| {
            let state = ServiceState::new(kind);
            let stores = state.stores().clone();
            let Some(_orders) = &stores.orders else { return state };
            let store = BuggyOrders {
                store: MemoryOrders::new(),
                bug,
                completed: AtomicU64::default(),
                forgotten: Mutex::default(),
                telemetry: state.telemetry().clone(),
                inbox: Inbox::clone(&customers),
            };
            state.with_stores(Stores { orders: Some(Arc::new(store)), ..stores })
        };
        Wiring { state: Arc::new(state), inbox, ..Wiring::default() }
    }
}

/// A world whose payment-service has a buggy store.
fn with_charges(bug: ChargeBug) -> impl Fn() -> Wiring + Sync {
    move || {
        let state = move |kind: ServiceKind| {
            let stores = Stores::in_memory(kind);
            let bugs = |_own| {
                let store = MemoryCharges::new();
                Arc::new(BuggyCharges { store, bug, recorded: AtomicU64::default() }) as _
            };
            ServiceState::on(kind, Stores { charges: stores.charges.map(bugs), ..stores })
        };
        Wiring { state: Arc::new(state), ..Wiring::default() }
    }
}

const DESIGN: &str = "v1.0.0";
const SEEDS: RangeInclusive<u64> = 1..=6;

/// The invariants that a campaign finds broken.
fn broken(wiring: &(dyn Fn() -> Wiring + Sync)) -> BTreeSet<Invariant> {
    broken_in(SEEDS, wiring)
}

fn broken_in(seeds: RangeInclusive<u64>, wiring: &(dyn Fn() -> Wiring + Sync)) -> BTreeSet<Invariant> {
    let options = VerifyOptions::new(vec![DESIGN.to_owned()], seeds);
    let campaign = campaign(&options, wiring, &Silent).expect("a campaign");
    let broken = campaign.designs[0].broken.iter().filter(|(_, schedules)| **schedules > 0);
    broken.map(|(invariant, _)| *invariant).collect()
}

#[test]
fn without_a_bug_nothing_is_found() {
    assert_eq!(broken(&Wiring::default), [].into());
    assert_eq!(broken(&Wiring::on_disks), [].into());
}

#[test]
fn a_disk_that_says_too_early_that_something_is_durable_loses_an_acknowledged_order() {
    // Whatever was answered is lost with the last loss of power: any schedule will do.
    let broken = broken_in(1..=1, &|| Wiring { disks: Disks::Lying, ..Wiring::default() });
    assert!(broken.contains(&Invariant::Lost), "{broken:?}");
}

#[test]
fn a_store_that_forgets_an_acknowledged_order_loses_it() {
    let broken = broken(&with_orders(OrderBug::Forgets));
    assert!(broken.contains(&Invariant::Lost), "{broken:?}");
}

#[test]
fn a_charge_that_is_booked_twice_is_a_double_charge() {
    let broken = broken(&with_charges(ChargeBug::BooksTwice));
    assert!(broken.contains(&Invariant::DoubleCharged), "{broken:?}");
}

#[test]
fn a_void_that_is_forgotten_leaves_a_ghost_charge() {
    let broken = broken(&with_charges(ChargeBug::ForgetsVoids));
    assert_eq!(broken, [Invariant::GhostCharged].into());
}

#[test]
fn a_failure_that_is_not_written_down_leaves_an_order_stuck() {
    let broken = broken(&with_orders(OrderBug::LeavesOpen));
    assert!(broken.contains(&Invariant::Stuck), "{broken:?}");
}

#[test]
fn a_notice_that_is_sent_twice_is_found() {
    assert_eq!(broken(&with_orders(OrderBug::TellsTwice)), [Invariant::DuplicateNotified].into());
}

#[test]
fn a_gauge_above_its_bound_is_found() {
    assert_eq!(broken(&with_orders(OrderBug::WorksOnTooMany)), [Invariant::BoundsExceeded].into());
}
