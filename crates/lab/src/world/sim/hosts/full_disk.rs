//! A disk that takes nothing, under a whole platform in the simulated world.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{
    EventId, Message,
    broker::{Broker, Layout},
};
use http::{Request, Response, StatusCode, header};
use node::http::{Client, ClientOptions};
use platform::{ServiceFacts, ServiceKind, ServiceState, Stores};
use serde_json::{Value, json};

use super::*;

/// How many orders may wait.
const BACKLOG_MAX: u64 = 40;

/// How large the broker's disk is until somebody makes room.
const DISK_BYTES: u64 = 8 << 20;

/// How many messages fill it, at most.
const FILLERS_MAX: usize = 2_000;

/// A platform with every constraint that accepts no more than a few orders ahead.
fn design() -> Arc<Design> {
    let mut design = crate::designs::resolve("events-composed").expect("it is built in").design;
    let consumers = design.consumers.as_mut().expect("it has [consumers]");
    consumers.backlog_max = NonZeroU32::new(BACKLOG_MAX as u32);
    Arc::new(design)
}

fn in_paused_time<T>(test: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().expect("a runtime").block_on(test)
}

/// Whoever asks the platform.
struct Asker {
    http: Client,
}

impl Asker {
    async fn ask(&self, service: ServiceKind, path: &str, order: Option<Value>) -> Response<Bytes> {
        let (method, body) = order.map_or(("GET", Bytes::new()), |order| ("POST", order.to_string().into()));
        let uri = format!("http://{}:{}{path}", service.name(), service.default_port());
        let request = Request::builder().method(method).uri(uri).body(body).expect("a request");
        self.http.send(request).await.expect("an answer")
    }

    async fn place(&self, id: &str) -> Response<Bytes> {
        let items = json!([{ "product_id": "PIZZA-1", "quantity": 2, "price": 9.50 }]);
        let order = json!({ "order_id": id, "customer_id": "c1", "items": items });
        self.ask(ServiceKind::OrderApi, "/orders", Some(order)).await
    }

    /// Whether an order has come to its end, and its customer knows.
    async fn is_done(&self, id: &str) -> bool {
        let answer = self.ask(ServiceKind::OrderApi, &format!("/orders/{id}"), None).await;
        assert_eq!(answer.status(), StatusCode::OK, "{id} is lost");
        let order: Value = serde_json::from_slice(answer.body()).expect("JSON");
        order["notified"] == true
    }
}

/// Publishes what nobody consumes until the disk takes not even the smallest message.
async fn fill(broker: &dyn Broker, clients: &Node) {
    broker.declare(&[Layout::new("other", &["nobody"])]).await.expect("there is room");
    let mut published = 0;
    for bytes in [200_000, 2_000, 1] {
        let mut failures = 0;
        while failures < 3 {
            let message = Message {
                event_id: EventId::new(format!("filler-{published}")).expect("a valid id"),
                topic: "other".to_owned(),
                key: format!("k-{published}"),
                payload: vec![7; bytes],
                at_us: 0,
            };
            published += 1;
            assert!(published < FILLERS_MAX, "it is never full");
            if broker.publish(vec![message]).await.is_err() {
                failures += 1;
                clients.sleep(broker::REOPEN_EVERY * 2).await;
            }
        }
    }
}

/// What a service testifies.
fn said(testimony: &[Witness], service: ServiceKind) -> &ServiceFacts {
    let its = testimony.iter().find(|witness| witness.facts.service == service);
    &its.expect("everybody testifies").facts
}

