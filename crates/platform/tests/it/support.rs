//! A whole platform in a small world, and a client to ask it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::OrderId;
use http::{HeaderMap, Method, Request, StatusCode, header};
use node::http::{CallError, Client, ClientOptions, ServerOptions, serve};
use node::sim::{HostOptions, Latency, SimWorld, Topology};
use node::{Node, Task};
use platform::design::{self, Design};
use platform::{Peers, PlatformState, Ports, ProcessorSettings, ServiceKind, ServiceState};
use serde_json::{Value, json};

const CLIENTS: &str = "clients";

/// The services of a chain.
pub(crate) const CHAIN: [ServiceKind; 3] =
    [ServiceKind::OrderApi, ServiceKind::OrderProcessor, ServiceKind::PaymentService];

/// A platform at work. Clones are the same platform.
#[derive(Clone, Debug)]
pub(crate) struct Platform {
    pub(crate) world: SimWorld,
    design: Arc<Design>,
    states: PlatformState,
    clients: BTreeMap<u16, Client>,
}

/// An answer with its body read as JSON, or null.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
    pub(crate) text: String,
}

/// Runs a test against a platform under a design: `payment` and what else it has, as TOML.
pub(crate) fn with_platform<F: Future>(design: &str, test: impl FnOnce(Platform) -> F) -> F::Output {
    in_paused_time(async {
        let platform = Platform::assemble(design);
        platform.design.topology.processes().iter().for_each(|kind| platform.start(*kind));
        test(platform).await
    })
}

/// Runs a test in virtual time.
pub(crate) fn in_paused_time<F: Future>(test: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without threads or sockets")
        .block_on(test)
}

impl Platform {
    /// A world with every host, where nothing runs yet.
    pub(crate) fn assemble(design: &str) -> Self {
        Self::assemble_on(design, PlatformState::default())
    }

    /// The same, on states of its own.
    pub(crate) fn assemble_on(design: &str, states: PlatformState) -> Self {
        let design: Design = toml::from_str(&format!("name = 'test'\n{design}")).expect("a valid design");
        let processes = design.topology.processes();
        let topology = processes
            .iter()
            .fold(Topology::new(Latency::default()), |topology, kind| {
                topology.host(kind.name(), HostOptions::default())
            })
            .host(CLIENTS, HostOptions::unlimited());
        let world = SimWorld::new(1, topology);
        let node = world.node(CLIENTS).expect("it was just added");
        let ports = ServiceKind::ALL.iter().flat_map(|kind| [kind.default_port(), kind.default_admin_port()]);
        let clients = ports.map(|port| (port, Client::new(&node, ClientOptions::default()))).collect();
        Self { world, design: Arc::new(design), states, clients }
    }

    pub(crate) fn node(&self, kind: ServiceKind) -> Node {
        self.world.node(self.design.topology.home(kind).name()).expect("every process has a host")
    }

    pub(crate) fn state(&self, kind: ServiceKind) -> &ServiceState {
        self.states.service(kind)
    }

    /// Starts a process of a service on what its state holds; order-api's of a monolith is all of it.
    pub(crate) fn start(&self, kind: ServiceKind) {
        let _node = self.start_on_node(kind);
    }

    /// The same, and says on which node: that one can be asked to stop.
    pub(crate) fn start_on_node(&self, kind: ServiceKind) -> Node {
        let (node, state, design) = (self.node(kind), self.state(kind).clone(), Arc::clone(&self.design));
        let ports = Ports { http: None, admin: Some(kind.default_admin_port()) };
        match design.topology {
            design::Topology::Chain | design::Topology::Events => {
                node.spawn(platform::run(kind, node.clone(), design, state, ports));
            }
            design::Topology::Monolith => {
                node.spawn(platform::run_monolith(node.clone(), design, self.states.clone(), ports));
            }
        }
        node
    }

    /// Starts an order-processor with settings of its own.
    pub(crate) fn start_processor(&self, settings: ProcessorSettings) {
        let kind = ServiceKind::OrderProcessor;
        let node = self.node(kind);
        let router = platform::order_processor_router(
            &node,
            &self.design,
            self.state(kind),
            &Peers::default(),
            settings,
        );
        self.serve(kind, router);
    }

    /// Serves anything at all in the place of a service.
    pub(crate) fn serve(&self, kind: ServiceKind, router: axum::Router) {
        let node = self.node(kind);
        node.spawn({
            let node = node.clone();
            async move {
                let listener = node.listen(kind.default_port()).await.expect("the port is free");
                serve(node, listener, router, ServerOptions::default()).await
            }
        });
    }

    /// Asks a service; headers come with the request.
    pub(crate) async fn send(&self, kind: ServiceKind, request: Request<Bytes>) -> Result<Answer, CallError> {
        self.send_to(kind, kind.default_port(), request).await
    }

