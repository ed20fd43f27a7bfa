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
use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use super::connection::Nats;
use super::error::Refusal;
use super::held::Held;
use super::message;
use super::pull::{self, Looked, OUTLIVES, Pull};

/// How long is waited before the server is asked again that had nothing to give.
const ASK_AGAIN: Duration = Duration::from_millis(10);

/// A consumer of a group.
pub(super) struct NatsConsumer {
    nats: Nats,
    subscription: Subscription,
    held: Mutex<Held<InHand>>,
    /// Requests of fetches that are over, with the room that is reserved for each.
    left: Mutex<Vec<Pull>>,
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

impl NatsConsumer {
    pub(super) fn new(nats: Nats, subscription: Subscription) -> Self {
        let held = Mutex::new(Held::new(subscription.in_flight_max));
        Self { nats, subscription, held, left: Mutex::default(), freed: Notify::new() }
    }

    fn held(&self) -> MutexGuard<'_, Held<InHand>> {
        self.held.lock().expect("nobody panics with it")
    }

    fn left(&self) -> MutexGuard<'_, Vec<Pull>> {
        self.left.lock().expect("nobody panics with it")
    }

    /// Gives room back.
    fn release(&self, room: usize) {
        self.held().release(room);
        self.freed.notify_waiters();
    }

    /// A request that is open still: one that was left behind, or else a new one for as many as there is room for.
    /// `None` when there was no room in time.
    async fn open(&self, wanted: usize, until: Instant) -> Result<Option<Open<'_>>, BrokerError> {
        loop {
            let freed = self.freed.notified();
            if let Some(pull) = self.left().pop() {
                return Ok(Some(Open { consumer: self, pull: Some(pull) }));
            }
            let (reserved, first_end) = {
                let mut held = self.held();
                (held.reserve(wanted, Instant::now()), held.first_end())
            };
            if reserved > 0 {
                let room = Room { consumer: self, reserved };
                let pull = self.ask(reserved, until).await?;
                return Ok(Some(Open { consumer: self, pull: Some(room.filled(pull)) }));
            }
            let now = Instant::now();
            if now >= until {
                return Ok(None);
            }
            // A lease that is over makes room as well.
            let look_again =
                first_end.map_or(until, |end| end.min(until)).max(now + Duration::from_millis(1));
            let _either = timeout_at(look_again, freed).await;
        }
    }

    async fn ask(&self, batch: usize, until: Instant) -> Result<Pull, BrokerError> {
        let Subscription { topic, group, .. } = &self.subscription;
        let client = &self.nats.inner.client;
        let unsent = |error: &dyn fmt::Display| BrokerError::untouched(error.to_string());
        let inbox = client.new_inbox();
        let answers = client.subscribe(inbox.clone()).await.map_err(|error| unsent(&error))?;
        let now = Instant::now();
        let wait = until.saturating_duration_since(now);
        let request = pull::Request::new(batch, wait).to_json();
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{}.{group}", self.nats.stream_of(topic));
        client.publish_with_reply(subject, inbox, request.into()).await.map_err(|error| unsent(&error))?;
        Ok(Pull::new(answers, batch, now + wait + OUTLIVES, now))
    }

    /// Reads what a request brings, until it has brought enough, is over, or takes too long.
    async fn read(
        &self,
        open: &mut Open<'_>,
        max: usize,
        until: Instant,
    ) -> Result<Vec<Delivery>, BrokerError> {
        let Subscription { topic, group, .. } = &self.subscription;
        let mut found = Vec::new();
        while found.len() < max && open.is_open() {
            let looked = tokio::select! {
                biased;
                looked = open.next(until) => looked,
                () = self.nats.broken() => {
                    open.end();
                    if found.is_empty() {
                        return Err(BrokerError::untouched("the connection broke"));
                    }
                    break;
                }
            };
            let (answer, since) = match looked {
                Looked::Came(answer, since) => (answer, since),
                Looked::Nothing => break,
                Looked::Silence => {
                    open.end();
                    break;
                }
            };
            match answer.status {
                None | Some(StatusCode::OK) => {
                    found.extend(self.delivery(answer, since));
                    open.came();
                }
                Some(StatusCode::IDLE_HEARTBEAT) => {}
                // Nothing more, or nothing in time.
                Some(StatusCode::NOT_FOUND | StatusCode::TIMEOUT) => open.end(),
                Some(status) => {
                    open.end();
                    let detail = answer.description.unwrap_or_default();
                    if detail.contains("MaxAckPending") {
                        // The group has more unsettled than the server keeps: it is waited for.
                        tokio::time::sleep_until(until).await;
                    } else if found.is_empty() && status == StatusCode::NO_RESPONDERS {
                        let detail = format!("the server does not know the group {group} of {topic}");
                        return Err(BrokerError::untouched(detail));
                    } else if found.is_empty() {
                        return Err(BrokerError::untouched(format!("the server says {status}: {detail}")));
                    }
                }
            }
        }
        Ok(found)
    }

    /// Takes a message in hand, with a lease since then. What is no message of JetStream's is passed over, and what has
    /// lain so long that its lease is over.
    fn delivery(&self, answer: async_nats::Message, since: Instant) -> Option<Delivery> {
        let until = since + self.subscription.lease;
        if until <= Instant::now() {
            return None;
        }
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
        self.held().put(receipt, until, in_hand);
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

/// A request in the hands of a fetch: it is left behind when that is over.
struct Open<'a> {
    consumer: &'a NatsConsumer,
    pull: Option<Pull>,
}

