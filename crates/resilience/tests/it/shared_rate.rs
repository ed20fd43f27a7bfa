//! A rate that replicas share, with a store that can fail.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use resilience::admission::shared_rate::{
    BucketsError, MemoryBuckets, SharedBuckets, SharedRate, SharedRateLayer, SharedRateObserver, Taken,
};
use resilience::admission::{AdmissionError, Rate};
use resilience::{Observer, Reason};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt, service_fn};

fn rate(per_s: f64, burst: u32) -> SharedRate {
    let rate = Rate::per_second(per_s).expect("a valid rate");
    SharedRate::new("orders", rate, NonZeroU32::new(burst).expect("not zero"))
}

/// What a replica saw.
#[derive(Debug, Default)]
struct Seen {
    alone: AtomicU64,
    refused: AtomicU64,
    in_flight: AtomicU64,
}

impl Observer for Seen {
    fn in_flight(&self, now: usize) {
        self.in_flight.store(now as u64, Ordering::Relaxed);
    }

    fn refused(&self, reason: Reason) {
        assert_eq!(reason, Reason::RateLimit);
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

impl SharedRateObserver for Seen {
    fn decided_alone(&self) {
        self.alone.fetch_add(1, Ordering::Relaxed);
    }
}

type Replica = tower::util::BoxCloneService<u32, u32, AdmissionError<()>>;

fn replica(rate: SharedRate, buckets: Arc<dyn SharedBuckets>) -> (Replica, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let layer = SharedRateLayer::observed(rate, buckets, Arc::clone(&seen));
    (Replica::new(layer.layer(service_fn(|n: u32| async move { Ok::<_, ()>(n) }))), seen)
}

async fn admitted(replica: &mut Replica, calls: u32) -> u32 {
    let mut admitted = 0;
    for n in 0..calls {
        admitted += u32::from(replica.ready().await.expect("always ready").call(n).await.is_ok());
    }
    admitted
}

/// A store that fails, or hangs, when it is told to.
#[derive(Debug, Default)]
struct Shaky {
    buckets: MemoryBuckets,
    mode: AtomicU64,
    asked: AtomicU64,
}

const FINE: u64 = 0;
const FAILS: u64 = 1;
const HANGS: u64 = 2;

#[async_trait]
impl SharedBuckets for Shaky {
    async fn take(&self, name: &str, rate: Rate, burst: NonZeroU32) -> Result<Taken, BucketsError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.mode.load(Ordering::Relaxed) {
            FINE => self.buckets.take(name, rate, burst).await,
            FAILS => Err(BucketsError { reason: "it was told to".to_owned() }),
            _ => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn replicas_let_no_more_in_together_than_one_would() {
    let buckets = Arc::new(MemoryBuckets::default());
    let (mut one, _) = replica(rate(10.0, 5), buckets.clone());
    let (mut other, seen) = replica(rate(10.0, 5), buckets);
    assert_eq!(admitted(&mut one, 3).await + admitted(&mut other, 9).await, 5);
    assert_eq!(seen.refused.load(Ordering::Relaxed), 7);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(admitted(&mut other, 9).await + admitted(&mut one, 9).await, 2, "ten per second, wherever");
}

#[tokio::test(start_paused = true)]
async fn without_the_store_each_goes_on_with_a_bucket_of_its_own() {
    let shaky = Arc::new(Shaky::default());
    let (mut one, seen) = replica(rate(10.0, 5), shaky.clone());
    assert_eq!(admitted(&mut one, 4).await, 4);
    shaky.mode.store(FAILS, Ordering::Relaxed);
    assert_eq!(admitted(&mut one, 9).await, 1, "it followed along: no fresh burst");
    assert_eq!(seen.alone.load(Ordering::Relaxed), 9, "each decision is told of");
    assert_eq!(shaky.asked.load(Ordering::Relaxed), 4 + 1, "one failure is enough to leave it alone");
    tokio::time::sleep(Duration::from_millis(500)).await;
    shaky.mode.store(FINE, Ordering::Relaxed);
    assert_eq!(admitted(&mut one, 9).await, 5, "it is asked again, and has filled up meanwhile");
    assert_eq!(seen.alone.load(Ordering::Relaxed), 9);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_costs_one_timeout_per_rest() {
    let shaky = Arc::new(Shaky::default());
    shaky.mode.store(HANGS, Ordering::Relaxed);
    let (mut one, seen) = replica(rate(1_000.0, 100), shaky);
    let began = Instant::now();
    assert_eq!(admitted(&mut one, 50).await, 50);
    assert_eq!(began.elapsed(), Duration::from_millis(20), "the first waits, nobody else");
    assert_eq!(seen.alone.load(Ordering::Relaxed), 50);
    assert_eq!(seen.in_flight.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_it_asks_is_inside_nowhere() {
    let shaky = Arc::new(Shaky::default());
    shaky.mode.store(HANGS, Ordering::Relaxed);
    let (one, seen) = replica(rate(10.0, 5), shaky);
    let left = tokio::time::timeout(Duration::from_millis(5), one.oneshot(1)).await;
    assert!(left.is_err(), "the store was still asked");
    assert_eq!((seen.in_flight.load(Ordering::Relaxed), seen.alone.load(Ordering::Relaxed)), (0, 0));
}
