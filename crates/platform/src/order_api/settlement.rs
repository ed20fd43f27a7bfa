//! Settlement: an order whose outcome nobody knew in time is brought to its end in the background.
//!
//! Whatever left it open (a spent deadline, a broken connection, this process dying) leaves the same
//! trace: an order in the store that is not final and has not moved for longer than anybody works on one.
//! So there is no queue of its own that could overflow or be lost: the sweep asks the store, a batch at a
//! time, and what it does not get to is found again. By the order's key, at payment:
//!
//! ```text
//! look it up ──charged──▶ complete
//!     └──not charged──▶ void the key ──voided──▶ fail: nothing can be charged under it any more
//!                            └──charged after all──▶ refund ──▶ fail: the client was never told of a success
//! ```
//!
//! Each step may be repeated: a process that dies in between leaves an order that the next sweep finds.
//! When payment does not answer, the sweep ends and the next one tries again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::{Charge, Order, OrderEvent, OrderId, OrderState, StoreError};
use http::{Response, StatusCode};
use node::{Gauge, Node};
use resilience::timeouts::Deadline;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::OrderApi;
use crate::design::Composition;
use crate::ids::now_us;
use crate::outage::Outage;
use crate::telemetry::{Settled, UNFINISHED};
use crate::web::RequestContext;
use crate::web::ids::Ids;
use crate::web::upstream::{Call, Upstream};

/// The sweep of one process.
#[derive(Debug)]
pub(super) struct Settlement {
    api: Arc<OrderApi>,
    payment: Upstream,
    ids: Ids,
    section: Composition,
    unfinished: Gauge,
}

/// Payment did not say what is needed; the order stays as it is.
#[derive(Debug)]
struct NotNow;

/// What voiding a key found.
#[derive(Debug, Deserialize)]
struct VoidAnswer {
    voided: bool,
}

impl Settlement {
    /// Sweeps for as long as the process lives.
    pub(super) fn start(node: &Node, api: Arc<OrderApi>, payment: Upstream, section: Composition) {
        let unfinished = api.telemetry.gauge(UNFINISHED);
        let ids = Ids::named(node, "settlement-ids", &api.telemetry);
        let settlement = Self { api, payment, ids, section, unfinished };
        let node = node.clone();
        // Detached: it ends with its process.
        node.clone().spawn(async move {
            let outage =
                Outage::new("unfinished orders are not settled", "unfinished orders are settled again");
            loop {
                // A step that was begun is finished before the process stops.
                let sweeping = node.stopping().hold();
                match settlement.sweep(&node).await {
                    Ok(()) => outage.worked(),
                    Err(error) => outage.failed(&error.to_string()),
                }
                drop(sweeping);
                tokio::select! {
                    biased;
                    () = node.stopping().begun() => return,
                    () = node.sleep(settlement.section.settle_every.get()) => {}
                }
            }
        });
    }

    async fn sweep(&self, node: &Node) -> Result<(), StoreError> {
        let store = &self.api.store;
        let age = u64::try_from(self.section.settle_after.get().as_micros()).unwrap_or(u64::MAX);
        let before_us = now_us(node).saturating_sub(age);
        let batch_max = self.section.settle_batch_max.get() as usize;
        for order in store.unfinished(before_us, batch_max).await? {
            if node.stopping().has_begun() {
                // The next process finds what is left.
                return Ok(());
            }
            let order_id = order.order_id.clone();
            let context = RequestContext::of_own_accord(&self.ids);
            context.about(&order_id);
            let span = context.span("settle").telling_the_order();
            match self.settle(&context.within(&span), order).await {
                Ok(settled) => {
                    span.end(settled.as_str());
                    self.api.telemetry.counters().settled(settled);
                    tracing::info!(%order_id, outcome = settled.as_str(), "an unknown outcome was settled");
                }
                // It will not do better for the others either.
                Err(NotNow) => break,
            }
        }
        self.unfinished.set(store.unfinished_total().await?);
        Ok(())
    }

    async fn settle(&self, context: &RequestContext, order: Order) -> Result<Settled, NotNow> {
        let order_id = order.order_id.clone();
        match self.charge_of(context, &order_id).await? {
            Some(charge) if charge.refunded_at_us.is_none() => {
                if order.state() == OrderState::Placed {
                    self.apply(&order_id, OrderEvent::PaymentStarted).await?;
                }
                self.apply(&order_id, OrderEvent::PaymentSucceeded { charge_id: charge.id }).await?;
                return Ok(Settled::Completed);
            }
            // An earlier sweep refunded it and came no further.
            Some(_refunded) => {
                self.fail(&order_id).await?;
                return Ok(Settled::Refunded);
            }
            None => {}
        }
        let VoidAnswer { voided } = self.post(context, &order_id, "void").await?;
        if voided {
            self.fail(&order_id).await?;
            return Ok(Settled::Failed);
        }
        let _refunded: Charge = self.post(context, &order_id, "refund").await?;
        self.fail(&order_id).await?;
        Ok(Settled::Refunded)
    }

    async fn fail(&self, order_id: &OrderId) -> Result<(), NotNow> {
        self.apply(order_id, OrderEvent::Failed { reason: "not-paid-in-time".to_owned() }).await
    }

    async fn apply(&self, order_id: &OrderId, event: OrderEvent) -> Result<(), NotNow> {
        self.api.apply(order_id, event).await.map(drop).map_err(|problem| {
            tracing::warn!(%order_id, problem = problem.kind().entry().slug, "could not be settled");
            NotNow
        })
    }

    /// The charge under the order's key, if there is one.
    async fn charge_of(
        &self,
        context: &RequestContext,
        order_id: &OrderId,
    ) -> Result<Option<Charge>, NotNow> {
        let answer = self.ask(context, Call::get(format!("/charges/{order_id}"))).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(None),
            _ => read(&answer).map(Some),
        }
    }

    async fn post<T: DeserializeOwned>(
        &self,
        context: &RequestContext,
        order_id: &OrderId,
        action: &str,
    ) -> Result<T, NotNow> {
        read(&self.ask(context, Call::post(format!("/charges/{order_id}/{action}"), Bytes::new())).await?)
    }

    async fn ask(&self, context: &RequestContext, call: Call) -> Result<Response<Bytes>, NotNow> {
        let limit: Duration = self.section.settle_call_timeout.get();
        let deadline = Deadline::after(self.api.node.now(), limit);
        let call = Call { deadline: Some(deadline), ..call };
        let answer = tokio::time::timeout_at(deadline.instant(), self.payment.call(context, call)).await;
        answer.map_err(|_elapsed| NotNow)?.map_err(|_no_answer| NotNow)
    }
}

fn read<T: DeserializeOwned>(answer: &Response<Bytes>) -> Result<T, NotNow> {
    if answer.status() != StatusCode::OK {
        return Err(NotNow);
    }
    serde_json::from_slice(answer.body()).map_err(|_| NotNow)
}
