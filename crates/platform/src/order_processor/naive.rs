//! The naive baseline's retries: on anything but an end it asks again, at once, for as long as it takes.
//!
//! Two things keep the loop finite: a cap on attempts per order, which fails the order loudly, and, where
//! there are timeouts, the time that the order has left.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use resilience::Effect;
use tower::{Layer, Service, ServiceExt};

use super::payment::{Payment, PaymentCall, Unpaid};
use crate::telemetry::Telemetry;

/// Asks again and again.
#[derive(Clone, Debug)]
pub(super) struct NaiveRetryLayer {
    pub(super) attempts_max: u32,
    pub(super) telemetry: Telemetry,
}

impl<S> Layer<S> for NaiveRetryLayer {
    type Service = NaiveRetry<S>;

    fn layer(&self, inner: S) -> NaiveRetry<S> {
        NaiveRetry { inner, layer: self.clone() }
    }
}

/// A service that is asked again and again.
#[derive(Clone, Debug)]
pub(super) struct NaiveRetry<S> {
    inner: S,
    layer: NaiveRetryLayer,
}

impl<S> Service<PaymentCall> for NaiveRetry<S>
where
    S: Service<PaymentCall, Response = Payment, Error = Unpaid> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Payment;
    type Error = Unpaid;
    type Future = Pin<Box<dyn Future<Output = Result<Payment, Unpaid>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Unpaid>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: PaymentCall) -> Self::Future {
        let Self { inner, layer } = self.clone();
        Box::pin(async move {
            let mut unknown = false;
            for attempt in 1..=layer.attempts_max {
                match inner.clone().oneshot(call.clone()).await {
                    Ok(payment) => return Ok(Payment { attempts: attempt, ..payment }),
                    // It did not even begin, and would not if it were asked again at once.
                    Err(Unpaid::Expired | Unpaid::BreakerOpen(_)) if unknown => return Err(Unpaid::Unknown),
                    Err(unpaid @ (Unpaid::Expired | Unpaid::BreakerOpen(_))) => return Err(unpaid),
                    Err(unpaid) => unknown |= unpaid.effect() == Effect::Unknown,
                }
            }
            layer.telemetry.counters().exhausted();
            let attempts = layer.attempts_max;
            tracing::error!(order_id = %call.order_id, attempts, "an order failed at the cap on payment attempts");
            Err(if unknown { Unpaid::Unknown } else { Unpaid::Exhausted { attempts } })
        })
    }
}
