//! The ports: what the services need of their stores.
//!
//! `async_trait` and `Arc<dyn …>`, because an adapter is picked at run time. Each method is atomic: it
//! happened wholly or not at all, also when two callers meet. An adapter proves that with the suites in
//! [`crate::contract`].

use std::collections::BTreeMap;
use std::fmt::Debug;

use async_trait::async_trait;
use thiserror::Error;

use crate::charge::{Charge, Voided};
use crate::ids::OrderId;
use crate::notice::Notice;
use crate::order::Order;
use crate::outbox::{Message, OutboxMessage};
use crate::state::{IllegalTransition, OrderEvent, OrderState};

/// Where order-api keeps its orders.
#[async_trait]
pub trait OrderStore: Debug + Send + Sync {
    /// Stores a new order.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when the id is taken; what stands there stays.
    async fn insert(&self, order: Order) -> Result<(), StoreError> {
        self.insert_with(order, Vec::new()).await
    }

    /// Stores a new order together with what others are to be told of it: both, or neither. The messages
    /// stand in the store's [`Outbox`] then, in this order.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when the order's id is taken; what stands there stays.
    async fn insert_with(&self, order: Order, messages: Vec<Message>) -> Result<(), StoreError>;

    /// Stores a new order under an id that was just drawn, ahead of what is done about it: it may return before the order
    /// is durable. The order is durable when any change is that was asked for after it, here or of the charges, if both
    /// are kept in one log; a store that cannot promise that returns when the order is durable. Nobody may be told of the
    /// order before a later change has returned.
    ///
    /// # Errors
    /// As [`OrderStore::insert`]. Without one the store may still fail before the order is durable: then whatever is to
    /// happen to it later ends as [`StoreError::NotFound`].
    async fn insert_ahead(&self, order: Order) -> Result<(), StoreError> {
        self.insert(order).await
    }

    /// The order, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] only.
    async fn get(&self, id: &OrderId) -> Result<Option<Order>, StoreError>;

    /// Lets an event happen to an order, and returns the order after it. Atomic: of two racing events
    /// that exclude each other exactly one wins.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Illegal`] when the state machine forbids it, and nothing changed.
    async fn apply(&self, id: &OrderId, event: OrderEvent, at_us: u64) -> Result<Order, StoreError>;

    /// Brings an order to where these events lead one after the other, and returns it after them. An event that cannot
    /// happen is left out when the order has it behind it ([`Order::is_behind`]): so all of it may be said again, and has
    /// to be after an error, which may come between two events.
    ///
    /// # Errors
    /// As [`OrderStore::apply`] for each event.
    async fn advance(&self, id: &OrderId, events: Vec<OrderEvent>, at_us: u64) -> Result<Order, StoreError> {
        let mut order = self.get(id).await?.ok_or_else(|| StoreError::NotFound { id: id.to_string() })?;
        for event in events {
            if order.is_behind(&event) {
                continue;
            }
            order = match self.apply(id, event.clone(), at_us).await {
                Ok(order) => order,
                Err(illegal @ StoreError::Illegal { .. }) => match self.get(id).await? {
                    // Somebody else was faster.
                    Some(order) if order.is_behind(&event) => order,
                    _ => return Err(illegal),
                },
                Err(error) => return Err(error),
            };
        }
        Ok(order)
    }

    /// How many orders stand in each state. A state without orders is absent.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] only.
    async fn totals(&self) -> Result<BTreeMap<OrderState, u64>, StoreError>;

    /// Orders in no final state that last moved before an instant, those that have waited longest first, at
    /// most `limit` of them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] only.
    async fn unfinished(&self, before_us: u64, limit: usize) -> Result<Vec<Order>, StoreError>;

    /// How many orders are in no final state.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] only.
    async fn unfinished_total(&self) -> Result<u64, StoreError>;

    /// Every order, by id ascending. For the ledger, not for requests.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] only.
    async fn all(&self) -> Result<Vec<Order>, StoreError>;

    /// Whether the store can serve right now. Changes nothing that anybody could read.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot: reading or writing would fail, as far as it knows.
    async fn check(&self) -> Result<(), StoreError>;
}

/// Messages that were committed together with an order ([`OrderStore::insert_with`]) and are not sent yet.
/// It belongs to the same store as the orders.
#[async_trait]
pub trait Outbox: Debug + Send + Sync {
    /// The messages that are not sent and whose sequence is above `after`, ascending, at most `limit` of them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] only.
    async fn pending(&self, after: u64, limit: usize) -> Result<Vec<OutboxMessage>, StoreError>;

