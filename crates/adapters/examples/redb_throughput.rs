//! How many orders per second two redb files take, durably, as a monolith uses them: `cargo run --release -p adapters
//! --example redb_throughput [SECONDS] [DIRECTORY]`.
//!
//! Each caller sees one order through and then the next: inserted as paying and completed in one file, its charge
//! recorded in the other, which is three durable writes in sequence. Once with ids in the order of their making, once
//! with ids in no order, each of which touches a page of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use adapters::redb::RedbStore;
use domain::{Charge, ChargeId, ChargeStore, NewOrder, Order, OrderEvent, OrderId, OrderStore};
use node::{Node, RealOptions};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const BODY: &[u8] = br#"{"customer_id":"c1","items":[{"product_id":"PIZZA-1","quantity":2,"price":9.50}]}"#;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let seconds = std::env::args().nth(1).map_or(Ok(5), |seconds| seconds.parse())?;
    let scratch = tempfile::tempdir()?;
    let directory = std::env::args().nth(2).map_or_else(|| scratch.path().to_owned(), PathBuf::from);
    println!("| callers | ids | orders per second |\n|---|---|---|");
    for callers in [1, 64, 256] {
        for (name, is_random) in [("in order", false), ("random", true)] {
            let data = directory.join(format!("{callers}-{is_random}"));
            let node = Node::real(RealOptions { data: Some(data), ..RealOptions::default() });
            let run = Run {
                orders: RedbStore::open(&node, "order-api.redb").await?,
                charges: RedbStore::open(&node, "payment-service.redb").await?,
                order: NewOrder::parse(BODY)?.place(|| OrderId::new("template").expect("a valid id"), 1_000),
                is_random,
                done: Arc::default(),
                is_over: Arc::default(),
            };
            let calls: Vec<_> = (0..callers).map(|_| node.spawn(run.clone().call_until_over())).collect();
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            run.is_over.store(true, Ordering::Relaxed);
            let done = run.done.load(Ordering::Relaxed);
            for call in calls {
                call.await?;
            }
            println!("| {callers} | {name} | {} |", done / seconds);
        }
    }
    Ok(())
}

#[derive(Clone)]
struct Run {
    orders: RedbStore,
    charges: RedbStore,
    order: Order,
    is_random: bool,
    done: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl Run {
    async fn call_until_over(self) {
        while !self.is_over.load(Ordering::Relaxed) {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            // A multiplication by an odd number meets every number once, in no order.
            let number = if self.is_random { next.wrapping_mul(0x9e37_79b9_7f4a_7c15) } else { next };
            let text = format!("{number:032x}");
            let (id, charge_id) = (OrderId::new(&text).expect("hex"), ChargeId::new(&text).expect("hex"));
            let mut order = self.order.clone();
            order.order_id = id.clone();
            let charge = Charge {
                id: charge_id.clone(),
                order_id: id.clone(),
                key: None,
                amount: order.total,
                at_us: 1_000,
                refunded_at_us: None,
            };
            order.apply(OrderEvent::PaymentStarted, 1_000).expect("a new order may be paid");
            self.orders.insert(order).await.expect("a new order");
            self.charges.record(charge).await.expect("a new charge");
            let paid = OrderEvent::PaymentSucceeded { charge_id };
            self.orders.apply(&id, paid, 2_000).await.expect("it was paying");
            self.done.fetch_add(1, Ordering::Relaxed);
        }
    }
}
