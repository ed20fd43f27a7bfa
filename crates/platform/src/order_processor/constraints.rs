//! The way to payment: the constraints of a design around one call, from the outside in.
//!
//! ```text
//! retries ─▶ breaker ─▶ attempt's timeout ─▶ counted ─▶ the call
//! ```
//!
//! Each attempt asks the breaker, so retries stand outside of it; the breaker has to see that an attempt
//! timed out, so the timeout stands inside. Outcomes are counted outside of the timeout, so that those
//! that never came are counted too.

use node::{Node, draw};
use resilience::breaker::{BreakerError, BreakerLayer, Health};
use resilience::retries::{Backoff, Hooks, RetryLayer, RetryLimits, Trail};
use resilience::timeouts::{InRequest, Scope, TimeLimits, TimeoutError, TimeoutLayer};
use resilience::{Class, Effect, Ratio};
use tower::ServiceBuilder;
use tower::layer::util::{Identity, Stack};
use tower::util::{BoxCloneSyncService, Either, MapErrLayer};

use super::attempts::TraceAttemptsLayer;
use super::naive::NaiveRetryLayer;
use super::payment::{Payment, PaymentCall, PaymentClient, Unpaid};
use crate::design::{Breaker, Design, Retries, Timeouts};
use crate::telemetry::{AttemptOutcome, Telemetry};
use domain::ProcessOutcome;

/// The way to payment, whatever the design put on it.
pub(super) type WayToPayment = BoxCloneSyncService<PaymentCall, Payment, Unpaid>;

/// Puts a design's constraints around the call.
pub(super) fn way_to_payment(
    node: &Node,
    design: &Design,
    telemetry: &Telemetry,
    attempts_max: u32,
    client: PaymentClient,
) -> WayToPayment {
    let naive = NaiveRetryLayer { attempts_max, telemetry: telemetry.clone() };
    let retries = match (&design.retries, &design.delayed_retries) {
        (Some(section), _) => Either::Left(retries(section, node, telemetry)),
        (None, None) => Either::Right(Either::Left(naive)),
        // An event that comes again later needs no repetition on the spot.
        (None, Some(_)) => Either::Right(Either::Right(Identity::new())),
    };
    let counted = telemetry.clone();
    let service = ServiceBuilder::new()
        // Without limit in the naive baseline, bounded from v0.6.0 on.
        .layer(retries)
        // Each attempt as a span, whatever became of it: refused by the breaker, timed out, answered.
        .layer(TraceAttemptsLayer)
        .option_layer(design.breaker.as_ref().map(|section| breaker(section, telemetry)))
        .map_result(move |result| {
            count(&counted, &result);
            result
        })
        .option_layer(design.timeouts.as_ref().map(|section| attempt_timeout(section, telemetry)))
        .service(client);
    BoxCloneSyncService::new(service)
}

fn count(telemetry: &Telemetry, result: &Result<Payment, Unpaid>) {
    let outcome = match result {
        Ok(Payment { outcome: ProcessOutcome::Paid { .. }, .. }) => Some(AttemptOutcome::Succeeded),
        Ok(Payment { outcome: ProcessOutcome::Declined { .. }, .. }) => Some(AttemptOutcome::Declined),
        Err(unpaid) => unpaid.counted(),
    };
    if let Some(outcome) = outcome {
        telemetry.counters().attempt(outcome);
    }
}

type IntoUnpaid<E> = MapErrLayer<fn(E) -> Unpaid>;

fn attempt_timeout(
    timeouts: &Timeouts,
    telemetry: &Telemetry,
) -> Stack<TimeoutLayer<InRequest>, IntoUnpaid<TimeoutError<Unpaid>>> {
    let limits = TimeLimits {
        scope: Scope::Attempt,
        limit: Some(timeouts.attempt.get()),
        reserve: timeouts.reserve.get(),
        least: std::time::Duration::ZERO,
    };
    let into_unpaid: fn(_) -> _ = |error| match error {
        TimeoutError::Expired { .. } => Unpaid::Expired,
        TimeoutError::TimedOut { .. } => Unpaid::TimedOut,
        TimeoutError::Inner(unpaid) => unpaid,
    };
    let layer = TimeoutLayer::observed(limits, telemetry.clone()).carried_by(InRequest);
    Stack::new(layer, MapErrLayer::new(into_unpaid))
}

