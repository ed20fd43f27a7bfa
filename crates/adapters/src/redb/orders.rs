//! Orders: those in no final state in one table, which stays small, and those that are finished in another.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Message, Order, OrderEvent, OrderId, OrderState, OrderStore, StoreError};
use redb::{ReadTransaction, ReadableTable};
use std::collections::BTreeMap;

use super::batch::Batch;
use super::fault::Fault;
use super::job::Ask;
use super::store::RedbStore;
use super::tables::{FINAL_ORDERS, OPEN_ORDERS};
use super::view::order;

/// A new order, and what is told of it.
struct Insert {
    order: Order,
    messages: Vec<Message>,
}

/// An event that happens to an order, or events one after the other.
struct Apply {
    id: OrderId,
    what: What,
    at_us: u64,
}

enum What {
    /// As [`OrderStore::apply`].
    Event(OrderEvent),
    /// As [`OrderStore::advance`], all or none.
    Steps(Vec<OrderEvent>),
}

impl Ask for Insert {
    type Answer = ();

    fn run(self, batch: &mut Batch<'_>) -> Result<Result<(), StoreError>, Fault> {
        let Self { order, messages } = self;
        if exists(batch, &order.order_id)? {
            return Ok(Err(StoreError::Exists { id: order.order_id.to_string() }));
        }
        put(batch, None, order)?;
        for message in messages {
            super::outbox::append(batch, &message)?;
        }
        Ok(Ok(()))
    }
}

impl Ask for Apply {
    type Answer = Order;

    fn run(self, batch: &mut Batch<'_>) -> Result<Result<Order, StoreError>, Fault> {
        let Self { id, what, at_us } = self;
        let Some(before) = find(batch, &id)? else {
            return Ok(Err(StoreError::NotFound { id: id.to_string() }));
        };
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
        put(batch, Some(&before), order.clone())?;
        Ok(Ok(order))
    }
}

/// The order as this batch sees it, if it is in no final state or was changed in this batch.
fn in_memory(batch: &mut Batch<'_>, id: &OrderId) -> Option<Arc<Order>> {
    batch.changes.orders.get(id).cloned().or_else(|| batch.view.hot(id))
}

fn exists(batch: &mut Batch<'_>, id: &OrderId) -> Result<bool, Fault> {
    if in_memory(batch, id).is_some() || batch.final_orders()?.get(id.as_str())?.is_some() {
        return Ok(true);
    }
    Ok(batch.view.has_cold() && batch.open_orders()?.get(id.as_str())?.is_some())
}

fn find(batch: &mut Batch<'_>, id: &OrderId) -> Result<Option<Arc<Order>>, Fault> {
    if let Some(found) = in_memory(batch, id) {
        return Ok(Some(found));
    }
    if batch.view.has_cold()
        && let Some(json) = batch.open_orders()?.get(id.as_str())?
    {
        return order(id.as_str(), json.value()).map(|order| Some(Arc::new(order)));
    }
    let json = batch.final_orders()?.get(id.as_str())?;
    json.map(|json| order(id.as_str(), json.value()).map(Arc::new)).transpose()
}

/// Writes an order down, in the place where its state belongs.
fn put(batch: &mut Batch<'_>, before: Option<&Order>, order: Order) -> Result<(), Fault> {
    let id = order.order_id.clone();
    let json = serde_json::to_vec(&order).expect("an order has text keys only");
    if order.state().is_final() {
        if before.is_some_and(|before| !before.state().is_final()) {
            batch.open_orders()?.remove(id.as_str())?;
        }
        batch.final_orders()?.insert(id.as_str(), json.as_slice())?;
    } else {
        batch.open_orders()?.insert(id.as_str(), json.as_slice())?;
    }
    let changes = &mut batch.changes;
    let totals = &mut changes.counts.totals;
    if let Some(before) = before {
        *totals.entry(before.state()).or_insert(1) -= 1;
        changes.moved.push((before.updated_at_us, id.clone()));
    }
    *totals.entry(order.state()).or_insert(0) += 1;
    changes.wrote = true;
    changes.orders.insert(id, Arc::new(order));
    Ok(())
}

/// An order in the file.
fn read(snapshot: &ReadTransaction, id: &OrderId) -> Result<Option<Order>, Fault> {
    for table in [FINAL_ORDERS, OPEN_ORDERS] {
        if let Some(json) = snapshot.open_table(table)?.get(id.as_str())? {
            return order(id.as_str(), json.value()).map(Some);
        }
    }
    Ok(None)
}

fn read_all(snapshot: &ReadTransaction) -> Result<Vec<Order>, Fault> {
    let mut orders = Vec::new();
    for table in [FINAL_ORDERS, OPEN_ORDERS] {
        for entry in snapshot.open_table(table)?.iter()? {
            let (id, json) = entry?;
            orders.push(order(id.value(), json.value())?);
        }
    }
    orders.sort_by(|a, b| a.order_id.cmp(&b.order_id));
    Ok(orders)
}

#[async_trait]
impl OrderStore for RedbStore {
    async fn insert_with(&self, order: Order, messages: Vec<Message>) -> Result<(), StoreError> {
        self.ask(Insert { order, messages }).await
    }

    async fn get(&self, id: &OrderId) -> Result<Option<Order>, StoreError> {
        if let Some(order) = self.view().hot(id) {
            return Ok(Some(Order::clone(&order)));
        }
        self.read(|snapshot| read(snapshot, id))
    }

    async fn apply(&self, id: &OrderId, event: OrderEvent, at_us: u64) -> Result<Order, StoreError> {
        self.ask(Apply { id: id.clone(), what: What::Event(event), at_us }).await
    }

    async fn advance(&self, id: &OrderId, events: Vec<OrderEvent>, at_us: u64) -> Result<Order, StoreError> {
        self.ask(Apply { id: id.clone(), what: What::Steps(events), at_us }).await
    }

    async fn totals(&self) -> Result<BTreeMap<OrderState, u64>, StoreError> {
        let totals = self.view().counts().totals;
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
        self.read(read_all)
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.check_writing().await
    }
}
