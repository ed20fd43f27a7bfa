//! What is written ahead, in a process that has its orders and its charges in one log: it dies, loses power and finds its
//! disk full at random times. What was answered is there, no charge is there without its order, and no order is paid
//! without its charge.

use std::collections::BTreeSet;

use super::super::OpenError;
use super::super::tests::drawn_charge;
use super::*;

#[derive(Debug, Default)]
struct Ledger {
    next: AtomicU32,
    completed: Mutex<BTreeSet<u32>>,
    wrong: Mutex<Vec<String>>,
    /// Orders that were found unfinished, and changes that failed.
    unfinished: AtomicU32,
    failed: AtomicU32,
}

impl Ledger {
    fn wrong(&self, what: String) {
        self.wrong.lock().expect("no panic").push(what);
    }
}

/// Sometimes the next change comes at once, sometimes when the one before has long been durable.
async fn pause(node: &Node, rng: &mut Rng) {
    if draw::chance(rng, 0.5) {
        node.sleep(Duration::from_millis(draw::uniform(rng, 0.0, 12.0) as u64)).await;
    }
}

async fn one_order(node: &Node, store: &RedbStore, rng: &mut Rng, number: u32) -> Result<(), StoreError> {
    let name = name(number);
    let mut order = order(&name);
    order.apply(OrderEvent::PaymentStarted, 2_000).expect("legal");
    store.insert_ahead(order).await?;
    pause(node, rng).await;
    let charge = drawn_charge(&name);
    let paid = OrderEvent::PaymentSucceeded { charge_id: charge.id.clone() };
    store.record_ahead(charge).await?;
    pause(node, rng).await;
    store.apply(&id(&name), paid, 3_000).await.map(drop)
}

async fn work(node: Node, store: RedbStore, ledger: Arc<Ledger>, mut rng: Rng) {
    loop {
        node.sleep(Duration::from_millis(draw::uniform(&mut rng, 0.0, 4.0) as u64)).await;
        let number = ledger.next.fetch_add(1, Relaxed);
        match one_order(&node, &store, &mut rng, number).await {
            Ok(()) => drop(ledger.completed.lock().expect("no panic").insert(number)),
            Err(_store_failed) => drop(ledger.failed.fetch_add(1, Relaxed)),
        }
    }
}

async fn examine(store: &RedbStore, ledger: &Ledger) -> Result<(), StoreError> {
    let orders = OrderStore::all(store).await?;
    let charges: BTreeSet<_> =
        ChargeStore::all(store).await?.into_iter().map(|charge| (charge.order_id, charge.id)).collect();
    let known: BTreeSet<_> = orders.iter().map(|order| order.order_id.clone()).collect();
    for (order_id, charge_id) in &charges {
        if !known.contains(order_id) {
            ledger.wrong(format!("{charge_id} is there, and its order is not"));
        }
    }
    let mut completed = BTreeSet::new();
    for order in orders {
        let Some(charge_id) = order.charge_id.clone() else {
            ledger.unfinished.fetch_add(1, Relaxed);
            continue;
        };
        if !charges.contains(&(order.order_id.clone(), charge_id)) {
            ledger.wrong(format!("{} is paid, and its charge is not there", order.order_id));
        }
        completed.insert(order.order_id);
    }
    for number in &*ledger.completed.lock().expect("no panic") {
        if !completed.contains(&id(&name(*number))) {
            ledger.wrong(format!("order {number} was answered, and is not completed"));
        }
    }
    Ok(())
}

async fn live(node: Node, ledger: Arc<Ledger>, bounds: Bounds, life: usize) {
    let store = match RedbStore::open_within(&node, FILE, bounds).await {
        Ok(store) => store.with_both(),
        // Its disk is full just now.
        Err(OpenError::Io { .. }) => return,
        Err(error) => return ledger.wrong(format!("life {life}: {error}")),
    };
    if let Err(error) = examine(&store, &ledger).await {
        return ledger.wrong(format!("life {life}: {error}"));
    }
    for worker in 0..WORKERS {
        let rng = node.rng(&format!("worker/{life}/{worker}"));
        // Detached: it ends with its process.
        drop(node.spawn(work(node.clone(), store.clone(), Arc::clone(&ledger), rng)));
    }
}

fn run(seed: u64, lies: bool) -> Arc<Ledger> {
    in_a_world(seed, lies, async |world, node| {
        let ledger = Arc::new(Ledger::default());
        let mut rng = named_rng(seed, "deaths");
        for life in 0..LIVES {
            drop(node.spawn(live(node.clone(), Arc::clone(&ledger), bounds(seed), life)));
            node.sleep(Duration::from_millis(draw::uniform(&mut rng, 0.0, 60.0) as u64)).await;
            if draw::chance(&mut rng, 0.5) {
                world.set_disk_max(HOST, 0).expect("a host");
                node.sleep(Duration::from_millis(draw::uniform(&mut rng, 0.0, 30.0) as u64)).await;
                world.set_disk_max(HOST, u64::MAX).expect("a host");
                node.sleep(REOPEN_EVERY + Duration::from_millis(50)).await;
            }
            if draw::chance(&mut rng, 0.7) {
                world.power_off(HOST).expect("a host");
            }
            world.kill(HOST).expect("a host");
            world.restart(HOST).expect("a host");
        }
        live(node, Arc::clone(&ledger), bounds(seed), LIVES).await;
        ledger
    })
}

#[test]
fn what_is_written_ahead_never_stands_alone() {
    let (mut completed, mut unfinished, mut failed) = (0, 0, 0);
    for seed in 0..150 {
        let ledger = run(seed, false);
        assert_eq!(*ledger.wrong.lock().expect("no panic"), [""; 0], "seed {seed}");
        completed += ledger.completed.lock().expect("no panic").len();
        unfinished += ledger.unfinished.load(Relaxed);
        failed += ledger.failed.load(Relaxed);
    }
    let enough = completed > 1_000 && unfinished > 100 && failed > 100;
    assert!(enough, "{completed} completed, {unfinished} found unfinished, {failed} failed");
}

#[test]
fn a_disk_that_lies_is_noticed_here_too() {
    let noticed = (0..10).filter(|seed| !run(*seed, true).wrong.lock().expect("no panic").is_empty()).count();
    assert!(noticed >= 5, "{noticed} of 10");
}
