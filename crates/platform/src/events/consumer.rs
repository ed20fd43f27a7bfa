//! Bringing events in: one group's events, worked on by one process, so many at once.
//!
//! ```text
//! declare, subscribe ──▶ fetch ──▶ a task each ──▶ handled ──▶ settled together with others
//!        ▲                 │                          └─ failed ──▶ judged: comes again, or dies
//!        └─ topic missing ─┘
//! ```
//!
//! With `[acknowledgement]` an event is settled when it is dealt with, and what is fetched is never more than there is
//! room for: what this process has in its hands (worked on, or not settled yet) is bounded, and everything else waits at
//! the broker, where others can get it. Without, it is acknowledged as soon as it is here, and a failure has lost it.
//!
//! A process that is to stop fetches nothing more, finishes what it has, settles it, and leaves the group. One that
//! dies says nothing: its leases end, and others get its events.

mod away;
mod places;
mod session;

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::EventId;
use domain::broker::{Broker, BrokerError, Consumer, Delivery, Subscription, Verdict};
use domain::event::{Envelope, layout};
use node::{Gauge, Node, Rng, draw};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::Instrument as _;

use self::away::Away;
use self::session::Session;
use super::autoscale::Rules as ScaleRules;
use super::judgement::{Judgement, Rules, Trouble, Why};
use super::{CALL_WITHIN, Hindrances, broker, lag, pause};
use crate::design::{Acknowledgement, Design};
use crate::outage::Outage;
use crate::state::ServiceState;
use crate::telemetry::Telemetry;
use crate::web::RequestContext;
use crate::web::ids::Ids;

/// How many events a process works on at once where its design says nothing: far above anything that helps.
pub(crate) const AT_ONCE_UNBOUNDED: usize = 10_000;

/// How many events are fetched at a time where the design says nothing.
const FETCH_MAX: usize = 64;

/// How long the broker waits for an event before it says that there is none.
const FETCH_WAIT: Duration = Duration::from_secs(1);

/// The lease where events are acknowledged on delivery: it is used up at once.
const LEASE_ON_DELIVERY: Duration = Duration::from_secs(30);

/// An event as it came in.
#[derive(Debug)]
pub(crate) struct Received {
    /// What happened, and the request that it goes back to.
    pub(crate) envelope: Envelope,
    /// Its id, as it was published.
    pub(crate) event_id: EventId,
    /// The request that it goes back to, whose work goes on here.
    pub(crate) context: RequestContext,
}

/// What became of an event that was to be put aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buried {
    /// It may be put aside.
    Aside,
    /// It turned out to be dealt with.
    DealtWith,
}

/// What a service does with the events of one topic.
#[async_trait]
pub(crate) trait Handle: Debug + Send + Sync {
    /// Deals with an event: its effect first, then what follows from it is told.
    ///
    /// # Errors
    /// When it is not dealt with. It may come again, whether it had its effect or not.
    async fn handle(&self, received: &Received) -> Result<(), Trouble>;

    /// Closes what an event leaves open that is about to be put aside.
    ///
    /// # Errors
    /// When it cannot be closed now; it comes again then.
    async fn bury(&self, _received: &Received, _trouble: &Trouble) -> Result<Buried, Trouble> {
        Ok(Buried::Aside)
    }
}

/// What is consumed, and by whom.
#[derive(Debug)]
pub(crate) struct Consuming {
    pub(crate) topic: &'static str,
    pub(crate) group: &'static str,
    /// How many events are worked on at once, at most.
    pub(crate) at_once: usize,
    /// How many of those places there are, by the backlog; all of them where nothing is said.
    pub(crate) autoscale: Option<Autoscaling>,
    /// Shows how many places there are.
    pub(crate) workers: Option<Gauge>,
    /// Counts them.
    pub(crate) in_work: Option<Gauge>,
    pub(crate) handler: Arc<dyn Handle>,
}

/// How the number of places follows the backlog.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Autoscaling {
    pub(crate) rules: ScaleRules,
    /// How often the backlog is looked at.
    pub(crate) every: Duration,
}