    async fn send_to(
        &self,
        kind: ServiceKind,
        port: u16,
        mut request: Request<Bytes>,
    ) -> Result<Answer, CallError> {
        let uri = format!("http://{}:{port}{}", kind.name(), request.uri());
        *request.uri_mut() = uri.parse().expect("paths in tests are valid");
        let (head, body) = self.clients[&port].send(request).await?.into_parts();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            json: serde_json::from_slice(&body).unwrap_or_default(),
            text: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    pub(crate) async fn ask(
        &self,
        kind: ServiceKind,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Answer {
        self.send(kind, request(method, path, body)).await.expect("an answer")
    }

    pub(crate) async fn ask_admin(
        &self,
        kind: ServiceKind,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Answer {
        let request = request(method, path, body);
        self.send_to(kind, kind.default_admin_port(), request).await.expect("an answer")
    }

    /// `GET` at order-api.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(ServiceKind::OrderApi, Method::GET, path, "").await
    }

    /// Asks order-processor directly, with a header.
    pub(crate) fn process_in_background(
        &self,
        order_id: &str,
        header: (&'static str, &'static str),
    ) -> Task<Answer> {
        let (platform, order_id) = (self.clone(), order_id.to_owned());
        self.in_background(async move {
            let body = json!({ "order_id": order_id, "customer_id": "c1", "amount": 19 }).to_string();
            let mut request = request(Method::POST, "/process", body);
            request.headers_mut().insert(header.0, http::HeaderValue::from_static(header.1));
            platform.send(ServiceKind::OrderProcessor, request).await.expect("an answer")
        })
    }

    /// Places an order of a customer and a priority.
    pub(crate) fn place_of_in_background(
        &self,
        order_id: &str,
        customer: &str,
        priority: &str,
    ) -> Task<Answer> {
        let platform = self.clone();
        let mut order: Value = serde_json::from_str(&order(order_id)).expect("an order");
        order["customer_id"] = customer.into();
        order["priority"] = priority.into();
        self.in_background(async move {
            platform.ask(ServiceKind::OrderApi, Method::POST, "/orders", order.to_string()).await
        })
    }

    /// Places an order with this id.
    pub(crate) async fn place(&self, order_id: &str) -> Answer {
        self.ask(ServiceKind::OrderApi, Method::POST, "/orders", order(order_id)).await
    }

    /// Places an order from a task of its own; aborting it is the client leaving.
    pub(crate) fn place_in_background(&self, order_id: &str) -> Task<Answer> {
        let (platform, order_id) = (self.clone(), order_id.to_owned());
        let node = self.world.node(CLIENTS).expect("clients have a host");
        node.spawn(async move { platform.place(&order_id).await })
    }

    /// Runs anything as a client that may be aborted.
    pub(crate) fn in_background<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.world.node(CLIENTS).expect("clients have a host").spawn(future)
    }

    /// The state of an order, as `GET /orders/{id}` tells it.
    pub(crate) async fn order_state(&self, order_id: &str) -> String {
        let answer = self.get(&format!("/orders/{order_id}")).await;
        answer.json["state"].as_str().unwrap_or("none").to_owned()
    }

    /// Payment calls made for an order.
    pub(crate) fn calls(&self, order_id: &str) -> u64 {
        let calls = self.state(ServiceKind::OrderProcessor).telemetry().calls();
        let order_id = OrderId::new(order_id).expect("a valid id");
        calls.per_order.get(&order_id).copied().unwrap_or_default()
    }

    pub(crate) fn gauge_max(&self, kind: ServiceKind, gauge: &str) -> u64 {
        self.state(kind).telemetry().gauges()[gauge].max()
    }
}

impl Answer {
    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a readable header"))
    }

    /// Checks that it is a problem document of a kind, complete and consistent with its status.
    pub(crate) fn assert_problem(&self, status: u16, slug: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header(header::CONTENT_TYPE), "application/problem+json");
        assert_eq!(self.json["type"], format!("/problems/{slug}"));
        assert_eq!(self.json["status"], status);
        assert_eq!(self.json["request_id"], self.header("x-request-id"));
        for member in ["title", "detail", "instance"] {
            assert!(
                self.json[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member}: {}",
                self.text
            );
        }
        assert!(self.json["retryable"].is_boolean());
        if matches!(status, 429 | 503) {
            assert!(self.header(header::RETRY_AFTER).parse::<u64>().is_ok(), "{:?}", self.headers);
        }
    }
}

pub(crate) fn request(method: Method, path: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    Request::builder().method(method).uri(path).body(body.into()).expect("a valid request")
}

/// The body of an order with this id.
pub(crate) fn order(order_id: &str) -> String {
    json!({
        "order_id": order_id,
        "customer_id": "c1",
        "items": [{ "product_id": "PIZZA-1", "quantity": 2, "price": 9.50 }],
    })
    .to_string()
}

pub(crate) async fn sleep_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// Payment that always succeeds, after 100 ms.
pub(crate) const SURE: &str = "[payment]\nslots = 4\nservice_time = { kind = 'constant', value = '100ms' }\n";
