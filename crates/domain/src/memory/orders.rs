//! Orders in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;

use crate::ids::OrderId;
use crate::order::Order;
use crate::ports::{OrderStore, StoreError};
use crate::state::{OrderEvent, OrderState};

/// An [`OrderStore`] in memory. See [`crate::memory`] for what survives what.
#[derive(Debug, Default)]
pub struct MemoryOrders {
    orders: Mutex<BTreeMap<OrderId, Order>>,
}

impl MemoryOrders {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OrderId, Order>> {
        self.orders.lock().expect("nothing panics while it holds this lock")
    }
}

#[async_trait]
impl OrderStore for MemoryOrders {
    async fn insert(&self, order: Order) -> Result<(), StoreError> {
        let mut orders = self.lock();
        if orders.contains_key(&order.order_id) {
            return Err(StoreError::Exists { id: order.order_id.to_string() });
        }
        orders.insert(order.order_id.clone(), order);
        Ok(())
    }

    async fn get(&self, id: &OrderId) -> Result<Option<Order>, StoreError> {
        Ok(self.lock().get(id).cloned())
    }

    async fn apply(&self, id: &OrderId, event: OrderEvent, at_us: u64) -> Result<Order, StoreError> {
        let mut orders = self.lock();
        let order = orders.get_mut(id).ok_or_else(|| StoreError::NotFound { id: id.to_string() })?;
        order.apply(event, at_us).map_err(|source| StoreError::Illegal { id: id.clone(), source })?;
        Ok(order.clone())
    }

    async fn totals(&self) -> Result<BTreeMap<OrderState, u64>, StoreError> {
        let mut totals = BTreeMap::new();
        for order in self.lock().values() {
            *totals.entry(order.state()).or_insert(0) += 1;
        }
        Ok(totals)
    }

    async fn all(&self) -> Result<Vec<Order>, StoreError> {
        Ok(self.lock().values().cloned().collect())
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
}