    /// These need not be sent any more. Idempotent: what is not there is ignored.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] only.
    async fn mark_sent(&self, sequences: &[u64]) -> Result<(), StoreError>;

    /// How many messages are not sent.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] only.
    async fn pending_total(&self) -> Result<u64, StoreError>;
}

/// Where payment keeps the charges that succeeded.
#[async_trait]
pub trait ChargeStore: Debug + Send + Sync {
    /// Stores a successful charge.
    ///
    /// # Errors
    /// [`StoreError::Voided`] when its key was voided; [`StoreError::Exists`] when its id or its key is taken.
    async fn record(&self, charge: Charge) -> Result<(), StoreError>;

    /// Stores a successful charge without a key, under an id that was just drawn, for somebody who has the outcome
    /// written down in the same log: it may return before the charge is durable, as [`OrderStore::insert_ahead`] may. The
    /// charge of an order that is not there is not stored, and no order is paid by a charge that is not there.
    ///
    /// # Errors
    /// As [`ChargeStore::record`]. Without one the store may still fail before the charge is durable: then the order is
    /// not paid by it, and the attempt ends as [`StoreError::NotFound`].
    async fn record_ahead(&self, charge: Charge) -> Result<(), StoreError> {
        self.record(charge).await
    }

    /// The charge with this id, or else with this idempotency key.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] only.
    async fn get(&self, key: &str) -> Result<Option<Charge>, StoreError>;

    /// Makes sure that nothing is charged under this key from now on, or tells that it was already. Idempotent.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] only.
    async fn void(&self, key: &str) -> Result<Voided, StoreError>;

    /// Gives the money of a charge back, once: refunding again changes nothing and returns the same.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without such a charge.
    async fn refund(&self, key: &str, at_us: u64) -> Result<Charge, StoreError>;

    /// Every charge, by id ascending. For the ledger, not for requests.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] only.
    async fn all(&self) -> Result<Vec<Charge>, StoreError>;

    /// Whether the store can serve right now. Changes nothing that anybody could read.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot: reading or writing would fail, as far as it knows.
    async fn check(&self) -> Result<(), StoreError>;
}

/// Where notification-service keeps what it told customers.
#[async_trait]
pub trait NoticeStore: Debug + Send + Sync {
    /// Stores a notice, and says whether it is new: one of the same id changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] only.
    async fn record(&self, notice: Notice) -> Result<bool, StoreError>;

    /// Every notice, by id ascending. For the ledger, not for requests.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] only.
    async fn all(&self) -> Result<Vec<Notice>, StoreError>;

    /// Whether the store can serve right now. Changes nothing that anybody could read.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot: reading or writing would fail, as far as it knows.
    async fn check(&self) -> Result<(), StoreError>;
}

/// Why a store did not do what it was asked. It says itself whether asking again helps
/// ([`StoreError::is_retryable`]) and whether it may have been done all the same ([`StoreError::effect`]).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The id or the key is taken.
    #[error("{id} exists already")]
    Exists {
        /// What is taken.
        id: String,
    },
    /// There is nothing of that name.
    #[error("{id} does not exist")]
    NotFound {
        /// What was looked for.
        id: String,
    },
    /// The state machine forbids it.
    #[error("the order {id} does not allow it")]
    Illegal {
        /// The order.
        id: OrderId,
        /// What cannot happen, and in which state.
        source: IllegalTransition,
    },
    /// The key was voided: nothing may be charged under it any more.
    #[error("the key {key} was voided")]
    Voided {
        /// The key.
        key: String,
    },
    /// The store could not be reached, or did not answer.
    #[error("the store is unavailable: {detail}")]
    Unavailable {
        /// For people.
        detail: String,
        /// Whether the call may have been carried out.
        effect: Effect,
    },
}

/// Whether a failed call may have done what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It certainly changed nothing.
    None,
    /// Nobody can tell without looking.
    Unknown,
}

impl StoreError {
    /// Whether the same call may succeed later. It does not say that repeating it is safe: see [`StoreError::effect`].
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// Whether the call may have changed something.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        match self {
            Self::Unavailable { effect, .. } => *effect,
            Self::Exists { .. } | Self::NotFound { .. } | Self::Illegal { .. } | Self::Voided { .. } => {
                Effect::None
            }
        }
    }
}
