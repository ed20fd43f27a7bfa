//! Dead letters: a compacted topic of one partition for each topic. A letter is a record under its id, and one without a
//! payload and headers says that it was removed.
//!
//! Kafka cannot look one up, so each question reads the topic from its beginning: a matter of as many letters as there
//! are, of which a healthy platform has few. How many there are is asked all the time, with the lag, so that is counted
//! beside, and again only when something was written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::Message;
use domain::broker::{BrokerError, DeadLetter, DeadLetterFilter, DeadLetters};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::producer::FutureRecord;
use rdkafka::topic_partition_list::Offset;
use tokio::time::Instant;

use super::client::{Kafka, blocking};
use super::error::untouched;
use super::hand::Place;
use super::record::{self, header, headers, with};
use crate::wire::{self, LETTER, Letter};

/// The header of [`Message::key`]: the record's own is the letter's id.
const KEY: &str = "failfirst-key";

/// Where all letters of a topic are, however many partitions somebody gave it.
const PARTITION: i32 = 0;

/// How long reading all letters may take.
const READING_MAX: Duration = Duration::from_secs(30);

/// How long one question waits.
const POLL: Duration = Duration::from_millis(100);

/// How many letters a topic has.
#[derive(Debug, Default)]
pub(super) struct Counted {
    is_counting: bool,
    /// As they were counted last: where the topic ended then, and how many each group has.
    last: Option<(i64, BTreeMap<String, u64>)>,
}

impl Kafka {
    /// How many letters a group has, as of the last count; begins the next one. It waits for nobody.
    pub(super) fn counted_letters(&self, topic: &str, group: &str) -> Option<u64> {
        let mut counts = self.inner.letters.lock().expect("nobody panics with it");
        let counted = counts.entry(topic.to_owned()).or_default();
        if !counted.is_counting {
            counted.is_counting = true;
            let (kafka, topic) = (self.clone(), topic.to_owned());
            // Detached: it ends by itself, as every question has a deadline.
            drop(self.inner.node.spawn(async move { kafka.count_letters(topic).await }));
        }
        counted.last.as_ref().map(|(_, groups)| groups.get(group).copied().unwrap_or(0))
    }

    async fn count_letters(&self, topic: String) {
        let before = |counted: &Counted| counted.last.as_ref().map(|(end, _)| *end);
        let before = self.inner.letters.lock().expect("nobody panics with it").get(&topic).and_then(before);
        let counted = self.count_anew(&topic, before).await;
        let mut counts = self.inner.letters.lock().expect("nobody panics with it");
        let entry = counts.entry(topic).or_default();
        entry.is_counting = false;
        // Who did not say leaves what was known before.
        if let Ok(Some(counted)) = counted {
            entry.last = Some(counted);
        }
    }

    /// Where the topic ends and what its groups have; `None` where it ends as before.
    async fn count_anew(
        &self,
        topic: &str,
        before: Option<i64>,
    ) -> Result<Option<(i64, BTreeMap<String, u64>)>, BrokerError> {
        let name = self.name_of_dead(topic);
        if self.partitions(&name).await?.is_none() {
            return Ok(None);
        }
        let (observer, limit) = (Arc::clone(&self.inner.observer), self.inner.settings.answer_timeout);
        let (_, end) = self.ask(move || observer.fetch_watermarks(&name, PARTITION, limit)).await?;
        if before == Some(end) {
            return Ok(None);
        }
        let mut groups = BTreeMap::new();
        for letter in self.letters(vec![topic.to_owned()]).await?.into_values() {
            *groups.entry(letter.group).or_default() += 1;
        }
        Ok(Some((end, groups)))
    }

    /// Writes a dead letter, under an id that begins with the time, names the topic, and no other letter has.
    pub(super) async fn bury(
        &self,
        message: &Message,
        letter: &Letter,
        place: Place,
        offset: i64,
    ) -> Result<(), BrokerError> {
        let Message { topic, key, payload, .. } = message;
        let Place { is_retry, partition } = place;
        let again = if is_retry { "r" } else { "" };
        let id = format!("{:016}.{topic}.{}.{again}{partition}.{offset}", letter.at_us, letter.group);
        let headers = with(with(headers(message), LETTER, &letter.to_json()), KEY, key);
        let name = self.name_of_dead(topic);
        let record = FutureRecord::to(&name).partition(PARTITION).key(id.as_bytes()).payload(&payload[..]);
        self.write_record(&name, record.headers(headers)).await
    }

    /// The letters of these topics, by id.
    async fn letters(&self, topics: Vec<String>) -> Result<BTreeMap<String, DeadLetter>, BrokerError> {
        let mut names = Vec::new();
        for topic in topics {
            let name = self.name_of_dead(&topic);
            if self.partitions(&name).await?.is_some() {
                names.push((name, topic));
            }
        }
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut config = self.config_of_group(&format!("{}.letters", self.inner.prefix));
        config.set("enable.partition.eof", "true");
        let limit = self.inner.settings.answer_timeout;
        self.ask(move || read_all(&config.create()?, &names, limit)).await
    }

