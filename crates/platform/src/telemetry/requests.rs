//! How long requests took, by route and by the class of their status.
//!
//! Routes are a closed set for each kind of service, and what matches none of them is one more: whatever paths
//! clients think up, the number of labels stays.

use std::time::Duration;

use http::StatusCode;

use super::histogram::Histogram;
use crate::kind::ServiceKind;

/// A route's method and path.
type Route = (&'static str, &'static str);

/// What every service has.
const COMMON: [Route; 6] = [
    ("GET", "/health"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/problems/{slug}"),
];

const ORDER_API: [Route; 5] = [
    ("POST", "/orders"),
    ("POST", "/orders/sync"),
    ("POST", "/orders/async"),
    ("GET", "/orders/{id}"),
    ("GET", "/stats"),
];

const ORDER_PROCESSOR: [Route; 1] = [("POST", "/process")];

const PAYMENT_SERVICE: [Route; 4] = [
    ("POST", "/charges"),
    ("GET", "/charges/{key}"),
    ("POST", "/charges/{key}/void"),
    ("POST", "/charges/{key}/refund"),
];

const NOTIFICATION_SERVICE: [Route; 1] = [("GET", "/stats")];

/// What no route is.
const OTHER: Route = ("other", "other");

const CLASSES: [&str; 3] = ["2xx", "4xx", "5xx"];

/// A route by its place in its service's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RouteIndex(usize);

/// The requests of one service.
#[derive(Debug)]
pub(super) struct Requests {
    routes: Box<[Route]>,
    took: Box<[[Histogram; CLASSES.len()]]>,
}

impl Requests {
    pub(super) fn new(kind: ServiceKind) -> Self {
        let own: &[Route] = match kind {
            ServiceKind::OrderApi => &ORDER_API,
            ServiceKind::OrderProcessor => &ORDER_PROCESSOR,
            ServiceKind::PaymentService => &PAYMENT_SERVICE,
            ServiceKind::NotificationService => &NOTIFICATION_SERVICE,
        };
        let routes: Box<[Route]> = own.iter().chain(&COMMON).chain([&OTHER]).copied().collect();
        let took = routes.iter().map(|_| Default::default()).collect();
        Self { routes, took }
    }

    /// The route of a request, by the path that it matched, if it matched any.
    pub(super) fn route(&self, method: &str, matched: Option<&str>) -> RouteIndex {
        let last = self.routes.len() - 1;
        let route = matched.map(|path| (method, path));
        RouteIndex(self.routes.iter().position(|known| Some(*known) == route).unwrap_or(last))
    }

    pub(super) fn answered(&self, route: RouteIndex, status: StatusCode, took: Duration) {
        let class = match status.as_u16() {
            ..400 => 0,
            400..500 => 1,
            500.. => 2,
        };
        self.took[route.0][class].record(took);
    }

    /// Every series that has begun: its labels and its histogram.
    pub(super) fn series(&self) -> impl Iterator<Item = ([(&'static str, &'static str); 3], &Histogram)> {
        self.routes.iter().zip(&self.took).flat_map(|((method, path), classes)| {
            let labels = |class| [("method", *method), ("route", *path), ("class", class)];
            CLASSES.into_iter().zip(classes).map(move |(class, took)| (labels(class), took))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_under_its_route_and_class_and_anything_else_as_other() {
        let requests = Requests::new(ServiceKind::OrderApi);
        let orders = requests.route("POST", Some("/orders"));
        requests.answered(orders, StatusCode::TOO_MANY_REQUESTS, Duration::from_millis(2));
        for (method, path) in [("GET", Some("/orders")), ("HEAD", Some("/health")), ("GET", None)] {
            let other = requests.route(method, path);
            requests.answered(other, StatusCode::NOT_FOUND, Duration::ZERO);
        }
        let counts: Vec<_> = requests
            .series()
            .map(|(labels, took)| (labels, took.read().1.iter().map(|(_, count)| count).sum::<u64>()))
            .filter(|(_, count)| *count > 0)
            .collect();
        let labels = |method, route, class| [("method", method), ("route", route), ("class", class)];
        assert_eq!(counts, [(labels("POST", "/orders", "4xx"), 1), (labels("other", "other", "4xx"), 3)]);
    }
}
