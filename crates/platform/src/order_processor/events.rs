//! order-processor where a broker joins the services: it hears of orders, gets them paid, and tells how that ended.
//!
//! An order that comes twice is charged under the same key where the design has keys, so the second time payment says
//! what it said the first time, and the same is told under the same event's id.
//!
//! An order whose event is about to be put aside is closed first, or it would stand open for ever, and be charged by
//! whoever replays the letter. As settlement does where services call each other: its key is voided at payment, so that
//! nothing can be charged under it any more, and then it is told as failed. If it turns out to be charged after all it is
//! told as paid. As long as payment does not say which, the event comes again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::event::{Envelope, Event, ORDERS};
use domain::{Charge, ProcessOrder, ProcessOutcome};
use http::StatusCode;
use node::Node;
use resilience::timeouts::Deadline;
use serde::Deserialize;
use tower::ServiceExt as _;

use super::OrderProcessor;
use super::payment::{Payment, PaymentCall, Unpaid};
use crate::design::Design;
use crate::events::autoscale::Rules;
use crate::events::consumer::{AT_ONCE_UNBOUNDED, Autoscaling};
use crate::events::{Buried, Consuming, Handle, Publisher, Received, Trouble, Why, consumer};
use crate::kind::ServiceKind;
use crate::state::ServiceState;
use crate::telemetry::{IN_FLIGHT, WORKERS};
use crate::web::upstream::{Call, Upstream};

/// The group of all order-processors.
const GROUP: &str = "order-processor";

/// How long payment may take to void a key.
const VOID_WITHIN: Duration = Duration::from_secs(1);

/// Gets orders paid that it hears of.
#[derive(Debug)]
struct Payments {
    node: Node,
    processor: Arc<OrderProcessor>,
    payment: Upstream,
    publisher: Publisher,
}

/// What voiding a key found.
#[derive(Debug, Deserialize)]
struct VoidAnswer {
    voided: bool,
    #[serde(default)]
    charge: Option<Charge>,
}

/// Hears of orders for as long as the process lives.
pub(super) fn start(
    node: &Node,
    design: &Design,
    state: &ServiceState,
    processor: Arc<OrderProcessor>,
    payment: Upstream,
) {
    let telemetry = state.telemetry();
    let publisher = Publisher::start(node, crate::events::broker(state), telemetry);
    let consumers = design.consumers.as_ref();
    let workers = consumers.map(|section| section.workers.get());
    let autoscale = consumers.and_then(|section| {
        let autoscale = section.autoscale.as_ref()?;
        let replicas = design.replicas_of(ServiceKind::OrderProcessor);
        let rules = Rules::of(autoscale, section.workers.get(), replicas);
        Some(Autoscaling { rules, every: autoscale.every.get() })
    });
    let consuming = Consuming {
        topic: ORDERS,
        group: GROUP,
        at_once: workers.map_or(AT_ONCE_UNBOUNDED, |workers| workers as usize),
        autoscale,
        workers: workers.map(|_| telemetry.gauge(WORKERS)),
        in_work: Some(telemetry.gauge(IN_FLIGHT)),
        handler: Arc::new(Payments { node: node.clone(), processor, payment, publisher }),
    };
    consumer::start(node, design, state, consuming);
}

#[async_trait]
impl Handle for Payments {
    async fn handle(&self, received: &Received) -> Result<(), Trouble> {
        let order = placed(received)?;
        let context = received.context.clone().with_priority(order.priority);
        let call = PaymentCall::new(&context, order, self.processor.has_keys, None);
        match self.processor.payment.clone().oneshot(call).await {
            Ok(Payment { outcome, attempts }) => self.tell(received, ended(order, outcome, attempts)).await,
            Err(unpaid) => Err(trouble(&unpaid)),
        }
    }

    async fn bury(&self, received: &Received, trouble: &Trouble) -> Result<Buried, Trouble> {
        let order = placed(received)?;
        let VoidAnswer { voided, charge } = self.void(received, order).await?;
        let charged = charge.filter(|charge| !voided && charge.refunded_at_us.is_none());
        if let Some(Charge { id: charge_id, .. }) = charged {
            self.tell(received, ended(order, ProcessOutcome::Paid { charge_id }, 0)).await?;
            return Ok(Buried::DealtWith);
        }
        let failed = Event::PaymentFailed {
            order_id: order.order_id.clone(),
            customer_id: order.customer_id.clone(),
            declined: false,
            reason: trouble.detail.clone(),
            attempts: 0,
        };
        self.tell(received, failed).await?;
        Ok(Buried::Aside)
    }
}

impl Payments {
    /// Tells how it ended; told again it is the same event.
    async fn tell(&self, received: &Received, event: Event) -> Result<(), Trouble> {
        let (request_id, traceparent) = received.context.carried();
        let envelope = Envelope::new(event, Some(request_id), Some(traceparent));
        Ok(self.publisher.tell(&envelope).await?)
    }

    async fn void(&self, received: &Received, order: &ProcessOrder) -> Result<VoidAnswer, Trouble> {
        let away = |detail: String| Trouble::new(Why::PaymentAway, detail);
        let deadline = Deadline::after(self.node.now(), VOID_WITHIN);
        let call = Call::post(format!("/charges/{}/void", order.order_id), Bytes::new());
        let call = Call { deadline: Some(deadline), ..call };
        let answer =
            tokio::time::timeout_at(deadline.instant(), self.payment.call(&received.context, call)).await;
        let answer = answer.map_err(|_elapsed| away("payment did not void the key in time".to_owned()))?;
        let answer = answer.map_err(|error| away(format!("payment cannot be reached: {error}")))?;
        if answer.status() != StatusCode::OK {
            return Err(away(format!("payment answered {} when its key was to be voided", answer.status())));
        }
        serde_json::from_slice(answer.body()).map_err(|error| away(format!("payment's answer: {error}")))
    }
}

fn placed(received: &Received) -> Result<&ProcessOrder, Trouble> {
    match &received.envelope.event {
        Event::OrderPlaced(order) => Ok(order),
        other => Err(Trouble::new(Why::Contradiction, format!("{} is no order to be paid", other.name()))),
    }
}

fn ended(order: &ProcessOrder, outcome: ProcessOutcome, attempts: u32) -> Event {
    let (order_id, customer_id) = (order.order_id.clone(), order.customer_id.clone());
    match outcome {
        ProcessOutcome::Paid { charge_id } => {
            Event::PaymentCompleted { order_id, customer_id, charge_id, attempts }
        }
        ProcessOutcome::Declined { reason } => {
            Event::PaymentFailed { order_id, customer_id, declined: true, reason, attempts }
        }
    }
}

/// What an unpaid order is to its event. What payment would not have at any time fails as well: it dies of that
/// after its attempts, and not at once, because a new version of payment may think otherwise.
fn trouble(unpaid: &Unpaid) -> Trouble {
    let why = match unpaid {
        Unpaid::Unreachable | Unpaid::BreakerOpen(_) | Unpaid::NotStarted | Unpaid::Expired => {
            Why::PaymentAway
        }
        // It was closed before, by somebody who came no further.
        Unpaid::Voided => Why::Contradiction,
        _ => Why::Payment,
    };
    Trouble::new(why, format!("the payment did not succeed: {}", unpaid.word()))
}
