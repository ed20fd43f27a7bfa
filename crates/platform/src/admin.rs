//! The admin port: what the laboratory asks and does, apart from the port that orders use.
//!
//! It must not be reachable from outside (its port is bound where the node binds, which is the loopback
//! unless somebody decides otherwise): whoever can reach it can read every order and break payment.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Json, Router};
use http::{HeaderMap, Request};
use node::Node;

use crate::design::Topology;
use crate::facts::ServiceFacts;
use crate::hardship::Hardship;
use crate::kind::ServiceKind;
use crate::state::{PlatformState, ServiceState};
use crate::telemetry::AlertFact;
use crate::web::context::ContextLayer;
use crate::web::{Problem, ProblemKind, body, common};

/// A service's admin routes.
///
/// * `GET /facts`: [`ServiceFacts`].
/// * `GET /gauges`: each gauge's maximum since the last such request; one reader only, then.
/// * `GET /alerts`: every [`AlertFact`] that is remembered; null when the design watches for none.
/// * `GET /hardship`, `PUT /hardship`: [`Hardship`]; at payment-service only.
pub fn admin_router(node: &Node, state: &ServiceState) -> Router {
    around(node, routes(state))
}

fn routes(state: &ServiceState) -> Router {
    let router =
        Router::new().route("/facts", get(facts)).route("/gauges", get(gauges)).route("/alerts", get(alerts));
    let router = match state.kind() {
        ServiceKind::PaymentService => router.route("/hardship", get(hardship).put(set_hardship)),
        ServiceKind::OrderApi | ServiceKind::OrderProcessor | ServiceKind::NotificationService => router,
    };
    router.with_state(state.clone())
}

fn around(node: &Node, router: Router) -> Router {
    router
        .fallback(|| async { Problem::from(ProblemKind::NotFound) })
        .method_not_allowed_fallback(|| async { Problem::from(ProblemKind::MethodNotAllowed) })
        .layer(Extension(node.clone()))
        .layer(ContextLayer::new(node, "admin"))
}

/// A monolith's admin routes: those of each part below its name, such as `/payment-service/hardship`, and
///
/// * `GET /facts`: the [`ServiceFacts`] of all parts, from the edge inwards.
/// * `GET /metrics`: the measurements of all parts, each name prefixed with its part's.
pub fn monolith_admin_router(node: &Node, state: &PlatformState) -> Router {
    let all = Router::new().route("/facts", get(all_facts)).route("/metrics", get(all_metrics));
    let all = all.with_state(state.clone());
    let with_part = |all: Router, part: &ServiceState| all.nest(&format!("/{}", part.kind()), routes(part));
    around(node, state.services(Topology::Monolith).fold(all, with_part))
}

async fn all_facts(State(state): State<PlatformState>) -> Result<Json<Vec<ServiceFacts>>, Problem> {
    let mut all = Vec::new();
    for part in state.services(Topology::Monolith) {
        let facts = part.facts().await;
        all.push(facts.map_err(|error| common::store_problem(ProblemKind::StoreUnavailable, &error))?);
    }
    Ok(Json(all))
}

async fn all_metrics(
    State(state): State<PlatformState>,
    Extension(node): Extension<Node>,
    headers: HeaderMap,
) -> Response {
    let parts: Vec<_> = state.services(Topology::Monolith).map(ServiceState::telemetry).collect();
    common::measured(&parts, &node, &headers)
}

async fn facts(State(state): State<ServiceState>) -> Result<Json<ServiceFacts>, Problem> {
    let facts = state.facts().await;
    facts.map(Json).map_err(|error| common::store_problem(ProblemKind::StoreUnavailable, &error))
}

async fn gauges(State(state): State<ServiceState>) -> Json<BTreeMap<&'static str, u64>> {
    Json(state.telemetry().take_window_maxima())
}

async fn alerts(State(state): State<ServiceState>) -> Json<Option<Vec<AlertFact>>> {
    Json(state.telemetry().alerts())
}

async fn hardship(State(state): State<ServiceState>) -> Json<Hardship> {
    Json(state.hardship().get())
}

async fn set_hardship(
    State(state): State<ServiceState>,
    request: Request<Body>,
) -> Result<Json<Hardship>, Problem> {
    let (head, body) = request.into_parts();
    let hardship: Hardship = body::parse(&body::read(&head.headers, body).await?)?;
    let set = state.hardship().set(hardship);
    set.map_err(|error| Problem::new(ProblemKind::InvalidBody, error.to_string()))?;
    tracing::warn!(slowdown = hardship.slowdown, failure_rate = hardship.failure_rate, "hardship set");
    Ok(Json(hardship))
}
