//! Stores that keep only what is in work: what a service costs without a store. For measuring, and for nothing else:
//! a finished order cannot be read any more, and no charge is remembered, neither by its key nor for a refund.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;

use crate::charge::{Charge, Voided};
use crate::ids::OrderId;
use crate::order::Order;
use crate::outbox::Message;
use crate::ports::{ChargeStore, OrderStore, StoreError};
use crate::state::{OrderEvent, OrderState};

/// An [`OrderStore`] that forgets an order when it is finished. Totals are kept. Messages are dropped.
#[derive(Debug, Default)]
pub struct ForgetfulOrders {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    in_work: BTreeMap<OrderId, Order>,
    finished: BTreeMap<OrderState, u64>,
}

impl ForgetfulOrders {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panics while it holds this lock")
    }
}

#[async_trait]
impl OrderStore for ForgetfulOrders {
    async fn insert_with(&self, order: Order, _messages: Vec<Message>) -> Result<(), StoreError> {
        let mut inner = self.lock();
        if inner.in_work.contains_key(&order.order_id) {
            return Err(StoreError::Exists { id: order.order_id.to_string() });
        }
        inner.in_work.insert(order.order_id.clone(), order);
        Ok(())
    }

    async fn get(&self, id: &OrderId) -> Result<Option<Order>, StoreError> {
        Ok(self.lock().in_work.get(id).cloned())
    }

    async fn apply(&self, id: &OrderId, event: OrderEvent, at_us: u64) -> Result<Order, StoreError> {
        let mut inner = self.lock();
        let order = inner.in_work.get_mut(id).ok_or_else(|| StoreError::NotFound { id: id.to_string() })?;
        order.apply(event, at_us).map_err(|source| StoreError::Illegal { id: id.clone(), source })?;
        if !order.state().is_final() {
            return Ok(order.clone());
        }
        let order = inner.in_work.remove(id).expect("it was found just now");
        *inner.finished.entry(order.state()).or_default() += 1;
        Ok(order)
    }

    async fn totals(&self) -> Result<BTreeMap<OrderState, u64>, StoreError> {
        let inner = self.lock();
        let mut totals = inner.finished.clone();
        for order in inner.in_work.values() {
            *totals.entry(order.state()).or_default() += 1;
        }
        Ok(totals)
    }

    async fn unfinished(&self, before_us: u64, limit: usize) -> Result<Vec<Order>, StoreError> {
        let inner = self.lock();
        let old = inner.in_work.values().filter(|order| order.updated_at_us < before_us);
        let by_age: BTreeSet<_> = old.map(|order| (order.updated_at_us, &order.order_id)).collect();
        Ok(by_age.into_iter().take(limit).filter_map(|(_, id)| inner.in_work.get(id)).cloned().collect())
    }

    async fn unfinished_total(&self) -> Result<u64, StoreError> {
        Ok(self.lock().in_work.len() as u64)
    }

    async fn all(&self) -> Result<Vec<Order>, StoreError> {
        Ok(self.lock().in_work.values().cloned().collect())
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A [`ChargeStore`] that remembers nothing.
#[derive(Debug, Default)]
pub struct ForgetfulCharges(());

#[async_trait]
impl ChargeStore for ForgetfulCharges {
    async fn record(&self, _charge: Charge) -> Result<(), StoreError> {
        Ok(())
    }

    async fn get(&self, _key: &str) -> Result<Option<Charge>, StoreError> {
        Ok(None)
    }

    async fn void(&self, _key: &str) -> Result<Voided, StoreError> {
        Ok(Voided::Tombstone)
    }

    async fn refund(&self, key: &str, _at_us: u64) -> Result<Charge, StoreError> {
        Err(StoreError::NotFound { id: key.to_owned() })
    }

    async fn all(&self) -> Result<Vec<Charge>, StoreError> {
        Ok(Vec::new())
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ChargeId;
    use crate::new_order::NewOrder;

    #[tokio::test]
    async fn a_finished_order_is_counted_and_forgotten() {
        let store = ForgetfulOrders::default();
        let id = OrderId::new("o-1").expect("a valid id");
        let body = br#"{"customer_id":"c1","items":[{"product_id":"PIZZA-1","quantity":2,"price":9.50}]}"#;
        let order = NewOrder::parse(body).expect("a valid order").place(|| id.clone(), 1_000);
        store.insert(order.clone()).await.expect("the id is free");
        assert_eq!(store.get(&id).await, Ok(Some(order)));
        assert_eq!(store.unfinished(2_000, 9).await.expect("the store is there").len(), 1);
        store.apply(&id, OrderEvent::PaymentStarted, 2_000).await.expect("it is placed");
        let charge_id = ChargeId::new("ch-1").expect("a valid id");
        let paid = store.apply(&id, OrderEvent::PaymentSucceeded { charge_id }, 3_000).await;
        assert_eq!(paid.expect("it is paying").state(), OrderState::Completed);
        assert_eq!(store.get(&id).await, Ok(None));
        assert_eq!(store.totals().await, Ok([(OrderState::Completed, 1)].into()));
        assert_eq!(store.unfinished_total().await, Ok(0));
    }
}
