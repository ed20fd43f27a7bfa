//! Services that are joined by a broker: what was accepted is done, once, whatever happens in between.

mod autoscale;
mod chaos;
mod failures;
mod outages;
mod support;
mod twice;

use http::{Method, header};
use platform::ServiceKind::{NotificationService, OrderApi, OrderProcessor};
use serde_json::json;

use self::support::{COMPOSED, NAIVE, OUTBOX, joined};
use crate::support::{order, request, sleep_ms};

#[test]
fn an_order_is_accepted_at_once_and_done_later_and_its_customer_is_told_once() {
    for design in [NAIVE, COMPOSED] {
        joined(design, async |joined| {
            for path in ["/orders", "/orders/async"] {
                let id = if path == "/orders" { "o-1" } else { "o-2" };
                let answer = joined.platform.ask(OrderApi, Method::POST, path, order(id)).await;
                assert_eq!(answer.status, 202, "{}", answer.text);
                assert_eq!(answer.header(header::LOCATION), format!("/orders/{id}"));
                assert_eq!(answer.json["state"], "placed");
                joined.settle().await;
                let done = joined.platform.get(&format!("/orders/{id}")).await.json;
                assert_eq!(
                    (&done["state"], &done["notified"]),
                    (&json!("completed"), &json!(true)),
                    "{done}"
                );
                assert!(done["charge_id"].is_string(), "{done}");
                assert_eq!((joined.charges(id).await, joined.notices(id).await), (1, 1));
            }
            let stats = joined.platform.get("/stats").await.json;
            assert_eq!((&stats["orders"]["completed"], &stats["payments"]["made"]), (&json!(2), &json!(2)));
            let told = joined.platform.ask(NotificationService, Method::GET, "/stats", "").await.json;
            assert_eq!(told["notices"]["completed"], 2);
            let sync = joined.platform.ask(OrderApi, Method::POST, "/orders/sync", order("o-3")).await;
            sync.assert_problem(501, "sync-unavailable");
        });
    }
}

#[test]
fn a_declined_payment_declines_the_order_and_the_customer_hears_why() {
    joined(&format!("decline_rate = 1.0\n{COMPOSED}"), async |joined| {
        assert_eq!(joined.platform.place("o-1").await.status, 202);
        joined.settle().await;
        let done = joined.platform.get("/orders/o-1").await.json;
        assert_eq!((&done["state"], &done["notified"]), (&json!("declined"), &json!(true)), "{done}");
        assert_eq!(done["reason"], "the payment was declined");
        assert_eq!((joined.charges("o-1").await, joined.notices("o-1").await), (0, 1));
    });
}

#[test]
fn an_order_that_comes_twice_under_one_key_is_one_order() {
    joined(COMPOSED, async |joined| {
        let ask = async |body: &str| {
            let mut request = request(Method::POST, "/orders", body.to_owned());
            request.headers_mut().insert("idempotency-key", "k-1".parse().expect("a header"));
            joined.platform.send(OrderApi, request).await.expect("an answer")
        };
        let body = r#"{"customer_id":"c1","items":[{"product_id":"P-1","quantity":1,"price":1}]}"#;
        let first = ask(body).await;
        let second = ask(body).await;
        assert_eq!((first.status, second.status), (202.try_into().unwrap(), 202.try_into().unwrap()));
        assert_eq!(first.json["order_id"], second.json["order_id"]);
        joined.settle().await;
        let third = ask(body).await;
        assert_eq!(
            (third.status.as_u16(), &third.json["state"]),
            (202, &json!("completed")),
            "as it stands now"
        );
        let id = first.json["order_id"].as_str().expect("an id").to_owned();
        assert_eq!((joined.charges(&id).await, joined.notices(&id).await), (1, 1));
        let other = r#"{"customer_id":"c1","items":[{"product_id":"P-2","quantity":1,"price":1}]}"#;
        ask(other).await.assert_problem(422, "key-mismatch");
    });
    joined(COMPOSED, async |joined| {
        assert_eq!(joined.platform.place("o-1").await.status, 202);
        joined.platform.place("o-1").await.assert_problem(409, "order-exists");
    });
}

#[test]
fn more_than_can_be_done_in_time_is_refused_at_once() {
    let small = format!("{OUTBOX}[consumers]\nworkers = 1\ncompletion_slo = '1s'\n");
    joined(&small, async |joined| {
        // One worker and 100 ms each: ten within a second.
        let mut accepted = 0;
        for n in 0..30 {
            let answer = joined.platform.place(&format!("o-{n}")).await;
            match answer.status.as_u16() {
                202 => accepted += 1,
                _ => {
                    answer.assert_problem(429, "backlog-full");
                    assert_eq!(answer.header(header::RETRY_AFTER), "1");
                }
            }
        }
        assert!((10..=12).contains(&accepted), "{accepted}");
        let metrics = joined.platform.get("/metrics").await.text;
        let refused = format!("dropped_requests_total{{reason=\"backlog-full\"}} {}\n", 30 - accepted);
        assert!(metrics.contains(&refused), "{metrics}");
        sleep_ms(3_000).await;
        assert_eq!(joined.platform.place("o-99").await.status, 202, "there is room again");
        joined.settle().await;
        assert_eq!(joined.platform.get("/stats").await.json["orders"]["completed"], accepted + 1);
        assert_eq!(joined.platform.gauge_max(OrderProcessor, "in_flight"), 1);
        assert!(joined.platform.gauge_max(OrderApi, "backlog") <= 12);
    });
}

