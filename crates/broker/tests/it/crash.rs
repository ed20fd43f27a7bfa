//! Random work in a simulated world, while the broker's process dies and its power fails at random times: nothing that
//! was acknowledged is lost, nothing whose acknowledgement was answered comes again, keys keep their order, and the same
//! seed does the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use broker::{Client, ClientOptions, DEFAULT_PORT, Options};
use domain::broker::{
    Broker, Consumer, DeadLetterFilter, DeadLetters, Delivery, Layout, Settlement, Subscription, Verdict,
};
use node::sim::HostOptions;
use node::{Node, Rng, draw, named_rng};

use crate::support::{BROKER, World, in_a_world, message};

const TOPIC: &str = "orders";
const GROUPS: [&str; 2] = ["one", "two"];
const LIVES: usize = 4;
const PUBLISHERS: usize = 3;
const CONSUMERS: usize = 2;
/// How many keys each publisher has.
const KEYS: u32 = 3;

/// What everybody saw.
#[derive(Debug, Default)]
struct Seen {
    /// By id: whether the publish was answered.
    published: BTreeMap<String, bool>,
    /// Somebody said what became of it in the end, whether or not that was answered.
    said: BTreeSet<(&'static str, String)>,
    /// The broker's numbers of messages that are dealt with: that was answered.
    settled: BTreeSet<(&'static str, u64)>,
    /// The last number that came, of each group and key.
    last: BTreeMap<(&'static str, String), u64>,
    wrong: Vec<String>,
    /// What happened, in its order.
    story: Vec<String>,
}

impl Seen {
    /// A message was given to somebody.
    fn came(&mut self, group: &'static str, delivery: &Delivery) {
        let Delivery { message, attempt, receipt } = delivery;
        let id = &message.event_id;
        self.story.push(format!("{group} got {id}, attempt {attempt}"));
        if self.settled.contains(&(group, receipt.message)) {
            self.wrong.push(format!("{group} got {id} again, which was dealt with"));
        }
        // The next of a key comes only after the one before is dealt with.
        let last = self.last.insert((group, message.key.clone()), receipt.message);
        if last.is_some_and(|last| last > receipt.message) {
            self.wrong.push(format!("{group} got {id} after {last:?} of the same key"));
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Shared {
    seen: Arc<Mutex<Seen>>,
    next: Arc<AtomicU32>,
    is_over: Arc<AtomicBool>,
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no panic")
    }
}

fn client(node: &Node) -> Client {
    let options = ClientOptions { answer_within: Duration::from_millis(300) };
    Client::with(node, BROKER, DEFAULT_PORT, options)
}

/// Publishes messages one after the other, each again until it is answered.
async fn publish(node: Node, shared: Shared, number: usize, mut rng: Rng) {
    let client = client(&node);
    while !shared.is_over.load(Relaxed) {
        let count = shared.next.fetch_add(1, Relaxed);
        let id = format!("m-{count:06}");
        let key = format!("{number}-{}", count % KEYS);
        shared.seen().published.insert(id.clone(), false);
        while let Err(error) = client.publish(vec![message(TOPIC, &id, &key)]).await {
            assert!(error.is_retryable(), "{error}");
            node.sleep(Duration::from_millis(draw::uniform(&mut rng, 1.0, 40.0) as u64)).await;
        }
        shared.seen().story.push(format!("published {id}"));
        shared.seen().published.insert(id, true);
        node.sleep(Duration::from_millis(draw::uniform(&mut rng, 0.0, 12.0) as u64)).await;
    }
}

/// Consumes until there is nothing left.
async fn consume(node: Node, shared: Shared, group: &'static str, number: usize, mut rng: Rng) {
    let client = client(&node);
    let subscription = Subscription {
        lease: Duration::from_millis(400),
        in_flight_max: 8,
        ..Subscription::new(TOPIC, group, &format!("{group}-{number}"))
    };
    let consumer = loop {
        match client.subscribe(subscription.clone()).await {
            Ok(consumer) => break consumer,
            Err(_not_yet) => node.sleep(Duration::from_millis(20)).await,
        }
    };
    loop {
        let Ok(came) = consumer.fetch(4, Duration::from_millis(150)).await else { continue };
        came.iter().for_each(|delivery| shared.seen().came(group, delivery));
        for delivery in came {
            deal_with(&node, &shared, group, consumer.as_ref(), delivery, &mut rng).await;
        }
    }
}

async fn deal_with(
    node: &Node,
    shared: &Shared,
    group: &'static str,
    consumer: &dyn Consumer,
    delivery: Delivery,
    rng: &mut Rng,
) {
    node.sleep(Duration::from_millis(draw::uniform(rng, 0.0, 15.0) as u64)).await;
    let verdict = match draw::open_unit(rng) {
        luck if luck < 0.80 => Verdict::Ack,
        luck if luck < 0.92 => {
            Verdict::RetryAfter { delay: Duration::from_millis(30), reason: "not now".to_owned() }
        }
        luck if luck < 0.97 => Verdict::Dead { reason: "poison".to_owned() },
        // Says nothing at all: its lease will be over.
        _ => return,
    };
    let ends = !matches!(verdict, Verdict::RetryAfter { .. });
    let id = delivery.message.event_id.to_string();
    if ends {
        shared.seen().said.insert((group, id.clone()));
    }
    let answer = consumer.settle(vec![Settlement { receipt: delivery.receipt, verdict }]).await;
    let mut seen = shared.seen();
    seen.story.push(format!("{group} settled {id}: {answer:?}"));
    if ends && answer == Ok(0) {
        seen.settled.insert((group, delivery.receipt.message));
    }
}

/// The deaths, and the peace after them. What is wrong, and the story.
async fn run(world: World, seed: u64) -> (Vec<String>, Vec<String>) {
    let shared = Shared::default();
    let mut rng = named_rng(seed, "deaths");
    world.start(Options::default()).await.expect("a new disk");
    let setup = client(&world.client);
    setup.declare(&[Layout::new(TOPIC, &GROUPS)]).await.expect("the broker is there");
    for number in 0..PUBLISHERS {
        let rng = world.client.rng(&format!("publisher/{number}"));
        drop(world.client.spawn(publish(world.client.clone(), shared.clone(), number, rng)));
    }
    for group in GROUPS {
        for number in 0..CONSUMERS {
            let rng = world.client.rng(&format!("consumer/{group}/{number}"));
            drop(world.client.spawn(consume(world.client.clone(), shared.clone(), group, number, rng)));
        }
    }
    for _ in 0..LIVES {
        world.client.sleep(Duration::from_millis(draw::uniform(&mut rng, 20.0, 400.0) as u64)).await;
        if draw::chance(&mut rng, 0.5) {
            world.sim.kill(BROKER).expect("a host");
        } else {
            world.sim.power_off(BROKER).expect("a host");
        }
        world.client.sleep(Duration::from_millis(draw::uniform(&mut rng, 0.0, 200.0) as u64)).await;
        world.sim.restart(BROKER).expect("a host");
        if let Err(error) = world.start(Options::default()).await {
            return (vec![format!("it does not start again: {error}")], Vec::new());
        }
    }
    shared.is_over.store(true, Relaxed);
    let began = world.client.now();
    loop {
        world.client.sleep(Duration::from_millis(200)).await;
        let mut left = 0;
        for group in GROUPS {
            left += setup.lag(TOPIC, group).await.map_or(1, domain::broker::Lag::total);
        }
        let unanswered = shared.seen().published.values().any(|answered| !answered);
        if left == 0 && !unanswered {
            break;
        }
        if began.elapsed() > Duration::from_secs(60) {
            shared.seen().wrong.push(format!("{left} are left, unanswered: {unanswered}"));
            break;
        }
    }
    judge(&setup, &shared).await;
    let mut seen = shared.seen();
    (std::mem::take(&mut seen.wrong), std::mem::take(&mut seen.story))
}

/// After the peace: every message that was acknowledged has come to an end in every group.
async fn judge(client: &Client, shared: &Shared) {
    let letters =
        client.list(&DeadLetterFilter::default(), "", usize::MAX).await.expect("the broker is there");
    let total = client.total(&DeadLetterFilter::default()).await;
    let mut seen = shared.seen();
    let mut wrong = Vec::new();
    if total != Ok(letters.len() as u64) {
        wrong.push(format!("{total:?} letters are counted, {} are there", letters.len()));
    }
    for letter in letters {
        if letter.reason != "poison" || letter.attempts as usize != letter.history.len() + 1 {
            wrong.push(format!("{letter:?}"));
        }
    }
    for id in seen.published.keys() {
        for group in GROUPS {
            if !seen.said.contains(&(group, id.clone())) {
                wrong.push(format!("{group} never dealt with {id}"));
            }
        }
    }
    seen.wrong.extend(wrong);
}

fn lived(seed: u64, lies: bool) -> (Vec<String>, Vec<String>) {
    // Slower than the network, so that an answer that does not wait for the disk arrives before what it promises.
    let sync_latency = Duration::from_millis(10);
    let options = HostOptions { lies_about_syncs: lies, sync_latency, ..HostOptions::default() };
    in_a_world(seed, options, async |world| run(world, seed).await)
}

#[test]
fn what_was_acknowledged_outlives_every_death() {
    let mut events = 0;
    for seed in 0..14 {
        let (wrong, story) = lived(seed, false);
        assert_eq!(wrong, [""; 0], "seed {seed}");
        events += story.len();
    }
    assert!(events > 2_000, "there was something to lose: {events}");
}

#[test]
fn a_disk_that_lies_is_noticed() {
    let noticed = (0..6).filter(|seed| !lived(*seed, true).0.is_empty()).count();
    assert!(noticed >= 3, "{noticed} of 6");
}

#[test]
fn the_same_seed_does_the_same() {
    for seed in 0..2 {
        assert!(lived(seed, false) == lived(seed, false), "seed {seed}");
    }
}
