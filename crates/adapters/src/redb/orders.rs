//! Orders: in the tables, those in no final state in one, which stays small, and those that are finished in another.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use domain::{ChargeId, Message, Order, OrderEvent, OrderId, OrderState, OrderStore, StoreError};
use redb::ReadableTable;

use super::batch::Batch;
use super::charges;
use super::fault::Fault;
use super::job::Ask;
use super::overlay::{Bytes, Overlay, StoredOrder};
use super::row::Row;
use super::snapshot::Snapshot;
use super::store::RedbStore;
use super::view::{Below, order};

/// A new order, and what is told of it.
struct Insert {
    order: Order,
    messages: Vec<Message>,
}

/// A new order whose id was drawn: whether that is taken is not looked up.
struct InsertDrawn(Order);

/// An event that happens to an order, or events one after the other.
struct Apply {
    id: OrderId,
    what: What,
    at_us: u64,
    /// Whether the charge that pays it has to be here ([`RedbStore::with_both`]).
    has_charges: bool,
}

enum What {
    /// As [`OrderStore::apply`].
    Event(OrderEvent),
    /// As [`OrderStore::advance`], all or none.
    Steps(Vec<OrderEvent>),
}

impl What {
    /// The charge that pays the order, if this says that it is paid.
    fn charge(&self) -> Option<&ChargeId> {
        let events = match self {
            Self::Event(event) => std::slice::from_ref(event),
            Self::Steps(events) => events,
        };
        events.iter().find_map(|event| match event {
            OrderEvent::PaymentSucceeded { charge_id } => Some(charge_id),
            _ => None,
        })
    }
}

impl Ask for Insert {
    type Answer = ();

    fn run(self, batch: &mut Batch<'_>) -> Result<Result<(), StoreError>, Fault> {
        let Self { order, messages } = self;
        if exists(batch, &order.order_id)? {
            return Ok(Err(StoreError::Exists { id: order.order_id.to_string() }));
        }
        put(batch, None, order);
        for message in messages {
            super::outbox::append(batch, message);
        }
        Ok(Ok(()))
    }
}

impl Ask for InsertDrawn {
    type Answer = ();

    fn run(self, batch: &mut Batch<'_>) -> Result<Result<(), StoreError>, Fault> {
        put(batch, None, self.0);
        Ok(Ok(()))
    }
}

impl Ask for Apply {
    type Answer = Order;

    fn run(self, batch: &mut Batch<'_>) -> Result<Result<Order, StoreError>, Fault> {
        let Self { id, what, at_us, has_charges } = self;
        let Some(before) = find(batch, &id)? else {
            return Ok(Err(StoreError::NotFound { id: id.to_string() }));
        };
        if let Some(charge_id) = what.charge().filter(|_| has_charges)
            && !charges::exists(batch, charge_id)?
        {
            return Ok(Err(StoreError::NotFound { id: charge_id.to_string() }));
        }
        let mut order = Order::clone(&before);
        let changed = match what {
            What::Event(event) => order.apply(event, at_us),
            What::Steps(events) => order.advance(events, at_us),
        };
        if let Err(source) = changed {
            return Ok(Err(StoreError::Illegal { id, source }));
        }
        if order == *before {
            return Ok(Ok(order));
        }
        put(batch, Some(&before), order.clone());
        Ok(Ok(order))
    }
}

/// The order as this batch sees it, if it was changed in it or is kept in memory whole.
fn in_memory(batch: &Batch<'_>, id: &OrderId) -> Option<Arc<Order>> {
    batch.changes.orders.get(id).cloned().or_else(|| batch.view.hot(id))
}

/// The order as it is stored. Where to look first is for the caller to know.
fn stored(snapshot: &Snapshot, id: &OrderId, is_open_possible: bool) -> Result<Option<Bytes>, Fault> {
    if let Some(json) = snapshot.final_orders.get(id.as_str())? {
        return Ok(Some(json.value().into()));
    }
    if !is_open_possible {
        return Ok(None);
    }
    Ok(snapshot.open_orders.get(id.as_str())?.map(|json| json.value().into()))
}

fn overlaid(overlay: &Overlay, id: &OrderId) -> Option<Bytes> {
    overlay.orders.get(id).map(|order| Arc::clone(&order.json))
}

/// Whether there is such an order.
pub(super) fn exists(batch: &Batch<'_>, id: &OrderId) -> Result<bool, Fault> {
    if in_memory(batch, id).is_some() {
        return Ok(true);
    }
    let is_there = batch.find(
        |overlay| overlay.orders.contains_key(id).then_some(()),
        |snapshot| stored(snapshot, id, batch.view.has_cold()).map(|json| json.map(drop)),
    )?;
    Ok(is_there.is_some())
}