impl Open<'_> {
    const fn is_open(&self) -> bool {
        self.pull.is_some()
    }

    async fn next(&mut self, until: Instant) -> Looked {
        self.pull.as_mut().expect("it is asked while it is open").next(until).await
    }

    /// One of its messages came.
    fn came(&mut self) {
        let pull = self.pull.as_mut().expect("it came while it was open");
        pull.missing -= 1;
        let is_over = pull.missing == 0;
        self.consumer.release(1);
        if is_over {
            self.pull = None;
        }
    }

    /// Nothing comes any more.
    fn end(&mut self) {
        if let Some(pull) = self.pull.take() {
            self.consumer.release(pull.missing);
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(pull) = self.pull.take() {
            self.consumer.left().push(pull);
            // Whoever waits for room can take it up.
            self.consumer.freed.notify_waiters();
        }
    }
}

/// Room for messages that are going to be asked for.
struct Room<'a> {
    consumer: &'a NatsConsumer,
    reserved: usize,
}

impl Room<'_> {
    /// From here on it is the request's.
    fn filled(mut self, pull: Pull) -> Pull {
        self.reserved = 0;
        pull
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.consumer.release(self.reserved);
    }
}

#[async_trait]
impl Consumer for NatsConsumer {
    async fn fetch(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, BrokerError> {
        let until = Instant::now() + wait;
        if max == 0 {
            return Ok(Vec::new());
        }
        loop {
            self.nats.ready().await?;
            let Some(mut open) = self.open(max, until).await? else { return Ok(Vec::new()) };
            let found = self.read(&mut open, max, until).await?;
            if !found.is_empty() || Instant::now() >= until {
                return Ok(found);
            }
            // It ran out, or others have asked for all there are.
            drop(open);
            tokio::time::sleep_until(until.min(Instant::now() + ASK_AGAIN)).await;
        }
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
        let pulls = std::mem::take(&mut *self.left());
        let mut replies: Vec<_> = self.held().take_all().into_iter().map(|in_hand| in_hand.reply).collect();
        for pull in pulls {
            self.release(pull.missing);
            let messages = pull.rest().into_iter().filter(|answer| answer.status.is_none());
            replies.extend(messages.filter_map(|answer| answer.reply));
        }
        let given_back = replies.into_iter().map(|reply| self.say(reply, AckKind::Nak(None)));
        // What the server does not hear of it gives out again when the leases are over.
        let _heard = timeout(self.nats.inner.settings.answer_timeout, join_all(given_back)).await;
    }
}

impl fmt::Debug for NatsConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsConsumer").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}
