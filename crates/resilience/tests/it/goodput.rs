//! What queues are worth under overload, on the paused clock.
//!
//! Ten workers, exponential service times of 100 ms, Poisson arrivals, and callers to whom an answer is
//! worth something for 500 ms. They do not leave when it is not (a server seldom learns that), so a queue
//! has to help itself. The table of an independent simulation that this is held against: at twice the
//! capacity 0.00 for an unbounded first-come queue, 0.66–0.68 when it drops the doomed, 0.94–0.96 when it
//! is capped at 20, 0.99–1.00 for adaptive LIFO that drops the doomed; at ten times 0.00, 0.62–0.67,
//! 0.92–0.97, 0.97–1.01.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use resilience::Priority;
use resilience::backpressure::{
    CallTerms, CodelSettings, CreditGate, CreditLayer, CreditSettings, PoolConfig, PoolLimits, Queue,
    Strategy, WorkerPoolLayer,
};
use tokio::time::{Instant, sleep, sleep_until};
use tower::{Layer, Service, ServiceExt, service_fn};

const WORKERS: usize = 10;
const SERVICE: Duration = Duration::from_millis(100);
const DEADLINE: Duration = Duration::from_millis(500);
const CAPACITY_PER_S: f64 = 100.0;
/// The load lasts so long; what arrives in the first tenth is not counted.
const LOAD: Duration = Duration::from_secs(60);
const HINT: Duration = Duration::from_secs(1);
const UNBOUNDED: usize = usize::MAX;

/// One call: when it arrives, how long its service takes, until when it is of use.
#[derive(Clone, Copy, Debug)]
struct Call {
    at: Instant,
    service: Duration,
    priority: Priority,
}

impl Call {
    fn terms(&self) -> CallTerms {
        CallTerms { deadline: Some(self.at + DEADLINE), priority: self.priority }
    }
}

/// Uniform in [0, 1): splitmix64 (Steele, Lea and Flood, 2014).
struct Uniform(u64);

impl Uniform {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn exponential(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(-(1.0 - self.unit()).ln())
    }
}

/// What came of the calls that arrived within the time that counts.
#[derive(Debug, Default)]
struct Outcome {
    goodput: f64,
    /// Offered and of use, by priority, the lowest first.
    offered: [u32; 4],
    good: [u32; 4],
    refused: u32,
}

/// `load` times the capacity on `service`.
async fn drive<S, E>(load: f64, seed: u64, service: S) -> Outcome
where
    S: Service<Call, Response = (), Error = E> + Clone,
{
    let (mut random, start) = (Uniform(seed), Instant::now());
    let mut calls = FuturesUnordered::new();
    let mut at = start;
    while at < start + LOAD {
        at += random.exponential(Duration::from_secs_f64(1.0 / (CAPACITY_PER_S * load)));
        let priority = if random.unit() < 0.05 { Priority::Critical } else { Priority::Normal };
        let call = Call { at, service: random.exponential(SERVICE), priority };
        let service = service.clone();
        calls.push(async move {
            sleep_until(at).await;
            (call, service.oneshot(call).await.is_ok(), Instant::now())
        });
    }
    let counted = start + LOAD / 10..start + LOAD;
    let mut outcome = Outcome::default();
    while let Some((call, is_served, ended)) = calls.next().await {
        if counted.contains(&call.at) {
            let level = call.priority as usize;
            outcome.offered[level] += 1;
            outcome.refused += u32::from(!is_served);
            outcome.good[level] += u32::from(is_served && ended - call.at <= DEADLINE);
        }
    }
    let seconds = (LOAD - LOAD / 10).as_secs_f64();
    outcome.goodput = f64::from(outcome.good.iter().sum::<u32>()) / (CAPACITY_PER_S * seconds);
    outcome
}

async fn work(call: Call) -> Result<(), Infallible> {
    sleep(call.service).await;
    Ok(())
}

async fn goodput(load: f64, seed: u64, queue: Queue, length: usize) -> f64 {
    let limits = PoolLimits { workers: WORKERS, queue: length };
    let config = PoolConfig { queue, ..PoolConfig::new(limits, HINT) };
    let pool = WorkerPoolLayer::configured(config, ()).classified(Call::terms);
    let outcome = drive(load, seed, pool.layer(service_fn(work))).await;
    outcome.goodput
}

