//! The platform in one process: the same parts, the same layers, no network between them.

use http::Method;
use platform::ServiceKind::{OrderApi, OrderProcessor, PaymentService};

use crate::support::{SURE, sleep_ms, with_platform};

fn monolith(constraints: &str) -> String {
    format!("topology = 'monolith'\n{SURE}{constraints}")
}

#[test]
fn an_order_is_placed_paid_and_found_in_one_process() {
    with_platform(&monolith(""), async |platform| {
        let answer = platform.place("o-1").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!((answer.header("location"), &answer.json["state"]), ("/orders/o-1", &"completed".into()));
        assert_eq!(platform.order_state("o-1").await, "completed");
        assert_eq!(platform.calls("o-1"), 1);
        assert_eq!(platform.get("/health").await.json["topology"], "monolith");
        assert_eq!(platform.state(PaymentService).facts().await.expect("readable").charges.len(), 1);
        for (kind, gauge) in
            [(OrderApi, "in_flight"), (OrderProcessor, "in_flight"), (PaymentService, "running")]
        {
            assert_eq!(platform.gauge_max(kind, gauge), 1, "{kind}");
        }
        assert_eq!(platform.gauge_max(PaymentService, "connections"), 0, "there is no network between them");
    });
}

#[test]
fn its_pool_refuses_with_a_429_and_its_bounds_are_declared_by_part() {
    let pool = "[backpressure]\nstrategy = 'bounded-queue'\nworkers = 1\nqueue = 1\n";
    with_platform(&monolith(pool), async |platform| {
        let orders: Vec<_> = (0..3).map(|n| platform.place_in_background(&format!("o-{n}"))).collect();
        let mut statuses = Vec::new();
        for order in orders {
            statuses.push(order.await.expect("an answer").status.as_u16());
        }
        assert_eq!(statuses, [200, 200, 429]);
        let bounds = platform.state(OrderProcessor).telemetry().bounds();
        assert_eq!((bounds["in_flight"], bounds["queue_depth"]), (1, 1));
    });
}

#[test]
fn credits_are_granted_inside_one_process_too() {
    let pool =
        "[backpressure]\nstrategy = 'credit'\nworkers = 1\nqueue = 5\ncredits_initial = 1\ncredits_max = 1\n";
    with_platform(&monolith(pool), async |platform| {
        let first = platform.place_in_background("o-1");
        sleep_ms(10).await;
        platform.place("o-2").await.assert_problem(429, "no-credit");
        assert_eq!(first.await.expect("an answer").status, 200);
        assert_eq!(platform.place("o-2").await.status, 200);
    });
}

#[test]
fn a_charge_goes_on_when_its_client_has_left() {
    with_platform(&monolith(""), async |platform| {
        let client = platform.place_in_background("o-1");
        sleep_ms(20).await;
        client.abort();
        sleep_ms(200).await;
        assert_eq!(platform.order_state("o-1").await, "completed");
    });
}

#[test]
fn a_crash_between_charge_and_save_leaves_a_charge_and_an_order_that_stays_open() {
    let slow = "topology = 'monolith'\n[payment]\nslots = 4\n\
                service_time = { kind = 'constant', value = '100ms' }\nconfirmation = '40ms'\n";
    with_platform(slow, async |platform| {
        let _client = platform.place_in_background("o-1");
        sleep_ms(80).await;
        platform.world.kill("order-api").expect("a host");
        sleep_ms(100).await;
        platform.world.restart("order-api").expect("a host");
        platform.start(OrderApi);
        sleep_ms(500).await;
        assert_eq!(platform.order_state("o-1").await, "paying", "nobody knows any more what it was doing");
        let charges = platform.state(PaymentService).facts().await.expect("readable").charges;
        assert_eq!(charges.len(), 1, "and yet the money has moved");
        assert_eq!(platform.place("o-2").await.status, 200, "the rest goes on");
        assert_eq!(platform.gauge_max(PaymentService, "running"), 1);
    });
}

#[test]
fn the_admin_port_knows_every_part() {
    with_platform(&monolith(""), async |platform| {
        platform.place("o-1").await;
        let facts = platform.ask_admin(OrderApi, Method::GET, "/facts", "").await.json;
        let services: Vec<_> =
            facts.as_array().expect("a list").iter().map(|part| part["service"].clone()).collect();
        assert_eq!(services, ["order-api", "order-processor", "payment-service"]);
        assert_eq!(facts[0]["orders"][0]["order_id"], "o-1");
        assert_eq!(facts[2]["charges"][0]["order_id"], "o-1");
        let processor = platform.ask_admin(OrderApi, Method::GET, "/order-processor/facts", "").await.json;
        assert_eq!(processor["service"], "order-processor");
        let slow = r#"{"slowdown":5}"#;
        let set = platform.ask_admin(OrderApi, Method::PUT, "/payment-service/hardship", slow).await;
        assert_eq!(set.status, 200, "{}", set.text);
        platform
            .ask_admin(OrderApi, Method::GET, "/order-api/hardship", "")
            .await
            .assert_problem(404, "not-found");
        let metrics = platform.ask_admin(OrderApi, Method::GET, "/metrics", "").await.text;
        assert!(metrics.contains("payment_service_charges_total{outcome=\"succeeded\"} 1\n"), "{metrics}");
        assert!(metrics.contains("order_processor_in_flight_requests 0\n"), "{metrics}");
    });
}
