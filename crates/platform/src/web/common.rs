//! What every service has: probes, metrics, its own description, pages about its problems, and the
//! layers around all of its routes.

use axum::extract::Path;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use domain::StoreError;
use http::{StatusCode, header};
use node::Node;
use serde::Serialize;
use tower::ServiceBuilder;
use utoipa::ToSchema;

use super::context::ContextLayer;
use super::openapi;
use super::problem::{Problem, ProblemKind};
use crate::design::Design;
use crate::kind::ServiceKind;
use crate::telemetry::{self, Telemetry};

/// What a client is told to wait for a store that is away.
const STORE_RETRY_AFTER_S: u64 = 1;

/// Adds what every service has to a service's own routes.
pub(crate) fn finish(router: Router, node: &Node, design: &Design, telemetry: &Telemetry) -> Router {
    telemetry.begin(design);
    let kind = telemetry.kind();
    let health = Health::new(kind, design);
    let (measured, counted) = (telemetry.clone(), telemetry.clone());

    let around = ServiceBuilder::new()
        // Outermost: everything inside, refusals and wrong paths included, has an id, a place in a trace
        // and a log span, and its problem is written out here.
        .layer(ContextLayer::new(node))
        // Counts every answer, also those that never reach a handler: metrics inside a constraint would
        // miss what it refuses.
        .map_response(move |response: Response| {
            counted.counters().request(response.status());
            response
        });

    router
        .route("/health", get(move || async move { Json(health) }))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(|| async { "ok\n" }))
        .route("/metrics", get(move || async move { metrics(&measured) }))
        .route("/openapi.json", get(move || async move { openapi::document(kind) }))
        .route("/problems/{slug}", get(problem_page))
        .fallback(|| async { Problem::from(ProblemKind::NotFound) })
        .method_not_allowed_fallback(|| async { Problem::from(ProblemKind::MethodNotAllowed) })
        .layer(around)
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

fn metrics(telemetry: &Telemetry) -> Response {
    ([(header::CONTENT_TYPE, telemetry::CONTENT_TYPE)], telemetry::expose(telemetry)).into_response()
}

/// The page that a problem's `type` leads to.
async fn problem_page(Path(slug): Path<String>) -> Result<Html<String>, Problem> {
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