fn adaptive_lifo() -> Queue {
    Queue::adaptive_lifo(CodelSettings { service_time: SERVICE, ..CodelSettings::default() })
}

#[tokio::test(start_paused = true)]
async fn at_twice_the_capacity_the_queue_decides() {
    for seed in 1..=3 {
        let fifo = goodput(2.0, seed, Queue::fifo(), UNBOUNDED).await;
        assert!(fifo < 0.05, "an unbounded queue: {fifo}");
        let doomed = goodput(2.0, seed, Queue::deadline_aware(SERVICE), UNBOUNDED).await;
        assert!((0.6..0.75).contains(&doomed), "dropping the doomed: {doomed}");
        let capped = goodput(2.0, seed, Queue::fifo(), 20).await;
        assert!(capped >= 0.9, "capped at 20: {capped}");
        let lifo = goodput(2.0, seed, adaptive_lifo(), UNBOUNDED).await;
        assert!(lifo >= 0.95, "adaptive LIFO: {lifo}");
        println!("2x seed {seed}: {fifo:.2} {doomed:.2} {capped:.2} {lifo:.2}");
    }
}

#[tokio::test(start_paused = true)]
async fn at_ten_times_the_capacity_it_decides_no_less() {
    let fifo = goodput(10.0, 1, Queue::fifo(), UNBOUNDED).await;
    let doomed = goodput(10.0, 1, Queue::deadline_aware(SERVICE), UNBOUNDED).await;
    let capped = goodput(10.0, 1, Queue::fifo(), 20).await;
    let lifo = goodput(10.0, 1, adaptive_lifo(), UNBOUNDED).await;
    let bounded = goodput(10.0, 1, adaptive_lifo(), 64).await;
    println!("10x: {fifo:.2} {doomed:.2} {capped:.2} {lifo:.2}, bounded {bounded:.2}");
    assert!(fifo < 0.05 && (0.6..0.75).contains(&doomed), "{fifo} {doomed}");
    assert!(capped >= 0.9 && lifo >= 0.95 && bounded >= 0.95, "{capped} {lifo} {bounded}");
}

/// Within the capacity nobody is the worse for a clever queue.
#[tokio::test(start_paused = true)]
async fn below_the_capacity_all_queues_are_alike() {
    for queue in [Queue::fifo(), Queue::deadline_aware(SERVICE), adaptive_lifo(), Queue::priority()] {
        let name = format!("{queue:?}");
        let goodput = goodput(0.7, 1, queue, UNBOUNDED).await;
        println!("0.7x {goodput:.3}");
        assert!(goodput >= 0.7 * 0.95, "{name}: {goodput}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_earliest_deadline_is_no_way_out_of_overload() {
    let goodput = goodput(2.0, 1, Queue::earliest_deadline(SERVICE), UNBOUNDED).await;
    assert!((0.6..0.75).contains(&goodput), "{goodput}");
}

#[tokio::test(start_paused = true)]
async fn priorities_survive_ten_times_the_load() {
    let pool = WorkerPoolLayer::with_strategy(WORKERS, Strategy::Priority { queue: 20 }, HINT, ());
    // A twentieth of ten times the capacity is half of it.
    let outcome = drive(10.0, 1, pool.classified(Call::terms).layer(service_fn(work))).await;
    let (offered, good) = (outcome.offered[3], outcome.good[3]);
    println!("priorities {outcome:?}");
    assert!(f64::from(good) >= 0.98 * f64::from(offered), "{good} of {offered}");
    assert!(outcome.good[1] > 1000, "and the rest of the capacity is used: {outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn credits_keep_the_queue_short() {
    let gate = CreditGate::new(CreditSettings::default(), HINT).expect("valid");
    let strategy = Strategy::Credit { gate: gate.clone(), queue: 1000 };
    let pool = WorkerPoolLayer::with_strategy(WORKERS, strategy, HINT, ());
    let service = CreditLayer::new(gate.clone()).layer(pool.layer(service_fn(work)));
    let outcome = drive(2.0, 1, service).await;
    println!("credits {outcome:?} {}", gate.total());
    assert!(outcome.goodput >= 0.9, "{outcome:?}");
    assert!((8..=20).contains(&gate.total()) && gate.outstanding() == 0, "{gate:?}");
}
