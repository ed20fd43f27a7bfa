//! Each kind of admission where it stands: at order-api's door.

use http::Method;
use platform::ServiceKind::OrderApi;

use crate::support::{Answer, Platform, SURE, sleep_ms, with_platform};

fn door(admission: &str) -> String {
    format!("{SURE}[admission]\n{admission}\n")
}

async fn all(tasks: Vec<node::Task<Answer>>) -> Vec<u16> {
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.expect("an answer").status.as_u16());
    }
    statuses
}

fn crowd(platform: &Platform, name: &str, n: usize) -> Vec<node::Task<Answer>> {
    (0..n).map(|order| platform.place_in_background(&format!("{name}-{order}"))).collect()
}

#[test]
fn a_leaky_bucket_lets_its_depth_in_at_once_and_then_its_rate() {
    with_platform(&door("kind = 'leaky-bucket'\nrate_per_s = 2\ndepth = 3"), async |platform| {
        let admitted = async |name: &str| {
            let statuses = all(crowd(&platform, name, 6)).await;
            statuses.iter().filter(|status| **status == 200).count()
        };
        assert_eq!(admitted("a").await, 3);
        sleep_ms(900).await;
        assert_eq!(admitted("b").await, 2);
        assert!(platform.state(OrderApi).telemetry().bounds().is_empty(), "a rate bounds no concurrency");
    });
}

#[test]
fn an_adaptive_limit_shrinks_under_refusals_and_keeps_to_its_bounds() {
    // Behind it one worker without a queue, which refuses all but one of ten at once.
    let design = door(
        "kind = 'adaptive'\nalgorithm = 'aimd'\nlimit = 10\nlimit_min = 2\nlimit_max = 12\nwindow = '100ms'\n\
         [backpressure]\nstrategy = 'bounded-queue'\nworkers = 1\nqueue = 0",
    );
    with_platform(&design, async |platform| {
        for round in 0..60 {
            all(crowd(&platform, &format!("o-{round}"), 12)).await;
        }
        assert_eq!(platform.state(OrderApi).telemetry().bounds()["in_flight"], 12);
        let metrics = platform.get("/metrics").await.text;
        assert!(metrics.contains("limit 2\n"), "{metrics}");
        let refused = crowd(&platform, "last", 3).pop().expect("three").await.expect("an answer");
        refused.assert_problem(429, "concurrency-limit");
    });
}

#[test]
fn every_algorithm_of_an_adaptive_limit_lets_orders_through() {
    for algorithm in ["gradient2", "vegas", "aimd"] {
        let admission =
            format!("kind = 'adaptive'\nalgorithm = '{algorithm}'\nlimit = 4\nlimit_min = 1\nlimit_max = 8");
        with_platform(&door(&admission), async |platform| {
            assert_eq!(all(crowd(&platform, "o", 4)).await, [200; 4], "{algorithm}");
        });
    }
}

#[test]
fn a_throttle_refuses_by_itself_what_would_be_refused_behind_it() {
    let design = door(
        "kind = 'throttle'\nk = 1\nwindow = '60s'\n[backpressure]\nstrategy = 'bounded-queue'\nworkers = 1\nqueue = 0",
    );
    with_platform(&design, async |platform| {
        for round in 0..30 {
            all(crowd(&platform, &format!("o-{round}"), 10)).await;
        }
        let metrics = platform.get("/metrics").await.text;
        let throttled = metrics.lines().find_map(|line| {
            line.strip_prefix("dropped_requests_total{reason=\"throttled\"} ")?.parse::<u64>().ok()
        });
        assert!(throttled.expect("counted") > 100, "{metrics}");
    });
}

#[test]
fn one_customer_cannot_have_all_of_a_shared_limit() {
    with_platform(&door("kind = 'fair-share'\nlimit = 4"), async |platform| {
        // A greedy one fills the limit again and again; a modest one comes now and then.
        let mut modest = Vec::new();
        for round in 0..20 {
            let greedy: Vec<_> = (0..8)
                .map(|n| platform.place_of_in_background(&format!("g-{round}-{n}"), "greedy", "normal"))
                .collect();
            let one = platform.place_of_in_background(&format!("m-{round}"), "modest", "normal");
            modest.push(one.await.expect("an answer").status.as_u16());
            all(greedy).await;
        }
        let served = modest.iter().filter(|status| **status == 200).count();
        assert!(served >= 10, "{modest:?}");
        let metrics = platform.get("/metrics").await.text;
        assert!(!metrics.contains("dropped_requests_total{reason=\"fair-share\"} 0\n"), "{metrics}");
        assert_eq!(platform.state(OrderApi).telemetry().bounds()["in_flight"], 4);
    });
}

#[test]
fn the_last_places_are_kept_for_the_important() {
    let admission = "kind = 'priority'\nlimit = 4\nreserve_high = 0.25\nreserve_normal = 0.25";
    with_platform(&door(admission), async |platform| {
        let mut inside = Vec::new();
        for (order, priority, status) in [
            ("o-1", "low", 200),
            ("o-2", "low", 200),
            ("o-3", "low", 429),
            ("o-4", "normal", 200),
            ("o-5", "normal", 429),
            ("o-6", "high", 200),
            ("o-7", "high", 429),
        ] {
            inside.push((order, status, platform.place_of_in_background(order, "c1", priority)));
            sleep_ms(5).await;
        }
        for (order, status, task) in inside {
            let answer = task.await.expect("an answer");
            assert_eq!(answer.status, status, "{order}: {}", answer.text);
            match (order, status) {
                ("o-7", _) => answer.assert_problem(429, "concurrency-limit"),
                (_, 429) => answer.assert_problem(429, "low-priority"),
                _ => {}
            }
        }
    });
}

#[test]
fn an_order_that_is_read_before_the_door_is_refused_for_what_it_says() {
    with_platform(&door("kind = 'priority'\nlimit = 4"), async |platform| {
        let answer = platform.ask(OrderApi, Method::POST, "/orders", "not JSON").await;
        answer.assert_problem(400, "malformed-body");
        assert_eq!(platform.place("o-1").await.status, 200, "it is read once, and placed");
    });
}
