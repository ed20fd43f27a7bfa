//! The sections of a design whose services are joined by a broker: what makes *accepted* mean *will be done, once*.
//!
//! ```text
//! order-api ─[outbox]─▶ broker ─[acknowledgement]─▶ consumer ─[inbox]─▶ effect
//!     ▲                    ▲                            │
//!     └─────[consumers]────┤◀────[delayed_retries]──────┤ failed
//!                          └◀─────[dead_letters]────────┘ failed for good
//! ```
//!
//! Each of them is one constraint and stands alone where it can; what needs another says so ([`Design::check`]). What a
//! design without them does is said with each section: the naive baseline is honestly naive.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Design, Idempotency, PositiveDuration, Topology, idempotency};
use crate::hardship::Hardship;
use crate::kind::ServiceKind;

/// What order-api tells others is committed together with the order, and a relay publishes it from there until the
/// broker has it. Without it an order is published once, in the background, after it was stored: if the process dies
/// in between, or the broker is away, nobody ever hears of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outbox {
    /// Messages that are published at a time, at most; 256 unless stated.
    #[serde(default = "batch_max_default")]
    pub batch_max: NonZeroU32,
    /// How often the relay looks for messages that nobody woke it for, and how long it waits before it tries a broker
    /// again that did not take them; 500 ms unless stated.
    #[serde(default = "poll_every_default")]
    pub poll_every: PositiveDuration,
}

const fn batch_max_default() -> NonZeroU32 {
    NonZeroU32::new(256).expect("not zero")
}

const fn poll_every_default() -> PositiveDuration {
    PositiveDuration::from_millis(500)
}

/// An event is acknowledged when it is dealt with, and given back when that failed. Without it an event is
/// acknowledged as soon as it is delivered: whatever fails after that, or dies, has lost it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "AcknowledgementSection", into = "AcknowledgementSection")]
pub struct Acknowledgement {
    /// How long the broker waits for a consumer that says nothing before it gives an event to another one.
    pub lease: PositiveDuration,
    /// How long one event may be worked on; its lease is begun anew as long as that lasts.
    pub work_max: PositiveDuration,
}

/// The `[acknowledgement]` section as people write it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Acknowledgement")]
struct AcknowledgementSection {
    /// How long the broker waits for a consumer that says nothing before it gives an event to another one; at least 100 ms.
    lease: PositiveDuration,
    /// How long one event may be worked on; its lease is begun anew as long as that lasts. Then it counts as failed,
    /// whatever becomes of it. As long as the lease unless stated.
    #[serde(default)]
    work_max: Option<PositiveDuration>,
}

/// The shortest lease: a third of it is what begins it anew.
const LEASE_MIN: PositiveDuration = PositiveDuration::from_millis(100);

impl TryFrom<AcknowledgementSection> for Acknowledgement {
    type Error = String;

    fn try_from(section: AcknowledgementSection) -> Result<Self, String> {
        let AcknowledgementSection { lease, work_max } = section;
        if lease < LEASE_MIN {
            return Err(format!(
                "a lease of {lease} is over before it could be begun anew: {LEASE_MIN} is the least"
            ));
        }
        Ok(Self { lease, work_max: work_max.unwrap_or(lease) })
    }
}

impl From<Acknowledgement> for AcknowledgementSection {
    fn from(section: Acknowledgement) -> Self {
        Self { lease: section.lease, work_max: Some(section.work_max) }
    }
}

/// However often an event comes, it has its effect once: a notice has the id of the event that it goes back to, a
/// charge has the order's id as its key, and an order that has a step behind it does not take it again. So has what clients
/// send: an order under an `Idempotency-Key` is one order. Without it every delivery has its effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inbox {
    /// How long payment remembers what it answered to a key, beyond the charge itself, which it never forgets; 1 h
    /// unless stated.
    #[serde(default = "idempotency::expiry_default")]
    pub expiry: PositiveDuration,
    /// How long a key stays taken at payment when whoever held it has crashed; 30 s unless stated. Longer than any
    /// payment.
    #[serde(default = "idempotency::lease_default")]
    pub lease: PositiveDuration,
}