#[test]
fn orders_that_are_accepted_while_the_brokers_disk_is_full_are_done_when_there_is_room() {
    in_paused_time(async {
        let hosts = Hosts::start(7, design(), &ServiceState::new, Disks::Redb);
        let clients = hosts.clients().clone();
        clients.sleep(Duration::from_secs(2)).await;
        let asker = Asker { http: Client::new(&clients, ClientOptions::default()) };
        hosts.world.set_disk_max(BROKER, DISK_BYTES).expect("a host");
        fill(&*BrokerUrl::Embedded.open(&clients).broker, &clients).await;

        let mut accepted = Vec::new();
        for n in 0..BACKLOG_MAX * 2 {
            let id = format!("o-{n}");
            let answer = asker.place(&id).await;
            if answer.status() == StatusCode::ACCEPTED {
                accepted.push(id);
            } else {
                let text = String::from_utf8_lossy(answer.body());
                assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS, "{text}");
                assert!(text.contains("/problems/backlog-full"), "{text}");
                assert!(answer.headers().contains_key(header::RETRY_AFTER), "{text}");
            }
            clients.sleep(Duration::from_millis(50)).await;
        }
        let waiting = accepted.len() as u64;
        assert!((BACKLOG_MAX / 2..=BACKLOG_MAX).contains(&waiting), "{waiting} of {BACKLOG_MAX}");
        clients.sleep(Duration::from_secs(30)).await;
        let ready = async |service| asker.ask(service, "/readyz", None).await;
        assert_eq!(
            ready(ServiceKind::OrderApi).await.status(),
            StatusCode::OK,
            "what it accepted is durable"
        );
        let unready = ready(ServiceKind::OrderProcessor).await;
        assert_eq!(unready.status(), StatusCode::SERVICE_UNAVAILABLE);
        let text = String::from_utf8_lossy(unready.body()).into_owned();
        assert!(text.contains("no space left"), "{text}");
        assert_eq!(asker.place("o-late").await.status(), StatusCode::TOO_MANY_REQUESTS, "it is full still");

        hosts.world.set_disk_max(BROKER, u64::MAX).expect("a host");
        let began = clients.elapsed();
        for id in &accepted {
            while !asker.is_done(id).await {
                assert!(clients.elapsed() - began < Duration::from_secs(120), "{id} is never done");
                clients.sleep(Duration::from_millis(100)).await;
            }
        }
        assert_eq!(asker.place("o-again").await.status(), StatusCode::ACCEPTED, "there is room again");
        while !asker.is_done("o-again").await {
            clients.sleep(Duration::from_millis(100)).await;
        }
        assert!(hosts.letters().await.expect("the broker is there").dead.is_empty());

        // Once more without power: what is on the disks is what counts.
        let testimony = hosts.testify().await.expect("all disks can be read");
        let orders = &said(&testimony, ServiceKind::OrderApi).orders;
        assert_eq!(orders.len(), accepted.len() + 1);
        let charges = &said(&testimony, ServiceKind::PaymentService).charges;
        let notices = &said(&testimony, ServiceKind::NotificationService).notices;
        for order in orders {
            let paid = charges.iter().filter(|charge| charge.order_id == order.order_id).count();
            let told = notices.iter().filter(|notice| notice.order_id == order.order_id).count();
            let is_paid = usize::from(order.state == domain::OrderState::Completed);
            assert_eq!((paid, told), (is_paid, 1), "{order:?}");
        }
    });
}

#[test]
fn a_store_on_a_disk_that_takes_nothing_is_refused_with_what_to_do_and_opens_when_there_is_room() {
    in_paused_time(async {
        let topology = Topology::new(link()).host("order-api", HostOptions::default());
        let world = SimWorld::new(1, topology);
        world.set_disk_max("order-api", 0).expect("a host");
        let node = world.node("order-api").expect("a host");
        let states = PlatformState::of(ServiceState::new);
        let open = async || Disks::Redb.open(&states, ServiceKind::OrderApi, &design(), &node).await;
        let error = open().await.expect_err("nothing can be written");
        assert!(error.in_full().contains("no space left"), "{}", error.in_full());
        assert!(error.advice().starts_with("make room on that disk"), "{}", error.advice());
        world.set_disk_max("order-api", u64::MAX).expect("a host");
        let opened = open().await.expect("there is room");
        let Stores { orders, .. } = opened.service(ServiceKind::OrderApi).stores();
        assert_eq!(orders.as_ref().expect("order-api keeps orders").all().await, Ok(Vec::new()));
    });
}
