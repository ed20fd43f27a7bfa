//! The admin port: what the laboratory asks and does, apart from the port that orders use.
//!
//! It must not be reachable from outside (its port is bound where the node binds, which is the loopback
//! unless somebody decides otherwise): whoever can reach it can read every order and break payment.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use http::Request;
use node::Node;

use crate::facts::ServiceFacts;
use crate::hardship::Hardship;
use crate::kind::ServiceKind;
use crate::state::ServiceState;
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
    let router =
        Router::new().route("/facts", get(facts)).route("/gauges", get(gauges)).route("/alerts", get(alerts));
    let router = match state.kind() {
        ServiceKind::PaymentService => router.route("/hardship", get(hardship).put(set_hardship)),
        ServiceKind::OrderApi | ServiceKind::OrderProcessor => router,
    };
    router
        .fallback(|| async { Problem::from(ProblemKind::NotFound) })
        .method_not_allowed_fallback(|| async { Problem::from(ProblemKind::MethodNotAllowed) })
        .with_state(state.clone())
        .layer(ContextLayer::new(node))
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
