//! A design's admission control as a layer: whichever kind it has, it answers with problem details.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use domain::CustomerId;
use http::{Request, StatusCode};
use node::{Node, draw};
use resilience::admission::adaptive::{
    Adaptive, AdaptiveLimit, Aimd, Algorithm, Gradient2, LimitBounds, Vegas, Window,
};
use resilience::admission::fairness::{FairSettings, FairShare};
use resilience::admission::guard::{GuardHandle, GuardLayer, Outcome, Rule, Untagged};
use resilience::admission::priorities::{Priorities, Reserves};
use resilience::admission::shared_rate::{SharedBuckets, SharedRate, SharedRateLayer};
use resilience::admission::throttle::{Throttle, ThrottleSettings};
use resilience::admission::{AdmissionLayer, Limiter, Quota, Rate};
use resilience::{Priority, Ratio};
use tower::layer::util::Stack;
use tower::util::Either;

use super::quota::QuotaLayer;
use super::refusals::AnswerRefusalsLayer;
use crate::design::{Admission, AdmissionLimit, InFlightLimit, LimitAlgorithm, PositiveRate, Probability};
use crate::order_api::ReadOrder;
use crate::telemetry::Telemetry;
use crate::web::priority;

/// The bucket that the replicas of order-api share.
const BUCKET: &str = "orders";

/// A constraint that answers where it refuses.
type Answering<L> = Stack<L, AnswerRefusalsLayer>;
type Judge = fn(&Result<Response, Infallible>) -> Outcome;
type Tag<T> = fn(&Request<Body>) -> T;

/// The door: rules that know a count and a clock, then those that learn from how orders end, then those that
/// look at the order.
pub(crate) type Door = Either<PlainDoor, Either<LearningDoor, ReadingDoor>>;
type PlainDoor = Either<Answering<AdmissionLayer>, Answering<SharedRateLayer>>;
type LearningDoor = Either<
    Answering<GuardLayer<Adaptive, Untagged, Judge>>,
    Answering<GuardLayer<Throttle, Untagged, Judge>>,
>;
type ReadingDoor = Either<
    Answering<GuardLayer<FairShare<CustomerId>, Tag<CustomerId>, Judge>>,
    Answering<GuardLayer<Priorities, Tag<Priority>, Judge>>,
>;

/// The design's admission control, and what tells of it.
pub(crate) fn admission(
    admission: &Admission,
    node: &Node,
    telemetry: &Telemetry,
    buckets: &Arc<dyn SharedBuckets>,
) -> (Door, Option<QuotaLayer>) {
    let retry_after = admission.retry_after.get();
    match admission.limit {
        AdmissionLimit::Concurrency { limit } => {
            plain(Limiter::concurrency(limit.get() as usize, retry_after), telemetry)
        }
        AdmissionLimit::Rate { rate_per_s, burst, is_shared: true } => {
            let rate_of_all = rate(rate_per_s);
            let rate = SharedRate::new(BUCKET, rate_of_all, burst);
            let layer = SharedRateLayer::observed(rate, Arc::clone(buckets), telemetry.clone());
            // What is left is left for all replicas together, and only the shared bucket knows it.
            let whole = Limiter::rate(rate_of_all, burst).quota(Duration::ZERO, 0);
            (Either::Left(Either::Right(answering(layer))), Some(QuotaLayer::shared_out(move || whole)))
        }
        AdmissionLimit::Rate { rate_per_s, burst, is_shared: false } => {
            plain(Limiter::rate(rate(rate_per_s), burst), telemetry)
        }
        AdmissionLimit::LeakyBucket { rate_per_s, depth } => {
            plain(Limiter::leaky(rate(rate_per_s), depth), telemetry)
        }
        AdmissionLimit::Adaptive { limit } => {
            let rule = Adaptive::new(in_flight_limit(limit), retry_after);
            let layer = GuardLayer::observed(rule, telemetry.clone()).judged(judge as Judge);
            let quota = QuotaLayer::new(places(layer.handle()));
            (Either::Right(Either::Left(Either::Left(answering(layer)))), Some(quota))
        }
        AdmissionLimit::Throttle { k, probability_max, window } => {
            let probability_max = probability_max.get();
            let settings =
                ThrottleSettings { k: k.get(), probability_max, window: window.get(), retry_after };
            let mut rng = node.rng("throttle");
            let rule = Throttle::new(settings, Box::new(move || draw::uniform(&mut rng, 0.0, 1.0)));
            let layer = GuardLayer::observed(rule, telemetry.clone()).judged(judge as Judge);
            (Either::Right(Either::Left(Either::Right(answering(layer)))), None)
        }
        AdmissionLimit::FairShare { limit, memory, customers_max } => {
            let settings = FairSettings { keys_max: customers_max.get() as usize, memory: memory.get() };
            let rule = FairShare::new(in_flight_limit(limit), settings, retry_after);
            let layer = GuardLayer::observed(rule, telemetry.clone());
            let layer = layer.tagged(customer as Tag<CustomerId>).judged(judge as Judge);
            let quota = QuotaLayer::shared_out(places(layer.handle()));
            (Either::Right(Either::Right(Either::Left(answering(layer)))), Some(quota))
        }
        AdmissionLimit::Priority { limit, reserve_high, reserve_normal } => {
            // Orders know no level above high, so nothing is kept for it.
            let reserves = Reserves::new(Ratio::ZERO, ratio(reserve_high), ratio(reserve_normal))
                .expect("a design reserves at most all");
            let rule = Priorities::new(in_flight_limit(limit), reserves, retry_after);
            let layer = GuardLayer::observed(rule, telemetry.clone());
            let layer = layer.tagged(importance as Tag<Priority>).judged(judge as Judge);
            let quota = QuotaLayer::shared_out(places(layer.handle()));
            (Either::Right(Either::Right(Either::Right(answering(layer)))), Some(quota))
        }
    }
}

