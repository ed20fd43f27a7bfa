//! One consumer of a group: it pulls, and acknowledges each message so that it knows that the server knows.

use std::fmt;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_nats::jetstream::{self, AckKind};
use async_nats::{Request, StatusCode, Subject};
use async_trait::async_trait;
use bytes::Bytes;
use domain::Message;
use domain::broker::{
    BrokerError, Consumer, DeadLetter, Delivery, FailedAttempt, Receipt, Settlement, Subscription, Verdict,
};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use super::connection::Nats;
use super::error::Refusal;
use super::held::Held;
use super::message;

/// A consumer of a group.
pub(super) struct NatsConsumer {
    nats: Nats,
    subscription: Subscription,
    held: Mutex<Held<InHand>>,
    /// Somebody settled something: there may be room.
    freed: Notify,
}

/// A message in the consumer's hands.
#[derive(Debug)]
struct InHand {
    /// Where to say what became of it.
    reply: Subject,
    message: Message,
    attempt: u32,
}

/// Asks for messages: answered as soon as there are any, and at the latest when it expires.
#[derive(Serialize)]
struct Pull {
    batch: usize,
    no_wait: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
}

impl NatsConsumer {
    pub(super) fn new(nats: Nats, subscription: Subscription) -> Self {
        let held = Mutex::new(Held::new(subscription.in_flight_max));
        Self { nats, subscription, held, freed: Notify::new() }
    }

