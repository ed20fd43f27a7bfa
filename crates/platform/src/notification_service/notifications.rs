//! From how a payment ended to a customer who knows.

use std::sync::Arc;

use async_trait::async_trait;
use domain::event::{Ended, Envelope, Event};
use domain::{CustomerId, EventId, Notice, NoticeStore, OrderState};
use node::Node;

use super::webhook::Sink;
use crate::events::{Handle, Publisher, Received, Trouble, Why};
use crate::ids::{IdSource, now_us};
use crate::telemetry::Telemetry;

/// Tells customers.
#[derive(Debug)]
pub(super) struct Notifications {
    pub(super) node: Node,
    pub(super) store: Arc<dyn NoticeStore>,
    pub(super) sink: Option<Sink>,
    pub(super) publisher: Publisher,
    pub(super) telemetry: Telemetry,
    pub(super) ids: IdSource,
    /// Whether an event's notice is written down once, however often it comes.
    pub(super) once: bool,
}

#[async_trait]
impl Handle for Notifications {
    async fn handle(&self, received: &Received) -> Result<(), Trouble> {
        let event = &received.envelope.event;
        let (customer_id, ended) = told(event)?;
        let notice = self.notice(received, customer_id, &ended);
        if self.store.record(notice.clone()).await? {
            self.telemetry.counters().notice(notice.outcome);
        }
        // Also when it was written down before: who died in between had not come this far.
        if let Some(sink) = &self.sink {
            sink.post(&received.context, &notice).await?;
        }
        let (request_id, traceparent) = received.context.carried();
        let told = Event::CustomerNotified { order_id: event.order_id().clone(), ended };
        Ok(self.publisher.tell(&Envelope::new(told, Some(request_id), Some(traceparent))).await?)
    }
}

impl Notifications {
    fn notice(&self, received: &Received, customer_id: &CustomerId, ended: &Ended) -> Notice {
        let (outcome, reason) = match ended.clone() {
            Ended::Paid { .. } => (OrderState::Completed, None),
            Ended::Declined { reason } => (OrderState::Declined, Some(reason)),
            Ended::GivenUp { reason } => (OrderState::Failed, Some(reason)),
        };
        Notice {
            id: match self.once {
                true => received.event_id.clone(),
                false => self.ids.fresh(EventId::new),
            },
            order_id: received.envelope.event.order_id().clone(),
            customer_id: customer_id.clone(),
            outcome,
            reason,
            at_us: now_us(&self.node),
        }
    }
}

/// Who is to be told, and what.
fn told(event: &Event) -> Result<(&CustomerId, Ended), Trouble> {
    match (event, event.ended()) {
        (
            Event::PaymentCompleted { customer_id, .. } | Event::PaymentFailed { customer_id, .. },
            Some(ended),
        ) => Ok((customer_id, ended)),
        (other, _) => {
            Err(Trouble::new(Why::Contradiction, format!("{} is no end of a payment", other.name())))
        }
    }
}
