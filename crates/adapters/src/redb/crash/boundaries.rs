//! A short history in which every boundary is met — between records, between the log's two files, between the log and the
//! tables — and a death at every instant of it; and readers who look while things move from one place to the next.

use std::collections::BTreeMap;

use domain::memory::{MemoryCharges, MemoryOrders};
use domain::{OrderId, OutboxMessage};

use super::*;

/// How long a sync takes: several instants, so that a death comes in the middle of one as well.
const SYNC: Duration = Duration::from_millis(3);

/// How many orders the history has.
const ORDERS: u32 = 8;

/// Each order is told of, paid, and its message sent: one step after the other, each in a batch of its own.
async fn history(store: RedbStore, model: Arc<Model>) -> Result<(), StoreError> {
    for number in 0..ORDERS {
        one_order(&store, &model, number).await?;
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    Kill,
    PowerOff,
}

/// Dies at an instant, opens again, dies again a while into that, and opens a last time. What was wrong; whether the
/// history was over before it died.
fn die_at(at_ms: u64, seed: u64, death: Death) -> (Vec<String>, bool) {
    let options = HostOptions { sync_latency: SYNC, ..HostOptions::default() };
    in_a_world_with(seed, options, async |world, node| {
        // Those that come after the first death begin behind the history.
        let model = Arc::new(Model { next: AtomicU32::new(ORDERS), ..Model::default() });
        let bounds = Bounds { log_bytes: 6 << 10, changes: 5, every: Duration::from_millis(31) };
        // A file that is being made for the first time holds nothing yet that could be lost.
        let store = RedbStore::open_within(&node, FILE, bounds).await.expect("a store");
        // An error is that of the death.
        drop(node.spawn(history(store, Arc::clone(&model))));
        let die = || match death {
            Death::Kill => world.kill(HOST).expect("a host"),
            Death::PowerOff => {
                world.power_off(HOST).expect("a host");
                world.kill(HOST).expect("a host");
            }
        };
        node.sleep(Duration::from_millis(at_ms)).await;
        let is_over =
            model.orders.lock().expect("no panic").get(&(ORDERS - 1)).is_some_and(|last| last.answered == 4);
        die();
        world.restart(HOST).expect("a host");
        let seen = Arc::new(Mutex::new(Vec::new()));
        drop(node.spawn(live(node.clone(), Arc::clone(&model), bounds, 0, Arc::clone(&seen))));
        node.sleep(Duration::from_millis(at_ms % 23)).await;
        die();
        world.restart(HOST).expect("a host");
        live(node.clone(), Arc::clone(&model), bounds, 1, seen).await;
        (std::mem::take(&mut *model.wrong.lock().expect("no panic")), is_over)
    })
}

#[test]
fn whatever_was_answered_outlives_a_death_at_any_instant() {
    let mut is_over = false;
    for at_ms in 0..200_u64 {
        let off = [at_ms, at_ms + 1_000].map(|seed| (seed, Death::PowerOff));
        let kill = at_ms.is_multiple_of(4).then_some((at_ms, Death::Kill));
        for (seed, death) in off.into_iter().chain(kill) {
            let (wrong, over) = die_at(at_ms, seed, death);
            assert_eq!(wrong, [""; 0], "{death:?} after {at_ms} ms, seed {seed}");
            is_over |= over;
        }
    }
    assert!(is_over, "the history is over by the last of these instants");
}

/// What a store and what the memory says, for everything that can be asked.
async fn compare(store: &RedbStore, orders: &MemoryOrders, charges: &MemoryCharges, ids: &[OrderId]) {
    assert_eq!(OrderStore::all(store).await, OrderStore::all(orders).await);
    assert_eq!(ChargeStore::all(store).await, ChargeStore::all(charges).await);
    assert_eq!(store.totals().await, orders.totals().await);
    assert_eq!(store.unfinished(u64::MAX, 3).await, orders.unfinished(u64::MAX, 3).await);
    assert_eq!(store.unfinished_total().await, orders.unfinished_total().await);
    assert_eq!(store.pending_total().await, orders.pending_total().await);
    for (after, limit) in [(0, usize::MAX), (0, 3), (7, 5), (20, 1), (u64::MAX, 1)] {
        assert_eq!(store.pending(after, limit).await, orders.pending(after, limit).await, "{after} {limit}");
    }
    for id in ids {
        assert_eq!(OrderStore::get(store, id).await, OrderStore::get(orders, id).await);
        assert_eq!(ChargeStore::get(store, id.as_str()).await, ChargeStore::get(charges, id.as_str()).await);
    }
}

#[test]
fn what_is_read_is_the_same_wherever_it_has_got_to() {
    for seed in 0..8 {
        let options = HostOptions { sync_latency: SYNC, ..HostOptions::default() };
        in_a_world_with(seed, options, async |_, node| {
            let bounds = Bounds { log_bytes: 4 << 10, changes: 7, every: Duration::from_millis(20) };
            let mut store = RedbStore::open_within(&node, FILE, bounds).await.expect("a store");
            let (orders, charges) = (MemoryOrders::new(), MemoryCharges::new());
            let (mut rng, mut ids) = (named_rng(seed, "operations"), BTreeMap::new());
            for step in 0..120_u32 {
                let number = draw::uniform(&mut rng, 0.0, 12.0) as u32;
                let (name, charge) = (name(number), charge(&format!("ch-{number:05}"), &name(number)));
                ids.insert(number, id(&name));
                match draw::uniform(&mut rng, 0.0, 7.0) as u32 {
                    0 | 1 => {
                        let messages = vec![message(&format!("e-{step}")); number as usize % 3];
                        let done = store.insert_with(order(&name), messages.clone()).await;
                        assert_eq!(done, orders.insert_with(order(&name), messages).await);
                    }
                    2 => {
                        let started = OrderEvent::PaymentStarted;
                        let done = store.apply(&id(&name), started.clone(), 2_000).await;
                        assert_eq!(done, orders.apply(&id(&name), started, 2_000).await);
                    }
                    3 => {
                        let done = store.apply(&id(&name), paid(), 3_000).await;
                        assert_eq!(done, orders.apply(&id(&name), paid(), 3_000).await);
                    }
                    4 => {
                        assert_eq!(store.record(charge.clone()).await, charges.record(charge).await);
                    }
                    5 if number == 3 => {
                        assert_eq!(store.void(&name).await, charges.void(&name).await);
                    }
                    5 => {
                        assert_eq!(store.refund(&name, 9).await, charges.refund(&name, 9).await);
                    }
                    _ => {
                        let pending = orders.pending(u64::from(number) / 2, 2).await.expect("there");
                        let sent: Vec<_> =
                            pending.iter().map(|OutboxMessage { sequence, .. }| *sequence).collect();
                        store.mark_sent(&sent).await.expect("there");
                        orders.mark_sent(&sent).await.expect("there");
                    }
                }
                compare(&store, &orders, &charges, &ids.values().cloned().collect::<Vec<_>>()).await;
                node.sleep(Duration::from_millis(draw::uniform(&mut rng, 0.0, 4.0) as u64)).await;
                if step % 40 == 39 {
                    store.close().await;
                    store = RedbStore::open_within(&node, FILE, bounds).await.expect("a store");
                }
            }
        });
    }
}
