//! Random work on a simulated disk, with deaths of the process and losses of power at random times: what was answered
//! is there, what was committed together is there together, and the same seed finds the same.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{ChargeStore, Effect, OrderEvent, OrderState, OrderStore, Outbox, StoreError};
use node::sim::{HostOptions, Latency, SimWorld, Topology};
use node::{Node, Rng, draw, named_rng};

use super::tests::{charge, id, message, order, paid};
use super::writer::Bounds;
use super::{REOPEN_EVERY, RedbStore};

mod ahead;
mod boundaries;

const HOST: &str = "order-api";
const FILE: &str = "test.redb";
const LIVES: usize = 5;
const WORKERS: usize = 6;

/// How far an order or its charge is: what was asked for, and what was answered.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    tried: u8,
    answered: u8,
}

#[derive(Debug, Default)]
struct Model {
    orders: Mutex<BTreeMap<u32, Known>>,
    next: AtomicU32,
    wrong: Mutex<Vec<String>>,
}

impl Model {
    fn tried(&self, number: u32, stage: u8) {
        self.orders.lock().expect("no panic").entry(number).or_default().tried = stage;
    }

    fn answered(&self, number: u32, stage: u8) {
        self.orders.lock().expect("no panic").entry(number).or_default().answered = stage;
    }

    fn wrong(&self, what: String) {
        self.wrong.lock().expect("no panic").push(what);
    }
}

/// Bounds under which what is in the log is brought into the tables all the time.
const NARROW: Bounds = Bounds { log_bytes: 8 << 10, changes: 12, every: Duration::from_millis(9) };

/// Every second seed has narrow bounds.
fn bounds(seed: u64) -> Bounds {
    if seed.is_multiple_of(2) { NARROW } else { Bounds::default() }
}

fn name(number: u32) -> String {
    format!("o-{number:05}")
}

/// Places an order, pays and charges it: one step after the other, each in a batch of its own.
async fn one_order(store: &RedbStore, model: &Model, number: u32) -> Result<(), StoreError> {
    let name = name(number);
    model.tried(number, 1);
    store.insert_with(order(&name), vec![message(&name)]).await?;
    model.answered(number, 1);
    model.tried(number, 2);
    store.apply(&id(&name), OrderEvent::PaymentStarted, 2_000).await?;
    model.answered(number, 2);
    model.tried(number, 3);
    store.record(charge(&format!("ch-{number:05}"), &name)).await?;
    model.answered(number, 3);
    model.tried(number, 4);
    store.apply(&id(&name), paid(), 3_000).await?;
    model.answered(number, 4);
    Ok(())
}

/// Places orders, pays and charges them, one after the other, until the store fails.
async fn work(node: Node, store: RedbStore, model: Arc<Model>, mut rng: Rng) -> Result<(), StoreError> {
    loop {
        node.sleep(Duration::from_millis(draw::uniform(&mut rng, 0.0, 5.0) as u64)).await;
        let number = model.next.fetch_add(1, Relaxed);
        one_order(&store, &model, number).await?;
    }
}

/// What the file says of an order: how far it is.
async fn stage(store: &RedbStore, number: u32) -> Result<u8, StoreError> {
    let name = name(number);
    let state = OrderStore::get(store, &id(&name)).await?.map(|order| order.state());
    let charged = ChargeStore::get(store, &name).await?.is_some();
    Ok(match state {
        None => 0,
        Some(OrderState::Placed) => 1,
        Some(_) if !charged => 2,
        Some(OrderState::Paying) => 3,
        Some(_) => 4,
    })
}

/// Holds the file against what is known; how far each order is from now on.
async fn examine(store: &RedbStore, model: &Model) -> Result<u64, StoreError> {
    let known = model.orders.lock().expect("no panic").clone();
    let (mut fingerprint, mut found) = (0_u64, 0);
    for (number, Known { tried, answered }) in known {
        let stage = stage(store, number).await?;
        if stage < answered || stage > tried {
            model.wrong(format!("order {number} is at {stage}; {answered} was answered, {tried} asked for"));
        }
        found += u64::from(stage > 0);
        model.answered(number, stage);
        model.tried(number, stage);
        fingerprint = fingerprint.wrapping_mul(31).wrapping_add(u64::from(stage));
    }
    let (orders, pending) = (OrderStore::all(store).await?, store.pending(0, usize::MAX).await?);
    let mut told: Vec<_> = pending.iter().map(|message| message.message.event_id.to_string()).collect();
    told.sort();
    if told != orders.iter().map(|order| order.order_id.to_string()).collect::<Vec<_>>() {
        model.wrong("an order stands without its message, or a message without its order".to_owned());
    }
    let counted: u64 = store.totals().await?.values().sum();
    let unfinished = orders.iter().filter(|order| !order.state().is_final()).count() as u64;
    if (counted, store.unfinished_total().await?) != (found, unfinished) || orders.len() as u64 != found {
        model.wrong(format!("{counted} counted, {found} known, {} there", orders.len()));
    }
    Ok(fingerprint)
}

/// One process: it opens its file, looks at it, and works until it dies.
async fn live(node: Node, model: Arc<Model>, bounds: Bounds, life: usize, seen: Arc<Mutex<Vec<u64>>>) {
    let store = match RedbStore::open_within(&node, FILE, bounds).await {
        Ok(store) => store,
        Err(error) => return model.wrong(format!("life {life}: {error}")),
    };
    match examine(&store, &model).await {
        Ok(fingerprint) => seen.lock().expect("no panic").push(fingerprint),
        Err(error) => return model.wrong(format!("life {life}: {error}")),
    }
    for worker in 0..WORKERS {
        let rng = node.rng(&format!("worker/{life}/{worker}"));
        // Detached: it ends with its process.
        drop(node.spawn(work(node.clone(), store.clone(), Arc::clone(&model), rng)));
    }
}

