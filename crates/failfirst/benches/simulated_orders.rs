//! Simulated orders per wall second, on one core: how much failure a second of a developer's time buys.
//!
//! Criterion's throughput column (`elem/s`) is the number. Three kinds of cell, because an order costs what is
//! done with it: refused at the door (one hop), served (three hops), and waiting in a crowd that only grows.
//! `cargo bench` measures; `cargo test -p failfirst --benches` runs each once.

use std::num::NonZeroUsize;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lab::experiment::Experiment;
use lab::runner::{RunOptions, Silent, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One cell of the ladder, shortened.
fn cell(design: &str, rate: f64, seconds: u64) -> RunOptions {
    RunOptions {
        designs: Some(vec![design.to_owned()]),
        rates: Some(vec![rate]),
        faults: Some(vec!["none".to_owned()]),
        duration: Some(Duration::from_secs(seconds)),
        threads: NonZeroUsize::MIN,
        ..RunOptions::default()
    }
}

fn simulated_orders(criterion: &mut Criterion) {
    let ladder = Experiment::ladder();
    let cells = [
        ("refused at the door (v0.2.0, 1000/s)", cell("v0.2.0", 1_000.0, 5)),
        ("served in time (v0.3.0, 100/s)", cell("v0.3.0", 100.0, 20)),
        ("drowning (v0.1.0, 1000/s)", cell("v0.1.0", 1_000.0, 3)),
    ];
    let mut group = criterion.benchmark_group("simulated orders");
    group.sample_size(10);
    for (name, options) in cells {
        let offered = run(&ladder, &options, &Silent).expect("the cell runs").cells[0].offered;
        group.throughput(Throughput::Elements(offered));
        group.bench_function(name, |bencher| {
            bencher.iter(|| run(&ladder, &options, &Silent).expect("the cell runs"));
        });
    }
    group.finish();
}

criterion_group!(benches, simulated_orders);
criterion_main!(benches);