fn plain(limiter: Limiter, telemetry: &Telemetry) -> (Door, Option<QuotaLayer>) {
    let layer = AdmissionLayer::observed(limiter, telemetry.clone());
    let handle = layer.handle();
    (Either::Left(Either::Left(answering(layer))), Some(QuotaLayer::new(move || handle.quota())))
}

/// The limit of a rule as it stands, and what is left of it.
fn places<P: Rule>(handle: GuardHandle<P>) -> impl Fn() -> Quota {
    move || Quota::of_places(handle.limit().unwrap_or(usize::MAX), handle.in_flight())
}

const fn answering<L>(layer: L) -> Answering<L> {
    Stack::new(layer, AnswerRefusalsLayer)
}

/// A bucket's rate.
pub(super) fn rate(per_s: PositiveRate) -> Rate {
    Rate::per_second(per_s.per_s()).expect("a design's rates are within a bucket's")
}

fn ratio(share: Probability) -> Ratio {
    Ratio::new(share.get()).expect("a share is between 0 and 1")
}

fn in_flight_limit(limit: InFlightLimit) -> AdaptiveLimit {
    match limit {
        InFlightLimit::Fixed(limit) => AdaptiveLimit::fixed(limit.get() as usize),
        InFlightLimit::Found { algorithm, initial, min, max, window } => {
            let bounds = LimitBounds::new(min.get() as usize, max.get() as usize)
                .expect("a design's bounds are in order");
            let algorithm = match algorithm {
                LimitAlgorithm::Gradient2 => Algorithm::Gradient2(Gradient2::default()),
                LimitAlgorithm::Vegas => Algorithm::Vegas(Vegas::default()),
                LimitAlgorithm::Aimd => Algorithm::Aimd(Aimd::default()),
            };
            let window = Window { length: window.get(), ..Window::default() };
            AdaptiveLimit::new(algorithm, initial.get() as usize, bounds, window)
        }
    }
}

/// What an order's end says about what stands behind the door. An order that was wrong, or that broke on
/// the way, says nothing about overload.
fn judge(result: &Result<Response, Infallible>) -> Outcome {
    let response = match result {
        Ok(response) => response,
        Err(never) => match *never {},
    };
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Outcome::Overloaded
        }
        status if status.is_success() || status == StatusCode::PAYMENT_REQUIRED => Outcome::Accepted,
        _ => Outcome::Unknown,
    }
}

fn customer(request: &Request<Body>) -> CustomerId {
    ReadOrder::in_request(request).order.customer_id().clone()
}

fn importance(request: &Request<Body>) -> Priority {
    priority::importance(ReadOrder::in_request(request).order.priority())
}
