//! Every kind of problem: its stable name, its status, what it means and what to do about it.
//!
//! 429 means that *we* are full, 503 that something behind us is not there, and never the other way
//! round: a client must be able to tell them apart. `retryable` says that the same request may do better
//! later and is safe to repeat.

use http::StatusCode;

/// What there is to say about a kind of problem.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The last part of `type`: stable.
    pub(crate) slug: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) retryable: bool,
    pub(crate) title: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) advice: &'static str,
}

/// One list gives the enum, the table and the list of all kinds, so that none can be forgotten in one of them.
macro_rules! catalogue {
    ($($kind:ident: $slug:literal, $status:ident, retryable = $retryable:literal,
       $title:literal, $meaning:literal, $advice:literal;)*) => {
        /// A kind of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum ProblemKind {
            $($kind,)*
        }

        impl ProblemKind {
            /// All kinds.
            pub(crate) const ALL: &[Self] = &[$(Self::$kind,)*];

            /// What there is to say about it.
            pub(crate) const fn entry(self) -> &'static Entry {
                match self {
                    $(Self::$kind => &Entry {
                        slug: $slug,
                        status: StatusCode::$status,
                        retryable: $retryable,
                        title: $title,
                        meaning: $meaning,
                        advice: $advice,
                    },)*
                }
            }
        }
    };
}

impl ProblemKind {
    /// Whether it is us who are full.
    pub(crate) const fn is_refusal(self) -> bool {
        self.entry().status.as_u16() == StatusCode::TOO_MANY_REQUESTS.as_u16()
    }

    /// The kind with this slug.
    pub(crate) fn by_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.entry().slug == slug)
    }
}

