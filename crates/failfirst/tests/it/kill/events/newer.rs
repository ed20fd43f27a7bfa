//! An event that a newer program wrote, as while a new version is rolled out: it comes again for those who may know it
//! soon, and ends among the dead letters with its reason; nothing else waits for it or is lost.

use serde_json::Value;
use servers::until;

use super::super::cluster::{Cluster, EVENTS};
use super::super::ground::Ground;
use super::{EVERY, Load, QUICK, everything_is_kept};

/// How often it comes before it is put aside; short of it what comes again is tried often enough that no order dies.
const ATTEMPTS: u64 = 5;

/// What events of a newer program have for a reason.
const REASON: &str = "an event of schema 2, and this program knows up to 1";

/// Who gets what is published on the two topics.
const GROUPS: [&str; 3] = ["notification-service", "order-api", "order-processor"];

/// The letters of newer events, by group.
async fn letters(cluster: &Cluster) -> Vec<Value> {
    let letters: Value = serde_json::from_str(&cluster.dlq(&["list", "--json"]).await).expect("JSON");
    let mut letters = letters.as_array().expect("a list").clone();
    letters.retain(|letter| letter["message"]["key"] == "tomorrow");
    letters.sort_by_key(|letter| letter["group"].as_str().map(str::to_owned));
    letters
}

async fn dies_and_holds_up_nothing(ground: Ground) {
    let folder = tempfile::tempdir().expect("a folder");
    let design = folder.path().join("old.toml");
    let sections = format!(
        "{QUICK}[delayed_retries]\ndelay = \"50ms\"\ndelay_max = \"500ms\"\n[dead_letters]\nattempts_max = {ATTEMPTS}\n"
    );
    std::fs::write(&design, sections).expect("written");
    let cluster = Cluster::start(design.to_str().expect("UTF-8"), EVENTS, ground).await;
    let load = Load::start(cluster.address("order-api"), EVERY);
    for (event_id, topic, event) in
        [("o:tomorrow", "orders", "order_dreamt"), ("p:tomorrow", "payments", "payment_completed")]
    {
        let payload = format!(r#"{{"schema":2,"event":"{event}","order_id":"tomorrow"}}"#);
        cluster.ground.put_into_outbox(event_id, topic, &payload).await;
    }
    until("each group puts it aside", async || letters(&cluster).await.len() == GROUPS.len()).await;
    let answered = load.finish().await;
    everything_is_kept(&cluster, &answered).await;
    let letters = letters(&cluster).await;
    let groups: Vec<_> = letters.iter().map(|letter| letter["group"].as_str().expect("a text")).collect();
    assert_eq!(groups, GROUPS);
    for letter in &letters {
        assert_eq!((&letter["reason"], &letter["attempts"]), (&REASON.into(), &ATTEMPTS.into()), "{letter}");
        let history = letter["history"].as_array().expect("a list");
        let is_of_that = history.iter().all(|failed| failed["reason"] == REASON);
        assert!(is_of_that && !history.is_empty(), "{letter}");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_a_newer_schema_dies_of_that_and_holds_up_nothing() {
    let Some(ground) = Ground::default().on_postgres().await else { return };
    dies_and_holds_up_nothing(ground).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_a_newer_schema_dies_of_that_and_holds_up_nothing_on_nats() {
    let Some(ground) = Ground::default().on_nats() else { return };
    let Some(ground) = ground.on_postgres().await else { return };
    dies_and_holds_up_nothing(ground).await;
}

#[cfg(feature = "kafka")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_a_newer_schema_dies_of_that_and_holds_up_nothing_on_kafka() {
    let Some(ground) = Ground::default().on_kafka() else { return };
    let Some(ground) = ground.on_postgres().await else { return };
    dies_and_holds_up_nothing(ground).await;
}
