//! How many events per second go through the embedded broker, from publish over consume to acknowledgement, everything
//! synced: `scripts/bench-broker`.
//!
//! ```text
//! broker_throughput serve PORT DIRECTORY     the broker, a process of its own
//! broker_throughput ask PORT SECONDS         publishers and consumers, in another one
//! ```
//!
//! Callers publish messages of 300 bytes, each its next one when the one before is answered; two consumers of one group
//! fetch what there is and acknowledge what they were given in one call. An event counts when its acknowledgement was
//! answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use broker::{Client, Options};
use domain::broker::{Broker, Layout, Settlement, Subscription, Verdict};
use domain::{EventId, Message};
use node::{Node, RealOptions};
use tokio::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const TOPIC: &str = "orders";
const GROUP: &str = "order-processor";
const PAYLOAD_BYTES: usize = 300;
const CONSUMERS: usize = 2;
const FETCH_MAX: usize = 512;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", port, directory] => serve(port.parse()?, directory).await,
        ["ask", port, seconds] => ask(port.parse()?, Duration::from_secs(seconds.parse()?)).await,
        _ => Err("broker_throughput serve PORT DIRECTORY | ask PORT SECONDS".into()),
    }
}

async fn serve(port: u16, directory: &str) -> Result<(), Failure> {
    let data = Some(directory.into());
    let node = Node::real(RealOptions { name: "broker".to_owned(), data, ..RealOptions::default() });
    Ok(broker::serve(node, Options { port, ..Options::default() }).await?)
}

/// What one way of publishing came to.
#[derive(Clone, Debug, Default)]
struct Run {
    next: Arc<AtomicU64>,
    acknowledged: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
}

async fn ask(port: u16, span: Duration) -> Result<(), Failure> {
    println!(
        "| callers | events per publish | events per second | publish p50 ms | p99 ms | lag at the end |"
    );
    println!("|---|---|---|---|---|---|");
    for (callers, each) in [(1, 1), (64, 1), (256, 1), (2, 100)] {
        let node = Node::real(RealOptions { name: format!("{callers}-{each}"), ..RealOptions::default() });
        let client = Arc::new(Client::new(&node, "127.0.0.1", port));
        client.declare(&[Layout::new(TOPIC, &[GROUP])]).await?;
        let run = Run::default();
        for number in 0..CONSUMERS {
            drop(node.spawn(consume(Arc::clone(&client), run.clone(), number)));
        }
        let publishers: Vec<_> =
            (0..callers).map(|_| node.spawn(publish(Arc::clone(&client), run.clone(), each))).collect();
        // The first moments are for connections and caches.
        tokio::time::sleep(span / 8).await;
        let (before, began) = (run.acknowledged.load(Relaxed), Instant::now());
        tokio::time::sleep(span).await;
        let (events, took) = (run.acknowledged.load(Relaxed) - before, began.elapsed());
        let lag = client.lag(TOPIC, GROUP).await?.total();
        run.is_over.store(true, Relaxed);
        let mut took_us = Vec::new();
        for publisher in publishers {
            took_us.extend(publisher.await??);
        }
        while client.lag(TOPIC, GROUP).await?.total() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        took_us.sort_unstable();
        let at = |share: usize| took_us[(took_us.len() - 1) * share / 100] as f64 / 1_000.0;
        let per_second = events as f64 / took.as_secs_f64();
        println!("| {callers} | {each} | {per_second:.0} | {:.2} | {:.2} | {lag} |", at(50), at(99));
    }
    Ok(())
}

async fn publish(client: Arc<Client>, run: Run, each: u64) -> Result<Vec<u32>, Failure> {
    let mut took_us = Vec::new();
    while !run.is_over.load(Relaxed) {
        let first = run.next.fetch_add(each, Relaxed);
        let messages = (first..first + each).map(message).collect();
        let began = Instant::now();
        client.publish(messages).await?;
        took_us.push(u32::try_from(began.elapsed().as_micros())?);
    }
    Ok(took_us)
}

fn message(number: u64) -> Message {
    Message {
        event_id: EventId::new(format!("o:{number}")).expect("a valid id"),
        topic: TOPIC.to_owned(),
        key: number.to_string(),
        payload: vec![7; PAYLOAD_BYTES],
        at_us: number,
    }
}

async fn consume(client: Arc<Client>, run: Run, number: usize) -> Result<(), Failure> {
    let subscription = Subscription {
        in_flight_max: 2 * FETCH_MAX,
        ..Subscription::new(TOPIC, GROUP, &format!("consumer-{number}"))
    };
    let consumer = client.subscribe(subscription).await?;
    loop {
        let came = consumer.fetch(FETCH_MAX, Duration::from_secs(5)).await?;
        let count = came.len() as u64;
        let settlements = came
            .into_iter()
            .map(|delivery| Settlement { receipt: delivery.receipt, verdict: Verdict::Ack })
            .collect();
        let stale = consumer.settle(settlements).await?;
        run.acknowledged.fetch_add(count - stale as u64, Relaxed);
    }
}
