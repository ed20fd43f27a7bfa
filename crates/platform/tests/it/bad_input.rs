//! Whatever clients send, they get a precise answer, and nothing is half done.

use http::Method;
use platform::ServiceKind::{OrderApi, OrderProcessor, PaymentService};

use crate::support::{SURE, order, with_platform};

/// An order with one part replaced.
fn with(part: &str, replacement: &str) -> String {
    let body =
        r#"{"order_id":"o-1","customer_id":"c1","items":[{"product_id":"P","quantity":1,"price":9.5}]}"#;
    assert!(body.contains(part), "{part}");
    body.replace(part, replacement)
}

#[test]
fn every_mistake_in_an_order_is_named() {
    let items = r#"[{"product_id":"P","quantity":1,"price":9.5}]"#;
    let cases: &[(String, u16, &str)] = &[
        (String::new(), 400, "empty"),
        ("not JSON".to_owned(), 400, "line 1 column"),
        (order("o-1")[..20].to_owned(), 400, "EOF"),
        (format!("{}garbage", order("o-1")), 400, "trailing"),
        ("\u{0}\u{1}\u{2}".to_owned(), 400, "not JSON"),
        ("[]".to_owned(), 422, "body"),
        ("null".to_owned(), 422, "body"),
        (with(items, "[]"), 422, "items"),
        (with(items, "{}"), 422, "items"),
        (with("\"quantity\":1", "\"quantity\":0"), 422, "items[0].quantity"),
        (with("\"quantity\":1", "\"quantity\":-1"), 422, "items[0].quantity"),
        (with("\"quantity\":1", "\"quantity\":1.5"), 422, "items[0].quantity"),
        (with("9.5", "9.555"), 422, "two decimals"),
        (with("9.5", "-9.5"), 422, "negative"),
        (with("9.5", "1e99"), 422, "items[0].price"),
        (with("9.5", "99999999999999999999"), 422, "at most"),
        (with("\"c1\"", "null"), 422, "customer_id"),
        (with("\"o-1\"", "\"a/b\""), 422, "order_id"),
        (with("\"o-1\"", "\"sync\""), 422, "order_id"),
        (with("\"o-1\"", &format!("{:?}", "x".repeat(65))), 422, "order_id"),
    ];
    with_platform(SURE, async |platform| {
        for (body, status, word) in cases {
            let answer = platform.ask(OrderApi, Method::POST, "/orders", body.clone()).await;
            answer.assert_problem(*status, if *status == 400 { "malformed-body" } else { "invalid-body" });
            let detail = answer.json["detail"].as_str().expect("a text");
            assert!(detail.contains(word), "{body}\n→ {detail}");
        }
        let stats = platform.get("/stats").await.json;
        let stored: u64 =
            stats["orders"].as_object().expect("totals").values().filter_map(|n| n.as_u64()).sum();
        assert_eq!(stored, 0, "nothing was half done: {stats}");
    });
}

#[test]
fn an_invalid_field_is_named_apart() {
    with_platform(SURE, async |platform| {
        let body = with("\"quantity\":1", "\"quantity\":0");
        let answer = platform.ask(OrderApi, Method::POST, "/orders", body).await;
        assert_eq!(answer.json["field"], "items[0].quantity");
    });
}

#[test]
fn a_body_is_bounded_at_every_service() {
    with_platform(SURE, async |platform| {
        for (kind, path) in
            [(OrderApi, "/orders"), (OrderProcessor, "/process"), (PaymentService, "/charges")]
        {
            for bytes in [64 * 1024 + 1, 10 * 1024 * 1024] {
                let answer = platform.ask(kind, Method::POST, path, vec![b' '; bytes]).await;
                answer.assert_problem(413, "body-too-large");
            }
        }
        let order = order("o-1");
        let fits = format!("{order}{}", " ".repeat(64 * 1024 - order.len()));
        assert_eq!(platform.ask(OrderApi, Method::POST, "/orders", fits).await.status, 200);
    });
}

#[test]
fn the_services_behind_check_what_they_get_as_well() {
    with_platform(SURE, async |platform| {
        for (kind, path) in [(OrderProcessor, "/process"), (PaymentService, "/charges")] {
            platform.ask(kind, Method::POST, path, "{").await.assert_problem(400, "malformed-body");
            platform.ask(kind, Method::POST, path, "{}").await.assert_problem(422, "invalid-body");
            let text = r#"{"order_id":"a b","customer_id":"c1","amount":9.5}"#;
            platform.ask(kind, Method::POST, path, text).await.assert_problem(422, "invalid-body");
            // The first mistake is one of meaning, but the text is no JSON either.
            let text = r#"{"order_id":"a b","customer_id":"c1","amount":9.5"#;
            platform.ask(kind, Method::POST, path, text).await.assert_problem(400, "malformed-body");
        }
    });
}
