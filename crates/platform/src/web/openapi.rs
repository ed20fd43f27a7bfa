//! `/openapi.json`: each service's interface, generated from its handlers.
//!
//! The bodies are described by shapes of their own, because the domain knows no documentation format; a
//! test holds each shape to what the real type writes.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::{
    Content, Header, Object, OpenApi, Ref, RefOr, Required, ResponseBuilder, schema::Type,
};
use utoipa::{OpenApi as _, ToSchema};

use crate::design::Topology;
use crate::kind::ServiceKind;
use crate::{notification_service, order_api, order_processor, payment_service};

/// What every service has.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    super::common::health,
    super::common::livez,
    super::common::readyz,
    super::common::metrics,
    super::common::describe,
    super::common::problem_page
))]
struct CommonDocument;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "order-api",
        description = "Where clients place their orders",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(order_api::handlers::create, order_api::handlers::show, order_api::handlers::stats)
)]
struct OrderApiDocument;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "order-processor", description = "Gets an order paid", license(name = "MIT OR Apache-2.0")),
    paths(order_processor::handlers::process)
)]
struct OrderProcessorDocument;

/// Where it gets its orders from the broker.
#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "order-processor",
    description = "Gets the orders paid that a broker brings: nobody asks it",
    license(name = "MIT OR Apache-2.0")
))]
struct ConsumingProcessorDocument;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "payment-service", description = "Moves the money", license(name = "MIT OR Apache-2.0")),
    paths(
        payment_service::handlers::charge,
        payment_service::handlers::show,
        payment_service::handlers::void,
        payment_service::handlers::refund
    )
)]
struct PaymentServiceDocument;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "notification-service",
        description = "Tells customers how their orders ended",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(notification_service::handlers::stats)
)]
struct NotificationServiceDocument;

/// A service's description, as it is in a topology.
pub(crate) fn document(kind: ServiceKind, topology: Topology) -> Response {
    let document = match kind {
        ServiceKind::OrderApi => OrderApiDocument::openapi(),
        ServiceKind::OrderProcessor if topology == Topology::Events => ConsumingProcessorDocument::openapi(),
        ServiceKind::OrderProcessor => OrderProcessorDocument::openapi(),
        ServiceKind::PaymentService => PaymentServiceDocument::openapi(),
        ServiceKind::NotificationService => NotificationServiceDocument::openapi(),
    };
    Json(completed(document.merge_from(CommonDocument::openapi()))).into_response()
}

/// Adds what holds for every operation, and what goes by three names.
fn completed(mut document: OpenApi) -> OpenApi {
    let paths = &mut document.paths.paths;
    if let Some(orders) = paths.get("/orders").cloned() {
        for (path, id) in [("/orders/sync", "create_sync"), ("/orders/async", "create_async")] {
            paths.insert(path.to_owned(), renamed(orders.clone(), id));
        }
    }
    for path in document.paths.paths.values_mut() {
        for operation in [&mut path.get, &mut path.post].into_iter().flatten() {
            complete(operation);
        }
    }
    document
}

/// The same by a name that not every topology has.
fn renamed(mut path: PathItem, id: &str) -> PathItem {
    if let Some(operation) = &mut path.post {
        operation.operation_id = Some(id.to_owned());
        let elsewhere = problem("Not in this topology");
        operation.responses.responses.insert("501".to_owned(), elsewhere);
    }
    path
}

fn problem(description: &str) -> RefOr<utoipa::openapi::Response> {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    let response = ResponseBuilder::new().description(description);
    response.content("application/problem+json", content).build().into()
}

/// Identity in and out, and the refusals that any request may meet: too many connections, and a store that is away.
fn complete(operation: &mut Operation) {
    let text = || Object::with_type(Type::String);
    let header = |name: &str, what: &str| {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header);
        parameter.required(Required::False).description(Some(what)).schema(Some(text())).build()
    };
    let identity = [
        header(
            "X-Request-Id",
            "the request's id, at most 128 visible ASCII characters; made if there is none",
        ),
        header("traceparent", "W3C trace context; a new trace begins without one"),
    ];
    operation.parameters.get_or_insert_default().extend(identity.map(RefOr::T));
    let responses = &mut operation.responses.responses;
    responses
        .entry("503".to_owned())
        .or_insert_with(|| problem("The store is away, or too many connections are open"));
    for (status, response) in responses {
        let RefOr::T(response) = response else { continue };
        let what = if status == "503" {
            "the request's id; missing when it was not read"
        } else {
            "the request's id"
        };
        let mut id = Header::new(text());
        id.description = Some(what.to_owned());
        response.headers.insert("X-Request-Id".to_owned(), id.into());
        if status == "503" {
            let mut seconds = Header::new(Object::with_type(Type::Integer));
            seconds.description = Some("seconds".to_owned());
            response.headers.insert("Retry-After".to_owned(), seconds.into());
        }
    }
}

