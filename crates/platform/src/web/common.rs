//! What every service has: probes, metrics, its own description, pages about its problems, and the
//! layers around all of its routes.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use domain::StoreError;
use http::{HeaderMap, StatusCode, header};
use node::Node;
use serde::Serialize;
use tower::ServiceBuilder;
use utoipa::ToSchema;

use super::context::ContextLayer;
use super::log_span::LogSpanLayer;
use super::openapi::{self, ProblemBody};
use super::problem::{Problem, ProblemKind};
use super::readiness::Readiness;
use super::segment::Segment;
use crate::design::{Design, Topology};
use crate::kind::ServiceKind;
use crate::service::Peer;
use crate::state::ServiceState;
use crate::telemetry::{self, Format, Telemetry};

/// What a client is told to wait for a store that is away.
const STORE_RETRY_AFTER_S: u64 = 1;

/// Adds what every service has to a service's own routes.
///
/// `peers` are the services behind it that it needs; those that are parts of this process are ready or not with it.
pub(crate) fn finish(
    router: Router,
    node: &Node,
    design: &Design,
    state: &ServiceState,
    peers: &[&Peer],
) -> Router {
    let telemetry = state.telemetry();
    telemetry.begin(node, design);
    let common = Arc::new(Common {
        health: Health::new(telemetry.kind(), design),
        topology: design.topology,
        telemetry: telemetry.clone(),
        readiness: Readiness::new(node, design, state, peers),
        node: node.clone(),
    });

    let around = ServiceBuilder::new()
        // Outermost: everything inside, refusals and wrong paths included, has an id and a place in a trace, is
        // counted and timed when it is answered, and its problem is written out here.
        .layer(ContextLayer::recorded(node, telemetry));

    let own = Router::new()
        .route("/health", get(health))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(describe))
        .route("/problems/{slug}", get(problem_page))
        .route_layer(LogSpanLayer)
        .with_state(common);
    router
        .merge(own)
        .fallback(|| async { Problem::from(ProblemKind::NotFound) })
        .method_not_allowed_fallback(|| async { Problem::from(ProblemKind::MethodNotAllowed) })
        .layer(around)
}

/// What these handlers share.
#[derive(Debug)]
pub(crate) struct Common {
    health: Health,
    topology: Topology,
    telemetry: Telemetry,
    readiness: Readiness,
    node: Node,
}

/// `/health`: for people and load balancers.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`: who can answer is healthy.
    status: &'static str,
    /// The service.
    service: &'static str,
    /// The design it runs.
    design: String,
    /// The design's topology.
    topology: &'static str,
}

impl Health {
    fn new(kind: ServiceKind, design: &Design) -> Self {
        Self {
            status: "ok",
            service: kind.name(),
            design: design.name.clone(),
            topology: design.topology.as_str(),
        }
    }
}

/// The service, the design it runs and its topology.
#[utoipa::path(get, path = "/health", tag = "service", responses((status = 200, body = Health)))]
pub(crate) async fn health(State(common): State<Arc<Common>>) -> Json<Health> {
    Json(common.health.clone())
}

/// Whether the process runs; looks at no dependency.
#[utoipa::path(get, path = "/livez", tag = "service", responses((status = 200, body = str)))]
pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

/// Whether it can take on orders; a problem that says what is missing if not.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "service",
    responses(
        (status = 200, body = str),
        (status = 503, description = "Not ready", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn readyz(State(common): State<Arc<Common>>) -> Result<&'static str, Problem> {
    common.readiness.check().await.map(|()| "ok\n")
}

/// Everything measured, as Prometheus text; as OpenMetrics for who accepts that.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "service",
    responses((status = 200, content((String = "text/plain"), (String = "application/openmetrics-text"))))
)]
pub(crate) async fn metrics(State(common): State<Arc<Common>>, headers: HeaderMap) -> Response {
    measured(&[&common.telemetry], &common.node, &headers)
}

/// The measurements of the parts of one process, as whoever asks would have them.
pub(crate) fn measured(parts: &[&Telemetry], node: &Node, headers: &HeaderMap) -> Response {
    let accepted = headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|value| value.to_str().is_ok_and(|value| value.contains("application/openmetrics-text")));
    let format = if accepted { Format::OpenMetrics } else { Format::Prometheus };
    ([(header::CONTENT_TYPE, format.content_type())], telemetry::expose(parts, node.usage(), format))
        .into_response()
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "service", responses((status = 200, body = Object)))]
pub(crate) async fn describe(State(common): State<Arc<Common>>) -> Response {
    openapi::document(common.telemetry.kind(), common.topology)
}

/// The page that a problem's `type` leads to: what it means and what to do.
#[utoipa::path(
    get,
    path = "/problems/{slug}",
    tag = "service",
    params(("slug" = String, Path, description = "The last part of the problem's type")),
    responses(
        (status = 200, body = str, content_type = "text/html; charset=utf-8"),
        (status = 404, description = "No such problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn problem_page(Segment(slug): Segment) -> Result<Html<String>, Problem> {
    let kind = ProblemKind::by_slug(&slug).ok_or(ProblemKind::NotFound)?;
    let entry = kind.entry();
    let again = if entry.retryable { "may be repeated later" } else { "does not get better by repeating it" };
    Ok(Html(format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n\
         <h1>{title}</h1>\n<p>Status {status}. Such a request {again}.</p>\n\
         <h2>What it means</h2>\n<p>{meaning}</p>\n<h2>What to do</h2>\n<p>{advice}</p>\n</html>\n",
        title = entry.title,
        status = entry.status.as_u16(),
        meaning = entry.meaning,
        advice = entry.advice,
    )))
}

/// A store's error as a problem of this kind.
pub(crate) fn store_problem(kind: ProblemKind, error: &StoreError) -> Problem {
    let problem = Problem::new(kind, error.to_string());
    if kind.entry().status == StatusCode::SERVICE_UNAVAILABLE {
        problem.retry_after_s(STORE_RETRY_AFTER_S)
    } else {
        problem
    }
}
