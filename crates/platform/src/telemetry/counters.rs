//! Counters whose labels are a closed set, known when the program is compiled.
//!
//! So their number is bounded whatever clients send, counting is one atomic addition without a map or a
//! lock, and they are exposed in the same order every time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use domain::OrderState;
use http::StatusCode;
use resilience::Reason;

/// A family of counters that differ in one label.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    /// The label's name; empty for a family of one without a label.
    pub(crate) label: &'static str,
    values: &'static [&'static str],
    counts: Box<[AtomicU64]>,
}

impl Tally {
    pub(super) fn new(
        name: &'static str,
        help: &'static str,
        label: &'static str,
        values: &'static [&'static str],
    ) -> Self {
        Self { name, help, label, values, counts: values.iter().map(|_| AtomicU64::new(0)).collect() }
    }

    pub(super) fn add(&self, index: usize, n: u64) {
        self.counts[index].fetch_add(n, Relaxed);
    }

    pub(super) fn get(&self, index: usize) -> u64 {
        self.counts[index].load(Relaxed)
    }

    /// Every label value with its count.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.values.iter().zip(&self.counts).map(|(value, count)| (*value, count.load(Relaxed)))
    }
}

/// How one call to payment ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AttemptOutcome {
    Succeeded,
    Declined,
    Failed,
    Unreachable,
    Broken,
    TimedOut,
}

const ATTEMPT_OUTCOMES: &[&str] = &["succeeded", "declined", "failed", "unreachable", "broken", "timed-out"];

/// How a payment ended, as order-api learns it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PaymentOutcome {
    Made,
    Declined,
    Failed,
}

const PAYMENT_OUTCOMES: &[&str] = &["made", "declined", "failed"];

/// How a charge ended inside payment.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ChargeOutcome {
    Succeeded,
    Declined,
    Failed,
    Refused,
}

const CHARGE_OUTCOMES: &[&str] = &["succeeded", "declined", "failed", "refused"];

/// How an unknown outcome was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    Completed,
    Failed,
    Refunded,
}

impl Settled {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Completed, Self::Failed, Self::Refunded];

    /// The label.
    pub(crate) const fn as_str(self) -> &'static str {
        SETTLED[self as usize]
    }
}

const SETTLED: &[&str] = &["completed", "failed", "refunded"];

const ORDER_STATES: &[&str] = &["placed", "paying", "completed", "declined", "failed"];

const NOTICE_OUTCOMES: &[&str] = &["completed", "declined", "failed"];

const REASONS: &[&str] = &[
    "concurrency-limit",
    "rate-limit",
    "queue-full",
    "throttled",
    "fair-share",
    "low-priority",
    "doomed",
    "queue-delay",
    "no-credit",
    "breaker-open",
    SHUTTING_DOWN,
    BACKLOG_FULL,
];

/// What is refused by no constraint, but because the process is to stop.
const SHUTTING_DOWN: &str = "shutting-down";

/// What is refused because too much was accepted already.
const BACKLOG_FULL: &str = "backlog-full";

/// Every status that these services answer with.
const CODES: &[&str] = &[
    "200", "202", "400", "402", "404", "405", "409", "413", "422", "429", "500", "501", "502", "503", "504",
    "other",
];

/// All counters. Each kind of service exposes those that it counts.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(super) requests: Tally,
    pub(super) orders: Tally,
    pub(super) payments: Tally,
    pub(super) dropped: Tally,
    pub(super) attempts: Tally,
    pub(super) exhausted: Tally,
    pub(super) charges: Tally,
    pub(super) settled: Tally,
    pub(crate) notices: Tally,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            requests: Tally::new("request_count", "Requests answered", "code", CODES),
            orders: Tally::new("orders", "Orders that came into a state", "state", ORDER_STATES),
            payments: Tally::new("payments", "Payments of orders", "outcome", PAYMENT_OUTCOMES),
            dropped: Tally::new("dropped_requests", "Requests refused at the door", "reason", REASONS),
            attempts: Tally::new("payment_attempts", "Calls to payment", "outcome", ATTEMPT_OUTCOMES),
            exhausted: Tally::new("attempts_exhausted", "Orders failed at the cap on attempts", "", &[""]),
            charges: Tally::new("charges", "Charges executed", "outcome", CHARGE_OUTCOMES),
            notices: Tally::new("notices", "Customers told", "outcome", NOTICE_OUTCOMES),
            settled: Tally::new("settlements", "Unknown outcomes settled", "outcome", SETTLED),
        }
    }
}

