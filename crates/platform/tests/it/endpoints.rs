//! Every endpoint and every status that it can answer with.

use http::{Method, header};
use platform::ServiceKind::{OrderApi, OrderProcessor, PaymentService};
use serde_json::{Value, json};

use crate::support::{CHAIN, SURE, order, request, with_platform};

#[test]
fn an_order_is_paid_and_can_be_looked_up() {
    with_platform(SURE, async |platform| {
        let placed = platform.place("o-1").await;
        assert_eq!(placed.status, 200, "{}", placed.text);
        assert_eq!(placed.header(header::LOCATION), "/orders/o-1");
        assert_eq!(placed.json["state"], "completed");
        assert_eq!(placed.json["total"], 19.0);
        let found = platform.get("/orders/o-1").await;
        assert_eq!((found.status.as_u16(), &found.json), (200, &placed.json));

        let charge_id = placed.json["charge_id"].as_str().expect("it was charged");
        let charge = platform.ask(PaymentService, Method::GET, &format!("/charges/{charge_id}"), "").await;
        assert_eq!((charge.status.as_u16(), &charge.json["order_id"]), (200, &json!("o-1")));
    });
}

#[test]
fn an_order_without_an_id_gets_one() {
    with_platform(SURE, async |platform| {
        let body = r#"{"customer_id":7,"items":[{"product_id":"P","quantity":1,"price":"0.99"}]}"#;
        let first = platform.ask(OrderApi, Method::POST, "/orders/sync", body).await;
        let second = platform.ask(OrderApi, Method::POST, "/orders/sync", body).await;
        assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 200), "{}", first.text);
        assert_ne!(first.json["order_id"], second.json["order_id"]);
        assert_eq!(platform.get(first.header(header::LOCATION)).await.json, first.json);
    });
}

#[test]
fn a_declined_order_is_told_so_and_stored_as_declined() {
    with_platform(&format!("{SURE}decline_rate = 1.0"), async |platform| {
        let declined = platform.place("o-1").await;
        declined.assert_problem(402, "payment-declined");
        assert_eq!(declined.json["order_id"], "o-1");
        assert_eq!(declined.json["retryable"], false);
        assert_eq!(declined.header(header::LOCATION), "/orders/o-1");
        assert_eq!(platform.order_state("o-1").await, "declined");
        assert_eq!(platform.calls("o-1"), 1, "a decline is never retried");
    });
}

#[test]
fn an_order_cannot_be_placed_twice() {
    with_platform(SURE, async |platform| {
        assert_eq!(platform.place("o-1").await.status, 200);
        let again = platform.place("o-1").await;
        again.assert_problem(409, "order-exists");
        assert_eq!(again.header(header::LOCATION), "/orders/o-1");
        assert_eq!(platform.calls("o-1"), 1, "nothing was done about it");
    });
}

#[test]
fn a_chain_cannot_answer_before_it_is_done() {
    with_platform(SURE, async |platform| {
        let answer = platform.ask(OrderApi, Method::POST, "/orders/async", order("o-1")).await;
        answer.assert_problem(501, "async-unavailable");
    });
}

#[test]
fn totals_count_orders_and_payments() {
    with_platform(&format!("{SURE}failure_rate = 0.5"), async |platform| {
        for order_id in ["o-1", "o-2", "o-3"] {
            assert_eq!(platform.place(order_id).await.status, 200);
        }
        let stats = platform.get("/stats").await.json;
        let orders = json!({ "placed": 0, "paying": 0, "completed": 3, "declined": 0, "failed": 0 });
        assert_eq!(stats["orders"], orders);
        assert_eq!(stats["payments"]["made"], 3);
        let calls: u64 = ["o-1", "o-2", "o-3"].iter().map(|order_id| platform.calls(order_id)).sum();
        assert_eq!(stats["payments"]["failed"], calls - 3);

        let metrics = platform.get("/metrics").await.text;
        assert!(metrics.contains("orders_total{state=\"completed\"} 3\n"), "{metrics}");
        let metrics = platform.ask(OrderProcessor, Method::GET, "/metrics", "").await.text;
        assert!(metrics.contains("payment_attempts_total{outcome=\"succeeded\"} 3\n"), "{metrics}");
        let metrics = platform.ask(PaymentService, Method::GET, "/metrics", "").await.text;
        assert!(metrics.contains("charges_total{outcome=\"succeeded\"} 3\n"), "{metrics}");
    });
}

#[test]
fn what_is_not_there_is_a_problem_as_well() {
    with_platform(SURE, async |platform| {
        platform.get("/orders/none").await.assert_problem(404, "order-not-found");
        platform.get("/orders/a%20b").await.assert_problem(404, "order-not-found");
        let charge = platform.ask(PaymentService, Method::GET, "/charges/none", "").await;
        charge.assert_problem(404, "charge-not-found");
        for kind in CHAIN {
            platform.ask(kind, Method::GET, "/none", "").await.assert_problem(404, "not-found");
            let answer = platform.ask(kind, Method::DELETE, "/health", "").await;
            answer.assert_problem(405, "method-not-allowed");
            assert_eq!(answer.header(header::ALLOW), "GET,HEAD");
        }
        let answer = platform.get("/orders").await;
        answer.assert_problem(405, "method-not-allowed");
        assert_eq!(answer.header(header::ALLOW), "POST");
    });
}