fn find(batch: &Batch<'_>, id: &OrderId) -> Result<Option<Arc<Order>>, Fault> {
    if let Some(found) = in_memory(batch, id) {
        return Ok(Some(found));
    }
    let json = batch
        .find(|overlay| overlaid(overlay, id), |snapshot| stored(snapshot, id, batch.view.has_cold()))?;
    json.map(|json| order(id.as_str(), &json).map(Arc::new)).transpose()
}

/// An order is like this from now on.
fn put(batch: &mut Batch<'_>, before: Option<&Order>, order: Order) {
    let id = order.order_id.clone();
    let changes = &mut batch.changes;
    let totals = &mut changes.counts.numbers.totals;
    if let Some(before) = before {
        *totals.entry(before.state()).or_insert(1) -= 1;
        changes.moved.push((before.updated_at_us, id.clone()));
    }
    *totals.entry(order.state()).or_insert(0) += 1;
    changes.orders.insert(id, Arc::new(order));
}

/// An order as it is stored.
pub(super) fn row(order: &Order) -> Row {
    let json = serde_json::to_vec(order).expect("an order has text keys only").into();
    let is_final = order.state().is_final();
    Row::Order { id: order.order_id.clone(), order: StoredOrder { is_final, json } }
}

/// Every order, as it is stored, by id.
fn read_all(above: &BTreeMap<OrderId, StoredOrder>, below: &Below) -> Result<Vec<Order>, Fault> {
    let frozen = below.frozen.as_deref().map(|frozen| &frozen.overlay.orders);
    let levels: Vec<_> = std::iter::once(above).chain(frozen).collect();
    let mut orders = BTreeMap::new();
    for table in [&below.snapshot.open_orders, &below.snapshot.final_orders] {
        for entry in table.iter()? {
            let (id, json) = entry?;
            let order = order(id.value(), json.value())?;
            orders.insert(order.order_id.clone(), order);
        }
    }
    for (id, stored) in levels.into_iter().rev().flatten() {
        orders.insert(id.clone(), order(id.as_str(), &stored.json)?);
    }
    Ok(orders.into_values().collect())
}

impl RedbStore {
    async fn move_on(&self, id: &OrderId, what: What, at_us: u64) -> Result<Order, StoreError> {
        self.ask(Apply { id: id.clone(), what, at_us, has_charges: self.has_both() }).await
    }
}

#[async_trait]
impl OrderStore for RedbStore {
    async fn insert_with(&self, order: Order, messages: Vec<Message>) -> Result<(), StoreError> {
        self.ask(Insert { order, messages }).await
    }

    async fn insert_ahead(&self, order: Order) -> Result<(), StoreError> {
        if self.has_both() { self.ask_ahead(InsertDrawn(order)).await } else { self.insert(order).await }
    }

    async fn get(&self, id: &OrderId) -> Result<Option<Order>, StoreError> {
        if let Some(order) = self.view().hot(id) {
            return Ok(Some(Order::clone(&order)));
        }
        let json =
            self.view().find(|overlay| overlaid(overlay, id), |snapshot| stored(snapshot, id, true))?;
        json.map(|json| self.readable(order(id.as_str(), &json))).transpose()
    }

    async fn apply(&self, id: &OrderId, event: OrderEvent, at_us: u64) -> Result<Order, StoreError> {
        self.move_on(id, What::Event(event), at_us).await
    }

    async fn advance(&self, id: &OrderId, events: Vec<OrderEvent>, at_us: u64) -> Result<Order, StoreError> {
        self.move_on(id, What::Steps(events), at_us).await
    }

    async fn totals(&self) -> Result<BTreeMap<OrderState, u64>, StoreError> {
        let totals = self.view().counts().numbers.totals;
        Ok(totals.into_iter().filter(|(_, total)| *total > 0).collect())
    }

    async fn unfinished(&self, before_us: u64, limit: usize) -> Result<Vec<Order>, StoreError> {
        let mut orders = Vec::new();
        for id in self.view().unfinished(before_us, limit) {
            // It may have been finished since.
            orders.extend(self.get(&id).await?.filter(|order| !order.state().is_final()));
        }
        Ok(orders)
    }

    async fn unfinished_total(&self) -> Result<u64, StoreError> {
        Ok(self.view().unfinished_total())
    }

    async fn all(&self) -> Result<Vec<Order>, StoreError> {
        let (above, below) = self.view().capture(|active| active.orders.clone())?;
        self.readable(read_all(&above, &below))
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.check_writing().await
    }
}
