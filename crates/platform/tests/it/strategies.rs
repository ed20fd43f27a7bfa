//! Each strategy of backpressure and each discipline where it stands: before order-processor's workers.

use http::header;
use platform::ServiceKind::{OrderApi, OrderProcessor};

use crate::support::{Answer, Platform, SURE, sleep_ms, with_platform};

/// One worker (payments take 100 ms) under a strategy.
fn pool(strategy: &str) -> String {
    format!("{SURE}[backpressure]\nworkers = 1\n{strategy}\n")
}

/// Places orders 5 ms apart; the statuses of their answers, in their order.
async fn place_in_turn(platform: &Platform, n: usize) -> Vec<Answer> {
    let mut placed = Vec::new();
    for order in 0..n {
        placed.push(platform.place_in_background(&format!("o-{order}")));
        sleep_ms(5).await;
    }
    let mut answers = Vec::new();
    for order in placed {
        answers.push(order.await.expect("an answer"));
    }
    answers
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status.as_u16()).collect()
}

#[test]
fn block_lets_everybody_wait_and_refuses_nobody() {
    with_platform(&pool("strategy = 'block'"), async |platform| {
        let answers = place_in_turn(&platform, 40).await;
        assert_eq!(statuses(&answers), [200; 40]);
        assert!(platform.gauge_max(OrderProcessor, "queue_depth") >= 35, "they waited in the pool");
        assert_eq!(platform.gauge_max(OrderProcessor, "in_flight"), 1);
        let bounds = platform.state(OrderProcessor).telemetry().bounds();
        assert!(!bounds.contains_key("queue_depth"), "it promises nothing about its queue: {bounds:?}");
    });
}

#[test]
fn a_token_bucket_refuses_what_comes_above_its_rate() {
    let strategy = "strategy = 'token-bucket'\nrate_per_s = 10\nburst = 2\nqueue = 10";
    with_platform(&pool(strategy), async |platform| {
        let answers = place_in_turn(&platform, 5).await;
        assert_eq!(statuses(&answers), [200, 200, 429, 429, 429]);
        let tasks = ["p-0", "p-1", "p-2"].map(|order| platform.process_in_background(order, ("x-any", "y")));
        for (task, is_above) in tasks.into_iter().zip([false, false, true]) {
            let answer = task.await.expect("an answer");
            if is_above {
                answer.assert_problem(429, "rate-limit");
            } else {
                assert_eq!(answer.status, 200);
            }
        }
    });
}

#[test]
fn a_leaky_bucket_paces_what_comes_at_once() {
    let strategy = "strategy = 'leaky-bucket'\nrate_per_s = 5\ndepth = 3\nqueue = 10";
    with_platform(&pool(strategy), async |platform| {
        let start = platform.node(OrderApi).elapsed();
        let answers = place_in_turn(&platform, 5).await;
        assert_eq!(statuses(&answers), [200, 200, 200, 429, 429]);
        // Three drops, 200 ms apart, and then a payment of 100 ms.
        let took = platform.node(OrderApi).elapsed() - start;
        assert!((500..540).contains(&took.as_millis()), "{took:?}");
        assert_eq!(platform.gauge_max(OrderProcessor, "queue_depth"), 0, "nobody came before its time");
    });
}

#[test]
fn a_bounded_wait_refuses_who_waited_too_long() {
    let strategy = "strategy = 'bounded-queue'\nqueue = 10\ndiscipline = 'bounded-wait'\nwait_max = '150ms'";
    with_platform(&pool(strategy), async |platform| {
        let answers = place_in_turn(&platform, 4).await;
        // Served at 0, 100 and 200 ms; the third had waited for some 190 ms by then.
        assert_eq!(statuses(&answers), [200, 200, 429, 429]);
        let first = platform.place_in_background("p-0");
        let second = platform.place_in_background("p-1");
        let third = platform.process_in_background("p-2", ("x-any", "y"));
        assert_eq!((first.await.expect("an answer").status.as_u16(), second.await.is_ok()), (200, true));
        third.await.expect("an answer").assert_problem(429, "queue-delay");
    });
}

#[test]
fn who_cannot_be_done_before_its_deadline_is_refused_and_not_begun() {
    for discipline in ["deadline-aware", "earliest-deadline"] {
        let strategy = format!(
            "strategy = 'block'\ndiscipline = '{discipline}'\ndeadline = '250ms'\nservice_time = '100ms'"
        );
        with_platform(&pool(&strategy), async |platform| {
            let answers = place_in_turn(&platform, 5).await;
            assert_eq!(statuses(&answers), [200, 200, 429, 429, 429], "{discipline}");
            assert_eq!(platform.calls("o-4"), 0);
            let _first = platform.place_in_background("p-0");
            let _second = platform.place_in_background("p-1");
            sleep_ms(5).await;
            let doomed = platform.process_in_background("p-2", ("x-any", "y"));
            doomed.await.expect("an answer").assert_problem(429, "doomed");
        });
    }
}

