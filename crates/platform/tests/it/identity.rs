//! Request ids and traces on their way through the services.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::post;
use http::{HeaderMap, Method, StatusCode};
use platform::ServiceKind::{OrderApi, OrderProcessor, PaymentService};

use crate::support::{Platform, SURE, in_paused_time, order, request, sleep_ms, with_platform};

const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";

/// A payment that fails twice, then succeeds, and writes down the headers it sees.
fn listening_payment(seen: Arc<Mutex<Vec<HeaderMap>>>) -> Router {
    Router::new().route(
        "/charges",
        post(async move |headers: HeaderMap| {
            let mut seen = seen.lock().expect("nothing panics with it");
            seen.push(headers);
            if seen.len() < 3 {
                return (StatusCode::SERVICE_UNAVAILABLE, "");
            }
            (StatusCode::OK, r#"{"charge_id":"ch-1","order_id":"o-1","amount":19.0}"#)
        }),
    )
}

#[test]
fn ids_and_traces_cross_every_hop_with_a_new_parent_per_attempt() {
    in_paused_time(async {
        let platform = Platform::assemble(SURE);
        let seen = Arc::new(Mutex::new(Vec::new()));
        platform.start(OrderApi);
        platform.start(OrderProcessor);
        platform.serve(PaymentService, listening_payment(Arc::clone(&seen)));

        let mut request = request(Method::POST, "/orders", order("o-1"));
        let headers = request.headers_mut();
        headers.insert("x-request-id", "req-1".parse().expect("a header"));
        let traceparent = format!("00-{TRACE_ID}-b7ad6b7169203331-01");
        headers.insert("traceparent", traceparent.parse().expect("a header"));
        let answer = platform.send(OrderApi, request).await.expect("an answer");
        assert_eq!((answer.status.as_u16(), answer.header("x-request-id")), (200, "req-1"));

        let seen = seen.lock().expect("nothing panics with it");
        assert_eq!(seen.len(), 3);
        let mut parents: Vec<_> = seen
            .iter()
            .map(|headers| {
                assert_eq!(headers["x-request-id"], "req-1");
                let traceparent = headers["traceparent"].to_str().expect("text").to_owned();
                assert_eq!((&traceparent[3..35], &traceparent[53..]), (TRACE_ID, "01"));
                traceparent[36..52].to_owned()
            })
            .collect();
        parents.sort();
        parents.dedup();
        assert_eq!(parents.len(), 3, "each attempt is a span of its own");
        assert!(!parents.contains(&"b7ad6b7169203331".to_owned()));
    });
}

#[test]
fn an_id_is_made_where_there_is_none_or_a_bad_one() {
    with_platform(SURE, async |platform| {
        let first = platform.get("/health").await;
        let second = platform.get("/health").await;
        assert_eq!(first.header("x-request-id").len(), 32);
        assert_ne!(first.header("x-request-id"), second.header("x-request-id"));

        for bad in [&"x".repeat(129), "two words"] {
            let mut request = request(Method::GET, "/health", "");
            request.headers_mut().insert("x-request-id", bad.parse().expect("a header"));
            let answer = platform.send(OrderApi, request).await.expect("an answer");
            assert_eq!(answer.header("x-request-id").len(), 32);
        }
    });
}

#[test]
fn a_refusal_has_an_id_as_well() {
    with_platform(&format!("{SURE}[admission]\nkind = 'concurrency'\nlimit = 1\n"), async |platform| {
        let _first = platform.place_in_background("o-1");
        sleep_ms(20).await;
        let mut request = request(Method::POST, "/orders", order("o-2"));
        request.headers_mut().insert("x-request-id", "req-2".parse().expect("a header"));
        let refused = platform.send(OrderApi, request).await.expect("an answer");
        assert_eq!((refused.status.as_u16(), &refused.json["request_id"]), (429, &"req-2".into()));
    });
}
