//! What happens when something fails, dies, or is away.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use domain::event::{ORDERS, PAYMENTS};
use http::{HeaderMap, Method, StatusCode};
use platform::ServiceKind::{NotificationService, OrderApi, OrderProcessor, PaymentService};
use platform::{ServiceState, Webhook};
use serde_json::json;

use super::support::{COMPOSED, NAIVE, assemble, joined, joined_by};
use crate::support::{in_paused_time, sleep_ms};

#[test]
fn a_consumer_that_dies_in_its_work_loses_an_event_only_where_it_was_acknowledged_before() {
    for (design, state) in [(NAIVE, "placed"), (COMPOSED, "completed")] {
        joined(design, async |joined| {
            assert_eq!(joined.platform.place("o-1").await.status, 202);
            sleep_ms(50).await;
            joined.kill(OrderProcessor);
            sleep_ms(1_000).await;
            joined.restart(OrderProcessor);
            sleep_ms(10_000).await;
            assert_eq!(joined.platform.order_state("o-1").await, state);
            assert_eq!(joined.charges("o-1").await, 1, "payment does not stop because somebody died");
        });
    }
}

#[test]
fn what_was_accepted_while_the_broker_is_away_is_done_when_it_is_back() {
    joined(COMPOSED, async |joined| {
        joined.broker.set_away(true);
        sleep_ms(300).await;
        for n in 0..20 {
            assert_eq!(joined.platform.place(&format!("o-{n}")).await.status, 202);
        }
        let ready = async |kind| joined.platform.ask(kind, Method::GET, "/readyz", "").await;
        assert_eq!(ready(OrderApi).await.status, 200, "what it accepts is durable");
        ready(OrderProcessor).await.assert_problem(503, "not-ready");
        ready(NotificationService).await.assert_problem(503, "not-ready");
        assert_eq!(ready(PaymentService).await.status, 200);
        sleep_ms(30_000).await;
        let consumer = joined.platform.ask(OrderProcessor, Method::GET, "/metrics", "").await.text;
        assert!(!consumer.contains("consumer_lag{"), "nobody knows: {consumer}");
        assert_eq!(joined.platform.get("/stats").await.json["orders"]["placed"], 20);
        let metrics = joined.platform.get("/metrics").await.text;
        assert!(metrics.contains("outbox_pending 20\n") && metrics.contains("backlog 20\n"), "{metrics}");

        // Whoever relays them now: it is in the store.
        joined.kill(OrderApi);
        joined.restart(OrderApi);
        joined.broker.set_away(false);
        joined.settle().await;
        assert_eq!(joined.platform.get("/stats").await.json["orders"]["completed"], 20);
        assert_eq!(ready(OrderProcessor).await.status, 200);
        assert_eq!(joined.notices("o-7").await, 1);
    });
    joined(NAIVE, async |joined| {
        joined.broker.set_away(true);
        sleep_ms(300).await;
        assert_eq!(joined.platform.place("o-1").await.status, 202);
        joined.platform.get("/readyz").await.assert_problem(503, "not-ready");
        joined.broker.set_away(false);
        joined.settle().await;
        assert_eq!(joined.platform.order_state("o-1").await, "placed", "nobody ever heard of it");
    });
}

#[test]
fn an_event_that_takes_longer_than_its_worker_has_comes_again_and_has_its_effect_once() {
    joined(COMPOSED, async |joined| {
        // 20 s instead of 100 ms, and `work_max` is 15 s.
        joined.slow_payment_down(200).await;
        assert_eq!(joined.platform.place("o-1").await.status, 202);
        sleep_ms(16_000).await;
        assert_eq!(joined.platform.order_state("o-1").await, "placed");
        joined.settle().await;
        assert_eq!(joined.platform.order_state("o-1").await, "completed");
        assert_eq!((joined.charges("o-1").await, joined.notices("o-1").await), (1, 1));
        let metrics = joined.platform.ask(OrderProcessor, Method::GET, "/metrics", "").await.text;
        let told = r#"events_failed_total{topic="orders",reason="slow"} 1"#;
        assert!(metrics.contains(told), "{metrics}");
    });
}

