//! Workers that come and go with the backlog.

use http::Method;
use platform::ServiceKind::{OrderApi, OrderProcessor};

use super::support::{OUTBOX, joined};
use crate::support::sleep_ms;

/// At most 8 workers of 10 payments a second each.
const SCALED: &str = "[consumers]\nworkers = 8\ncompletion_slo = '60s'\n\
    autoscale = { workers_min = 2, backlog_per_worker = 3, every = '500ms', cool_down = '2s' }\n";

#[test]
fn workers_come_with_the_backlog_and_go_when_it_is_gone() {
    joined(&format!("{OUTBOX}{SCALED}"), async |joined| {
        let state = joined.platform.state(OrderProcessor);
        let workers = &state.telemetry().gauges()["workers"];
        assert_eq!(state.telemetry().bounds()["workers"], 8);
        sleep_ms(600).await;
        assert_eq!((workers.now(), workers.max()), (2, 2), "there is nothing to do");
        for n in 0..100 {
            assert_eq!(joined.platform.place(&format!("o-{n}")).await.status, 202);
        }
        sleep_ms(600).await;
        assert_eq!(workers.now(), 8, "as many as there may be");
        joined.settle().await;
        assert_eq!(joined.platform.get("/stats").await.json["orders"]["completed"], 100);
        sleep_ms(30_000).await;
        assert_eq!((workers.now(), workers.max()), (2, 8));
        let metrics = joined.platform.ask(OrderProcessor, Method::GET, "/metrics", "").await.text;
        assert!(metrics.contains("workers 2\n"), "{metrics}");
        assert!(joined.platform.gauge_max(OrderProcessor, "in_flight") <= 8);
        assert!(!joined.platform.state(OrderApi).telemetry().gauges().contains_key("workers"));
    });
}

#[test]
fn a_consumer_that_dies_begins_with_the_least_and_finds_its_backlog() {
    joined(&format!("{OUTBOX}{SCALED}"), async |joined| {
        for n in 0..60 {
            assert_eq!(joined.platform.place(&format!("o-{n}")).await.status, 202);
        }
        sleep_ms(700).await;
        joined.kill_and_restart(OrderProcessor).await;
        sleep_ms(1_200).await;
        assert_eq!(joined.platform.state(OrderProcessor).telemetry().gauges()["workers"].now(), 8);
        joined.settle().await;
        assert_eq!(joined.platform.get("/stats").await.json["orders"]["completed"], 60);
        for n in 0..60 {
            let id = format!("o-{n}");
            assert_eq!((joined.charges(&id).await, joined.notices(&id).await), (1, 1), "{id}");
        }
    });
}

#[test]
fn without_it_there_are_always_all_of_them() {
    joined(&format!("{OUTBOX}[consumers]\nworkers = 8\ncompletion_slo = '60s'\n"), async |joined| {
        let state = joined.platform.state(OrderProcessor);
        assert_eq!(state.telemetry().gauges()["workers"].now(), 8);
    });
}
