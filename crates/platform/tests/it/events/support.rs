//! A platform that is joined by a broker in memory.

use std::future::Future;
use std::sync::Arc;

use domain::Message;
use domain::broker::{Broker, DeadLetter, DeadLetterFilter, DeadLetters, Delivery, Layout, Subscription};
use domain::event::layout;
use domain::memory::MemoryBroker;
use http::Method;
use platform::{PlatformState, ServiceKind, ServiceState};

use crate::support::{Platform, SURE, in_paused_time, sleep_ms};

/// Nothing but the broker.
pub(crate) const NAIVE: &str = "";

/// The outbox and what comes after it, but for the last two.
pub(crate) const OUTBOX: &str = "[outbox]\n[acknowledgement]\nlease = '5s'\nwork_max = '15s'\n[inbox]\n\
    [delayed_retries]\ndelay = '200ms'\ndelay_max = '10s'\n";

/// Everything.
pub(crate) const COMPOSED: &str = "[outbox]\n[acknowledgement]\nlease = '5s'\nwork_max = '15s'\n[inbox]\n\
    [delayed_retries]\ndelay = '200ms'\ndelay_max = '2s'\n[dead_letters]\nattempts_max = 5\n\
    [consumers]\nworkers = 5\ncompletion_slo = '60s'\n";

/// A group that only listens.
const WITNESS: &str = "witness";

/// A platform and its broker.
#[derive(Clone, Debug)]
pub(crate) struct Joined {
    pub(crate) platform: Platform,
    pub(crate) broker: MemoryBroker,
}

/// Runs a test against a platform with a payment of 100 ms and these sections.
pub(crate) fn joined<F: Future>(sections: &str, test: impl FnOnce(Joined) -> F) -> F::Output {
    joined_by(sections, |state| state, test)
}

/// The same on states that are changed first.
pub(crate) fn joined_by<F: Future>(
    sections: &str,
    change: impl Fn(ServiceState) -> ServiceState,
    test: impl FnOnce(Joined) -> F,
) -> F::Output {
    in_paused_time(async {
        let joined = assemble(sections, change).await;
        ServiceKind::ALL.into_iter().for_each(|kind| joined.platform.start(kind));
        sleep_ms(10).await;
        test(joined).await
    })
}

/// A platform that does not run yet.
pub(crate) async fn assemble(sections: &str, change: impl Fn(ServiceState) -> ServiceState) -> Joined {
    let broker = MemoryBroker::new();
    let witnessed: Vec<_> =
        layout().into_iter().map(|layout| Layout::new(&layout.topic, &[WITNESS])).collect();
    broker.declare(&witnessed).await.expect("it is there");
    let states =
        PlatformState::of(|kind| change(ServiceState::new(kind).with_broker(Arc::new(broker.clone()))));
    let design = format!("topology = 'events'\n{SURE}{sections}");
    Joined { platform: Platform::assemble_on(&design, states), broker }
}

impl Joined {
    /// A payment takes so many times as long as it usually does, and never fails.
    pub(crate) async fn slow_payment_down(&self, times: u32) {
        let hardship = format!(r#"{{"slowdown":{times},"failure_rate":0}}"#);
        self.platform.ask_admin(ServiceKind::PaymentService, Method::PUT, "/hardship", hardship).await;
    }

    /// Waits until nobody has anything to do any more.
    pub(crate) async fn settle(&self) {
        for _ in 0..600 {
            sleep_ms(200).await;
            let mut left = 0;
            for Layout { topic, groups } in layout() {
                for group in groups {
                    left += self.broker.lag(&topic, &group).await.expect("it is there").total();
                }
            }
            let outbox = self.platform.state(ServiceKind::OrderApi).stores().outbox.clone();
            left += outbox.expect("order-api has one").pending_total().await.expect("in memory");
            if left == 0 {
                // What follows from the last one, and naive work that nobody waits for.
                return sleep_ms(500).await;
            }
        }
        panic!("it does not come to an end");
    }

    pub(crate) async fn charges(&self, order_id: &str) -> usize {
        let facts = self.platform.state(ServiceKind::PaymentService).facts().await.expect("in memory");
        facts.charges.iter().filter(|charge| charge.order_id.as_str() == order_id).count()
    }

    pub(crate) async fn notices(&self, order_id: &str) -> usize {
        let facts = self.platform.state(ServiceKind::NotificationService).facts().await.expect("in memory");
        facts.notices.iter().filter(|notice| notice.order_id.as_str() == order_id).count()
    }

    pub(crate) async fn letters(&self) -> Vec<DeadLetter> {
        self.broker.list(&DeadLetterFilter::default(), "", 1_000).await.expect("it is there")
    }

    /// Every message that was published so far and not seen before.
    pub(crate) async fn seen(&self) -> Vec<Message> {
        let mut seen = Vec::new();
        for Layout { topic, .. } in layout() {
            let subscription = Subscription {
                topic,
                group: WITNESS.to_owned(),
                consumer: WITNESS.to_owned(),
                lease: std::time::Duration::from_secs(3_600),
                in_flight_max: 10_000,
            };
            let consumer = self.broker.subscribe(subscription).await.expect("it was declared");
            let fetched = consumer.fetch(10_000, std::time::Duration::ZERO).await.expect("it is there");
            seen.extend(fetched.into_iter().map(|Delivery { message, .. }| message));
        }
        seen
    }

    /// Publishes something that no service would.
    pub(crate) async fn publish(&self, topic: &str, key: &str, payload: &str) {
        let message = Message {
            event_id: domain::EventId::new(format!("x:{key}")).expect("a valid id"),
            topic: topic.to_owned(),
            key: key.to_owned(),
            payload: payload.as_bytes().to_vec(),
            at_us: 0,
        };
        self.broker.publish(vec![message]).await.expect("it is there");
    }

    pub(crate) fn kill(&self, kind: ServiceKind) {
        self.platform.world.kill(kind.name()).expect("it is a host");
    }

    pub(crate) async fn kill_and_restart(&self, kind: ServiceKind) {
        self.kill(kind);
        sleep_ms(500).await;
        self.restart(kind);
    }

    pub(crate) fn restart(&self, kind: ServiceKind) {
        self.platform.world.restart(kind.name()).expect("it is down");
        self.platform.start(kind);
    }
}
