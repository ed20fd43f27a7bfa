//! Order-processors that come and go under load: what they share is moved, and nothing of it lost or doubled.

use std::time::Duration;

use super::super::cluster::{Cluster, EVENTS};
use super::super::ground::Ground;
use super::{EVERY, Load, QUICK, breathe, everything_is_kept, sleep};

const FIRST: &str = "order-processor";
const SECOND: &str = "order-processor-2";
const THIRD: &str = "order-processor-3";

/// Lets them work for a while, and until something has ended.
async fn work(cluster: &Cluster) {
    sleep(Duration::from_millis(400)).await;
    breathe(cluster).await;
}

/// Three share the work from a moment on; one is asked to stop, one is killed and comes back, and the first one dies. Whoever
/// comes gets a share of the work, also of what the others had.
async fn come_and_go(ground: Ground) {
    let folder = tempfile::tempdir().expect("a folder");
    let design = folder.path().join("three.toml");
    std::fs::write(&design, format!("{QUICK}[scale]\norder-processor = 3\n")).expect("written");
    let services: Vec<_> = EVENTS.iter().copied().chain([SECOND, THIRD]).collect();
    let mut cluster = Cluster::start(design.to_str().expect("UTF-8"), &services, ground).await;
    cluster.ask_to_stop(SECOND).await;
    cluster.ask_to_stop(THIRD).await;
    let load = Load::start(cluster.address("order-api"), EVERY);
    work(&cluster).await;
    for name in [SECOND, THIRD] {
        cluster.restart(name).await;
        work(&cluster).await;
    }
    cluster.until_ready().await;
    for name in [FIRST, SECOND, THIRD] {
        cluster.until_it_has_dealt_with(name, "orders").await;
    }
    cluster.ask_to_stop(SECOND).await;
    work(&cluster).await;
    cluster.kill(THIRD).await;
    work(&cluster).await;
    cluster.restart(THIRD).await;
    cluster.until_it_has_dealt_with(THIRD, "orders").await;
    cluster.kill(FIRST).await;
    work(&cluster).await;
    cluster.restart(FIRST).await;
    cluster.restart(SECOND).await;
    for name in [FIRST, SECOND] {
        cluster.until_it_has_dealt_with(name, "orders").await;
    }
    let answered = load.finish().await;
    cluster.until_ready().await;
    everything_is_kept(&cluster, &answered).await;
    let accepted = answered.iter().filter(|order| order.promised().is_some()).count();
    assert!(accepted > 100, "{accepted} orders accepted meanwhile");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_that_come_and_go_under_load_lose_and_double_nothing() {
    come_and_go(Ground::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_that_come_and_go_under_load_lose_and_double_nothing_on_nats() {
    let Some(ground) = Ground::default().on_nats() else { return };
    come_and_go(ground).await;
}

/// Here whoever comes and goes moves partitions, and one that is dead keeps its own until its session is over.
#[cfg(feature = "kafka")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_that_come_and_go_under_load_lose_and_double_nothing_on_kafka() {
    let Some(ground) = Ground::default().on_kafka() else { return };
    come_and_go(ground).await;
}
