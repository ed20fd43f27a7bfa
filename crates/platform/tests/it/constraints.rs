//! Admission and backpressure where they stand in the services.

use http::{Method, header};
use platform::ServiceKind::{OrderApi, OrderProcessor, PaymentService};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{CHAIN, Platform, SURE, sleep_ms, with_platform};

fn admission(limit: u32) -> String {
    format!("{SURE}[admission]\nkind = 'concurrency'\nlimit = {limit}\nretry_after = '1500ms'\n")
}

fn pool(workers: u32, queue: u32) -> String {
    format!(
        "{SURE}[backpressure]\nstrategy = 'bounded-queue'\nworkers = {workers}\nqueue = {queue}\nretry_after = '2s'\n"
    )
}

#[test]
fn who_is_not_admitted_is_told_when_to_come_back_and_leaves_no_trace() {
    with_platform(&admission(1), async |platform| {
        let first = platform.place_in_background("o-1");
        sleep_ms(20).await;
        let refused = platform.place("o-2").await;
        refused.assert_problem(429, "concurrency-limit");
        assert_eq!(refused.header(header::RETRY_AFTER), "2", "rounded up");
        assert_eq!(refused.json["retryable"], true);
        platform.get("/orders/o-2").await.assert_problem(404, "order-not-found");
        let metrics = platform.get("/metrics").await.text;
        assert!(metrics.contains("dropped_requests_total{reason=\"concurrency-limit\"} 1\n"), "{metrics}");

        assert_eq!(first.await.expect("an answer").status, 200);
        assert_eq!(platform.place("o-2").await.status, 200, "there is room again");
    });
}

#[test]
fn only_placing_orders_stands_behind_the_door() {
    with_platform(&admission(1), async |platform| {
        let _first = platform.place_in_background("o-1");
        sleep_ms(20).await;
        for path in ["/orders/o-1", "/stats", "/health", "/metrics"] {
            assert_eq!(platform.get(path).await.status, 200, "{path}");
        }
        // One door for both names, and nobody reads what is refused.
        let refused = platform.ask(OrderApi, Method::POST, "/orders/sync", "not JSON").await;
        refused.assert_problem(429, "concurrency-limit");
    });
}

#[test]
fn a_client_that_never_sends_its_body_does_not_keep_its_permit() {
    with_platform(&admission(1), async |platform| {
        let clients = platform.world.node("clients").expect("the clients have a host");
        let mut stalled = clients.connect("order-api", 8080).await.expect("order-api listens");
        let head = b"POST /orders HTTP/1.1\r\nhost: order-api\r\ncontent-length: 100\r\n\r\n{";
        stalled.write_all(head).await.expect("the connection stands");
        sleep_ms(1_000).await;
        platform.place("o-1").await.assert_problem(429, "concurrency-limit");
        sleep_ms(10_000).await;
        assert_eq!(platform.place("o-1").await.status, 200);
        let mut answer = [0; 12];
        stalled.read_exact(&mut answer).await.expect("it is told");
        assert_eq!(&answer, b"HTTP/1.1 400");
    });
}

#[test]
fn a_permit_lives_with_the_work_and_not_with_the_connection() {
    with_platform(&admission(1), async |platform| {
        let client = platform.place_in_background("o-1");
        sleep_ms(20).await;
        client.abort();
        sleep_ms(20).await;
        platform.place("o-2").await.assert_problem(429, "concurrency-limit");
        sleep_ms(200).await;
        assert_eq!(platform.place("o-3").await.status, 200);
    });
}

#[test]
fn a_rate_lets_a_burst_in_and_then_so_many_per_second() {
    let design = format!("{SURE}[admission]\nkind = 'rate'\nrate_per_s = 2\nburst = 3\n");
    with_platform(&design, async |platform| {
        let burst = async |platform: &Platform, name: &str| {
            let clients: Vec<_> =
                (0..6).map(|n| platform.place_in_background(&format!("{name}-{n}"))).collect();
            let mut admitted = 0;
            for client in clients {
                let answer = client.await.expect("an answer");
                if answer.status == 200 {
                    admitted += 1;
                } else {
                    answer.assert_problem(429, "rate-limit");
                }
            }
            admitted
        };
        assert_eq!(burst(&platform, "a").await, 3);
        sleep_ms(900).await;
        assert_eq!(burst(&platform, "b").await, 2);
        assert!(platform.state(OrderApi).telemetry().bounds().is_empty(), "a rate bounds no concurrency");
    });
}

#[test]
fn a_full_queue_is_told_to_the_client_of_order_api() {
    with_platform(&pool(1, 1), async |platform| {
        let first = platform.place_in_background("o-1");
        sleep_ms(20).await;
        let second = platform.place_in_background("o-2");
        sleep_ms(20).await;
        let refused = platform.place("o-3").await;
        refused.assert_problem(429, "queue-full");
        assert_eq!(refused.header(header::RETRY_AFTER), "2");
        assert_eq!(refused.header(header::LOCATION), "/orders/o-3");
        assert_eq!(refused.json["order_id"], "o-3");
        let order = platform.get("/orders/o-3").await.json;
        assert_eq!((&order["state"], &order["reason"]), (&"failed".into(), &"queue-full".into()));
        assert_eq!(platform.calls("o-3"), 0);

        assert_eq!(first.await.expect("an answer").status, 200);
        assert_eq!(second.await.expect("an answer").status, 200, "who waited was served");
        assert_eq!(platform.gauge_max(OrderProcessor, "queue_depth"), 1);
    });
}

/// Ten times as many orders as payment can do, for two seconds.
async fn flood(platform: &Platform) {
    let clients: Vec<_> = (0..800).map(|n| (n, format!("o-{n}"))).collect();
    let mut tasks = Vec::new();
    for (n, order_id) in clients {
        tasks.push(platform.place_in_background(&order_id));
        if n % 2 == 1 {
            sleep_ms(5).await;
        }
    }
    for task in tasks {
        let status = task.await.expect("an answer").status.as_u16();
        assert!(matches!(status, 200 | 429), "{status}");
    }
}

#[test]
fn no_gauge_ever_exceeds_its_bound() {
    let both = format!("{}{}", admission(8), pool(4, 2).replace(SURE, ""));
    with_platform(&both, async |platform| {
        flood(&platform).await;
        for kind in CHAIN {
            let facts = platform.state(kind).facts().await.expect("in memory");
            assert!(!facts.bounds.is_empty(), "{kind} declares its bounds");
            for (gauge, bound) in &facts.bounds {
                assert_eq!(
                    facts.gauges[gauge].max, *bound,
                    "{kind} {gauge}: reached under flood, not exceeded"
                );
                assert_eq!(facts.gauges[gauge].now, 0, "{kind} {gauge}: empty afterwards");
            }
        }
        assert_eq!(platform.gauge_max(PaymentService, "waiting"), 0, "nothing waits inside payment");
    });
}

#[test]
fn without_workers_the_queue_is_inside_payment() {
    with_platform(&admission(12), async |platform| {
        flood(&platform).await;
        assert_eq!(platform.gauge_max(OrderApi, "in_flight"), 12);
        assert!(platform.gauge_max(PaymentService, "waiting") >= 4);
        assert_eq!(platform.gauge_max(PaymentService, "running"), 4);
    });
}
