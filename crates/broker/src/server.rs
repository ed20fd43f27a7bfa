//! The broker over HTTP.
//!
//! | route | body | answer |
//! |---|---|---|
//! | `POST /v1/publish` | binary: calls of messages | binary: what became of each call |
//! | `POST /v1/subscribe` | JSON: topic, group | JSON: the consumer's number |
//! | `POST /v1/fetch` | binary | binary: messages, as soon as there are any |
//! | `POST /v1/settle`, `/v1/extend`, `/v1/close` | binary | binary: how many came too late |
//! | `PUT /v1/layout` | JSON: topics and groups | 204 |
//! | `GET /v1/lag?topic=…&group=…` | | JSON: waiting, in_flight, dead_letters |
//! | `GET /v1/dead-letters?topic=…&group=…&after=…&limit=…` | | JSON: letters |
//! | `GET /v1/dead-letters/total?topic=…&group=…` | | JSON: total |
//! | `GET`, `DELETE /v1/dead-letters/{id}`, `POST …/{id}/replay` | | JSON: the letter; 204 |
//! | `GET /v1/facts`, `/metrics`, `/livez`, `/readyz`, `/health` | | |
//!
//! Errors are problem documents; what the client makes its error of stands in their member `refusal`.

mod consuming;
mod letters;
mod metrics;
mod publishing;
mod reading;
mod replies;

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use domain::broker::{Lag, Layout};
use http::{Request, StatusCode, header};

pub(crate) use self::publishing::check;
use self::reading::{Asked, Body, json};
pub(crate) use self::replies::turned_away;
use self::replies::{answer, bad, nothing, refused};
use crate::owner::{Desk, Facts, Job};
use crate::wire::{Behind, Declared, Place};

/// How long the owner may take to say that it works.
const CHECK_WITHIN: Duration = Duration::from_secs(1);

/// All routes.
pub(crate) fn router(desk: Desk) -> Router {
    Router::new()
        .route("/v1/publish", post(publishing::publish))
        .route("/v1/subscribe", post(consuming::subscribe))
        .route("/v1/fetch", post(consuming::fetch))
        .route("/v1/settle", post(consuming::settle))
        .route("/v1/extend", post(consuming::extend))
        .route("/v1/close", post(consuming::close))
        .route("/v1/layout", put(declare))
        .route("/v1/lag", get(lag))
        .route("/v1/facts", get(facts))
        .route("/v1/dead-letters", get(letters::list))
        .route("/v1/dead-letters/total", get(letters::total))
        .route("/v1/dead-letters/{id}", get(letters::show).merge(delete(letters::purge)))
        .route("/v1/dead-letters/{id}/replay", post(letters::replay))
        .route("/metrics", get(exposed))
        .route("/livez", get(async || StatusCode::OK))
        .route("/readyz", get(ready))
        .route("/health", get(ready))
        .fallback(async || bad(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            bad(
                StatusCode::METHOD_NOT_ALLOWED,
                "this path does not take this method: `allow` says which it takes",
            )
        })
        .with_state(desk)
}

async fn declare(State(desk): State<Desk>, request: Request<Body>) -> Response {
    let layouts: Vec<Declared> = match json(request).await {
        Ok(layouts) => layouts,
        Err(response) => return response,
    };
    let layouts = layouts.into_iter().map(|Declared { topic, groups }| Layout { topic, groups }).collect();
    nothing(desk.ask(|reply| Job::Declare(layouts, reply)).await)
}

async fn lag(State(desk): State<Desk>, Asked(place): Asked<Place>) -> Response {
    let lag = desk.ask(|reply| Job::Lag(place, reply)).await;
    answer(lag.map(|Lag { waiting, in_flight, dead_letters }| Behind { waiting, in_flight, dead_letters }))
}

async fn facts(State(desk): State<Desk>) -> Json<Facts> {
    Json(desk.facts.read())
}

async fn exposed(State(desk): State<Desk>) -> ([(header::HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::text(&desk.facts.read()))
}

/// Whether it takes messages right now.
async fn ready(State(desk): State<Desk>) -> Response {
    if desk.node.stopping().has_begun() {
        return refused(domain::broker::BrokerError::untouched("it is being stopped"));
    }
    match desk.ask_within(CHECK_WITHIN, Job::Check).await {
        Ok(()) => answer(Ok(serde_json::json!({ "status": "ok" }))),
        Err(error) => refused(error),
    }
}
