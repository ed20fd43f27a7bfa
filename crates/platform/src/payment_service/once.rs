//! Charging once: the idempotency key around the execution of a charge.
//!
//! A duplicate of a running charge joins it and takes no slot; a duplicate of a finished one hears the same
//! answer. Two things remember: the records of the layer (who runs, what was answered), and the store of
//! charges, in which at most one charge has a key. The second is the truth: whatever becomes of a record,
//! no key is charged twice.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use domain::{Charge, ChargeRequest};
use resilience::idempotency::{
    Answer, Fingerprint, IdempotencyError, IdempotencyLayer, IdempotencySettings, Identity, InvalidKey, Keep,
    Key, KeyRule, Mode, OnDrop, Process, Scheme, Unreadable,
};
use resilience::timeouts::Deadline;
use serde::{Deserialize, Serialize};
use tower::util::{BoxCloneSyncService, MapErrLayer};
use tower::{Service, ServiceBuilder};

use super::PaymentService;
use crate::design::Idempotency;
use crate::layers::{idempotency_problem, process};
use crate::state::ServiceState;
use crate::web::{Problem, ProblemKind, RequestContext, upstream::json};

/// A charge to be executed.
#[derive(Clone, Debug)]
pub(super) struct ChargeCall {
    /// Who asks for it.
    pub(super) context: RequestContext,
    pub(super) request: ChargeRequest,
    pub(super) key: Option<String>,
    /// When nobody waits any more.
    pub(super) deadline: Option<Deadline>,
    /// Whether it comes from another part of this process.
    pub(super) is_from_within: bool,
}

/// Executes charges, once per key where the design says so.
pub(super) type Charging = BoxCloneSyncService<ChargeCall, Charge, Problem>;

/// Puts the design's idempotency around the execution.
pub(super) fn charging(
    service: &Arc<PaymentService>,
    idempotency: Option<&Idempotency>,
    state: &ServiceState,
) -> Charging {
    let once = idempotency.map(|section| {
        let settings = IdempotencySettings {
            mode: Mode::Join,
            // The store of charges knows a key that was charged, so a second run does no harm.
            on_drop: OnDrop::Release,
            key: KeyRule::Optional,
            lease: section.lease.get(),
            keep: section.expiry.get(),
            ..IdempotencySettings::default()
        };
        let records = Arc::clone(&state.stores().records);
        let process: Process = process(&service.node);
        let observer = service.telemetry.clone();
        let layer = IdempotencyLayer::shared(Charges, records, settings, process, observer);
        ServiceBuilder::new().layer(MapErrLayer::new(problem as fn(_) -> _)).layer(layer)
    });
    let execute = Execute(Arc::clone(service));
    BoxCloneSyncService::new(ServiceBuilder::new().option_layer(once).service(execute))
}

fn problem(error: IdempotencyError<Problem>) -> Problem {
    match error {
        IdempotencyError::Inner(problem) => problem,
        refusal => idempotency_problem(&refusal),
    }
}

/// The execution itself.
#[derive(Clone, Debug)]
struct Execute(Arc<PaymentService>);

impl Service<ChargeCall> for Execute {
    type Response = Charge;
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Charge, Problem>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Problem>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: ChargeCall) -> Self::Future {
        let service = Arc::clone(&self.0);
        Box::pin(async move { service.execute(call).await })
    }
}

/// How charges are told apart and how their answers are kept.
#[derive(Clone, Copy, Debug)]
struct Charges;

/// An answer as it is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    Charged(Charge),
    Refused { slug: String, detail: String },
}

impl Scheme<ChargeCall> for Charges {
    type Response = Charge;
    type Error = Problem;

    fn identify(&self, call: &ChargeCall) -> Result<Option<Identity>, InvalidKey> {
        let Some(key) = &call.key else { return Ok(None) };
        // Keys are scoped to the customer: two who choose the same text do not meet. And they are those of charges: a
        // monolith keeps those of its orders in the same place, under the customer's id, which has no slash.
        let key = Key::new(&format!("charges/{}", call.request.customer_id), key)?;
        Ok(Some(Identity { key, fingerprint: Fingerprint::of(&[&json(&call.request)]) }))
    }

    fn keep(&self, result: &Result<Charge, Problem>) -> Keep {
        let kept = match result {
            Ok(charge) => Kept::Charged(charge.clone()),
            Err(problem) => Kept::Refused {
                slug: problem.kind().entry().slug.to_owned(),
                detail: problem.detail().to_owned(),
            },
        };
        let answer = Answer::from(json(&kept).to_vec());
        match result.as_ref().map_err(Problem::kind) {
            Ok(_) | Err(ProblemKind::PaymentDeclined | ProblemKind::ChargeVoided) => Keep::Store(answer),
            // It failed for those who joined as well; whoever comes later may try anew.
            Err(ProblemKind::PaymentFailed) => Keep::Share(answer),
            // The first one's time was over; another may have some left.
            Err(_) => Keep::Forget,
        }
    }

    fn replay(&self, answer: &Answer) -> Result<Result<Charge, Problem>, Unreadable> {
        match serde_json::from_slice(&answer.0).map_err(|_| Unreadable)? {
            Kept::Charged(charge) => Ok(Ok(charge)),
            Kept::Refused { slug, detail } => {
                let kind = ProblemKind::by_slug(&slug).ok_or(Unreadable)?;
                let problem = Problem::new(kind, detail);
                let passes = kind == ProblemKind::PaymentFailed;
                Ok(Err(if passes { problem.retry_after_s(0) } else { problem }))
            }
        }
    }
}
