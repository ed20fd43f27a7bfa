//! What a platform tells of itself: its alerts, and the way of single orders.

use http::Method;
use platform::ServiceKind::{OrderApi, OrderProcessor, PaymentService};
use platform::{About, AlertName, SpanFact};

use crate::support::{CHAIN, Platform, SURE, sleep_ms, with_platform};

/// Everything is usual that payment does of its own: 100 ms and no failure.
const WATCHING: &str = r#"
[observability]
every = "100ms"
window = "1s"
false_alarm = 1e-9
pending_for = "100ms"
resolve_after = "1s"
dependency = { slow = "300ms", slow_share = 0.01, failed_share = 0.05 }
saturation = { busy_share = 0.95, queue_wait = "50ms", sustained = "1s", refused_share = 0.01 }
orders = { slow = "1s", slow_share = 0.02 }
objective = { good_share = 0.99, latency = "2s", burn_rate = 14.4, window = "6s", short_window = "500ms" }
traces = { spans = 1000 }
"#;

/// Ten orders a second.
async fn ask(platform: &Platform, from: u32, to: u32) {
    let orders: Vec<_> = (from..to).map(|n| (n, platform.clone())).collect();
    for (n, platform) in orders {
        drop(platform.place_in_background(&format!("o-{n}")));
        sleep_ms(100).await;
    }
}

async fn spans(platform: &Platform) -> Vec<SpanFact> {
    let mut all = Vec::new();
    for kind in CHAIN {
        all.extend(platform.state(kind).facts().await.expect("in memory").spans);
    }
    all
}

#[test]
fn a_slow_dependency_is_told_at_the_admin_port_in_metrics_and_in_facts_and_ends() {
    with_platform(&format!("{SURE}{WATCHING}"), async |platform| {
        ask(&platform, 0, 30).await;
        let alerts = platform.ask_admin(OrderProcessor, Method::GET, "/alerts", "").await;
        assert_eq!(alerts.text, "[]", "undisturbed");

        let slow = r#"{"slowdown":5}"#;
        platform.ask_admin(PaymentService, Method::PUT, "/hardship", slow).await;
        ask(&platform, 30, 45).await;
        let told =
            platform.state(OrderProcessor).facts().await.expect("in memory").alerts.expect("it watches");
        assert_eq!((told[0].name, told[0].about), (AlertName::DependencySlow, About::Dependency), "{told:?}");
        let noticed_ms = told[0].began_us / 1_000;
        assert!((3_300..4_500).contains(&noticed_ms), "at {noticed_ms} ms; slow from 3 s on");
        let alerts = platform.ask_admin(OrderProcessor, Method::GET, "/alerts", "").await.json;
        assert_eq!((&alerts[0]["name"], &alerts[0]["ended_us"]), (&"dependency-slow".into(), &().into()));
        let metrics = platform.ask(OrderProcessor, Method::GET, "/metrics", "").await.text;
        let labels = r#"{alert="dependency-slow",about="dependency"}"#;
        assert!(metrics.contains(&format!("alert_on{labels} 1\n")), "{metrics}");
        assert!(metrics.contains(&format!("alerts_total{labels} 1\n")), "{metrics}");

        platform.ask_admin(PaymentService, Method::PUT, "/hardship", "{}").await;
        ask(&platform, 45, 95).await;
        let alerts = platform.ask_admin(OrderProcessor, Method::GET, "/alerts", "").await.json;
        assert!(alerts[0]["ended_us"].is_u64(), "{alerts}");
    });
}

#[test]
fn who_does_not_watch_says_so_and_writes_nothing_down() {
    with_platform(SURE, async |platform| {
        assert_eq!(platform.place("o-1").await.status, 200);
        assert_eq!(platform.ask_admin(OrderApi, Method::GET, "/alerts", "").await.text, "null");
        assert_eq!(spans(&platform).await, []);
    });
}

#[test]
fn an_order_leaves_spans_at_every_hop_of_one_trace() {
    with_platform(&format!("{SURE}{WATCHING}"), async |platform| {
        assert_eq!(platform.place("o-1").await.status, 200);
        platform.get("/orders/o-1").await;
        let spans = spans(&platform).await;
        let told: Vec<_> =
            spans.iter().map(|span| (span.service, span.name.as_ref(), span.outcome.as_ref())).collect();
        let expected = [
            (OrderApi, "call /process", "200"),
            (OrderApi, "POST /orders", "200"),
            (OrderProcessor, "call /charges", "200"),
            (OrderProcessor, "attempt", "paid"),
            (OrderProcessor, "POST /process", "200"),
            (PaymentService, "execute", "succeeded"),
            (PaymentService, "POST /charges", "200"),
        ];
        assert_eq!(told, expected, "and reading an order leaves none");
        assert!(spans.iter().all(|span| span.trace_id == spans[0].trace_id), "{spans:?}");
        let by_name = |name: &str| spans.iter().find(|span| span.name == name).expect("just listed");
        for (inner, outer) in [
            ("execute", "POST /charges"),
            ("POST /charges", "call /charges"),
            ("call /charges", "attempt"),
            ("attempt", "POST /process"),
            ("POST /process", "call /process"),
            ("call /process", "POST /orders"),
        ] {
            let (inner, outer) = (by_name(inner), by_name(outer));
            assert_eq!(inner.parent_id, outer.span_id, "{inner:?} in {outer:?}");
            assert!(
                outer.start_us <= inner.start_us && inner.end_us <= outer.end_us,
                "{inner:?} in {outer:?}"
            );
        }
        let served = spans.iter().filter(|span| span.order_id.is_some());
        assert_eq!(served.count(), 3, "each service says which order it was");
        assert_eq!(by_name("attempt").attempt, Some(1));
    });
}

#[test]
fn a_wait_a_refusal_and_a_pause_are_spans_too() {
    let small = "[backpressure]\nstrategy = 'bounded-queue'\nworkers = 1\nqueue = 1\n";
    with_platform(&format!("{SURE}{WATCHING}{small}"), async |platform| {
        let orders: Vec<_> = (0..3).map(|n| platform.place_in_background(&format!("o-{n}"))).collect();
        for order in orders {
            order.await.expect("an answer");
        }
        let spans = spans(&platform).await;
        let waits: Vec<_> = spans.iter().filter(|span| span.name == "queue").collect();
        let outcomes: Vec<_> = waits.iter().map(|span| span.outcome.as_ref()).collect();
        assert_eq!(outcomes, ["queue-full", "served"]);
        assert!(waits[1].end_us - waits[1].start_us >= 90_000, "{waits:?}");
        let refused = spans.iter().filter(|span| span.outcome == "429 queue-full").count();
        assert_eq!(refused, 2, "at the processor, and at order-api, which passes it on");
    });
}

#[test]
fn whoever_runs_a_service_can_ask_for_spans_under_any_design() {
    with_platform(SURE, async |platform| {
        for kind in CHAIN {
            platform.state(kind).record_spans(3);
        }
        for n in 0..5 {
            platform.place(&format!("o-{n}")).await;
        }
        let kept = platform.state(PaymentService).facts().await.expect("in memory").spans;
        assert_eq!(kept.len(), 3, "the last ones");
        let order = kept[2].order_id.as_ref().expect("it was served").as_str();
        assert_eq!(order, "o-4");
    });
}
