//! Timeouts, keys, bounded retries, the breaker and settlement where they stand in the services.

use http::{Method, Request, header};
use node::sim::Latency;
use platform::ServiceKind::{OrderApi, OrderProcessor, PaymentService};
use serde_json::Value;

use crate::support::{Answer, Platform, SURE, order, request, sleep_ms, with_platform};

const TIMEOUTS: &str = "[timeouts]\nrequest = '2s'\nattempt = '1s'\n";
const KEYS: &str = "[idempotency]\n";
const RETRIES: &str =
    "[retries]\nattempts = 3\nbackoff = '10ms'\nbudget_ratio = 1.0\nbudget_floor_per_s = 10\n";
const BREAKER: &str = "[breaker]\nwindow_calls = 4\ncalls_min = 4\nfailure_rate = 1.0\nopen = '500ms'\nprobes = 1\nprobe_max = '300ms'\n";
const SETTLEMENT: &str = "[composition]\nsettle_after = '3s'\n";

/// Payment that succeeds after so many milliseconds.
fn payment(ms: u32) -> String {
    format!("[payment]\nslots = 4\nservice_time = {{ kind = 'constant', value = '{ms}ms' }}\n")
}

async fn charges(platform: &Platform) -> usize {
    platform.state(PaymentService).facts().await.expect("in memory").charges.len()
}

async fn place_with(platform: &Platform, header: &'static str, value: &str, body: String) -> Answer {
    let mut request: Request<_> = request(Method::POST, "/orders", body);
    request.headers_mut().insert(header, value.parse().expect("a header value"));
    platform.send(OrderApi, request).await.expect("an answer")
}

#[test]
fn an_order_is_answered_at_its_deadline_and_not_later() {
    with_platform(&format!("{}{TIMEOUTS}", payment(10_000)), async |platform| {
        let started = tokio::time::Instant::now();
        let answer = platform.place("o-1").await;
        answer.assert_problem(504, "outcome-unknown");
        assert_eq!(answer.header(header::LOCATION), "/orders/o-1");
        let took = started.elapsed().as_millis();
        assert!((1_900..2_010).contains(&took), "{took} ms");
        assert_eq!(platform.calls("o-1"), 2, "one attempt a second, and no time for a third");
    });
}

#[test]
fn a_client_may_be_in_more_of_a_hurry() {
    with_platform(&format!("{}{TIMEOUTS}", payment(10_000)), async |platform| {
        let started = tokio::time::Instant::now();
        let answer = place_with(&platform, "x-request-timeout", "300m", order("o-1")).await;
        answer.assert_problem(504, "outcome-unknown");
        assert!(started.elapsed().as_millis() < 310);
    });
}

#[test]
fn a_charge_whose_time_is_over_before_it_has_a_slot_is_not_begun() {
    let one_slot = "[payment]\nslots = 1\nservice_time = { kind = 'constant', value = '900ms' }\n";
    with_platform(&format!("{one_slot}{TIMEOUTS}{KEYS}{RETRIES}"), async |platform| {
        let orders: Vec<_> = (0..8).map(|n| platform.place_in_background(&format!("o-{n}"))).collect();
        let mut paid = 0;
        for order in orders {
            paid += usize::from(order.await.expect("an answer").status == 200);
        }
        sleep_ms(5_000).await;
        // One after the other within two seconds: who was not served was never begun, so nobody is charged in vain.
        assert!((1..=2).contains(&paid), "{paid}");
        assert!(charges(&platform).await <= paid + 1, "{} charges", charges(&platform).await);
    });
}

#[test]
fn without_a_key_a_repeated_timeout_charges_twice_and_with_one_it_does_not() {
    let slow = payment(1_500);
    with_platform(&format!("{slow}{TIMEOUTS}"), async |platform| {
        platform.place("o-1").await.assert_problem(504, "outcome-unknown");
        sleep_ms(3_000).await;
        assert_eq!(charges(&platform).await, 2);
    });
    with_platform(&format!("{slow}{TIMEOUTS}{KEYS}"), async |platform| {
        assert_eq!(platform.place("o-1").await.status, 200, "the second attempt joined the first");
        sleep_ms(3_000).await;
        assert_eq!(charges(&platform).await, 1);
        assert_eq!(platform.gauge_max(PaymentService, "running"), 1, "and took no slot of its own");
    });
}

#[test]
fn a_repeated_order_is_answered_as_the_first_was() {
    with_platform(&format!("{SURE}{TIMEOUTS}{KEYS}"), async |platform| {
        let without_id = r#"{"customer_id":"c1","items":[{"product_id":"P","quantity":1,"price":1}]}"#;
        let place = || place_with(&platform, "idempotency-key", "\"k-1\"", without_id.to_owned());
        let (first, second) = (place().await, place().await);
        assert_eq!((first.status.as_u16(), &first.json), (200, &second.json));
        assert_eq!(charges(&platform).await, 1);
        let other = r#"{"customer_id":"c1","items":[{"product_id":"P","quantity":2,"price":1}]}"#;
        let other = place_with(&platform, "idempotency-key", "k-1", other.to_owned()).await;
        other.assert_problem(422, "key-mismatch");
        place_with(&platform, "idempotency-key", "\"open", order("o-9"))
            .await
            .assert_problem(400, "bad-header");
    });
}

