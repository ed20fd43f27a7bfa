//! What is told of a broker that is away: in the log, once; in the metrics, what it cost.

use std::io::{Read as _, Seek as _};

use http::Method;
use platform::ServiceKind::OrderProcessor;

use super::support::{COMPOSED, OUTBOX, joined};
use crate::support::sleep_ms;

/// What the platform logs in a test, a line for each event.
fn logged(test: impl FnOnce()) -> Vec<String> {
    let mut file = tempfile::tempfile().expect("a file");
    let logs = tracing_subscriber::fmt().with_writer(file.try_clone().expect("the same file"));
    tracing::subscriber::with_default(logs.without_time().with_ansi(false).finish(), || {
        // While there is one subscriber only, tracing asks the thread that comes first to a line whether anybody wants it:
        // that may be another test's, where nobody does. Of two it asks both.
        let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
        test();
    });
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).expect("readable");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_broker_that_is_away_is_said_once_by_each_who_needs_it_and_once_that_it_is_back() {
    let lines = logged(|| {
        joined(OUTBOX, async |joined| {
            joined.broker.set_away(true);
            for n in 0..600 {
                if n == 5 {
                    assert_eq!(joined.platform.place("o-1").await.status, 202);
                }
                sleep_ms(500).await;
                joined.platform.ask(OrderProcessor, Method::GET, "/readyz", "").await;
            }
            joined.broker.set_away(false);
            joined.settle().await;
            sleep_ms(2_000).await;
            joined.platform.ask(OrderProcessor, Method::GET, "/readyz", "").await;
            assert_eq!(joined.platform.order_state("o-1").await, "completed");
        });
    });
    let said = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    // Four groups, one outbox, and the one service that was asked whether it is ready.
    let expected = [
        (4, "WARN", "events do not come in"),
        (4, "INFO", "events come in again"),
        (1, "WARN", "the outbox waits"),
        (1, "INFO", "the outbox is sent again"),
        (1, "WARN", "not ready"),
        (1, "INFO", "ready again"),
    ];
    for (times, level, what) in expected {
        assert_eq!(said(what), times, "{what}: {lines:#?}");
        assert!(
            lines.iter().filter(|line| line.contains(what)).all(|line| line.contains(level)),
            "{lines:#?}"
        );
    }
    let warnings = lines.iter().filter(|line| line.contains("WARN")).count();
    assert_eq!(warnings, 6, "nothing else repeats in these 300 s: {lines:#?}");
}

#[test]
fn a_consumer_that_is_cut_off_for_longer_than_its_lease_says_that_it_lost_it_and_the_order_is_paid_once() {
    joined(COMPOSED, async |joined| {
        // 10 s instead of 100 ms, and the lease is 5 s.
        joined.slow_payment_down(100).await;
        assert_eq!(joined.platform.place("o-1").await.status, 202);
        let told = async || {
            let metrics = joined.platform.ask(OrderProcessor, Method::GET, "/metrics", "").await.text;
            let of_orders = |line: &&str| line.starts_with("event_leases_lost_total{topic=\"orders\"}");
            metrics.lines().find(of_orders).expect("it is always told").rsplit(' ').next().map(str::to_owned)
        };
        sleep_ms(4_000).await;
        assert_eq!(told().await.as_deref(), Some("0"), "it holds its lease");
        joined.broker.set_away(true);
        sleep_ms(9_000).await;
        joined.broker.set_away(false);
        joined.settle().await;
        assert_eq!(told().await.as_deref(), Some("1"));
        assert_eq!(joined.platform.order_state("o-1").await, "completed");
        assert_eq!((joined.charges("o-1").await, joined.notices("o-1").await), (1, 1));
    });
}