/// A new order.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewOrder)]
#[expect(dead_code, reason = "a shape for the description; the domain reads the real thing")]
pub(crate) struct NewOrderBody {
    /// The customer: a text or a whole number.
    #[schema(example = "c1")]
    customer_id: String,
    /// 1 to 100 lines.
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<ItemBody>,
    /// Chosen by the client, or else made: 1 to 64 characters that can stand in a path.
    #[schema(min_length = 1, max_length = 64)]
    order_id: Option<String>,
    /// `low`, `normal` or `high`; `normal` unless stated.
    priority: Option<String>,
}

/// One line of an order.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Item)]
pub(crate) struct ItemBody {
    /// What.
    #[schema(example = "PIZZA-1")]
    product_id: String,
    /// How many of it.
    #[schema(minimum = 1, maximum = 1000)]
    quantity: u32,
    /// What one of them costs, with at most two decimals; a text is fine as well.
    #[schema(example = 9.50)]
    price: f64,
}

/// An order as it is stored.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub(crate) struct OrderBody {
    /// The order.
    order_id: String,
    /// Who ordered.
    customer_id: String,
    /// What was ordered.
    items: Vec<ItemBody>,
    /// The sum over all lines.
    total: f64,
    /// The currency of all amounts.
    currency: String,
    /// `placed`, `paying`, `completed`, `declined` or `failed`.
    state: String,
    /// How much it matters under overload.
    priority: String,
    /// Whether the customer was told how it ended.
    notified: bool,
    /// When it was accepted, in µs of the service's timeline.
    placed_at_us: u64,
    /// When its state last changed, in µs of the service's timeline.
    updated_at_us: u64,
    /// The charge that paid for it.
    charge_id: Option<String>,
    /// Why it was declined or failed.
    reason: Option<String>,
}

/// An order to be paid.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProcessOrder)]
pub(crate) struct ProcessOrderBody {
    /// The order.
    order_id: String,
    /// Who pays.
    customer_id: String,
    /// How much.
    amount: f64,
    /// `EUR`.
    currency: Option<String>,
    /// `low`, `normal` or `high`.
    priority: Option<String>,
}

/// How a payment ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProcessedOrder)]
pub(crate) struct ProcessedOrderBody {
    /// The order.
    order_id: String,
    /// `paid` or `declined`.
    outcome: String,
    /// The charge, when paid.
    charge_id: Option<String>,
    /// Why, when declined.
    reason: Option<String>,
    /// Payment calls that it took.
    attempts: u32,
}

/// Money to be moved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChargeRequest)]
pub(crate) struct ChargeRequestBody {
    /// What it is for.
    order_id: String,
    /// Who pays.
    customer_id: String,
    /// How much.
    amount: f64,
    /// `EUR`.
    currency: Option<String>,
}

/// Money that moved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChargeAnswer)]
pub(crate) struct ChargeAnswerBody {
    /// The charge.
    charge_id: String,
    /// What it was for.
    order_id: String,
    /// How much.
    amount: f64,
    /// `EUR`.
    currency: String,
}

/// A charge as it is stored.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Charge)]
pub(crate) struct ChargeBody {
    /// The charge.
    charge_id: String,
    /// What it was for.
    order_id: String,
    /// The caller's idempotency key.
    key: Option<String>,
    /// How much.
    amount: f64,
    /// When the money moved, in µs of the service's timeline.
    at_us: u64,
    /// When it was given back.
    refunded_at_us: Option<u64>,
}

/// Problem details (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// A stable relative URI, which leads to a page about the problem.
    r#type: String,
    /// What kind of problem it is.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong this time.
    detail: String,
    /// The path that was asked for.
    instance: String,
    /// Whether the same request may do better later and is safe to repeat.
    retryable: bool,
    /// The request's id, also in `X-Request-Id`.
    request_id: String,
    /// The order it is about.
    order_id: Option<String>,
    /// The field of the body that is wrong.
    field: Option<String>,
}