/// An event that failed comes again later, and later each time. Without it, it comes again at once (after 100
/// ms); where nothing is acknowledged by hand it never does, so a payment is repeated on the spot until it succeeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "DelayedRetriesSection", into = "DelayedRetriesSection")]
pub struct DelayedRetries {
    /// The longest delay after the first failure; it doubles with each. Chance takes up to half of it.
    pub delay: PositiveDuration,
    /// No delay is longer.
    pub delay_max: PositiveDuration,
}

/// The `[delayed_retries]` section as people write it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DelayedRetries")]
struct DelayedRetriesSection {
    /// The longest delay after the first failure; it doubles with each. Chance takes up to half of it.
    delay: PositiveDuration,
    /// No delay is longer. What was written by a newer program waits so long each time.
    delay_max: PositiveDuration,
}

impl TryFrom<DelayedRetriesSection> for DelayedRetries {
    type Error = String;

    fn try_from(section: DelayedRetriesSection) -> Result<Self, String> {
        let DelayedRetriesSection { delay, delay_max } = section;
        if delay > delay_max {
            return Err(format!("a delay of {delay} is above the longest, {delay_max}"));
        }
        Ok(Self { delay, delay_max })
    }
}

impl From<DelayedRetries> for DelayedRetriesSection {
    fn from(section: DelayedRetries) -> Self {
        let DelayedRetries { delay, delay_max } = section;
        Self { delay, delay_max }
    }
}

/// An event that cannot be dealt with is put aside for people, with the reason. Without it, one that nobody can read is
/// dropped where events are acknowledged on delivery, and comes back for ever where they are acknowledged by hand.
///
/// What can never succeed dies at once: what nobody can read, and what contradicts how its order ended. What fails
/// dies after `attempts_max`, and so does what a newer program wrote. What fails because something is away (a store, the
/// broker, payment) never dies of it. An order whose event dies is closed first: its key is voided at payment, so that
/// nothing can be charged under it any more, and the order is told as failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetters {
    /// After so many attempts an event that fails is put aside.
    pub attempts_max: NonZeroU32,
}

/// So much at once, and no more than can be done in time. Without it a consumer works on whatever it is given at once
/// (up to 10,000 events, far above anything that helps), and order-api accepts whatever comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consumers {
    /// Payments that one order-processor has under way at once; with `autoscale` the most of them.
    pub workers: NonZeroU32,
    /// Events that order-api and notification-service each work on at once; 256 unless stated.
    #[serde(default = "in_hand_max_default")]
    pub in_hand_max: NonZeroU32,
    /// Events that are fetched at a time, at most; 64 unless stated.
    #[serde(default = "fetch_max_default")]
    pub fetch_max: NonZeroU32,
    /// How soon after it was accepted an order is to be done. order-api refuses (429) while what was accepted and not
    /// yet paid for is more than that allows at the rate of all payments together.
    pub completion_slo: PositiveDuration,
    /// Instead of what follows from `completion_slo`: how many orders may wait, where the rate is not the design's own
    /// (when order-processors come and go).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backlog_max: Option<NonZeroU32>,
    /// How often order-api looks at what waits; 200 ms unless stated. What it accepts in between counts in full, so that
    /// the bound holds in between as well.
    #[serde(default = "look_every_default")]
    pub look_every: PositiveDuration,
    /// How many of the workers an order-processor has at a time, by what waits; all of them unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscale: Option<Autoscale>,
}

/// Workers come and go with the backlog: what is published and not dealt with, in somebody's hands or not. Up at once to
/// what it needs, down one step (a quarter) after each cool-down in which fewer would have done. Several
/// order-processors take equal shares of the backlog: what all have to do, divided by the replicas of the design.
/// What is accepted is bounded by `workers`, the most there may be, as they are there when they are needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Autoscale {
    /// There are never fewer workers; 1 unless stated.
    pub workers_min: NonZeroU32,
    /// Orders not dealt with for which there is a worker each time; 1 unless stated: then nobody waits for a worker until
    /// there are as many as there may be. With more there are fewer workers, and orders wait.
    pub backlog_per_worker: NonZeroU32,
    /// How often the backlog is looked at; 1 s unless stated.
    pub every: PositiveDuration,
    /// How long fewer workers must have been enough before there are fewer; 10 s unless stated.
    pub cool_down: PositiveDuration,
}

impl Default for Autoscale {
    fn default() -> Self {
        Self {
            workers_min: NonZeroU32::MIN,
            backlog_per_worker: NonZeroU32::MIN,
            every: PositiveDuration::from_secs(1),
            cool_down: PositiveDuration::from_secs(10),
        }
    }
}

