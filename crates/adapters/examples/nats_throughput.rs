//! How many events per second go through NATS JetStream with its own client, in the way in which the embedded broker is
//! measured: `scripts/bench-broker`.
//!
//! ```text
//! nats_throughput PORT SECONDS
//! ```
//!
//! Callers publish messages of 300 bytes with an id and wait for the stream's answer; two consumers of one durable group
//! acknowledge each message. An acknowledgement is a message that NATS does not answer, so none is waited for: that is
//! less than the embedded broker is asked for. The stream is on disk, and not synced.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{self, stream};
use async_nats::{Client, HeaderMap};
use futures_util::StreamExt as _;
use node::{Node, RealOptions};
use tokio::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const STREAM: &str = "bench";
const PAYLOAD_BYTES: usize = 300;
const CONSUMERS: usize = 2;

/// What one way of publishing came to.
#[derive(Clone, Debug, Default)]
struct Run {
    next: Arc<AtomicU64>,
    acknowledged: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [port, seconds] = &words[..] else { return Err("nats_throughput PORT SECONDS".into()) };
    let span = Duration::from_secs(seconds.parse()?);
    let client = async_nats::connect(format!("127.0.0.1:{port}")).await?;
    println!(
        "| callers | events per publish | events per second | publish p50 ms | p99 ms | lag at the end |"
    );
    println!("|---|---|---|---|---|---|");
    for callers in [1, 64, 256] {
        measure(&client, callers, span).await?;
    }
    Ok(())
}

async fn measure(client: &Client, callers: usize, span: Duration) -> Result<(), Failure> {
    let node = Node::real(RealOptions::default());
    let context = jetstream::new(client.clone());
    let config = stream::Config {
        name: STREAM.to_owned(),
        subjects: vec![format!("{STREAM}.>")],
        storage: stream::StorageType::File,
        ..stream::Config::default()
    };
    let stream = context.create_stream(config).await?;
    let run = Run::default();
    let mut consumers = Vec::new();
    for _ in 0..CONSUMERS {
        let config = pull::Config {
            durable_name: Some("group".to_owned()),
            ack_policy: AckPolicy::Explicit,
            max_ack_pending: 4_096,
            ..pull::Config::default()
        };
        let consumer = stream.get_or_create_consumer("group", config).await?;
        let run = run.clone();
        consumers.push(node.spawn(async move {
            let mut messages = consumer.messages().await?;
            while let Some(message) = messages.next().await {
                message?.ack().await?;
                run.acknowledged.fetch_add(1, Relaxed);
            }
            Ok::<_, Failure>(())
        }));
    }
    let publishers: Vec<_> =
        (0..callers).map(|_| node.spawn(publish(context.clone(), run.clone()))).collect();
    // The first moments are for connections and caches.
    tokio::time::sleep(span / 8).await;
    let (before, began) = (run.acknowledged.load(Relaxed), Instant::now());
    tokio::time::sleep(span).await;
    let (events, took) = (run.acknowledged.load(Relaxed) - before, began.elapsed());
    let lag = run.next.load(Relaxed) - run.acknowledged.load(Relaxed);
    run.is_over.store(true, Relaxed);
    let mut took_us = Vec::new();
    for publisher in publishers {
        took_us.extend(publisher.await??);
    }
    consumers.iter().for_each(node::Task::abort);
    context.delete_stream(STREAM).await?;
    took_us.sort_unstable();
    let at = |share: usize| took_us[(took_us.len() - 1) * share / 100] as f64 / 1_000.0;
    let per_second = events as f64 / took.as_secs_f64();
    println!("| {callers} | 1 | {per_second:.0} | {:.2} | {:.2} | {lag} |", at(50), at(99));
    Ok(())
}

async fn publish(context: jetstream::Context, run: Run) -> Result<Vec<u32>, Failure> {
    let mut took_us = Vec::new();
    while !run.is_over.load(Relaxed) {
        let number = run.next.fetch_add(1, Relaxed);
        let began = Instant::now();
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", format!("o:{number}").as_str());
        let payload = vec![7; PAYLOAD_BYTES].into();
        context.publish_with_headers(format!("{STREAM}.orders"), headers, payload).await?.await?;
        took_us.push(u32::try_from(began.elapsed().as_micros())?);
    }
    Ok(took_us)
}