#[test]
fn what_is_no_order_does_not_use_up_the_backlog() {
    let small = format!(
        "{OUTBOX}[consumers]\nworkers = 1\ncompletion_slo = '1s'\nbacklog_max = 1\nlook_every = '10s'\n"
    );
    joined(&small, async |joined| {
        for _ in 0..3 {
            joined
                .platform
                .ask(OrderApi, Method::POST, "/orders", "{")
                .await
                .assert_problem(400, "malformed-body");
        }
        assert_eq!(joined.platform.place("o-1").await.status, 202);
        joined.platform.place("o-2").await.assert_problem(429, "backlog-full");
    });
}

#[test]
fn request_id_and_trace_go_on_behind_the_broker() {
    joined(COMPOSED, async |joined| {
        for kind in [OrderApi, OrderProcessor, NotificationService, platform::ServiceKind::PaymentService] {
            joined.platform.state(kind).record_spans(100);
        }
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let mut request = request(Method::POST, "/orders", order("o-1"));
        let headers = request.headers_mut();
        headers.insert("x-request-id", "req-1".parse().expect("a header"));
        headers.insert("traceparent", format!("00-{trace}-b7ad6b7169203331-01").parse().expect("a header"));
        joined.platform.send(OrderApi, request).await.expect("an answer");
        joined.settle().await;
        for message in joined.seen().await {
            let text = String::from_utf8(message.payload).expect("JSON");
            assert!(text.contains("\"req-1\"") && text.contains(trace), "{text}");
        }
        let trace = u128::from_str_radix(trace, 16).expect("hex");
        for kind in [OrderApi, OrderProcessor, platform::ServiceKind::PaymentService, NotificationService] {
            let spans = joined.platform.state(kind).facts().await.expect("in memory").spans;
            assert!(!spans.is_empty(), "{kind}");
            let mine = spans.iter().filter(|span| span.trace_id == trace).count();
            assert_eq!(mine, spans.len(), "{kind}: {spans:?}");
        }
    });
}

#[test]
fn a_processor_that_consumes_describes_no_endpoint_that_it_does_not_have() {
    joined(COMPOSED, async |joined| {
        let described = joined.platform.ask(OrderProcessor, Method::GET, "/openapi.json", "").await.json;
        let paths: Vec<_> = described["paths"].as_object().expect("paths").keys().cloned().collect();
        assert!(paths.contains(&"/readyz".to_owned()), "{paths:?}");
        for path in paths.iter().filter(|path| !path.contains('{')) {
            let answer = joined.platform.ask(OrderProcessor, Method::GET, path, "").await;
            assert_eq!(answer.status, 200, "{path}");
        }
        joined
            .platform
            .ask(OrderProcessor, Method::POST, "/process", "")
            .await
            .assert_problem(404, "not-found");
    });
}

#[test]
fn every_service_measures_what_it_promises_of_events() {
    joined(COMPOSED, async |joined| {
        joined.platform.place("o-1").await;
        joined.settle().await;
        sleep_ms(1_000).await;
        let api = joined.platform.get("/metrics").await.text;
        for line in [
            "events_published_total{topic=\"orders\"} 1\n",
            "consumer_lag{topic=\"orders\",group=\"order-processor\"} 0\n",
            "consumer_lag{topic=\"payments\",group=\"order-api\"} 0\n",
            "consumer_processing_seconds_count{topic=\"notices\",group=\"order-api\"} 1\n",
            "events_failed_total{topic=\"payments\",reason=\"store\"} 0\n",
            "events_buried_total{topic=\"payments\"} 0\n",
            "outbox_pending 0\n",
            "backlog 0\n",
            "request_count_total{code=\"202\"} 1\n",
        ] {
            assert!(api.contains(line), "{line} is missing in\n{api}");
        }
        crate::metrics::keeps_the_rules(&api);
        for kind in [OrderProcessor, NotificationService] {
            let text = joined.platform.ask(kind, Method::GET, "/metrics", "").await.text;
            assert!(
                text.contains("consumer_processing_seconds_count{topic=") && text.contains("consumer_lag{")
            );
            crate::metrics::keeps_the_rules(&text);
            crate::metrics::promtool(&text);
        }
        crate::metrics::promtool(&api);
    });
}