#[test]
fn a_broker_that_is_away_at_the_start_and_topics_that_are_missing_only_take_time() {
    in_paused_time(async {
        let joined = assemble(COMPOSED, |state| state).await;
        joined.broker.set_away(true);
        platform::ServiceKind::ALL.into_iter().for_each(|kind| joined.platform.start(kind));
        sleep_ms(5_000).await;
        assert_eq!(joined.platform.place("o-1").await.status, 202);
        joined.broker.set_away(false);
        sleep_ms(2_000).await;
        joined.settle().await;
        assert_eq!(joined.platform.order_state("o-1").await, "completed");

        for topic in [ORDERS, PAYMENTS] {
            joined.broker.forget(topic);
        }
        assert_eq!(joined.platform.place("o-2").await.status, 202);
        sleep_ms(5_000).await;
        joined.settle().await;
        assert_eq!(joined.platform.order_state("o-2").await, "completed");
    });
}

#[test]
fn a_message_that_nobody_can_read_ends_as_a_dead_letter_with_its_reason_and_holds_up_nothing() {
    joined(COMPOSED, async |joined| {
        joined.publish(ORDERS, "p-1", "garbage").await;
        joined.publish(PAYMENTS, "p-2", r#"{"schema":1,"event":"order_eaten"}"#).await;
        joined.publish(ORDERS, "p-3", r#"{"schema":99,"event":"order_placed"}"#).await;
        assert_eq!(joined.platform.place("o-1").await.status, 202);
        joined.settle().await;
        assert_eq!(joined.platform.order_state("o-1").await, "completed");
        let letters = joined.letters().await;
        let told: Vec<_> = letters
            .iter()
            .map(|letter| (letter.message.key.as_str(), letter.group.as_str(), letter.attempts))
            .collect();
        let mut expected = vec![
            ("p-1", "order-processor", 1),
            ("p-2", "order-api", 1),
            ("p-2", "notification-service", 1),
            ("p-3", "order-processor", 5),
        ];
        expected.sort_unstable();
        let mut sorted = told.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected);
        assert!(letters[0].reason.starts_with("no event: "), "{}", letters[0].reason);
        let newer = letters.last().expect("four");
        assert_eq!(newer.reason, "an event of schema 99, and this program knows up to 1");
        assert_eq!(newer.history.len(), 4, "it waited for somebody who can read it");
        sleep_ms(1_000).await;
        let metrics = joined.platform.ask(OrderProcessor, Method::GET, "/metrics", "").await.text;
        for line in [
            "events_buried_total{topic=\"orders\"} 2\n",
            "dead_letters{topic=\"orders\",group=\"order-processor\"} 2\n",
            "events_failed_total{topic=\"orders\",reason=\"malformed\"} 1\n",
            "events_failed_total{topic=\"orders\",reason=\"newer-schema\"} 5\n",
        ] {
            assert!(metrics.contains(line), "{line} is missing in\n{metrics}");
        }
    });
}

#[test]
fn an_order_that_cannot_be_paid_is_closed_before_its_event_dies() {
    joined(&format!("failure_rate = 1.0\n{COMPOSED}"), async |joined| {
        assert_eq!(joined.platform.place("o-1").await.status, 202);
        joined.settle().await;
        let done = joined.platform.get("/orders/o-1").await.json;
        assert_eq!((&done["state"], &done["notified"]), (&json!("failed"), &json!(true)), "{done}");
        assert_eq!((joined.charges("o-1").await, joined.notices("o-1").await), (0, 1));
        assert_eq!(joined.platform.calls("o-1"), 5, "once for each attempt at the event");
        let letters = joined.letters().await;
        assert_eq!(letters.len(), 1);
        assert_eq!((letters[0].attempts, letters[0].history.len()), (5, 4));
        assert_eq!(letters[0].reason, "the payment did not succeed: failed");

        // Whoever replays it cannot charge an order that is closed.
        use domain::broker::DeadLetters as _;
        let healthy = r#"{"slowdown":1.0,"failure_rate":0.0}"#;
        joined.platform.ask_admin(PaymentService, Method::PUT, "/hardship", healthy).await;
        joined.broker.replay(&letters[0].id).await.expect("it is there");
        joined.settle().await;
        assert_eq!((joined.charges("o-1").await, joined.notices("o-1").await), (0, 1));
        let again = joined.letters().await;
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].reason, "the payment did not succeed: voided");
    });
}