    async fn topics_with_letters(&self, filter: &DeadLetterFilter) -> Result<Vec<String>, BrokerError> {
        self.ready().await?;
        if let Some(topic) = &filter.topic {
            return Ok(wire::check_name(topic).map(|()| vec![topic.clone()]).unwrap_or_default());
        }
        let (observer, limit) = (Arc::clone(&self.inner.observer), self.inner.settings.answer_timeout);
        let metadata = blocking(move || observer.fetch_metadata(None, limit)).await?;
        let metadata = metadata.map_err(|error| untouched(&error))?;
        let topics = metadata.topics().iter().filter_map(|topic| self.topic_of_dead(topic.name()));
        Ok(topics.map(str::to_owned).collect())
    }

    async fn find_letter(&self, id: &str) -> Result<DeadLetter, BrokerError> {
        self.ready().await?;
        let no_such_letter = || BrokerError::NoSuchLetter { id: id.to_owned() };
        let topic = id.split('.').nth(1).filter(|topic| wire::check_name(topic).is_ok());
        let topic = topic.ok_or_else(no_such_letter)?.to_owned();
        self.letters(vec![topic]).await?.remove(id).ok_or_else(no_such_letter)
    }

    async fn remove_letter(&self, letter: &DeadLetter) -> Result<(), BrokerError> {
        let name = self.name_of_dead(&letter.message.topic);
        self.write_record(&name, FutureRecord::to(&name).partition(PARTITION).key(letter.id.as_bytes())).await
    }
}

#[async_trait]
impl DeadLetters for Kafka {
    async fn list(
        &self,
        filter: &DeadLetterFilter,
        after: &str,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, BrokerError> {
        let letters = self.letters(self.topics_with_letters(filter).await?).await?.into_values();
        let meant = |letter: &DeadLetter| {
            letter.id.as_str() > after && filter.takes(&letter.message.topic, &letter.group)
        };
        Ok(letters.filter(meant).take(limit).collect())
    }

    async fn show(&self, id: &str) -> Result<DeadLetter, BrokerError> {
        self.find_letter(id).await
    }

    async fn replay(&self, id: &str) -> Result<(), BrokerError> {
        let letter = self.find_letter(id).await?;
        let Message { topic, key, payload, .. } = &letter.message;
        let headers = headers(&letter.message);
        self.write(&self.name_of(topic), key.as_bytes(), payload, headers).await?;
        // Published it is: if the letter stays, it is there twice.
        self.remove_letter(&letter).await.map_err(|error| BrokerError::unknown(error.to_string()))
    }

    async fn purge(&self, id: &str) -> Result<(), BrokerError> {
        let letter = self.find_letter(id).await?;
        self.remove_letter(&letter).await
    }

    async fn total(&self, filter: &DeadLetterFilter) -> Result<u64, BrokerError> {
        let letters = self.letters(self.topics_with_letters(filter).await?).await?;
        let meant = letters.values().filter(|letter| filter.takes(&letter.message.topic, &letter.group));
        Ok(meant.count() as u64)
    }
}

/// Reads topics of one partition from their beginning to their end.
fn read_all(
    client: &BaseConsumer,
    names: &[(String, String)],
    limit: Duration,
) -> KafkaResult<BTreeMap<String, DeadLetter>> {
    let mut letters = BTreeMap::new();
    let mut from = TopicPartitionList::new();
    let mut open = 0;
    for (name, _topic) in names {
        let (low, high) = client.fetch_watermarks(name, PARTITION, limit)?;
        if low < high {
            from.add_partition_offset(name, PARTITION, Offset::Beginning)?;
            open += 1;
        }
    }
    if open == 0 {
        return Ok(letters);
    }
    client.assign(&from)?;
    let began = Instant::now();
    while open > 0 {
        match client.poll(POLL) {
            Some(Ok(record)) => {
                let topic = names.iter().find(|(name, _)| name == record.topic()).map(|(_, topic)| topic);
                if let Some((topic, id)) = topic.zip(id_of(&record)) {
                    match read_letter(topic, &id, &record) {
                        Some(letter) => drop(letters.insert(id, letter)),
                        None => drop(letters.remove(&id)),
                    }
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
            Some(Err(error)) => tracing::debug!(%error, "reading dead letters"),
            None => {}
        }
        if began.elapsed() >= READING_MAX {
            return Err(KafkaError::Global(rdkafka::types::RDKafkaErrorCode::OperationTimedOut));
        }
    }
    Ok(letters)
}

fn id_of(record: &BorrowedMessage<'_>) -> Option<String> {
    record.key().map(|id| String::from_utf8_lossy(id).into_owned())
}

/// A letter; `None` when the record says that it was removed.
fn read_letter(topic: &str, id: &str, record: &BorrowedMessage<'_>) -> Option<DeadLetter> {
    let Letter { group, attempts, reason, at_us, history } =
        serde_json::from_str(header(record, LETTER)?).ok()?;
    let key = header(record, KEY).unwrap_or_default().as_bytes();
    let message = record::message(topic, key, record);
    Some(DeadLetter { id: id.to_owned(), group, message, attempts, reason, at_us, history })
}
