//! Orders, money and charges: what the platform is about, without how it runs.
//!
//! Nothing here knows HTTP, a network or a database, and nothing but the broker in memory waits. What comes from outside is parsed once
//! into types that cannot be wrong ([`NewOrder`], [`Money`], the ids); an order changes its state only
//! through the pure function [`transition`]; stores are ports ([`OrderStore`], [`ChargeStore`], [`NoticeStore`],
//! [`Outbox`]) with a contract suite each ([`contract`]) that every adapter has to pass, beginning with [`memory`]; so is
//! whatever carries events ([`broker`]).
//!
//! Units: money is integer minor units (cents); instants are microseconds on the run's own timeline
//! and end in `_us`.

pub mod broker;
pub mod contract;
pub mod event;
pub mod memory;

mod charge;
mod ids;
mod money;
mod new_order;
mod notice;
mod order;
mod outbox;
mod ports;
mod state;
mod wire;

pub use charge::{Charge, Voided};
pub use ids::{ChargeId, CustomerId, EventId, InvalidId, OrderId, ProductId};
pub use money::{Currency, Money, MoneyError};
pub use new_order::{Invalid, NewOrder, Rejection};
pub use notice::Notice;
pub use order::{Item, Order, Priority};
pub use outbox::{Message, OutboxMessage};
pub use ports::{ChargeStore, Effect, NoticeStore, OrderStore, Outbox, StoreError};
pub use state::{IllegalTransition, OrderEvent, OrderState, transition};
pub use wire::{ChargeAnswer, ChargeRequest, ProcessOrder, ProcessOutcome, ProcessedOrder};
