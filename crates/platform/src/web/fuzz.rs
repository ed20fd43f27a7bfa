//! No header and no body makes a reader panic, and what is read of it is within its bounds.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use tokio::time::Instant;

use super::trace::TraceContext;
use super::{body, deadline, key, priority};
use crate::web::key::IDEMPOTENCY_KEY;
use crate::web::priority::X_PRIORITY;

/// Values that are nearly right, and any bytes at all that a header may hold.
fn value() -> impl Strategy<Value = HeaderValue> {
    let texts = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        "[0-9]{0,12}[HMSmunx]?".prop_map(String::into_bytes),
        "\"?[ -~]{0,260}\"?".prop_map(String::into_bytes),
        "[0-9a-f]{2}-[0-9a-f]{30,34}-[0-9a-f]{14,18}-[0-9a-f]{2}(-.*)?".prop_map(String::into_bytes),
        "(low|normal|high|critical) ?".prop_map(String::into_bytes),
    ];
    texts.prop_filter_map("no header value", |bytes| HeaderValue::from_bytes(&bytes).ok())
}

proptest! {
    #[test]
    fn headers_never_panic(value in value(), other in value()) {
        let envoys = HeaderName::from_static("x-envoy-expected-rq-timeout-ms");
        let headers: HeaderMap = [
            (deadline::X_REQUEST_TIMEOUT, value.clone()),
            (envoys, other.clone()),
            (IDEMPOTENCY_KEY, value.clone()),
            (X_PRIORITY, other),
        ].into_iter().collect();
        let now = Instant::now();
        if let Some(deadline) = deadline::of(&headers, now) {
            prop_assert!(deadline.remaining(now) <= Duration::from_secs(99_999_999 * 3_600));
        }
        if let Ok(Some(key)) = key::of(&headers) {
            prop_assert!((1..=255).contains(&key.len()) && !key.contains('"'));
        }
        let _any = priority::of(&headers);
        if let Some(context) = TraceContext::parse(value.as_bytes()) {
            prop_assert!(context.trace_id != 0 && context.parent_id != 0);
            prop_assert_eq!(TraceContext::parse(context.header().as_bytes()), Some(context));
        }
    }

    #[test]
    fn bodies_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 0..120usize) {
        let _any = body::parse::<domain::ProcessOrder>(&bytes);
        let _any = body::parse::<domain::ChargeRequest>(&bytes);
        let right = br#"{"order_id":"o-1","customer_id":"c1","amount":9.50,"currency":"EUR","priority":"high"}"#;
        let mut damaged = right.to_vec();
        damaged.truncate(cut.min(right.len()));
        damaged.extend_from_slice(&bytes);
        let _any = body::parse::<domain::ProcessOrder>(&damaged);
        let _any = body::parse::<domain::ChargeRequest>(&damaged);
    }
}