/// A consumer of this process.
#[derive(Debug)]
pub(super) struct Worker {
    node: Node,
    broker: Arc<dyn Broker>,
    telemetry: Telemetry,
    hindrances: Hindrances,
    consuming: Consuming,
    fetch_max: usize,
    acknowledgement: Option<Acknowledgement>,
    rules: Rules,
    /// What the group has not dealt with, at the last look.
    behind: watch::Receiver<u64>,
    ids: Ids,
    jitter: Mutex<Rng>,
    outages: Outages,
    away: Away,
}

/// What may not work for a while between this process and the broker.
#[derive(Debug)]
struct Outages {
    /// Joining the group, and fetching.
    fetching: Outage,
    settling: Outage,
    extending: Outage,
}

impl Outages {
    fn of(topic: &'static str, group: &'static str) -> Self {
        let outage = |begins, ends| Outage::new(begins, ends).of(topic, group);
        Self {
            fetching: outage("events do not come in", "events come in again"),
            settling: outage("events cannot be settled", "events are settled again"),
            extending: outage("leases cannot be begun anew", "leases are begun anew again"),
        }
    }
}

/// Consumes for as long as the process lives.
pub(crate) fn start(node: &Node, design: &Design, state: &ServiceState, consuming: Consuming) {
    let telemetry = state.telemetry().clone();
    let every = consuming.autoscale.map_or(lag::LOOK_EVERY, |autoscaling| autoscaling.every);
    let behind = lag::watch(node, broker(state), &telemetry, (consuming.topic, consuming.group), every);
    let (topic, since) = (consuming.topic, node.elapsed().as_micros());
    let consumers = design.consumers.as_ref();
    let worker = Worker {
        node: node.clone(),
        broker: broker(state),
        hindrances: state.hindrances().clone(),
        fetch_max: consumers.map_or(FETCH_MAX, |section| section.fetch_max.get() as usize),
        acknowledgement: design.acknowledgement.clone(),
        rules: Rules::of(design),
        behind,
        ids: Ids::named(node, &format!("event-ids/{topic}"), &telemetry),
        // A restarted process draws from a stream of its own.
        jitter: Mutex::new(node.rng(&format!("redelivery-jitter/{topic}/{since}"))),
        telemetry,
        outages: Outages::of(topic, consuming.group),
        away: Away::of(topic, consuming.group),
        consuming,
    };
    // Detached: it ends with its process, or leaves when that is to stop.
    node.spawn(Arc::new(worker).run());
}

impl Worker {
    async fn run(self: Arc<Self>) {
        let _unfinished = self.node.stopping().hold();
        while let Some(consumer) = self.join().await {
            Session::new(Arc::clone(&self), consumer).run().await;
        }
    }

    /// Joins the group, as soon as that is possible; `None` when the process is to stop before.
    async fn join(&self) -> Option<Box<dyn Consumer>> {
        for failures in 1.. {
            if self.node.stopping().has_begun() {
                return None;
            }
            let error = match timeout(CALL_WITHIN, self.declare_and_subscribe()).await {
                Ok(Ok(consumer)) => {
                    self.hindrances.set(self.consuming.topic, None);
                    return Some(consumer);
                }
                Ok(Err(error)) => error.to_string(),
                Err(_elapsed) => format!("no answer within {} s", CALL_WITHIN.as_secs()),
            };
            self.outages.fetching.failed(&error);
            self.hindrances.set(self.consuming.topic, Some(error));
            self.wait(pause(failures)).await;
        }
        None
    }

    async fn declare_and_subscribe(&self) -> Result<Box<dyn Consumer>, BrokerError> {
        self.broker.declare(&layout()).await?;
        let lease = self.acknowledgement.as_ref().map(|section| section.lease.get());
        let subscription = Subscription {
            topic: self.consuming.topic.to_owned(),
            group: self.consuming.group.to_owned(),
            consumer: self.node.name().to_owned(),
            lease: lease.unwrap_or(LEASE_ON_DELIVERY),
            in_flight_max: self.consuming.at_once,
        };
        self.broker.subscribe(subscription).await
    }

    /// Waits, unless the process is to stop.
    async fn wait(&self, pause: Duration) {
        tokio::select! {
            biased;
            () = self.node.stopping().begun() => {}
            () = self.node.sleep(pause) => {}
        }
    }

