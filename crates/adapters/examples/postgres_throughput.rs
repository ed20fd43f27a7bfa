//! How many orders per second PostgreSQL takes, durably: `FAILFIRST_TEST_POSTGRES=postgres://… cargo run --release -p
//! adapters --example postgres_throughput [SECONDS]` (`eval "$(scripts/dev-services start)"` starts a server).
//!
//! Each caller waits for its answer before it sends the next, as a request does. *new orders* are inserts alone; *whole
//! orders* are an order's way through its service: inserted, paying, completed, which is three commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use adapters::postgres::{Postgres, PostgresOrders, PostgresSettings, PostgresUrl, Schema};
use domain::{ChargeId, NewOrder, Order, OrderEvent, OrderId, OrderStore};
use node::{Node, RealOptions};
use tokio::time::Instant;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Some 300 bytes, as in the measurements of other engines.
const BODY: &[u8] = br#"{"customer_id":"customer-000001","items":[
    {"product_id":"PIZZA-MARGHERITA","quantity":2,"price":9.50},
    {"product_id":"PIZZA-QUATTRO-STAGIONI","quantity":1,"price":12.90},
    {"product_id":"ACQUA-FRIZZANTE-0.75","quantity":3,"price":3.20}]}"#;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let url: PostgresUrl = std::env::var("FAILFIRST_TEST_POSTGRES")?.parse()?;
    let seconds = std::env::args().nth(1).map_or(Ok(5), |seconds| seconds.parse())?;
    let node = Node::real(RealOptions::default());
    let schema = Schema::of_orders(&format!("throughput_{}", node.elapsed().as_millis()))?;
    let store =
        Arc::new(PostgresOrders::new(&Postgres::open(&node, &url, schema, PostgresSettings::default())));
    store.check().await?;
    let order = NewOrder::parse(BODY)?.place(|| OrderId::new("template").expect("a valid id"), 1_000);
    println!("| callers | | per second | p50 ms | p99 ms |\n|---|---|---|---|---|");
    for is_whole in [false, true] {
        for callers in [1, 64, 256] {
            let run = Run { store: Arc::clone(&store), order: order.clone(), is_whole };
            run.measure(&node, callers, Duration::from_secs(seconds)).await?;
        }
    }
    Ok(())
}

#[derive(Clone)]
struct Run {
    store: Arc<PostgresOrders>,
    order: Order,
    is_whole: bool,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl Run {
    async fn measure(self, node: &Node, callers: usize, duration: Duration) -> Result<(), Failure> {
        let is_over = Arc::new(AtomicBool::new(false));
        let began = Instant::now();
        let calls: Vec<_> =
            (0..callers).map(|_| node.spawn(self.clone().call_until(Arc::clone(&is_over)))).collect();
        tokio::time::sleep(duration).await;
        is_over.store(true, Ordering::Relaxed);
        let mut took_us = Vec::new();
        for call in calls {
            took_us.extend(call.await??);
        }
        let elapsed_s = began.elapsed().as_secs_f64();
        took_us.sort_unstable();
        let at = |percent: usize| took_us[(took_us.len() - 1) * percent / 100] as f64 / 1e3;
        let what = if self.is_whole { "whole orders" } else { "new orders" };
        println!(
            "| {callers} | {what} | {:.0} | {:.1} | {:.1} |",
            took_us.len() as f64 / elapsed_s,
            at(50),
            at(99)
        );
        Ok(())
    }

    /// How long each call took, in microseconds.
    async fn call_until(self, is_over: Arc<AtomicBool>) -> Result<Vec<u64>, Failure> {
        let mut took_us = Vec::new();
        while !is_over.load(Ordering::Relaxed) {
            let id = OrderId::new(format!("o-{:012}", NEXT.fetch_add(1, Ordering::Relaxed)))?;
            let mut order = self.order.clone();
            order.order_id = id.clone();
            let began = Instant::now();
            self.store.insert(order).await?;
            if self.is_whole {
                self.store.apply(&id, OrderEvent::PaymentStarted, 2_000).await?;
                let charge_id = ChargeId::new("ch-1")?;
                self.store.apply(&id, OrderEvent::PaymentSucceeded { charge_id }, 3_000).await?;
            }
            took_us.push(u64::try_from(began.elapsed().as_micros())?);
        }
        Ok(took_us)
    }
}
