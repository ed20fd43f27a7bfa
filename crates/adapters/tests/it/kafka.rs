//! Apache Kafka: always on librdkafka's mock cluster, which is in this process, and on a real server where there is one.

mod sharing;

use std::sync::Arc;
use std::time::Duration;

use adapters::kafka::{Kafka, KafkaSettings, KafkaUrl};
use domain::broker::{Broker, Consumer, Delivery, Layout, Subscription};
use domain::contract::{BrokerUnderTest, Pace};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::killed::{self, message};
use crate::services::{OwnServer, fresh_name, node, optional_server};

const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster of one server, which makes topics when they are asked for, of 4 partitions.
fn mock() -> (MockCluster<'static, DefaultProducerContext>, KafkaUrl) {
    let cluster = MockCluster::new(1).expect("a cluster");
    let url = format!("kafka://{}", cluster.bootstrap_servers());
    (cluster, url.parse().expect("a URL"))
}

fn on_mock() -> KafkaSettings {
    KafkaSettings {
        creates_topics: false,
        partitions: 4,
        session_timeout: Duration::from_secs(6),
        ..KafkaSettings::default()
    }
}

async fn examine(url: &KafkaUrl, settings: KafkaSettings) {
    let prefix = format!("t{}", std::process::id());
    let make = async || {
        let kafka = Kafka::open(&node(), url, &fresh_name("test"), settings).expect("a prefix");
        let kafka = Arc::new(kafka);
        BrokerUnderTest { broker: Arc::clone(&kafka) as _, letters: kafka, prefix: prefix.clone() }
    };
    domain::contract::broker(make, Pace { at_once: 16, ..Pace::default() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract_of_a_broker_on_a_mock_cluster() {
    let (_cluster, url) = mock();
    examine(&url, on_mock()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract_of_a_broker_on_a_real_server() {
    let Some(url) = optional_server("FAILFIRST_TEST_KAFKA") else { return };
    let settings = KafkaSettings { partitions: 3, ..KafkaSettings::default() };
    examine(&url.parse().expect("a URL"), settings).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9_and_what_was_refused_is_not_there() {
    if optional_server("FAILFIRST_TEST_KAFKA").is_none() {
        return;
    }
    let own = OwnServer::new("kafka");
    let url: KafkaUrl = format!("kafka://127.0.0.1:{}", own.port()).parse().expect("a URL");
    let settings = KafkaSettings { partitions: 3, ..KafkaSettings::default() };
    let open = || Arc::new(Kafka::open(&node(), &url, "test", settings).expect("a prefix")) as _;
    killed::loses_nothing(&own, 1, open).await;
}

fn fresh(url: &KafkaUrl) -> Kafka {
    Kafka::open(&node(), url, &fresh_name("test"), on_mock()).expect("a prefix")
}

async fn declared(broker: &Kafka) {
    broker.declare(&[Layout::new("orders", &["kitchen"])]).await.expect("the cluster is there");
}

async fn joined(broker: &Kafka, name: &str) -> Box<dyn Consumer> {
    let subscription = Subscription::new("orders", "kitchen", name);
    broker.subscribe(subscription).await.expect("the group is there")
}

/// Fetches until there are so many.
async fn take(consumer: &dyn Consumer, count: usize) -> Vec<Delivery> {
    let began = tokio::time::Instant::now();
    let mut taken = Vec::new();
    while taken.len() < count {
        let wait = Duration::from_millis(200);
        taken.extend(consumer.fetch(count - taken.len(), wait).await.expect("the cluster is there"));
        assert!(began.elapsed() < PATIENCE, "{} of {count}", taken.len());
    }
    taken
}
