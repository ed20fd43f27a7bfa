//! An independent check of the simulator: a queue whose answer has been known since 1917.
//!
//! Poisson arrivals at `c` workers with exponential service times (M/M/c): Erlang's C formula gives the
//! mean wait when everyone may wait, his B formula the loss when nobody may. The arrivals, the clock, the
//! tasks and the worker pool are the simulator's own; the formulas know nothing of it.
//!
//! Timers round up to a tick, so what the workers really did is measured, and the formulas are asked
//! about that: the mean service time that was slept, the rate that really arrived.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use load::{Load, Rate, Spacing, Span, arrivals};
use node::sim::{HostOptions, Latency, SimWorld, Topology};
use node::{Node, draw, named_rng};
use resilience::backpressure::{PoolLimits, WorkerPoolLayer};
use tower::{Layer, ServiceExt, service_fn};

const WORKERS: usize = 4;
const RATE_PER_S: f64 = 14.0;
const MEAN_SERVICE_S: f64 = 0.2;
const HOURS: u64 = 21;
const TOLERANCE: f64 = 0.02;

/// What was seen of a million customers.
#[derive(Debug, Default)]
struct Seen {
    arrived: u64,
    refused: u64,
    waited_s: f64,
    served_s: f64,
}

impl Seen {
    fn served(&self) -> f64 {
        (self.arrived - self.refused) as f64
    }

    fn rate_per_s(&self) -> f64 {
        self.arrived as f64 / (HOURS * 3_600) as f64
    }

    fn mean_service_s(&self) -> f64 {
        self.served_s / self.served()
    }

    /// The load in erlangs.
    fn offered_erlangs(&self) -> f64 {
        self.rate_per_s() * self.mean_service_s()
    }
}

fn simulate(queue: usize) -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without threads or sockets").block_on(async {
        let topology = Topology::new(Latency::default()).host("queue", HostOptions::unlimited());
        let node = SimWorld::new(1, topology).node("queue").expect("it was just added");
        serve_everyone(&node, queue).await
    })
}

async fn serve_everyone(node: &Node, queue: usize) -> Seen {
    let pool = WorkerPoolLayer::new(PoolLimits { workers: WORKERS, queue }, Duration::from_secs(1));
    let service = pool.layer(service_fn(|service_time: Duration| async move {
        let began = tokio::time::Instant::now();
        tokio::time::sleep(service_time).await;
        Ok::<_, std::convert::Infallible>((began, began.elapsed()))
    }));
    let rate = Rate::new(RATE_PER_S).expect("a rate");
    let hours = Span::new(Duration::from_secs(HOURS * 3_600)).expect("a duration");
    let load = Load::constant(rate, hours, Spacing::Poisson).expect("within bounds");
    let mut service_times = named_rng(1, "service-times");
    let seen = Arc::new(Mutex::new(Seen::default()));
    let start = node.now();
    for at in arrivals(&load, named_rng(1, "arrivals")) {
        tokio::time::sleep_until(start + at).await;
        let service_time = Duration::from_secs_f64(draw::exponential(&mut service_times, MEAN_SERVICE_S));
        let (service, seen) = (service.clone(), Arc::clone(&seen));
        seen.lock().expect("nobody panics").arrived += 1;
        node.spawn(async move {
            let came = tokio::time::Instant::now();
            let outcome = service.oneshot(service_time).await;
            let mut seen = seen.lock().expect("nobody panics");
            match outcome {
                Ok((began, took)) => {
                    seen.waited_s += (began - came).as_secs_f64();
                    seen.served_s += took.as_secs_f64();
                }
                Err(_refused) => seen.refused += 1,
            }
        });
    }
    node.sleep(Duration::from_secs(60)).await;
    let seen = std::mem::take(&mut *seen.lock().expect("nobody panics"));
    assert!(seen.arrived >= 1_000_000, "only {} arrivals", seen.arrived);
    seen
}

/// The share that is lost when nobody may wait.
fn erlang_b(workers: usize, erlangs: f64) -> f64 {
    (1..=workers).fold(1.0, |blocked, n| erlangs * blocked / (n as f64 + erlangs * blocked))
}

/// The mean wait when everyone may, in service times.
fn erlang_c_mean_wait(workers: usize, erlangs: f64) -> f64 {
    let (c, b) = (workers as f64, erlang_b(workers, erlangs));
    let utilisation = erlangs / c;
    let waits = b / (1.0 - utilisation * (1.0 - b));
    waits / (c - erlangs)
}

fn assert_within_tolerance(what: &str, measured: f64, expected: f64) {
    let off = (measured / expected - 1.0).abs();
    assert!(
        off <= TOLERANCE,
        "{what}: measured {measured:.5}, Erlang says {expected:.5}: {:.2} % off",
        off * 100.0
    );
}

#[test]
fn the_formulas_give_the_textbook_values() {
    assert!((erlang_b(2, 1.0) - 0.2).abs() < 1e-12);
    assert!((erlang_c_mean_wait(1, 0.5) - 1.0).abs() < 1e-12, "M/M/1 at half load waits one service time");
}

#[test]
fn a_million_customers_wait_as_long_as_erlang_c_says() {
    let seen = simulate(1_000_000);
    assert_eq!(seen.refused, 0);
    let expected = erlang_c_mean_wait(WORKERS, seen.offered_erlangs()) * seen.mean_service_s();
    assert_within_tolerance("mean wait in seconds", seen.waited_s / seen.served(), expected);
}

#[test]
fn as_many_of_a_million_customers_are_lost_as_erlang_b_says() {
    let seen = simulate(0);
    let expected = erlang_b(WORKERS, seen.offered_erlangs());
    assert_within_tolerance("loss", seen.refused as f64 / seen.arrived as f64, expected);
}
