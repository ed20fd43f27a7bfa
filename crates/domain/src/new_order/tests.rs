//! Examples of every refusal, and bytes of every kind.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn valid() -> Value {
    json!({"customer_id": "c1", "items": [{"product_id": "PIZZA-1", "quantity": 2, "price": 9.5}]})
}

fn parse(value: &Value) -> Result<NewOrder, Rejection> {
    NewOrder::parse(value.to_string().as_bytes())
}

/// The field and the reason with which a valid body is refused when the field at `pointer` is replaced.
fn refusal(pointer: &str, value: Value) -> String {
    let mut body = valid();
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
    body.pointer_mut(parent).expect("it is there")[field] = value;
    refusal_of(&body.to_string())
}

fn refusal_of(body: &str) -> String {
    match NewOrder::parse(body.as_bytes()) {
        Err(Rejection::Invalid(invalid)) => invalid.to_string(),
        other => panic!("expected an invalid field, got {other:?}"),
    }
}

fn refused_price(text: &str) -> String {
    refusal_of(&format!(r#"{{"customer_id":1,"items":[{{"product_id":"P","quantity":1,"price":{text}}}]}}"#))
}

#[test]
fn reads_the_documented_body() {
    let body = br#"{"customer_id": 1, "items":[{"product_id":"PIZZA-1","quantity":2,"price":9.50},
        {"product_id":"COLA-1","quantity":1,"price":"3.05","note":"cold"}], "order_id":"o-1", "priority":"high", "x":[{}]}"#;
    let order = NewOrder::parse(body).expect("a valid order");
    assert_eq!(order.customer_id().as_str(), "1");
    assert_eq!(order.order_id().map(OrderId::as_str), Some("o-1"));
    assert_eq!((order.items().len(), order.priority()), (2, Priority::High));
    assert_eq!(order.total().to_string(), "22.05");
}

#[test]
fn what_is_optional_has_a_default() {
    let mut body = valid();
    body["order_id"] = Value::Null;
    let order = parse(&body).expect("null counts as absent");
    assert_eq!((order.order_id(), order.priority()), (None, Priority::Normal));
    let order = order.place(|| OrderId::new("fresh").expect("a valid id"), 7);
    assert_eq!((order.order_id.as_str(), order.placed_at_us, order.updated_at_us), ("fresh", 7, 7));
}

#[test]
fn an_order_is_shown_as_documented() {
    let order = parse(&valid()).expect("a valid order").place(|| OrderId::new("o-1").expect("a valid id"), 7);
    let shown = serde_json::to_value(&order).expect("plain data");
    let expected = json!({
        "order_id": "o-1", "customer_id": "c1", "total": 19.0, "currency": "EUR", "state": "placed",
        "items": [{"product_id": "PIZZA-1", "quantity": 2, "price": 9.5}],
        "priority": "normal", "notified": false, "placed_at_us": 7, "updated_at_us": 7
    });
    assert_eq!(shown, expected);
    assert_eq!(serde_json::from_value::<Order>(shown).expect("what was shown"), order);
}

#[test]
fn what_is_not_json_is_malformed_and_says_where() {
    let at = |body: &[u8]| match NewOrder::parse(body) {
        Err(Rejection::Malformed { reason, line, column }) => (reason, line, column),
        other => panic!("expected malformed, got {other:?}"),
    };
    assert_eq!(at(b""), ("it is empty".to_owned(), 1, 0));
    assert_eq!(at(b" \n").0, "it is empty");
    assert_eq!(at(b"{\n  \"customer_id\" \"c1\"}"), ("expected `:`".to_owned(), 2, 17));
    assert_eq!(at(b"{\"items\": [").0, "EOF while parsing a list");
    assert_eq!(at(b"{} {}").0, "trailing characters");
    assert_eq!(at(b"\"\xff\"").1, 1);
    // Wrong in meaning early, wrong in syntax late: the syntax is what is told.
    assert_eq!(at(b"[1, 2").0, "EOF while parsing a list");
    assert_eq!(at(b"{\"customer_id\": true, ").1, 1);
}

#[test]
fn what_is_no_object_is_invalid() {
    for body in ["[]", "null", "1", "\"text\""] {
        assert_eq!(refusal_of(body), "body must be an object");
    }
    let twice = r#"{"customer_id":"a","customer_id":"b"}"#;
    assert_eq!(
        refusal_of(twice),
        "body must be an object with each field once: duplicate field `customer_id`"
    );
}

#[test]
fn a_missing_field_is_named() {
    assert_eq!(refusal_of("{}"), "customer_id is required");
    assert_eq!(refusal("/items", Value::Null), "items is required");
    assert_eq!(refusal("/items/0/quantity", Value::Null), "items[0].quantity is required");
}