    /// Works on an event to its end, and says what is to become of it.
    async fn work(&self, delivery: Delivery) -> Verdict {
        let Consuming { topic, group, .. } = self.consuming;
        let _counted = self.consuming.in_work.as_ref().map(Gauge::enter);
        let since = self.node.now();
        let Delivery { message, attempt, .. } = delivery;
        let verdict = match Envelope::parse(&message.payload) {
            Ok(envelope) => {
                let context = RequestContext::of_event(&self.ids, &envelope);
                context.about(envelope.event.order_id());
                let span = context.span("event").telling_the_order();
                let log = context.event_span(topic, envelope.event.name());
                let context = context.within(&span);
                let received = Received { envelope, event_id: message.event_id, context };
                let verdict = self.handled(&received, attempt).instrument(log).await;
                span.end(word(&verdict));
                verdict
            }
            Err(undecodable) => {
                let trouble = Trouble::from(undecodable);
                self.note(&trouble, &message.event_id, attempt);
                match self.rules.judge(trouble.why, attempt, self.unit()) {
                    Judgement::Again(delay) => Verdict::RetryAfter { delay, reason: trouble.detail },
                    Judgement::Dies => self.put_aside(trouble, &message.event_id, attempt),
                }
            }
        };
        let took = self.node.now().saturating_duration_since(since);
        self.telemetry.events().processed(topic, group, took);
        verdict
    }

    async fn handled(&self, received: &Received, attempt: u32) -> Verdict {
        let handler = &self.consuming.handler;
        let Err(trouble) = self.in_time(handler.handle(received)).await else {
            self.away.dealt_with(self.node.now());
            return Verdict::Ack;
        };
        self.note(&trouble, &received.event_id, attempt);
        if let Judgement::Again(delay) = self.rules.judge(trouble.why, attempt, self.unit()) {
            return Verdict::RetryAfter { delay, reason: trouble.detail };
        }
        match self.in_time(handler.bury(received, &trouble)).await {
            Ok(Buried::Aside) => self.put_aside(trouble, &received.event_id, attempt),
            Ok(Buried::DealtWith) => Verdict::Ack,
            Err(hindered) => {
                self.note(&hindered, &received.event_id, attempt);
                let reason = format!("{}; it cannot be put aside yet: {}", trouble.detail, hindered.detail);
                Verdict::RetryAfter { delay: self.rules.delay(attempt, self.unit()), reason }
            }
        }
    }

    /// The work on an event has an end, where it is acknowledged by hand.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
        let Some(limit) = self.acknowledgement.as_ref().map(|section| section.work_max) else {
            return work.await;
        };
        let slow = |_elapsed| Trouble::new(Why::Slow, format!("not done within {limit}"));
        timeout(limit.get(), work).await.unwrap_or_else(|elapsed| Err(slow(elapsed)))
    }

    /// Counts a failed attempt. What is away is told once for all events; what only failed comes again and is nobody's
    /// matter until it is put aside; what nobody here can deal with is said the first time.
    fn note(&self, trouble: &Trouble, event_id: &EventId, attempt: u32) {
        let topic = self.consuming.topic;
        self.telemetry.events().failed(topic, trouble.why);
        let (why, detail) = (trouble.why.as_str(), trouble.detail.as_str());
        if trouble.why.is_away() {
            self.away.met(trouble, self.node.now());
        }
        if trouble.why.is_of_the_event() && attempt == 1 {
            tracing::warn!(topic, %event_id, why, detail, "an event cannot be dealt with here");
        } else {
            tracing::debug!(topic, %event_id, attempt, why, detail, "an event was not dealt with");
        }
    }

    /// Says that an event dies, which somebody should look at.
    fn put_aside(&self, trouble: Trouble, event_id: &EventId, attempts: u32) -> Verdict {
        let Trouble { why, detail } = trouble;
        let (topic, why) = (self.consuming.topic, why.as_str());
        tracing::warn!(topic, %event_id, attempts, why, detail, "an event is put aside");
        Verdict::Dead { reason: detail }
    }

    fn unit(&self) -> f64 {
        draw::open_unit(&mut self.jitter.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

const fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Ack => "dealt with",
        Verdict::RetryAfter { .. } => "comes again",
        Verdict::Dead { .. } => "dead letter",
    }
}