type Judge = fn(&Result<Payment, Unpaid>) -> Health;

fn breaker(
    section: &Breaker,
    telemetry: &Telemetry,
) -> Stack<BreakerLayer<Judge>, IntoUnpaid<BreakerError<Unpaid>>> {
    let layer = BreakerLayer::observed(section.limits(), judge as Judge, telemetry.clone())
        .expect("a design's breaker was checked");
    let into_unpaid: fn(_) -> _ = |error| match error {
        BreakerError::Refused(refusal) => Unpaid::BreakerOpen(refusal),
        BreakerError::Inner(unpaid) => unpaid,
    };
    Stack::new(layer, MapErrLayer::new(into_unpaid))
}

/// What a result says about payment. A decline is payment at its work.
fn judge(result: &Result<Payment, Unpaid>) -> Health {
    match result {
        Ok(_) | Err(Unpaid::Voided | Unpaid::Rejected(_)) => Health::Good,
        Err(Unpaid::Expired | Unpaid::BreakerOpen(_) | Unpaid::Exhausted { .. } | Unpaid::Unknown) => {
            Health::Unjudged
        }
        Err(_) => Health::Bad,
    }
}

type Classify = fn(&PaymentCall, &Result<Payment, Unpaid>) -> Class;

fn retries(
    section: &Retries,
    node: &Node,
    telemetry: &Telemetry,
) -> RetryLayer<Classify, InRequest, CountAttempts> {
    let limits = RetryLimits {
        attempts_max: section.attempts,
        backoff: Backoff { base: section.backoff.get(), cap: section.backoff_max.get() },
        retry_after_max: section.retry_after_max.get(),
        budget: resilience::BudgetLimits {
            ratio: Ratio::new(section.budget_ratio.get()).expect("a probability is a ratio"),
            floor_per_s: section.budget_floor_per_s,
            window: section.budget_window.get(),
        },
    };
    // A restarted process draws from a stream of its own.
    let mut jitter = node.rng(&format!("retry-jitter/{}", node.elapsed().as_micros()));
    let randomness = move || draw::open_unit(&mut jitter);
    RetryLayer::observed(limits, classify as Classify, randomness, telemetry.clone())
        .carried_by(InRequest)
        .with_hooks(CountAttempts)
}

/// What may be repeated. Unknown is not failure: without a key a repetition might charge twice.
fn classify(call: &PaymentCall, result: &Result<Payment, Unpaid>) -> Class {
    let failure = |retryable, retry_after| Class::Failure { retryable, retry_after };
    match result {
        Ok(_) => Class::Success,
        Err(Unpaid::Failed { retry_after }) => failure(true, *retry_after),
        Err(Unpaid::NotStarted | Unpaid::Unreachable) => failure(true, None),
        Err(unpaid) if unpaid.effect() == Effect::Unknown => {
            Class::Unknown { safe_to_retry: call.is_repeatable() }
        }
        Err(_) => failure(false, None),
    }
}

/// Says how many attempts it took, and that an order is unknown when an earlier attempt was.
#[derive(Clone, Copy, Debug)]
struct CountAttempts;

impl Hooks<PaymentCall, Payment, Unpaid> for CountAttempts {
    fn conclude(&self, result: Result<Payment, Unpaid>, trail: Trail) -> Result<Payment, Unpaid> {
        match result {
            Ok(payment) => Ok(Payment { attempts: trail.attempts, ..payment }),
            Err(unpaid) if trail.unknown && unpaid.effect() == Effect::None => Err(Unpaid::Unknown),
            Err(unpaid) => Err(unpaid),
        }
    }
}
