//! Everything that is wrong with a server, and is not the service's fault.

use std::sync::Arc;
use std::time::Duration;

use adapters::postgres::{Postgres, PostgresOrders, PostgresSettings, PostgresUrl, Schema};
use domain::{Effect, NewOrder, Order, OrderId, OrderStore, StoreError};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::services::{fresh_name, node, server, until};

fn text() -> Option<String> {
    server("FAILFIRST_TEST_POSTGRES")
}

fn open(url: &str, schema: &str, settings: PostgresSettings) -> PostgresOrders {
    let url: PostgresUrl = url.parse().expect("a URL");
    PostgresOrders::new(&Postgres::open(&node(), &url, Schema::of_orders(schema).expect("a name"), settings))
}

fn order(id: &str) -> Order {
    let body = br#"{"customer_id":"c1","items":[{"product_id":"PIZZA-1","quantity":2,"price":9.50}]}"#;
    let id = OrderId::new(id).expect("a valid id");
    NewOrder::parse(body).expect("a valid order").place(|| id, 1_000)
}

async fn lacks(store: &PostgresOrders) -> String {
    store.check().await.expect_err("it cannot serve").to_string()
}

/// Another client of the same server.
async fn admin(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("the server is there")
}

async fn run(admin: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(admin).await.expect("the server does it");
}

#[tokio::test]
async fn wrong_credentials_are_said_without_the_password() {
    let Some(url) = text() else { return };
    let wrong = url.replace("failfirst:failfirst@", "failfirst:sesame@");
    let store = open(&wrong, &fresh_name("orders"), PostgresSettings::default());
    let said = lacks(&store).await;
    assert!(said.contains("password authentication failed"), "{said}");
    assert!(!said.contains("sesame"), "{said}");
    let refused = store.insert(order("o-1")).await.expect_err("it cannot serve");
    assert_eq!(refused.effect(), Effect::None);
}

#[tokio::test]
async fn a_host_that_never_answers_costs_a_timeout_once() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("bound").port();
    let url = format!("postgres://me:sesame@127.0.0.1:{port}/shop");
    let settings =
        PostgresSettings { connect_timeout: Duration::from_millis(200), ..PostgresSettings::default() };
    let store = open(&url, "orders", settings);
    let first = store.insert(order("o-1")).await.expect_err("it cannot serve");
    assert_eq!(first.effect(), Effect::None);
    let said = lacks(&store).await;
    assert!(said.contains("was not reached within 200ms") && !said.contains("sesame"), "{said}");
}

#[tokio::test]
async fn a_schema_of_a_newer_program_is_left_alone() {
    let Some(url) = text() else { return };
    let schema = fresh_name("orders");
    let store = open(&url, &schema, PostgresSettings::default());
    until("the tables are made", async || store.check().await.is_ok()).await;
    let mut admin = admin(&url).await;
    run(
        &mut admin,
        format!(
            "INSERT INTO {schema}._sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (99, 'of the future', true, '', 0)"
        ),
    )
    .await;
    let older = open(&url, &schema, PostgresSettings::default());
    let said = lacks(&older).await;
    assert!(said.contains("has version 99 and this program knows 3"), "{said}");
    assert!(matches!(older.insert(order("o-1")).await, Err(StoreError::Unavailable { .. })));
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_undone_and_has_no_effect() {
    let Some(url) = text() else { return };
    let schema = fresh_name("orders");
    let settings =
        PostgresSettings { statement_timeout: Duration::from_millis(150), ..PostgresSettings::default() };
    let store = open(&url, &schema, settings);
    until("the tables are made", async || store.check().await.is_ok()).await;
    let mut admin = admin(&url).await;
    run(&mut admin, format!("BEGIN; LOCK TABLE {schema}.orders IN ACCESS EXCLUSIVE MODE")).await;
    let slow = store.insert(order("o-1")).await.expect_err("somebody holds the table");
    assert_eq!(slow.effect(), Effect::None, "{slow}");
    assert!(slow.to_string().contains("57014"), "{slow}");
    run(&mut admin, "ROLLBACK".to_owned()).await;
    assert_eq!(store.all().await, Ok(Vec::new()), "it was undone");
    assert_eq!(store.insert(order("o-1")).await, Ok(()), "and the connection is of use still");
}

#[tokio::test]
async fn a_database_that_can_only_be_read_is_not_ready() {
    let Some(url) = text() else { return };
    let store = open(
        &format!("{url}?options=-c%20default_transaction_read_only%3Don"),
        &fresh_name("orders"),
        PostgresSettings::default(),
    );
    let said = lacks(&store).await;
    assert!(said.contains("read-only") || said.contains("only be read"), "{said}");
}

#[tokio::test]
async fn connections_that_were_cut_are_replaced() {
    let Some(url) = text() else { return };
    let schema = fresh_name("orders");
    let store = Arc::new(open(&url, &schema, PostgresSettings::default()));
    store.insert(order("o-1")).await.expect("it is there");
    let mut admin = admin(&url).await;
    run(
        &mut admin,
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'failfirst {schema}'"),
    )
    .await;
    let first = order("o-1");
    until("reading comes back", async || store.get(&first.order_id).await == Ok(Some(first.clone()))).await;
    until("writing comes back", async || match store.insert(order("o-2")).await {
        Ok(()) | Err(StoreError::Exists { .. }) => true,
        Err(StoreError::Unavailable { .. }) => false,
        Err(error) => panic!("{error}"),
    })
    .await;
}