#[test]
fn items_are_bounded() {
    assert_eq!(refusal("/items", json!([])), "items must not be empty");
    assert_eq!(refusal("/items", json!({})), "items must be a list");
    let line = valid()["items"][0].clone();
    assert_eq!(refusal("/items", json!(vec![&line; 101])), "items must have at most 100 entries");
    assert_eq!(refusal("/items", json!([line, 1])), "items[1] must be an object");
    let mut body = valid();
    body["items"] = json!(vec![&line; 100]);
    assert!(parse(&body).is_ok());
}

#[test]
fn a_quantity_is_a_whole_number_from_1_to_1000() {
    let with = |value| refusal("/items/0/quantity", value);
    assert_eq!(with(json!(0)), "items[0].quantity must be at least 1");
    assert_eq!(with(json!(-1)), "items[0].quantity must be at least 1");
    assert_eq!(with(json!(1001)), "items[0].quantity must be at most 1000");
    assert_eq!(with(json!(u64::MAX)), "items[0].quantity must be at most 1000");
    for value in [json!(1.5), json!(2.0), json!("2"), json!(true), json!([2])] {
        assert_eq!(with(value), "items[0].quantity must be a whole number");
    }
}

#[test]
fn a_price_is_read_from_its_own_text() {
    for text in ["9.999", "9.500", "9.9999999999999999", "\"9.999\""] {
        assert_eq!(refused_price(text), "items[0].price must have at most two decimals", "{text}");
    }
    for text in ["-1", "-0.01", "\"-1\""] {
        assert_eq!(refused_price(text), "items[0].price must not be negative", "{text}");
    }
    for text in ["1e3", "true", "[]", "{}", "\"\"", "\"nine\"", "\"\\ud800\""] {
        assert_eq!(refused_price(text), "items[0].price must be an amount like 9.50", "{text}");
    }
    assert_eq!(refused_price("1e400"), "items[0].price must be an amount like 9.50");
    assert_eq!(refused_price("99999999999999999999"), "items[0].price must be at most 9999999999999.99");
    assert_eq!(refused_price("null"), "items[0].price is required");
}

#[test]
fn an_overflow_names_the_line_that_caused_it() {
    let line = |quantity: u32| json!({"product_id": "P", "quantity": quantity, "price": "9999999999999.99"});
    let reason = "must not bring the total above 9999999999999.99";
    assert_eq!(refusal("/items", json!([line(2)])), format!("items[0] {reason}"));
    assert_eq!(refusal("/items", json!([line(1), line(1)])), format!("items[1] {reason}"));
}

#[test]
fn ids_and_priorities_are_checked() {
    assert!(refusal("/order_id", json!("a/b")).starts_with("order_id must consist of"));
    assert_eq!(refusal("/order_id", json!(7)), "order_id must be a string");
    assert_eq!(refusal("/order_id", json!("x".repeat(65))), "order_id must be at most 64 characters long");
    assert_eq!(refusal("/customer_id", json!("")), "customer_id must not be empty");
    for value in [json!(1.5), json!(-1), json!(true), json!({})] {
        assert_eq!(refusal("/customer_id", value), "customer_id must be a string or a whole number");
    }
    assert_eq!(refusal("/items/0/product_id", json!(5)), "items[0].product_id must be a string");
    let priority = "priority must be \"low\", \"normal\" or \"high\"";
    assert_eq!(refusal("/priority", json!("urgent")), priority);
    assert_eq!(refusal("/priority", json!({"high": null, "x": 1})), priority);
}

/// Any JSON value, a few levels deep, with our field names among its keys.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key = "customer_id|items|order_id|priority|product_id|quantity|price|other";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = NewOrder::parse(&bytes);
    }

    #[test]
    fn arbitrary_json_is_never_malformed(value in values()) {
        let result = parse(&value);
        prop_assert!(!matches!(result, Err(Rejection::Malformed { .. })), "{:?}", result);
    }

    #[test]
    fn a_damaged_body_never_panics(position in 0..100usize, byte in any::<u8>(), cut in 0..100usize) {
        let mut bytes = valid().to_string().into_bytes();
        let position = position % bytes.len();
        bytes[position] = byte;
        let _ = NewOrder::parse(&bytes);
        let _ = NewOrder::parse(&bytes[..cut % bytes.len()]);
    }

    #[test]
    fn the_total_is_the_exact_sum(lines in prop::collection::vec((1..=1000u32, 0..100_000u64), 1..=100)) {
        let items: Vec<Value> = lines.iter().map(|(quantity, cents)| {
            json!({"product_id": "P", "quantity": quantity, "price": Money::from_minor(*cents).expect("small").to_string()})
        }).collect();
        let order = parse(&json!({"customer_id": "c1", "items": items})).expect("a valid order");
        let sum: u64 = lines.iter().map(|(quantity, cents)| u64::from(*quantity) * cents).sum();
        prop_assert_eq!(order.total().minor(), sum);
    }
}
