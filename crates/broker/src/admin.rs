//! What only whoever examines a broker may do to it and ask of it: on a port of its own, which never leaves the loopback.
//!
//! | route | body | answer |
//! |---|---|---|
//! | `GET /facts` | | JSON: what it knows of itself |
//! | `PUT /mischief` | JSON: the shares of the messages that come twice, late, or with something that nobody can read | 200; 422 for what is no share |
//! | `GET /poisoned` | | JSON: how many messages that nobody can read were published, by topic |

use std::collections::BTreeMap;

use axum::extract::State;
use axum::routing::{get, put};
use axum::{Json, Router};
use http::StatusCode;

use crate::{Facts, Mischief, MischiefControl, Watch};

#[derive(Clone, Debug)]
struct Admin {
    watch: Watch,
    mischief: MischiefControl,
}

/// The routes for a broker that is watched so and disturbed by this hand.
pub fn router(watch: Watch, mischief: MischiefControl) -> Router {
    Router::new()
        .route("/facts", get(facts))
        .route("/mischief", put(disturb))
        .route("/poisoned", get(poisoned))
        .with_state(Admin { watch, mischief })
}

async fn facts(State(admin): State<Admin>) -> Json<Facts> {
    Json(admin.watch.facts())
}

async fn disturb(State(admin): State<Admin>, Json(mischief): Json<Mischief>) -> StatusCode {
    if !mischief.is_valid() {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    admin.mischief.set(mischief);
    StatusCode::OK
}

async fn poisoned(State(admin): State<Admin>) -> Json<BTreeMap<String, u64>> {
    Json(admin.mischief.poisoned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::owner::Shown;

    #[tokio::test]
    async fn mischief_is_done_as_asked_and_what_is_no_share_changes_nothing() {
        let mischief = MischiefControl::default();
        let admin = Admin { watch: Watch { facts: Shown::default() }, mischief: mischief.clone() };
        let half = Mischief { duplicated: 0.5, ..Mischief::default() };
        assert_eq!(disturb(State(admin.clone()), Json(half)).await, StatusCode::OK);
        let too_much = Mischief { poisoned: 1.5, ..Mischief::default() };
        assert_eq!(disturb(State(admin), Json(too_much)).await, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(mischief.get(), half);
    }
}
