//! How much an order matters, on its way between services: `X-Priority`.
//!
//! An order says so in its body, which order-api reads once. What comes after has to decide before it
//! reads anything, so order-api says it in a header of its own call. Only between services: what a client
//! says in this header is not listened to, since its order says it too. The usual importance is not
//! spoken, and what is no priority counts as the usual.

use domain::Priority;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The header.
pub(crate) const X_PRIORITY: HeaderName = HeaderName::from_static("x-priority");

/// The header for an order of this priority; `None` for the usual.
pub(crate) const fn header(priority: Priority) -> Option<HeaderValue> {
    match priority {
        Priority::Normal => None,
        Priority::Low | Priority::High => Some(HeaderValue::from_static(priority.as_str())),
    }
}

/// What a caller said.
pub(crate) fn of(headers: &HeaderMap) -> resilience::Priority {
    let said = headers.get(X_PRIORITY).map(HeaderValue::as_bytes);
    let known = [Priority::Low, Priority::Normal, Priority::High];
    let priority = known.into_iter().find(|known| said == Some(known.as_str().as_bytes()));
    importance(priority.unwrap_or_default())
}

/// An order's priority as constraints know it.
pub(crate) const fn importance(priority: Priority) -> resilience::Priority {
    match priority {
        Priority::Low => resilience::Priority::Low,
        Priority::Normal => resilience::Priority::Normal,
        Priority::High => resilience::Priority::High,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood_and_anything_else_is_usual() {
        for priority in [Priority::Low, Priority::Normal, Priority::High] {
            let headers: HeaderMap = header(priority).map(|value| (X_PRIORITY, value)).into_iter().collect();
            assert_eq!(of(&headers), importance(priority));
        }
        let headers = HeaderMap::from_iter([(X_PRIORITY, HeaderValue::from_static("critical"))]);
        assert_eq!(of(&headers), resilience::Priority::Normal);
    }
}