#[test]
fn a_repetition_while_the_first_is_in_work_is_told_to_wait() {
    with_platform(&format!("{SURE}{TIMEOUTS}{KEYS}"), async |platform| {
        let first = {
            let platform = platform.clone();
            platform.clone().in_background(async move {
                place_with(&platform, "idempotency-key", "k-1", order("o-1")).await.status
            })
        };
        sleep_ms(20).await;
        place_with(&platform, "idempotency-key", "k-1", order("o-1"))
            .await
            .assert_problem(409, "key-in-progress");
        assert_eq!(first.await.expect("an answer"), 200);
        assert_eq!(place_with(&platform, "idempotency-key", "k-1", order("o-1")).await.status, 200);
    });
}

#[test]
fn retries_end_where_the_design_says() {
    with_platform(&format!("{SURE}failure_rate = 1.0\n{TIMEOUTS}{KEYS}{RETRIES}"), async |platform| {
        platform.place("o-1").await.assert_problem(503, "payment-failed");
        assert_eq!(platform.calls("o-1"), 3);
        assert_eq!(platform.order_state("o-1").await, "failed");
    });
}

#[test]
fn an_open_breaker_refuses_at_once_and_lets_a_probe_through_later() {
    with_platform(&format!("{SURE}{TIMEOUTS}{KEYS}{RETRIES}{BREAKER}"), async |platform| {
        platform.world.power_off("payment-service").expect("it has a host");
        for n in 0..2 {
            platform.place(&format!("o-{n}")).await.assert_problem(504, "outcome-unknown");
        }
        let started = tokio::time::Instant::now();
        platform.place("o-3").await.assert_problem(503, "breaker-open");
        assert!(started.elapsed().as_millis() < 20);
        assert_eq!(platform.calls("o-3"), 0, "payment is left alone");
        platform.world.restart("payment-service").expect("it is off");
        platform.start(PaymentService);
        sleep_ms(500).await;
        assert_eq!(platform.place("o-4").await.status, 200);
        assert_eq!(platform.place("o-5").await.status, 200);
    });
}

async fn settled(platform: &Platform) -> Value {
    let facts = platform.state(OrderApi).facts().await.expect("in memory");
    serde_json::to_value(facts.settled).expect("plain numbers")
}

#[test]
fn an_unknown_outcome_is_settled_as_it_turned_out() {
    let design = format!("{}{TIMEOUTS}{KEYS}{RETRIES}{SETTLEMENT}", payment(2_500));
    with_platform(&design, async |platform| {
        platform.place("o-1").await.assert_problem(504, "outcome-unknown");
        assert_eq!(platform.order_state("o-1").await, "paying", "nobody knows yet");
        sleep_ms(3_000).await;
        assert_eq!(platform.order_state("o-1").await, "completed", "it had been charged");
        assert_eq!(settled(&platform).await["completed"], 1);
    });
}

#[test]
fn what_was_not_charged_is_voided_first_so_that_a_late_charge_finds_the_door_closed() {
    let design = format!("{}{TIMEOUTS}{KEYS}{RETRIES}{SETTLEMENT}", payment(6_000));
    with_platform(&design, async |platform| {
        platform.place("o-1").await.assert_problem(504, "outcome-unknown");
        sleep_ms(10_000).await;
        assert_eq!(platform.order_state("o-1").await, "failed");
        assert_eq!((settled(&platform).await["failed"].as_u64(), charges(&platform).await), (Some(1), 0));
    });
}

#[test]
fn an_order_that_a_dying_process_left_behind_is_settled_by_the_next() {
    with_platform(&format!("{SURE}{TIMEOUTS}{KEYS}{RETRIES}{SETTLEMENT}"), async |platform| {
        let _client = platform.place_in_background("o-1");
        sleep_ms(50).await;
        platform.world.kill("order-api").expect("it has a host");
        platform.world.restart("order-api").expect("it is dead");
        platform.start(OrderApi);
        sleep_ms(10).await;
        assert_eq!(platform.order_state("o-1").await, "paying");
        sleep_ms(4_000).await;
        assert_eq!(platform.order_state("o-1").await, "completed");
        assert_eq!(platform.state(OrderApi).telemetry().gauges()["unfinished"].now(), 0);
    });
}

#[test]
fn settlement_waits_for_a_payment_that_is_away() {
    with_platform(&format!("{SURE}{TIMEOUTS}{KEYS}{RETRIES}{SETTLEMENT}"), async |platform| {
        platform.world.power_off("payment-service").expect("it has a host");
        platform.place("o-1").await.assert_problem(504, "outcome-unknown");
        sleep_ms(20_000).await;
        assert_eq!(platform.order_state("o-1").await, "paying");
        platform.world.restart("payment-service").expect("it is off");
        platform.start(PaymentService);
        sleep_ms(3_000).await;
        assert_eq!(platform.order_state("o-1").await, "failed");
    });
}

#[test]
fn a_cut_between_the_order_services_leaves_nothing_half_done() {
    with_platform(&format!("{SURE}{TIMEOUTS}{KEYS}{RETRIES}{SETTLEMENT}"), async |platform| {
        let client = platform.place_in_background("o-1");
        sleep_ms(50).await;
        platform.world.partition("order-api", "order-processor").expect("both are hosts");
        client.await.expect("an answer").assert_problem(504, "outcome-unknown");
        sleep_ms(4_000).await;
        assert_eq!(platform.order_state("o-1").await, "completed", "payment was reached all the same");
        platform.world.heal("order-api", "order-processor").expect("both are hosts");
        platform
            .world
            .set_latency("order-api", "order-processor", Latency::default())
            .expect("both are hosts");
        assert_eq!(platform.place("o-2").await.status, 200);
        assert_eq!(charges(&platform).await, 2);
        assert_eq!(platform.gauge_max(OrderProcessor, "in_flight"), 1);
    });
}
