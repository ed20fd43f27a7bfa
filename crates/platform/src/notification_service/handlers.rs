//! notification-service's endpoints.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::telemetry::Telemetry;

/// Totals.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NoticeStats {
    /// Notices that were written down since the service began to count, by how the order ended.
    notices: BTreeMap<&'static str, u64>,
}

/// How many customers were told, by how their orders ended.
#[utoipa::path(get, path = "/stats", tag = "notices", responses((status = 200, description = "Totals", body = NoticeStats)))]
pub(crate) async fn stats(State(telemetry): State<Telemetry>) -> Json<NoticeStats> {
    Json(NoticeStats { notices: telemetry.counters().notices.counts().collect() })
}
