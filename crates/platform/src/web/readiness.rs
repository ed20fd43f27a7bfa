//! `/readyz`: whether this process can take on orders, and what it lacks if not.
//!
//! Not ready is who is about to stop, and whose own store cannot be read or written. A dependency that is away or a
//! breaker that is open is no reason: every replica sees the same dependency, so all of them would leave the load
//! balancer at once, and what could still be answered (refusals in milliseconds, orders that are looked up) would
//! be answered by nobody. Those show in `/metrics` and in the answers themselves.
//!
//! Where a broker joins the services, who consumes is not ready while the broker is away or gives it nothing: nobody
//! sends it anything else. An order-api with an `[outbox]` is: what it accepts is durable, and waits. One without is not,
//! as whatever it accepts would be lost.
//!
//! A probe costs little whoever asks and however often: store and broker are asked at most once in [`ASK_EVERY`], by one
//! probe at a time, and each no longer than [`ANSWER_WITHIN`]; in between the last answer counts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use domain::broker::Broker;
use http::{Request, StatusCode};
use node::Node;
use tokio::time::{Instant, timeout};
use tower::ServiceExt as _;

use super::problem::{Problem, ProblemKind, Received};
use crate::design::{Design, Topology};
use crate::events::Hindrances;
use crate::kind::ServiceKind;
use crate::service::Peer;
use crate::state::{ServiceState, Stores};

/// For how long a store's answer counts, and the broker's.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// How long a store, and a broker, may take to answer before it counts as away.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// How much a part of this process may say about what it lacks.
const PART_SAYS_BYTES_MAX: usize = 64 * 1024;

/// What a client is told to wait when it is not ready.
const RETRY_AFTER_S: u64 = 1;

/// What is wrong with who is asked, if anything.
async fn asked<E>(
    who: &str,
    check: impl Future<Output = Result<(), E>>,
    told: impl FnOnce(E) -> String,
) -> Option<String> {
    match timeout(ANSWER_WITHIN, check).await {
        Ok(answer) => answer.err().map(told),
        Err(_elapsed) => Some(format!("the {who} did not answer within {} s", ANSWER_WITHIN.as_secs())),
    }
}

/// Whether one service is ready.
#[derive(Debug)]
pub(crate) struct Readiness {
    node: Node,
    stores: Stores,
    /// The broker, where nothing goes without it.
    broker: Option<Arc<dyn Broker>>,
    /// Why it gives nothing, although it is there.
    hindrances: Hindrances,
    /// Parts of the same process, which are ready or not with it.
    parts: Vec<Router>,
    last: Mutex<Last>,
}

/// What the store said last.
#[derive(Debug, Default)]
struct Last {
    asked: Option<Instant>,
    lacks: Option<String>,
}

impl Readiness {
    /// Of a service with this state; parts of its process among its peers are asked as well.
    pub(crate) fn new(node: &Node, design: &Design, state: &ServiceState, peers: &[&Peer]) -> Self {
        let parts = peers.iter().filter_map(|peer| match peer {
            Peer::Http { .. } => None,
            Peer::Local(router) => Some(router.clone()),
        });
        let (node, stores) = (node.clone(), state.stores().clone());
        let broker = state.broker().filter(|_| needs_broker(state.kind(), design)).cloned();
        let hindrances = state.hindrances().clone();
        Self { node, stores, broker, hindrances, parts: parts.collect(), last: Mutex::default() }
    }

    /// What it lacks, as a problem.
    ///
    /// # Errors
    /// When it is not ready.
    pub(crate) async fn check(&self) -> Result<(), Problem> {
        let not_ready =
            |detail: String| Problem::new(ProblemKind::NotReady, detail).retry_after_s(RETRY_AFTER_S);
        if self.node.stopping().has_begun() {
            return Err(not_ready("the process is about to stop".to_owned()));
        }
        if self.is_to_ask() {
            let lacks = self.ask().await;
            let mut last = self.last();
            // Once, and again when it is something else: who probes does so for as long as it lasts.
            match &lacks {
                _ if last.lacks == lacks => {}
                Some(lacks) => tracing::warn!(lacks, "not ready"),
                None => tracing::info!("ready again"),
            }
            last.lacks = lacks;
        }
        self.last().lacks.clone().map_or(Ok(()), |lacks| Err(not_ready(lacks)))
    }

    /// What is lacking, if anything.
    async fn ask(&self) -> Option<String> {
        let unusable = |error| format!("the store cannot be used: {error}");
        if let Some(lacks) = asked("store", self.stores.check(), unusable).await {
            return Some(lacks);
        }
        if let Some(broker) = &self.broker
            && let Some(lacks) = asked("broker", broker.check(), |error| error.to_string())
                .await
                .or_else(|| self.hindrances.first())
        {
            return Some(lacks);
        }
        for part in &self.parts {
            let probe = Request::get("/readyz").body(Body::empty()).expect("a valid request");
            let Ok(answer) = part.clone().oneshot(probe).await;
            if answer.status() != StatusCode::OK {
                let body = to_bytes(answer.into_body(), PART_SAYS_BYTES_MAX).await.unwrap_or_default();
                return Some(Received::read(&body).detail);
            }
        }
        None
    }

    /// Whether the store is to be asked again; whoever is told so has to do it.
    fn is_to_ask(&self) -> bool {
        let now = self.node.now();
        let mut last = self.last();
        let is_old = last.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= ASK_EVERY);
        if is_old {
            last.asked = Some(now);
        }
        is_old
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a service can do nothing of use without its broker.
const fn needs_broker(kind: ServiceKind, design: &Design) -> bool {
    match (design.topology, kind) {
        (Topology::Chain | Topology::Monolith, _) | (_, ServiceKind::PaymentService) => false,
        (Topology::Events, ServiceKind::OrderApi) => design.outbox.is_none(),
        (Topology::Events, ServiceKind::OrderProcessor | ServiceKind::NotificationService) => true,
    }
}
