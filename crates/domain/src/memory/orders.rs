//! Orders and their outbox in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;

use crate::ids::OrderId;
use crate::order::Order;
use crate::outbox::{Message, OutboxMessage};
use crate::ports::{OrderStore, Outbox, StoreError};
use crate::state::{IllegalTransition, OrderEvent, OrderState};

/// An [`OrderStore`] and its [`Outbox`] in memory. See [`crate::memory`] for what survives what.
#[derive(Debug, Default)]
pub struct MemoryOrders {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    orders: BTreeMap<OrderId, Order>,
    /// Those in no final state, by when they last moved.
    unfinished: BTreeSet<(u64, OrderId)>,
    /// Messages that are not sent, by sequence.
    pending: BTreeMap<u64, Message>,
    last_sequence: u64,
}

impl MemoryOrders {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panics while it holds this lock")
    }

    /// Changes an order, unless that is illegal; then it is as it was.
    fn change(
        &self,
        id: &OrderId,
        change: impl FnOnce(&mut Order) -> Result<(), IllegalTransition>,
    ) -> Result<Order, StoreError> {
        let mut inner = self.lock();
        let Inner { orders, unfinished, .. } = &mut *inner;
        let stored = orders.get_mut(id).ok_or_else(|| StoreError::NotFound { id: id.to_string() })?;
        let mut order = stored.clone();
        change(&mut order).map_err(|source| StoreError::Illegal { id: id.clone(), source })?;
        unfinished.remove(&(stored.updated_at_us, id.clone()));
        if !order.state().is_final() {
            unfinished.insert((order.updated_at_us, id.clone()));
        }
        *stored = order.clone();
        Ok(order)
    }
}

#[async_trait]
impl OrderStore for MemoryOrders {
    async fn insert_with(&self, order: Order, messages: Vec<Message>) -> Result<(), StoreError> {
        let mut inner = self.lock();
        if inner.orders.contains_key(&order.order_id) {
            return Err(StoreError::Exists { id: order.order_id.to_string() });
        }
        if !order.state().is_final() {
            inner.unfinished.insert((order.updated_at_us, order.order_id.clone()));
        }
        inner.orders.insert(order.order_id.clone(), order);
        for message in messages {
            inner.last_sequence += 1;
            let sequence = inner.last_sequence;
            inner.pending.insert(sequence, message);
        }
        Ok(())
    }

    async fn get(&self, id: &OrderId) -> Result<Option<Order>, StoreError> {
        Ok(self.lock().orders.get(id).cloned())
    }

    async fn apply(&self, id: &OrderId, event: OrderEvent, at_us: u64) -> Result<Order, StoreError> {
        self.change(id, |order| order.apply(event, at_us))
    }

    async fn advance(&self, id: &OrderId, events: Vec<OrderEvent>, at_us: u64) -> Result<Order, StoreError> {
        self.change(id, |order| order.advance(events, at_us))
    }

    async fn totals(&self) -> Result<BTreeMap<OrderState, u64>, StoreError> {
        let mut totals = BTreeMap::new();
        for order in self.lock().orders.values() {
            *totals.entry(order.state()).or_insert(0) += 1;
        }
        Ok(totals)
    }

    async fn unfinished(&self, before_us: u64, limit: usize) -> Result<Vec<Order>, StoreError> {
        let inner = self.lock();
        let old = inner.unfinished.iter().take_while(|(moved_at_us, _)| *moved_at_us < before_us);
        Ok(old.take(limit).filter_map(|(_, id)| inner.orders.get(id)).cloned().collect())
    }

    async fn unfinished_total(&self) -> Result<u64, StoreError> {
        Ok(self.lock().unfinished.len() as u64)
    }

    async fn all(&self) -> Result<Vec<Order>, StoreError> {
        Ok(self.lock().orders.values().cloned().collect())
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl Outbox for MemoryOrders {
    async fn pending(&self, after: u64, limit: usize) -> Result<Vec<OutboxMessage>, StoreError> {
        let inner = self.lock();
        let above = inner.pending.range((Bound::Excluded(after), Bound::Unbounded));
        let message = |(sequence, message): (&u64, &Message)| OutboxMessage {
            sequence: *sequence,
            message: message.clone(),
        };
        Ok(above.take(limit).map(message).collect())
    }

    async fn mark_sent(&self, sequences: &[u64]) -> Result<(), StoreError> {
        let mut inner = self.lock();
        for sequence in sequences {
            inner.pending.remove(sequence);
        }
        Ok(())
    }

    async fn pending_total(&self) -> Result<u64, StoreError> {
        Ok(self.lock().pending.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::contract;

    #[tokio::test]
    async fn keeps_the_contract_of_an_order_store() {
        contract::order_store(|| Arc::new(MemoryOrders::new())).await;
    }

    #[tokio::test]
    async fn keeps_the_contract_of_an_outbox() {
        contract::outbox(|| {
            let store = Arc::new(MemoryOrders::new());
            (Arc::clone(&store) as _, store as _)
        })
        .await;
    }
}