#[test]
fn every_service_says_how_it_is() {
    with_platform(SURE, async |platform| {
        for kind in CHAIN {
            let health = platform.ask(kind, Method::GET, "/health", "").await;
            let expected =
                json!({ "status": "ok", "service": kind.name(), "design": "test", "topology": "chain" });
            assert_eq!((health.status.as_u16(), health.json), (200, expected));
            assert_eq!(platform.ask(kind, Method::GET, "/livez", "").await.status, 200);
            assert_eq!(platform.ask(kind, Method::GET, "/readyz", "").await.status, 200);
        }
    });
}

#[test]
fn a_problem_leads_to_a_page_about_it() {
    with_platform(SURE, async |platform| {
        let problem = platform.get("/orders/none").await;
        let page = platform.get(problem.json["type"].as_str().expect("a relative URI")).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("What to do"), "{}", page.text);
        platform.get("/problems/none").await.assert_problem(404, "not-found");
    });
}

#[test]
fn a_charge_can_be_found_voided_and_refunded_by_its_key() {
    with_platform(SURE, async |platform| {
        let charge = async |key: &str| {
            let body = r#"{"order_id":"o-1","customer_id":"c1","amount":9.5}"#;
            let mut request = request(Method::POST, "/charges", body);
            request.headers_mut().insert("idempotency-key", key.parse().expect("a header"));
            platform.send(PaymentService, request).await.expect("an answer")
        };
        let post = async |path: &str| platform.ask(PaymentService, Method::POST, path, "").await;

        assert_eq!(charge("\"k-1\"").await.json["amount"], 9.5);
        let found = platform.ask(PaymentService, Method::GET, "/charges/k-1", "").await;
        assert_eq!(found.json["key"], "k-1");
        charge("k-1").await.assert_problem(409, "charge-exists");
        charge("\"open").await.assert_problem(400, "bad-header");

        let voided = post("/charges/k-1/void").await;
        assert_eq!((&voided.json["voided"], &voided.json["charge"]["key"]), (&json!(false), &json!("k-1")));
        let refunded = post("/charges/k-1/refund").await;
        assert!(refunded.json["refunded_at_us"].is_u64(), "{}", refunded.text);
        assert_eq!(post("/charges/k-1/refund").await.json, refunded.json, "once");
        post("/charges/none/refund").await.assert_problem(404, "charge-not-found");

        assert_eq!(post("/charges/k-2/void").await.json, json!({ "voided": true }));
        charge("k-2").await.assert_problem(409, "charge-voided");
    });
}

#[test]
fn the_description_says_what_is_answered() {
    with_platform(SURE, async |platform| {
        let api = platform.get("/openapi.json").await.json;
        assert_described(&api, "Order", &platform.place("o-1").await.json);
        assert_described(&api, "Problem", &platform.place("o-1").await.json);
        assert_described(&api, "Health", &platform.get("/health").await.json);
        assert_described(&api, "Stats", &platform.get("/stats").await.json);
        for path in ["/orders", "/orders/async", "/orders/{id}", "/stats", "/health", "/problems/{slug}"] {
            assert!(api["paths"][path].is_object(), "{path}");
        }

        for other in ["/orders/sync", "/orders/async"] {
            let responses = &api["paths"][other]["post"]["responses"];
            for status in ["202", "400", "422", "429", "501", "503"] {
                assert!(responses[status].is_object(), "{other} answers {status} as well");
            }
        }
        let processor = platform.ask(OrderProcessor, Method::GET, "/openapi.json", "").await.json;
        let body = r#"{"order_id":"o-2","customer_id":"c1","amount":9.5}"#;
        let processed = platform.ask(OrderProcessor, Method::POST, "/process", body).await;
        assert_described(&processor, "ProcessedOrder", &processed.json);

        let payment = platform.ask(PaymentService, Method::GET, "/openapi.json", "").await.json;
        let charged = platform.ask(PaymentService, Method::POST, "/charges", body).await;
        assert_described(&payment, "ChargeAnswer", &charged.json);
        let path = format!("/charges/{}", charged.json["charge_id"].as_str().expect("an id"));
        let charge = platform.ask(PaymentService, Method::GET, &path, "").await;
        assert_described(&payment, "Charge", &charge.json);
    });
}

/// Every member that is there is described, and every member that must be there is.
fn assert_described(document: &Value, schema: &str, answer: &Value) {
    let schema = &document["components"]["schemas"][schema];
    let members = answer.as_object().expect("an object");
    for member in members.keys() {
        assert!(schema["properties"][member].is_object(), "{member} is not described in {schema}");
    }
    for required in schema["required"].as_array().expect("some are required") {
        assert!(members.contains_key(required.as_str().expect("a name")), "{required} is not in {answer}");
    }
}