    fn held(&self) -> MutexGuard<'_, Held<InHand>> {
        self.held.lock().expect("nobody panics with it")
    }

    /// Room for at least one message; `None` when there was none in time.
    async fn room(&self, wanted: usize, until: Instant) -> Option<Room<'_>> {
        loop {
            let freed = self.freed.notified();
            let (reserved, first_end) = {
                let mut held = self.held();
                (held.reserve(wanted, Instant::now()), held.first_end())
            };
            if reserved > 0 {
                return Some(Room { consumer: self, reserved });
            }
            let now = Instant::now();
            if now >= until {
                return None;
            }
            // A lease that is over makes room as well.
            let look_again =
                first_end.map_or(until, |end| end.min(until)).max(now + Duration::from_millis(1));
            let _either = timeout_at(look_again, freed).await;
        }
    }

    async fn pull(&self, batch: usize, until: Instant) -> Result<Vec<Delivery>, BrokerError> {
        let Subscription { topic, group, .. } = &self.subscription;
        let client = &self.nats.inner.client;
        let unsent = |error: &dyn fmt::Display| BrokerError::untouched(error.to_string());
        let inbox = client.new_inbox();
        let mut answers = client.subscribe(inbox.clone()).await.map_err(|error| unsent(&error))?;
        let wait =
            u64::try_from(until.saturating_duration_since(Instant::now()).as_nanos()).unwrap_or(u64::MAX);
        let pull = Pull { batch, no_wait: true, expires: (wait > 0).then_some(wait) };
        let pull = serde_json::to_vec(&pull).expect("it has text keys only");
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{}.{group}", self.nats.stream_of(topic));
        client.publish_with_reply(subject, inbox, pull.into()).await.map_err(|error| unsent(&error))?;

        // A server that is busy says later that there is nothing; one that is gone is found out by the connection.
        let silent = until + self.nats.inner.settings.answer_timeout;
        let mut found = Vec::new();
        while found.len() < batch {
            let answer = tokio::select! {
                biased;
                answer = timeout_at(silent, answers.next()) => answer,
                () = self.nats.broken() => Ok(None),
            };
            let answer = match answer {
                Ok(Some(answer)) => answer,
                Ok(None) if found.is_empty() => return Err(BrokerError::untouched("the connection broke")),
                Ok(None) | Err(_) => break,
            };
            match answer.status {
                None | Some(StatusCode::OK) => found.extend(self.delivery(answer)),
                Some(StatusCode::IDLE_HEARTBEAT) => {}
                // Nothing more, or nothing in time.
                Some(StatusCode::NOT_FOUND | StatusCode::TIMEOUT) => break,
                Some(StatusCode::NO_RESPONDERS) => {
                    let detail = format!("the server does not know the group {group} of {topic}");
                    return Err(BrokerError::untouched(detail));
                }
                Some(status) => {
                    let detail = answer.description.unwrap_or_default();
                    if detail.contains("MaxAckPending") {
                        // The group has more unsettled than the server keeps: it is waited for.
                        tokio::time::sleep_until(until).await;
                        break;
                    }
                    if found.is_empty() {
                        return Err(BrokerError::untouched(format!("the server says {status}: {detail}")));
                    }
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Takes a message in hand. What is no message of JetStream's is passed over.
    fn delivery(&self, answer: async_nats::Message) -> Option<Delivery> {
        let context = self.nats.inner.context.clone();
        let answer = jetstream::Message { message: answer, context };
        let (receipt, attempt, taken_us) = {
            let info = answer.info().ok()?;
            let receipt = Receipt { message: info.stream_sequence, delivery: info.consumer_sequence };
            let taken_us = info.published.unix_timestamp_nanos() / 1000;
            (receipt, u32::try_from(info.delivered).unwrap_or(u32::MAX), u64::try_from(taken_us).unwrap_or(0))
        };
        let async_nats::Message { reply, payload, headers, .. } = answer.message;
        let topic = &self.subscription.topic;
        let message = message::read(topic, headers.as_ref(), &payload, receipt.message, taken_us);
        let in_hand = InHand { reply: reply?, message: message.clone(), attempt };
        self.held().put(receipt, Instant::now() + self.subscription.lease, in_hand);
        Some(Delivery { message, attempt, receipt })
    }

    /// Says something of a message, and waits until the server has heard it.
    async fn say(&self, reply: Subject, what: AckKind) -> Result<(), BrokerError> {
        let request = Request::new().payload(Bytes::from(what));
        let said = self.nats.answered(self.nats.inner.client.send_request(reply, request)).await?;
        said.map(drop).map_err(|error| Refusal::from(error).into())
    }

    async fn settle_one(
        &self,
        receipt: Receipt,
        verdict: &Verdict,
        held: &InHand,
    ) -> Result<(), BrokerError> {
        let Subscription { topic, group, consumer, .. } = &self.subscription;
        let InHand { reply, message, attempt } = held;
        let place = receipt.message;
        let what = match verdict {
            Verdict::Ack => AckKind::Ack,
            Verdict::RetryAfter { delay, reason } => {
                let failed = FailedAttempt {
                    attempt: *attempt,
                    at_us: self.nats.now_us(),
                    consumer: consumer.clone(),
                    reason: reason.clone(),
                };
                self.nats.remember(topic, group, place, &message.event_id, failed).await?;
                AckKind::Nak(Some(*delay))
            }
            Verdict::Dead { reason } => {
                let letter = DeadLetter {
                    id: String::new(),
                    group: group.clone(),
                    message: message.clone(),
                    attempts: *attempt,
                    reason: reason.clone(),
                    at_us: self.nats.now_us(),
                    history: self.nats.history(topic, group, place, &message.event_id).await?,
                };
                self.nats.bury(letter, place).await?;
                AckKind::Term
            }
        };
        self.say(reply.clone(), what).await
    }
}

/// Room for messages that are being pulled.
struct Room<'a> {
    consumer: &'a NatsConsumer,
    reserved: usize,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.consumer.held().release(self.reserved);
        self.consumer.freed.notify_waiters();
    }
}

#[async_trait]
impl Consumer for NatsConsumer {
    async fn fetch(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, BrokerError> {
        let until = Instant::now() + wait;
        let Some(room) = self.room(max, until).await else { return Ok(Vec::new()) };
        self.nats.ready().await?;
        self.pull(room.reserved, until).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<usize, BrokerError> {
        self.nats.ready().await?;
        let now = Instant::now();
        let total = settlements.len();
        let ours: Vec<_> = {
            let mut held = self.held();
            let take = |Settlement { receipt, verdict }: Settlement| {
                held.take(receipt, now).map(|(in_hand, until)| (receipt, verdict, in_hand, until))
            };
            settlements.into_iter().filter_map(take).collect()
        };
        let lost = total - ours.len();
        let said =
            ours.iter().map(|(receipt, verdict, in_hand, _)| self.settle_one(*receipt, verdict, in_hand));
        let said = join_all(said).await;
        let mut failed = None;
        for ((receipt, _, in_hand, until), result) in ours.into_iter().zip(said) {
            if let Err(error) = result {
                // It can be said again.
                self.held().put(receipt, until, in_hand);
                failed = Some(error);
            }
        }
        self.freed.notify_waiters();
        match failed {
            None => Ok(lost),
            Some(error) => Err(BrokerError::unknown(error.to_string())),
        }
    }

    async fn extend(&self, receipts: &[Receipt]) -> Result<usize, BrokerError> {
        self.nats.ready().await?;
        let now = Instant::now();
        let ours: Vec<_> = {
            let held = self.held();
            let reply = |receipt: &Receipt| Some((*receipt, held.get(*receipt, now)?.reply.clone()));
            receipts.iter().filter_map(reply).collect()
        };
        let lost = receipts.len() - ours.len();
        let said = join_all(ours.iter().map(|(_, reply)| self.say(reply.clone(), AckKind::Progress))).await;
        said.into_iter().collect::<Result<(), _>>()?;
        let until = now + self.subscription.lease;
        let mut held = self.held();
        ours.into_iter().for_each(|(receipt, _)| held.extend(receipt, until));
        Ok(lost)
    }

    async fn close(&self) {
        let left = self.held().take_all();
        let given_back = left.into_iter().map(|in_hand| self.say(in_hand.reply, AckKind::Nak(None)));
        // What the server does not hear of it gives out again when the leases are over.
        let _heard = timeout(self.nats.inner.settings.answer_timeout, join_all(given_back)).await;
    }
}

impl fmt::Debug for NatsConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsConsumer").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}
