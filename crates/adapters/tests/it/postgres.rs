//! PostgreSQL.

mod crash;
mod hardship;

use std::sync::Arc;

use adapters::postgres::{
    Postgres, PostgresCharges, PostgresNotices, PostgresOrders, PostgresRecords, PostgresSettings,
    PostgresUrl, Schema,
};

use crate::services::{fresh_name, node, server};

/// The server, if there is one.
fn url() -> Option<PostgresUrl> {
    server("FAILFIRST_TEST_POSTGRES").map(|url| url.parse().expect("a URL"))
}

fn orders(url: &PostgresUrl) -> Postgres {
    let schema = Schema::of_orders(&fresh_name("orders")).expect("a name");
    Postgres::open(&node(), url, schema, PostgresSettings::default())
}

fn charges(url: &PostgresUrl) -> Postgres {
    let schema = Schema::of_charges(&fresh_name("charges")).expect("a name");
    Postgres::open(&node(), url, schema, PostgresSettings::default())
}

#[tokio::test]
async fn keeps_the_contract_of_an_order_store() {
    let Some(url) = url() else { return };
    domain::contract::order_store(|| Arc::new(PostgresOrders::new(&orders(&url)))).await;
}

#[tokio::test]
async fn keeps_the_contract_of_a_charge_store() {
    let Some(url) = url() else { return };
    domain::contract::charge_store(|| Arc::new(PostgresCharges::new(&charges(&url)))).await;
}

#[tokio::test]
async fn keeps_the_contract_of_a_notice_store() {
    let Some(url) = url() else { return };
    let notices = || {
        let schema = Schema::of_notices(&fresh_name("notices")).expect("a name");
        Postgres::open(&node(), &url, schema, PostgresSettings::default())
    };
    domain::contract::notice_store(|| Arc::new(PostgresNotices::new(&notices()))).await;
}

#[tokio::test]
async fn keeps_the_contract_of_idempotency_records() {
    let Some(url) = url() else { return };
    resilience::idempotency::contract::idempotency_records(|| Arc::new(PostgresRecords::new(&orders(&url))))
        .await;
}

#[tokio::test]
async fn keeps_the_contract_of_an_outbox() {
    let Some(url) = url() else { return };
    domain::contract::outbox(|| {
        let store = Arc::new(PostgresOrders::new(&orders(&url)));
        (Arc::clone(&store) as _, store as _)
    })
    .await;
}
