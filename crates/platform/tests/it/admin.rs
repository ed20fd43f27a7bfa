//! The admin port: facts, gauges and the hand that breaks payment.

use http::Method;
use platform::ServiceKind::{OrderApi, OrderProcessor, PaymentService};
use platform::{Hardship, ServiceFacts};
use serde_json::json;

use crate::support::{CHAIN, SURE, sleep_ms, with_platform};

#[test]
fn facts_are_the_same_over_the_network_as_in_the_process() {
    with_platform(&format!("{SURE}failure_rate = 0.5"), async |platform| {
        for n in 0..5 {
            assert_eq!(platform.place(&format!("o-{n}")).await.status, 200);
        }
        for kind in CHAIN {
            let told = platform.ask_admin(kind, Method::GET, "/facts", "").await;
            let told: ServiceFacts = serde_json::from_value(told.json).expect("facts");
            assert_eq!(told, platform.state(kind).facts().await.expect("in memory"));
            assert_eq!(told.service, kind);
        }
        let orders = platform.state(OrderApi).facts().await.expect("in memory").orders;
        assert_eq!(orders.len(), 5);
        let calls = platform.state(OrderProcessor).facts().await.expect("in memory").calls;
        assert_eq!(calls.per_order.len(), 5);
    });
}

#[test]
fn gauges_are_told_by_the_window() {
    with_platform(SURE, async |platform| {
        let window = async || platform.ask_admin(PaymentService, Method::GET, "/gauges", "").await.json;
        let order = platform.place_in_background("o-1");
        sleep_ms(50).await;
        assert_eq!(window().await["running"], 1);
        order.await.expect("an answer");
        assert_eq!(window().await["running"], 1, "it was running when the window began");
        assert_eq!(window().await["running"], 0);
    });
}

#[test]
fn hardship_is_set_and_holds_for_charges_that_begin_then() {
    with_platform(SURE, async |platform| {
        let put = async |body: &str| {
            platform.ask_admin(PaymentService, Method::PUT, "/hardship", body.to_owned()).await
        };
        assert_eq!(put(r#"{"slowdown":5}"#).await.json, json!({ "slowdown": 5.0, "failure_rate": null }));
        let order = platform.place_in_background("o-1");
        sleep_ms(300).await;
        assert_eq!(platform.order_state("o-1").await, "paying", "five times slower");
        assert_eq!(put("{}").await.status, 200);
        assert_eq!(platform.state(PaymentService).hardship().get(), Hardship::default());
        sleep_ms(100).await;
        assert_eq!(platform.order_state("o-1").await, "paying", "it began in the hardship");
        assert_eq!(order.await.expect("an answer").status, 200);

        put("{").await.assert_problem(400, "malformed-body");
        put(r#"{"slowdown":0}"#).await.assert_problem(422, "invalid-body");
        put(r#"{"slowdwn":2}"#).await.assert_problem(422, "invalid-body");
        put(r#"{"failure_rate":2}"#).await.assert_problem(422, "invalid-body");
        let elsewhere = platform.ask_admin(OrderApi, Method::PUT, "/hardship", "{}").await;
        elsewhere.assert_problem(404, "not-found");
    });
}

#[test]
fn the_port_for_orders_has_no_admin_routes() {
    with_platform(SURE, async |platform| {
        for path in ["/facts", "/gauges", "/hardship"] {
            let answer = platform.ask(PaymentService, Method::GET, path, "").await;
            answer.assert_problem(404, "not-found");
        }
    });
}