fn in_a_world<T>(seed: u64, lies: bool, course: impl AsyncFnOnce(SimWorld, Node) -> T) -> T {
    in_a_world_with(seed, HostOptions { lies_about_syncs: lies, ..HostOptions::default() }, course)
}

fn in_a_world_with<T>(seed: u64, options: HostOptions, course: impl AsyncFnOnce(SimWorld, Node) -> T) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let world = SimWorld::new(seed, Topology::new(Latency::default()).host(HOST, options));
        let node = world.node(HOST).expect("a host");
        course(world, node).await
    })
}

/// Several lives; what was wrong, and what each found.
fn run(seed: u64, lies: bool) -> (Vec<String>, Vec<u64>) {
    in_a_world(seed, lies, async |world, node| {
        let (model, seen) = (Arc::new(Model::default()), Arc::new(Mutex::new(Vec::new())));
        let mut rng = named_rng(seed, "deaths");
        for life in 0..LIVES {
            let life = live(node.clone(), Arc::clone(&model), bounds(seed), life, Arc::clone(&seen));
            drop(node.spawn(life));
            node.sleep(Duration::from_millis(draw::uniform(&mut rng, 0.0, 60.0) as u64)).await;
            if draw::chance(&mut rng, 0.3) {
                world.kill(HOST).expect("a host");
            }
            if draw::chance(&mut rng, 0.7) {
                world.power_off(HOST).expect("a host");
            }
            // One that was not killed either is killed now, so that there is one process at a time.
            world.kill(HOST).expect("a host");
            world.restart(HOST).expect("a host");
        }
        live(node.clone(), Arc::clone(&model), bounds(seed), LIVES, Arc::clone(&seen)).await;
        let seen = seen.lock().expect("no panic").clone();
        (std::mem::take(&mut *model.wrong.lock().expect("no panic")), seen)
    })
}

#[test]
fn whatever_was_answered_outlives_every_death() {
    let mut examined = 0;
    for seed in 0..150 {
        let (wrong, seen) = run(seed, false);
        assert_eq!(wrong, [""; 0], "seed {seed}");
        examined += seen.len();
    }
    assert!(examined > 600, "most lives are long enough to be looked at: {examined}");
}

#[test]
fn the_same_seed_finds_the_same() {
    for seed in 0..10 {
        assert_eq!(run(seed, false), run(seed, false), "seed {seed}");
    }
}

#[test]
fn a_disk_that_lies_is_noticed() {
    let noticed = (0..10).filter(|seed| !run(*seed, true).0.is_empty()).count();
    assert!(noticed >= 5, "{noticed} of 10");
}

#[test]
fn every_contract_holds_on_a_simulated_disk_wherever_what_is_read_has_got_to() {
    for (seed, bounds) in [(1, Bounds::default()), (2, NARROW), (3, Bounds { changes: 1, ..NARROW })] {
        in_a_world(seed, false, async |_, node| {
            // Opening waits for virtual time, and a contract makes its stores itself: so they are made before.
            let mut stores = Vec::new();
            for number in 0..64 {
                let file = format!("{number}.redb");
                stores.push(RedbStore::open_within(&node, &file, bounds).await.expect("a store"));
            }
            let stores = Mutex::new(stores);
            let fresh = || Arc::new(stores.lock().expect("no panic").pop().expect("enough of them"));
            domain::contract::order_store(|| fresh()).await;
            domain::contract::charge_store(|| fresh()).await;
            domain::contract::notice_store(|| fresh()).await;
            domain::contract::outbox(|| {
                let store = fresh();
                (Arc::clone(&store) as _, store as _)
            })
            .await;
            resilience::idempotency::contract::idempotency_records(|| fresh()).await;
        });
    }
}

#[test]
fn a_full_disk_refuses_and_is_found_out_when_there_is_room_again() {
    fill_the_disk(Bounds::default());
}

#[test]
fn a_disk_that_is_full_when_the_log_is_brought_into_the_tables_refuses_as_well() {
    // Its files are written over again and again; only the tables grow.
    fill_the_disk(Bounds { changes: 6, ..NARROW });
}

fn fill_the_disk(bounds: Bounds) {
    in_a_world(1, false, async |world, node| {
        let store = RedbStore::open_within(&node, FILE, bounds).await.expect("a store");
        world.set_disk_max(HOST, 6 << 20).expect("a host");
        let mut answered = 0_u32;
        let refused = loop {
            let letter = domain::Message { payload: vec![7; 60_000], ..message("e") };
            match store.insert_with(order(&name(answered)), vec![letter]).await {
                Ok(()) => answered += 1,
                Err(error) => break error,
            }
        };
        assert!(refused.is_retryable() && refused.to_string().contains("no space left"), "{refused}");
        let failing = OrderStore::check(&store).await.expect_err("full");
        assert_eq!(failing.effect(), Effect::None);
        let there = OrderStore::all(&store).await;
        assert!(there.is_err() || there.is_ok_and(|orders| orders.len() >= answered as usize));

        world.set_disk_max(HOST, u64::MAX).expect("a host");
        node.sleep(REOPEN_EVERY).await;
        assert_eq!(OrderStore::check(&store).await, Ok(()));
        let there = OrderStore::all(&store).await.expect("there").len();
        assert!(
            there == answered as usize || there == answered as usize + 1,
            "{there}, {answered} were answered"
        );
        store.insert(order("o-x")).await.expect("there is room again");
    });
}
