//! Dead letters and what is remembered of the attempts before them: streams of our own, as JetStream has neither.
//!
//! A letter is the message as it was, and what is known of it as JSON in a header. It is written before the message is
//! acknowledged, under an id of its place, so that writing it again does not make two of it. What is remembered of an
//! attempt is read only here, when the message dies.

use std::collections::BTreeMap;

use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use async_nats::jetstream::stream::RawMessage;
use async_trait::async_trait;
use domain::EventId;
use domain::broker::{BrokerError, DeadLetter, DeadLetterFilter, DeadLetters, FailedAttempt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::connection::Nats;
use super::error::{Refusal, of_publish};
use super::message::{self, published};
use crate::wire::{HISTORY_MAX, LETTER, Letter, remember};

/// Digits of a letter's id: enough for ids to sort as their numbers do.
const DIGITS: usize = 12;

/// An attempt as it is remembered. The event's id tells whether it is of this message, and not of one that had its
/// place in a stream that was there before.
#[derive(Serialize, Deserialize)]
struct Remembered {
    event_id: EventId,
    #[serde(flatten)]
    attempt: FailedAttempt,
}

impl Nats {
    /// Remembers why an attempt failed.
    pub(super) async fn remember(
        &self,
        topic: &str,
        group: &str,
        place: u64,
        event_id: &EventId,
        attempt: FailedAttempt,
    ) -> Result<(), BrokerError> {
        let mut cut = Vec::new();
        remember(&mut cut, attempt);
        let attempt = cut.pop().expect("it was put there");
        let subject = self.history_subject(topic, group, place);
        let known_by = format!("{subject}.{}", attempt.attempt);
        let remembered = Remembered { event_id: event_id.clone(), attempt };
        let payload = serde_json::to_vec(&remembered).expect("it has text keys only");
        self.write(subject, PublishMessage::build().payload(payload.into()).message_id(known_by)).await
    }

    /// What is remembered of a message's attempts.
    pub(super) async fn history(
        &self,
        topic: &str,
        group: &str,
        place: u64,
        event_id: &EventId,
    ) -> Result<Vec<FailedAttempt>, BrokerError> {
        let subject = self.history_subject(topic, group, place);
        let mut history = Vec::new();
        let mut from = 1;
        while history.len() < HISTORY_MAX
            && let Some(found) = self.next_of(&self.history_stream(), from, &subject).await?
        {
            from = found.sequence + 1;
            if let Ok(read) = serde_json::from_slice::<Remembered>(&found.payload)
                && read.event_id == *event_id
            {
                remember(&mut history, read.attempt);
            }
        }
        Ok(history)
    }

    /// Writes a dead letter.
    pub(super) async fn bury(&self, letter: DeadLetter, place: u64) -> Result<(), BrokerError> {
        let DeadLetter { group, message, attempts, reason, at_us, history, .. } = letter;
        let subject = self.dead_subject(&message.topic, &group);
        let mut headers = message::headers(&message);
        headers.insert(NATS_MESSAGE_ID, format!("{subject}.{place}.{}", message.event_id).as_str());
        let known = Letter { group, attempts, reason, at_us, history }.to_json();
        headers.insert(LETTER, known.as_str());
        self.write(subject, PublishMessage::build().payload(message.payload.into()).headers(headers)).await
    }

    async fn write(&self, subject: String, message: PublishMessage) -> Result<(), BrokerError> {
        let sent = self.inner.context.send_publish(subject.clone(), message).await;
        let answer = sent.map_err(|error| BrokerError::unknown(error.to_string()))?;
        self.answered(answer.into_future()).await?.map_err(|error| of_publish(&error, &subject))?;
        Ok(())
    }

    /// The first message of a stream at this place or behind it that has the subject.
    async fn next_of(
        &self,
        stream: &str,
        from: u64,
        subject: &str,
    ) -> Result<Option<StreamMessage>, BrokerError> {
        self.stored(stream, json!({ "seq": from, "next_by_subj": subject })).await
    }

    async fn stored(&self, stream: &str, request: Value) -> Result<Option<StreamMessage>, BrokerError> {
        #[derive(Deserialize)]
        struct Found {
            message: RawMessage,
        }
        match self.ask::<Found>(format!("STREAM.MSG.GET.{stream}"), &request).await? {
            Ok(Found { message }) => message
                .try_into()
                .map(Some)
                .map_err(|error| BrokerError::untouched(format!("a message cannot be read: {error}"))),
            Err(refusal) if refusal.is_absent() => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn find_letter(&self, id: &str) -> Result<(u64, DeadLetter), BrokerError> {
        let no_such_letter = || BrokerError::NoSuchLetter { id: id.to_owned() };
        let place = id.parse().ok().filter(|place: &u64| *place > 0).ok_or_else(no_such_letter)?;
        let stored = self.stored(&self.dead_stream(), json!({ "seq": place })).await?;
        let letter = stored.map(read_letter).ok_or_else(no_such_letter)?;
        // A number may be written in several ways, an id in one.
        if letter.id == id { Ok((place, letter)) } else { Err(no_such_letter()) }
    }

    async fn remove_letter(&self, id: &str, place: u64) -> Result<(), BrokerError> {
        let request = json!({ "seq": place, "no_erase": true });
        let removed =
            self.ask::<Value>(format!("STREAM.MSG.DELETE.{}", self.dead_stream()), &request).await?;
        match removed {
            Ok(_removed) => Ok(()),
            // Somebody else was faster.
            Err(Refusal::Said(error)) if error.code() < 500 => {
                Err(BrokerError::NoSuchLetter { id: id.to_owned() })
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    fn meant(&self, filter: &DeadLetterFilter) -> String {
        let any = |name: &Option<String>| name.clone().unwrap_or_else(|| "*".to_owned());
        self.dead_subject(&any(&filter.topic), &any(&filter.group))
    }
}

#[async_trait]
impl DeadLetters for Nats {
    async fn list(
        &self,
        filter: &DeadLetterFilter,
        after: &str,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, BrokerError> {
        let mut from = match after {
            "" => 1,
            id => {
                id.parse::<u64>().map_err(|_no_number| BrokerError::NoSuchLetter { id: id.to_owned() })? + 1
            }
        };
        let (stream, subject) = (self.dead_stream(), self.meant(filter));
        let mut letters = Vec::new();
        while letters.len() < limit
            && let Some(found) = self.next_of(&stream, from, &subject).await?
        {
            from = found.sequence + 1;
            letters.push(read_letter(found));
        }
        Ok(letters)
    }

    async fn show(&self, id: &str) -> Result<DeadLetter, BrokerError> {
        self.find_letter(id).await.map(|(_, letter)| letter)
    }

    async fn replay(&self, id: &str) -> Result<(), BrokerError> {
        let (place, letter) = self.find_letter(id).await?;
        let subject = self.subject_of(&letter.message.topic);
        // Under an id of the letter's own: the server knows the event's already, and would drop it.
        let known_by = format!("{}~{id}", letter.message.event_id);
        self.write(subject, published(letter.message, &known_by)).await?;
        // Published it is: if the letter stays, it is there twice.
        self.remove_letter(id, place).await.or_else(|error| match error {
            BrokerError::NoSuchLetter { .. } => Ok(()),
            error => Err(BrokerError::unknown(error.to_string())),
        })
    }

    async fn purge(&self, id: &str) -> Result<(), BrokerError> {
        let (place, _letter) = self.find_letter(id).await?;
        self.remove_letter(id, place).await
    }

    async fn total(&self, filter: &DeadLetterFilter) -> Result<u64, BrokerError> {
        #[derive(Deserialize)]
        struct Found {
            state: Subjects,
        }
        #[derive(Deserialize)]
        struct Subjects {
            #[serde(default)]
            subjects: BTreeMap<String, u64>,
        }
        let request = json!({ "subjects_filter": self.meant(filter) });
        match self.ask::<Found>(format!("STREAM.INFO.{}", self.dead_stream()), &request).await? {
            Ok(found) => Ok(found.state.subjects.into_values().sum()),
            Err(refusal) if refusal.is_absent() => Ok(0),
            Err(refusal) => Err(refusal.into()),
        }
    }
}

/// A letter as it was written; of one that somebody else wrote whatever can be told.
fn read_letter(stored: StreamMessage) -> DeadLetter {
    let mut tokens = stored.subject.rsplit('.');
    let group = tokens.next().unwrap_or_default().to_owned();
    let topic = tokens.next().unwrap_or_default();
    let taken_us = u64::try_from(stored.time.unix_timestamp_nanos() / 1000).unwrap_or(0);
    let known = stored.headers.get(LETTER).and_then(|json| serde_json::from_str(json.as_str()).ok());
    let Letter { attempts, reason, at_us, history, .. } = known.unwrap_or_else(|| Letter {
        group: group.clone(),
        attempts: 0,
        reason: "written by another program".to_owned(),
        at_us: taken_us,
        history: Vec::new(),
    });
    let message = message::read(topic, Some(&stored.headers), &stored.payload, stored.sequence, taken_us);
    DeadLetter {
        id: format!("{:0DIGITS$}", stored.sequence),
        group,
        message,
        attempts,
        reason,
        at_us,
        history,
    }
}