impl Counters {
    pub(crate) fn request(&self, status: StatusCode) {
        let index = match status.as_u16() {
            200 => 0,
            202 => 1,
            400 => 2,
            402 => 3,
            404 => 4,
            405 => 5,
            409 => 6,
            413 => 7,
            422 => 8,
            429 => 9,
            500 => 10,
            501 => 11,
            502 => 12,
            503 => 13,
            504 => 14,
            _ => 15,
        };
        self.requests.add(index, 1);
    }

    pub(crate) fn order(&self, state: OrderState) {
        self.orders.add(state as usize, 1);
    }

    pub(crate) fn payments(&self, outcome: PaymentOutcome, n: u64) {
        self.payments.add(outcome as usize, n);
    }

    pub(crate) fn payments_so_far(&self, outcome: PaymentOutcome) -> u64 {
        self.payments.get(outcome as usize)
    }

    pub(crate) fn dropped(&self, reason: Reason) {
        self.dropped.add(reason as usize, 1);
    }

    /// An order came after the process was asked to stop.
    pub(crate) fn shut_out(&self) {
        self.dropped.add(Reason::ALL.len(), 1);
    }

    /// An order came while too many were accepted and not done.
    pub(crate) fn backlog_full(&self) {
        self.dropped.add(Reason::ALL.len() + 1, 1);
    }

    pub(crate) fn attempt(&self, outcome: AttemptOutcome) {
        self.attempts.add(outcome as usize, 1);
    }

    pub(crate) fn exhausted(&self) {
        self.exhausted.add(0, 1);
    }

    pub(crate) fn settled(&self, outcome: Settled) {
        self.settled.add(outcome as usize, 1);
    }

    pub(crate) fn settled_so_far(&self, outcome: Settled) -> u64 {
        self.settled.get(outcome as usize)
    }

    /// A customer was told how an order ended.
    pub(crate) fn notice(&self, outcome: OrderState) {
        if let Some(place) = NOTICE_OUTCOMES.iter().position(|known| *known == outcome.as_str()) {
            self.notices.add(place, 1);
        }
    }

    pub(crate) fn charge(&self, outcome: ChargeOutcome) {
        self.charges.add(outcome as usize, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_values_stand_in_the_order_of_their_enums() {
        let states: Vec<_> = OrderState::ALL.iter().map(|state| state.as_str()).collect();
        assert_eq!(states, ORDER_STATES);
        let reasons: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!([&reasons[..], &[SHUTTING_DOWN, BACKLOG_FULL]].concat(), REASONS);
        assert_eq!(ATTEMPT_OUTCOMES[AttemptOutcome::TimedOut as usize], "timed-out");
        assert_eq!(PAYMENT_OUTCOMES[PaymentOutcome::Failed as usize], "failed");
        assert_eq!(CHARGE_OUTCOMES[ChargeOutcome::Refused as usize], "refused");
    }

    #[test]
    fn a_status_is_counted_under_its_own_code() {
        let counters = Counters::default();
        for code in CODES.iter().filter(|code| **code != "other") {
            counters.request(StatusCode::from_bytes(code.as_bytes()).expect("a status"));
        }
        counters.request(StatusCode::IM_A_TEAPOT);
        assert!(counters.requests.counts().all(|(_, count)| count == 1), "{:?}", counters.requests);
    }
}
