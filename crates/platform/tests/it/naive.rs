//! The naive baseline is honestly naive: it retries without end, and its work outlives its clients.

use http::{Method, header};
use platform::ServiceKind::{OrderApi, OrderProcessor, PaymentService};
use platform::{ATTEMPTS_PER_ORDER_MAX, ProcessorSettings};

use crate::support::{CHAIN, Platform, SURE, in_paused_time, sleep_ms, with_platform};

#[test]
fn a_failed_payment_is_tried_again_until_it_succeeds() {
    with_platform(&format!("{SURE}failure_rate = 0.9"), async |platform| {
        for n in 0..10 {
            assert_eq!(platform.place(&format!("o-{n}")).await.status, 200);
        }
        let calls = platform.state(OrderProcessor).telemetry().calls();
        let total: u64 = calls.per_order.values().sum();
        assert!(total > 30, "nine of ten fail: {total}");
        assert_eq!(total, calls.per_second.values().sum::<u64>());
        assert_eq!(platform.state(PaymentService).facts().await.expect("in memory").charges.len(), 10);
    });
}

#[test]
fn the_cap_on_attempts_fails_the_order_loudly() {
    assert_eq!(ProcessorSettings::default().attempts_per_order_max, ATTEMPTS_PER_ORDER_MAX);
    in_paused_time(async {
        let platform = Platform::assemble(&format!("{SURE}failure_rate = 1.0"));
        platform.start(OrderApi);
        platform.start(PaymentService);
        platform.start_processor(ProcessorSettings { attempts_per_order_max: 3 });

        let answer = platform.place("o-1").await;
        answer.assert_problem(500, "attempts-exhausted");
        assert_eq!(answer.header(header::LOCATION), "/orders/o-1");
        assert_eq!(platform.calls("o-1"), 3);
        let order = platform.get("/orders/o-1").await.json;
        assert_eq!((&order["state"], &order["reason"]), (&"failed".into(), &"attempts-exhausted".into()));
        let metrics = platform.ask(OrderProcessor, Method::GET, "/metrics", "").await.text;
        assert!(metrics.contains("attempts_exhausted_total 1\n"), "{metrics}");
    });
}

#[test]
fn an_order_completes_although_its_client_has_left() {
    with_platform(SURE, async |platform| {
        let client = platform.place_in_background("o-1");
        sleep_ms(50).await;
        assert_eq!(platform.order_state("o-1").await, "paying");
        client.abort();
        sleep_ms(200).await;
        assert_eq!(platform.order_state("o-1").await, "completed");
    });
}

#[test]
fn a_charge_is_executed_although_its_caller_has_gone() {
    with_platform(SURE, async |platform| {
        let caller = platform.clone();
        let call = platform.in_background(async move {
            let body = r#"{"order_id":"o-1","customer_id":"c1","amount":9.5}"#;
            caller.ask(PaymentService, Method::POST, "/charges", body).await
        });
        sleep_ms(50).await;
        call.abort();
        assert_eq!(platform.state(PaymentService).facts().await.expect("in memory").charges, []);
        sleep_ms(200).await;
        let facts = platform.state(PaymentService).facts().await.expect("in memory");
        assert_eq!(facts.charges.len(), 1);
        assert_eq!(facts.gauges["running"].now, 0);
    });
}

#[test]
fn a_waiting_charge_is_executed_although_its_caller_has_gone() {
    let one_slot = SURE.replace("slots = 4", "slots = 1");
    with_platform(&one_slot, async |platform| {
        let clients: Vec<_> = ["o-1", "o-2", "o-3"].map(|id| platform.place_in_background(id)).into();
        sleep_ms(50).await;
        assert_eq!(platform.state(PaymentService).telemetry().gauges()["waiting"].now(), 2);
        platform.world.kill(OrderProcessor.name()).expect("it is a host");
        clients.iter().for_each(|client| client.abort());
        sleep_ms(500).await;
        assert_eq!(platform.state(PaymentService).facts().await.expect("in memory").charges.len(), 3);
    });
}

#[test]
fn an_unreachable_processor_is_told_apart_from_a_broken_one() {
    with_platform(SURE, async |platform| {
        let client = platform.place_in_background("o-1");
        sleep_ms(50).await;
        platform.world.kill(OrderProcessor.name()).expect("it is a host");
        let broken = client.await.expect("an answer");
        broken.assert_problem(502, "processor-broken");
        assert_eq!(broken.json["retryable"], false, "it may have been paid");
        assert_eq!(platform.order_state("o-1").await, "failed");

        let unreachable = platform.place("o-2").await;
        unreachable.assert_problem(503, "processor-unreachable");
        assert_eq!(unreachable.header(header::RETRY_AFTER), "1");
        assert_eq!(platform.order_state("o-2").await, "failed");
    });
}

#[test]
fn a_processor_that_talks_nonsense_is_a_bad_gateway() {
    in_paused_time(async {
        let platform = Platform::assemble(SURE);
        platform.start(OrderApi);
        platform.serve(OrderProcessor, axum::Router::new().fallback(|| async { "<html>hello</html>" }));
        platform.place("o-1").await.assert_problem(502, "processor-broken");
        assert_eq!(platform.order_state("o-1").await, "failed");
    });
}

#[test]
fn a_restarted_service_finds_its_store_and_repeats_no_id() {
    with_platform(SURE, async |platform| {
        assert_eq!(platform.place("o-1").await.status, 200);
        for kind in CHAIN {
            platform.world.kill(kind.name()).expect("it is a host");
            platform.world.restart(kind.name()).expect("it is down");
            platform.start(kind);
        }
        // Until every peer has heard that its connections are gone.
        sleep_ms(10).await;
        assert_eq!(platform.order_state("o-1").await, "completed");
        assert_eq!(platform.place("o-2").await.status, 200);
        assert_eq!(platform.state(PaymentService).facts().await.expect("in memory").charges.len(), 2);
    });
}