catalogue! {
    MalformedBody: "malformed-body", BAD_REQUEST, retryable = false,
        "The body is not JSON",
        "The request body could not be read as JSON, or did not arrive completely.",
        "Send a complete JSON document. The detail says where reading stopped.";
    BadHeader: "bad-header", BAD_REQUEST, retryable = false,
        "A header cannot be used",
        "A header of the request has a value that cannot be used.",
        "Correct the header that the detail names.";
    PaymentDeclined: "payment-declined", PAYMENT_REQUIRED, retryable = false,
        "The payment was declined",
        "The payment was refused for good: no money has moved, and the order is closed.",
        "Do not repeat it. Place a new order with another means of payment.";
    NotFound: "not-found", NOT_FOUND, retryable = false,
        "There is nothing here",
        "This service has nothing at this path.",
        "Look at /openapi.json for what there is.";
    OrderNotFound: "order-not-found", NOT_FOUND, retryable = false,
        "There is no such order",
        "No order with this id was accepted here. One that was refused at the door leaves no trace.",
        "Check the id; if the order was refused, place it again.";
    ChargeNotFound: "charge-not-found", NOT_FOUND, retryable = false,
        "There is no such charge",
        "No charge with this id or key has succeeded. One may still be running.",
        "If it must never succeed, void its key.";
    MethodNotAllowed: "method-not-allowed", METHOD_NOT_ALLOWED, retryable = false,
        "The method is not allowed here",
        "There is something at this path, but not for this method.",
        "Use a method that the Allow header names.";
    OrderExists: "order-exists", CONFLICT, retryable = false,
        "The order exists already",
        "An order with this id was accepted before; it was left as it is.",
        "Follow Location to see how it stands. For another order choose another id, or none.";
    ChargeExists: "charge-exists", CONFLICT, retryable = false,
        "The key was charged already",
        "A charge with this idempotency key has succeeded before; this one moved no money.",
        "Look the charge up by its key.";
    ChargeVoided: "charge-voided", CONFLICT, retryable = false,
        "The key was voided",
        "This idempotency key was voided: nothing is charged under it any more.",
        "Treat the payment as not made.";
    BodyTooLarge: "body-too-large", PAYLOAD_TOO_LARGE, retryable = false,
        "The body is too large",
        "The request body is larger than 64 KiB.",
        "Send less: an order has at most 100 lines.";
    InvalidBody: "invalid-body", UNPROCESSABLE_ENTITY, retryable = false,
        "The body does not say what it must",
        "The body is JSON, but a field is missing or has a value that it cannot have.",
        "Correct the field that the detail names.";
    ConcurrencyLimit: "concurrency-limit", TOO_MANY_REQUESTS, retryable = true,
        "Too many orders are in work",
        "As many orders are in work as can be finished in good time. This one was refused at the door; nothing was done.",
        "Come back after the seconds in Retry-After, not before.";
    RateLimit: "rate-limit", TOO_MANY_REQUESTS, retryable = true,
        "Too many orders per second",
        "Orders arrive faster than they are let in. This one was refused at the door; nothing was done.",
        "Come back after the seconds in Retry-After, not before.";
    QueueFull: "queue-full", TOO_MANY_REQUESTS, retryable = true,
        "The queue is full",
        "Every worker is busy, and the short queue in front of them is full. No payment was tried.",
        "Come back after the seconds in Retry-After; an order that was given an id is closed as failed, so take a new one.";
    FairShare: "fair-share", TOO_MANY_REQUESTS, retryable = true,
        "You have your share in work already",
        "The limit is shared fairly between customers, and as many of your orders are in work as your share allows.",
        "Wait for one of your orders to be answered, and come back after the seconds in Retry-After.";
    LowPriority: "low-priority", TOO_MANY_REQUESTS, retryable = true,
        "Only more important orders are let in",
        "What is left of the limit is reserved for orders of a higher priority.",
        "Come back after the seconds in Retry-After, not before.";
    Doomed: "doomed", TOO_MANY_REQUESTS, retryable = true,
        "It could not be done in time",
        "The order waited until it could no longer be finished before its deadline. Nothing was begun.",
        "Come back after the seconds in Retry-After, or allow more time.";
    QueueDelay: "queue-delay", TOO_MANY_REQUESTS, retryable = true,
        "It waited too long",
        "The queue does not drain, and this order had waited longer than is worth it. Nothing was begun.",
        "Come back after the seconds in Retry-After, not before.";
    NoCredit: "no-credit", TOO_MANY_REQUESTS, retryable = true,
        "No demand was granted",
        "Whoever is to do the work has granted no credit for it. Nothing was begun.",
        "Come back after the seconds in Retry-After, not before.";
    BacklogFull: "backlog-full", TOO_MANY_REQUESTS, retryable = true,
        "More was accepted than can be done in time",
        "So many orders were accepted and are not done yet that this one would be done too late. Nothing was begun.",
        "Come back after the seconds in Retry-After, not before.";
    Throttled: "throttled", SERVICE_UNAVAILABLE, retryable = true,
        "What stands behind refuses nearly everything",
        "So many calls were refused lately that this one was not even made.",
        "Come back after the seconds in Retry-After, not before.";
    BreakerOpen: "breaker-open", SERVICE_UNAVAILABLE, retryable = true,
        "What stands behind is left alone",
        "It failed or was slow too often lately, so that it is only probed until it has recovered. Nothing was tried.",
        "Come back after the seconds in Retry-After: then it is probed again.";
    ShuttingDown: "shutting-down", SERVICE_UNAVAILABLE, retryable = true,
        "The service is about to stop",
        "It finishes what it has taken on and takes on nothing more. Nothing was begun.",
        "Ask again on a new connection: another instance, or this one once it is back.";
    TooManyConnections: "too-many-connections", SERVICE_UNAVAILABLE, retryable = true,
        "Too many connections are open",
        "As many connections are open as the service has room for. This one was closed before its request was read.",
        "Come back after the seconds in Retry-After, and keep connections open instead of making one per request.";
    NotReady: "not-ready", SERVICE_UNAVAILABLE, retryable = true,
        "The service is not ready",
        "It runs, but lacks something that it needs to serve. The detail says what.",
        "Send orders elsewhere until this answers 200.";
    Internal: "internal", INTERNAL_SERVER_ERROR, retryable = false,
        "Something broke on our side",
        "The service could not finish this request, and does not know how far it came.",
        "Report the request id. Look the order up before you place it again.";
    AttemptsExhausted: "attempts-exhausted", INTERNAL_SERVER_ERROR, retryable = false,
        "The payment was tried too often",
        "Every attempt at the payment failed, up to the cap on attempts per order. The order is closed as failed.",
        "This is an outage of payment and no bad luck: look there.";
    AsyncUnavailable: "async-unavailable", NOT_IMPLEMENTED, retryable = false,
        "Not in this topology",
        "The services of this design are joined by calls: an order is finished when it is answered, never later.",
        "Use POST /orders or POST /orders/sync.";
    SyncUnavailable: "sync-unavailable", NOT_IMPLEMENTED, retryable = false,
        "Not in this topology",
        "The services of this design are joined by a broker: an order is accepted when it is answered, and finished later.",
        "Use POST /orders or POST /orders/async, and follow Location to see how the order ends.";
    ProcessorBroken: "processor-broken", BAD_GATEWAY, retryable = false,
        "The order processor gave no usable answer",
        "The order was handed on, and the connection broke or the answer made no sense. Whether it was paid is unknown.",
        "Do not place it again blindly: it may have been paid.";
    ProcessorUnreachable: "processor-unreachable", SERVICE_UNAVAILABLE, retryable = true,
        "The order processor cannot be reached",
        "No connection to the order processor could be made. Nothing was paid; the order is closed as failed.",
        "Come back after the seconds in Retry-After, with a new order id.";
    PaymentFailed: "payment-failed", SERVICE_UNAVAILABLE, retryable = true,
        "The payment failed for now",
        "The payment failed for a passing reason; no money has moved.",
        "It may be tried again.";
    PaymentUnreachable: "payment-unreachable", SERVICE_UNAVAILABLE, retryable = true,
        "Payment cannot be reached",
        "No connection to payment could be made, and there was no time for another try. No money has moved.",
        "Come back after the seconds in Retry-After.";
    PaymentRejected: "payment-rejected", BAD_GATEWAY, retryable = false,
        "Payment does not accept the charge",
        "Payment found something wrong with the charge itself. No money has moved, and trying again would change nothing.",
        "Report the request id: the platform sent what payment does not understand.";
    KeyInProgress: "key-in-progress", CONFLICT, retryable = true,
        "The same request is in work",
        "A request with this idempotency key has not been finished yet.",
        "Repeat it, with the same key, after the seconds in Retry-After.";
    KeyMismatch: "key-mismatch", UNPROCESSABLE_ENTITY, retryable = false,
        "The key stands for something else",
        "This idempotency key came with a different request before.",
        "Choose a new key for each new request, and the old key only to repeat the old one.";
    DeadlineExceeded: "deadline-exceeded", GATEWAY_TIMEOUT, retryable = true,
        "There was no time left",
        "The time for this request was over before the payment was begun. No money has moved.",
        "Allow more time, or come back when there is less to do.";
    OutcomeUnknown: "outcome-unknown", GATEWAY_TIMEOUT, retryable = false,
        "Nobody knows yet how it ended",
        "The payment was begun, and its answer did not come in time. It may have succeeded.",
        "Follow Location to see how the order ends. Do not place it again without its idempotency key.";
    StoreUnavailable: "store-unavailable", SERVICE_UNAVAILABLE, retryable = false,
        "The store cannot be reached",
        "The service's own store did not answer. Whether the change was made may be unknown.",
        "Look before you repeat it.";
}