#[test]
fn adaptive_lifo_serves_the_newest_once_the_queue_stands() {
    let strategy = "strategy = 'bounded-queue'\nqueue = 50\ndiscipline = 'adaptive-lifo'\ntarget = '20ms'";
    with_platform(&pool(strategy), async |platform| {
        // Forty orders at once are four seconds of work: the queue stands.
        let _crowd: Vec<_> = (0..40).map(|n| platform.place_in_background(&format!("o-{n}"))).collect();
        sleep_ms(550).await;
        let newest = platform.place_in_background("newest");
        sleep_ms(250).await;
        assert_eq!(platform.order_state("newest").await, "completed");
        assert_eq!(newest.await.expect("an answer").status, 200);
        assert_eq!(platform.order_state("o-39").await, "failed", "it was old by then");
    });
}

#[test]
fn the_important_are_served_first_and_displace_the_less_important() {
    with_platform(&pool("strategy = 'priority'\nqueue = 2"), async |platform| {
        let first = platform.place_of_in_background("o-first", "c1", "low");
        sleep_ms(20).await;
        let low = platform.place_of_in_background("o-low", "c1", "low");
        sleep_ms(5).await;
        let normal = platform.place_of_in_background("o-normal", "c1", "normal");
        sleep_ms(5).await;
        let high = platform.place_of_in_background("o-high", "c1", "high");
        let low = low.await.expect("an answer");
        assert_eq!(low.status, 429, "it made room: {}", low.text);
        sleep_ms(5).await;
        let late = platform.process_in_background("o-late", ("x-priority", "low"));
        late.await.expect("an answer").assert_problem(429, "queue-full");
        assert_eq!(first.await.expect("an answer").status, 200);
        sleep_ms(5).await;
        assert_eq!(platform.order_state("o-normal").await, "paying", "the high one goes before it");
        assert_eq!(high.await.expect("an answer").status, 200);
        assert_eq!(normal.await.expect("an answer").status, 200);
    });
}

#[test]
fn without_a_credit_an_order_is_refused_before_it_is_read_or_stored() {
    let strategy = "strategy = 'credit'\nqueue = 10\ncredits_initial = 2\ncredits_max = 2";
    with_platform(&pool(strategy), async |platform| {
        let (first, second) = (platform.place_in_background("o-1"), platform.place_in_background("o-2"));
        sleep_ms(10).await;
        let refused = platform.place("o-3").await;
        refused.assert_problem(429, "no-credit");
        assert_eq!(refused.header(header::RETRY_AFTER), "1");
        platform.get("/orders/o-3").await.assert_problem(404, "order-not-found");
        let metrics = platform.get("/metrics").await.text;
        assert!(metrics.contains("dropped_requests_total{reason=\"no-credit\"} 1\n"), "{metrics}");
        assert_eq!(first.await.expect("an answer").status, 200);
        let _second = second.await;
        assert_eq!(platform.place("o-3").await.status, 200, "a credit came back");
        assert_eq!(platform.state(OrderApi).telemetry().bounds()["in_flight"], 2);
    });
}

#[test]
fn credits_follow_what_orders_wait_and_travel_with_every_answer() {
    let strategy = "strategy = 'credit'\nqueue = 30\ntarget = '10ms'\ninterval = '100ms'\ncredits_initial = 16\ncredits_max = 32";
    with_platform(&pool(strategy), async |platform| {
        let before = platform.process_in_background("p-0", ("x-any", "y")).await.expect("an answer");
        assert_eq!(before.header("x-credits"), "16");
        // Sixteen at once for one worker: they wait for much longer than the target.
        for round in 0..12 {
            let crowd: Vec<_> =
                (0..16).map(|n| platform.place_in_background(&format!("o-{round}-{n}"))).collect();
            for order in crowd {
                let _answered = order.await;
            }
        }
        let after = platform.process_in_background("p-1", ("x-any", "y")).await.expect("an answer");
        let credits: u32 = after.header("x-credits").parse().expect("a number");
        assert!((1..=3).contains(&credits), "one worker is worth few credits: {credits}");
        let inside = platform.place_in_background("o-in");
        let more: Vec<_> = (0..6).map(|n| platform.place_in_background(&format!("o-more-{n}"))).collect();
        let mut refused = 0;
        for order in more {
            refused += usize::from(order.await.expect("an answer").status == 429);
        }
        assert!(refused >= 3, "order-api keeps to what it was granted: {refused}");
        let _inside = inside.await;
    });
}