impl Autoscale {
    /// Whether it goes together with the most workers there may be.
    fn check(&self, workers: NonZeroU32) -> Result<(), String> {
        let Self { workers_min, every, cool_down, .. } = self;
        if *workers_min > workers {
            return Err(format!(
                "[consumers] autoscale: workers_min = {workers_min} is above workers = {workers}, the most there may be"
            ));
        }
        if cool_down < every {
            return Err(format!(
                "[consumers] autoscale: within a cool_down of {cool_down} nobody looks at the backlog, which happens \
                 every {every}"
            ));
        }
        Ok(())
    }
}

const fn in_hand_max_default() -> NonZeroU32 {
    NonZeroU32::new(256).expect("not zero")
}

const fn fetch_max_default() -> NonZeroU32 {
    NonZeroU32::new(64).expect("not zero")
}

const fn look_every_default() -> PositiveDuration {
    PositiveDuration::from_millis(200)
}

impl Design {
    /// How keys are kept where calls have any: as `[idempotency]` says, or `[inbox]`.
    #[must_use]
    pub fn keys(&self) -> Option<Idempotency> {
        let inbox = self.inbox.as_ref().map(|inbox| Idempotency { expiry: inbox.expiry, lease: inbox.lease });
        self.idempotency.clone().or(inbox)
    }

    /// How many orders may be accepted and not yet paid for; `None` without `[consumers]`.
    #[must_use]
    pub fn backlog_max(&self) -> Option<u64> {
        let consumers = self.consumers.as_ref()?;
        if let Some(stated) = consumers.backlog_max {
            return Some(stated.get().into());
        }
        let within_slo = self.completions_per_s()? * consumers.completion_slo.get().as_secs_f64();
        // At least one, or nothing would ever be accepted.
        Some((within_slo as u64).max(1))
    }

    /// Orders per second that the workers of all order-processors (the most of them, where they come and go) and
    /// payment's slots can bring to an end together; `None` without `[consumers]`.
    #[must_use]
    pub fn completions_per_s(&self) -> Option<f64> {
        let workers = f64::from(self.consumers.as_ref()?.workers.get());
        let workers = workers * f64::from(self.replicas_of(ServiceKind::OrderProcessor));
        let per_slot =
            self.payment.capacity_per_s(&Hardship::default()) / f64::from(self.payment.slots.get());
        Some(per_slot * workers.min(f64::from(self.payment.slots.get())))
    }

    /// What is wrong between the sections that belong to a broker and the rest, if anything.
    ///
    /// # Errors
    /// In words.
    pub(super) fn check_events(&self) -> Result<(), String> {
        let stated = [
            ("outbox", self.outbox.is_some()),
            ("acknowledgement", self.acknowledgement.is_some()),
            ("inbox", self.inbox.is_some()),
            ("delayed_retries", self.delayed_retries.is_some()),
            ("dead_letters", self.dead_letters.is_some()),
            ("consumers", self.consumers.is_some()),
        ];
        if self.topology != Topology::Events {
            return match stated.into_iter().find(|(_, is_stated)| *is_stated) {
                None => Ok(()),
                Some((section, _)) => Err(format!(
                    "[{section}] needs topology = \"events\": in a {} no event is ever published",
                    self.topology.as_str()
                )),
            };
        }
        if let Some(section) = &self.consumers
            && let Some(autoscale) = &section.autoscale
        {
            autoscale.check(section.workers)?;
        }
        if self.backpressure.is_some() {
            return Err("[backpressure] bounds calls to order-processor, and where a broker joins the services there \
                        are none: [consumers] bounds its work"
                .to_owned());
        }
        if self.composition.is_some() {
            return Err("[composition] settles what a call left open, and where a broker joins the services an event \
                        is never left: [dead_letters] closes its order"
                .to_owned());
        }
        if self.acknowledgement.is_none() {
            for (section, is_stated) in &stated[3..5] {
                if *is_stated {
                    return Err(format!(
                        "[{section}] needs [acknowledgement]: an event that is acknowledged on delivery never comes \
                         again"
                    ));
                }
            }
        }
        if self.dead_letters.is_some() && self.keys().is_none() {
            return Err("[dead_letters] needs [inbox] or [idempotency]: an order is closed by voiding its charge's key"
                .to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