#[test]
fn nothing_is_put_aside_while_payment_is_away() {
    joined(COMPOSED, async |joined| {
        joined.kill(PaymentService);
        assert_eq!(joined.platform.place("o-1").await.status, 202);
        sleep_ms(120_000).await;
        assert!(joined.letters().await.is_empty());
        assert_eq!(joined.platform.order_state("o-1").await, "placed");
        joined.restart(PaymentService);
        joined.settle().await;
        assert_eq!(joined.platform.order_state("o-1").await, "completed");
    });
}

/// What a webhook's receiver was told: keys and bodies.
type Told = Arc<Mutex<Vec<(String, serde_json::Value)>>>;

/// A receiver that fails the first time, beside payment.
fn receiver(told: &Told) -> Router {
    async fn receive(State(told): State<Told>, headers: HeaderMap, body: String) -> StatusCode {
        let key = headers["idempotency-key"].to_str().expect("visible").to_owned();
        let mut told = told.lock().expect("nobody panics");
        told.push((key, serde_json::from_str(&body).expect("JSON")));
        if told.len() == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
    }
    Router::new().route("/hook", post(receive)).with_state(Arc::clone(told))
}

#[test]
fn a_webhook_is_told_until_it_has_heard_it_under_one_key() {
    let hook = Webhook { host: "clients".to_owned(), port: 9999, path: "/hook".to_owned() };
    let with_hook = |state: ServiceState| state.with_webhook(hook.clone());
    joined_by(COMPOSED, with_hook, async |joined| {
        let told = Told::default();
        let node = joined.platform.world.node("clients").expect("it is a host");
        node.spawn({
            let (node, router) = (node.clone(), receiver(&told));
            async move {
                let listener = node.listen(9999).await.expect("the port is free");
                node::http::serve(node, listener, router, node::http::ServerOptions::default()).await
            }
        });
        assert_eq!(joined.platform.place("o-1").await.status, 202);
        joined.settle().await;
        let told = told.lock().expect("nobody panics").clone();
        let keys: Vec<_> = told.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["\"p:o-1\"", "\"p:o-1\""]);
        assert_eq!((&told[1].1["order_id"], &told[1].1["outcome"]), (&json!("o-1"), &json!("completed")));
        assert_eq!(joined.notices("o-1").await, 1);
        assert_eq!(joined.platform.get("/orders/o-1").await.json["notified"], true);
    });
}

#[test]
fn a_process_that_is_to_stop_finishes_what_it_has_and_leaves_the_rest_to_others() {
    joined(COMPOSED, async |joined| {
        joined.kill(OrderProcessor);
        joined.platform.world.restart(OrderProcessor.name()).expect("it is down");
        let node = joined.platform.start_on_node(OrderProcessor);
        for n in 0..20 {
            assert_eq!(joined.platform.place(&format!("o-{n}")).await.status, 202);
        }
        sleep_ms(20).await;
        let in_hand = joined.platform.state(OrderProcessor).telemetry().gauges()["in_flight"].now();
        assert_eq!(in_hand, 5);
        let began = tokio::time::Instant::now();
        node.stopping().begin();
        node.stopping().finished().await;
        assert!(began.elapsed() < std::time::Duration::from_millis(500), "{:?}", began.elapsed());
        use domain::broker::{Broker as _, Lag};
        let lag = joined.broker.lag(ORDERS, "order-processor").await.expect("it is there");
        assert_eq!(lag.in_flight, 0, "nobody has to wait for a lease");
        assert!(lag.waiting > 0 && lag != Lag::default(), "{lag:?}");
        let charges = joined.platform.state(PaymentService).facts().await.expect("in memory").charges;
        assert_eq!(charges.len() as u64 + lag.waiting, 20, "what was begun was finished and settled");
    });
}
