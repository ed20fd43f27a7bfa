//! Which streams and consumers there are, and what they are called there.

use std::collections::BTreeSet;
use std::time::Duration;

use async_nats::jetstream::consumer::{self, AckPolicy};
use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, RetentionPolicy, StorageType};
use domain::broker::{BrokerError, Layout};
use serde_json::{Value, json};

use super::connection::Nats;
use super::error::Refusal;
use crate::wire::{self, HISTORY_MAX};

/// The lease of a group that nobody has joined yet.
const LEASE_AT_FIRST: Duration = Duration::from_secs(30);

/// The most messages of a group that are in flight or wait for their time: then the server gives out no more.
const UNSETTLED_MAX: i64 = 100_000;

/// The most consumers of a group that wait for messages at once.
const WAITING_MAX: i64 = 4096;

/// How long failed attempts are remembered.
const HISTORY_AGE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// How large the memory of failed attempts may be: the oldest are forgotten.
const HISTORY_BYTES_MAX: i64 = 64 << 20;

/// Streams and subjects. What has capital letters is ours and can be no topic.
impl Nats {
    pub(super) fn stream_of(&self, topic: &str) -> String {
        format!("{}_{topic}", self.inner.prefix)
    }

    pub(super) fn subject_of(&self, topic: &str) -> String {
        format!("{}.{topic}", self.inner.prefix)
    }

    pub(super) fn dead_stream(&self) -> String {
        format!("{}_DEAD", self.inner.prefix)
    }

    /// `*` stands for any topic or group.
    pub(super) fn dead_subject(&self, topic: &str, group: &str) -> String {
        format!("{}.DEAD.{topic}.{group}", self.inner.prefix)
    }

    pub(super) fn history_stream(&self) -> String {
        format!("{}_HISTORY", self.inner.prefix)
    }

    /// Of the message at that place of its topic's stream.
    pub(super) fn history_subject(&self, topic: &str, group: &str, place: u64) -> String {
        format!("{}.HISTORY.{topic}.{group}.{place}", self.inner.prefix)
    }

    pub(super) async fn declare_all(&self, layout: &[Layout]) -> Result<(), BrokerError> {
        for Layout { topic, groups } in layout {
            wire::check_name(topic)?;
            groups.iter().try_for_each(|group| wire::check_name(group))?;
        }
        self.declare_stream(self.dead_config()).await?;
        self.declare_stream(self.history_config()).await?;
        for Layout { topic, groups } in layout {
            self.declare_stream(self.topic_config(topic)).await?;
            for group in groups {
                self.declare_group(topic, group).await?;
            }
        }
        Ok(())
    }

    async fn declare_stream(&self, config: Config) -> Result<(), BrokerError> {
        let found = self.ask::<Info>(format!("STREAM.INFO.{}", config.name), &json!({})).await?;
        match found {
            Ok(_as_it_is) => Ok(()),
            // Whoever makes the same one at the same time does no harm.
            Err(refusal) if refusal.is_absent() => {
                self.ask::<Info>(format!("STREAM.CREATE.{}", config.name), &config).await??;
                Ok(())
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn declare_group(&self, topic: &str, group: &str) -> Result<(), BrokerError> {
        let stream = self.stream_of(topic);
        match self.group_info(topic, group).await? {
            Ok(_as_it_is) => Ok(()),
            Err(refusal) if refusal.is_absent() => {
                let config = consumer::Config {
                    durable_name: Some(group.to_owned()),
                    ack_policy: AckPolicy::Explicit,
                    ack_wait: LEASE_AT_FIRST,
                    // Never given up by the server, which would only stop: dead letters are ours to say.
                    max_deliver: -1,
                    max_ack_pending: UNSETTLED_MAX,
                    max_waiting: WAITING_MAX,
                    ..consumer::Config::default()
                };
                self.set_group(&stream, group, &config).await
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn set_group(
        &self,
        stream: &str,
        group: &str,
        config: &consumer::Config,
    ) -> Result<(), BrokerError> {
        let request = json!({ "stream_name": stream, "config": config });
        self.ask::<Value>(format!("CONSUMER.CREATE.{stream}.{group}"), &request).await??;
        Ok(())
    }

    pub(super) async fn group_info(
        &self,
        topic: &str,
        group: &str,
    ) -> Result<Result<consumer::Info, Refusal>, BrokerError> {
        self.ask(format!("CONSUMER.INFO.{}.{group}", self.stream_of(topic)), &json!({})).await
    }

    /// A group as the server has it.
    pub(super) async fn find_group(&self, topic: &str, group: &str) -> Result<consumer::Info, BrokerError> {
        self.find_topic(topic).await?;
        let no_such_group = || BrokerError::NoSuchGroup { topic: topic.to_owned(), group: group.to_owned() };
        wire::check_name(group).map_err(|_no_name| no_such_group())?;
        match self.group_info(topic, group).await? {
            Ok(info) => Ok(info),
            Err(refusal) if refusal.is_absent() => Err(no_such_group()),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Makes sure that a group's lease is this long.
    pub(super) async fn set_lease(
        &self,
        topic: &str,
        group: &str,
        lease: Duration,
    ) -> Result<(), BrokerError> {
        let found = self.find_group(topic, group).await?;
        let ack_wait = lease + self.inner.settings.lease_grace;
        if found.config.ack_wait == ack_wait {
            return Ok(());
        }
        let config = consumer::Config { ack_wait, ..found.config };
        self.set_group(&self.stream_of(topic), group, &config).await
    }

    /// Makes sure that a topic is there. Asks once for each.
    pub(super) async fn find_topic(&self, topic: &str) -> Result<(), BrokerError> {
        let is_known = |topics: &BTreeSet<String>| topics.contains(topic);
        if is_known(&self.inner.topics.lock().expect("nobody panics with it")) {
            return Ok(());
        }
        let no_such_topic = || BrokerError::NoSuchTopic { topic: topic.to_owned() };
        wire::check_name(topic).map_err(|_no_name| no_such_topic())?;
        match self.ask::<Info>(format!("STREAM.INFO.{}", self.stream_of(topic)), &json!({})).await? {
            Ok(_there) => {
                self.inner.topics.lock().expect("nobody panics with it").insert(topic.to_owned());
                Ok(())
            }
            Err(refusal) if refusal.is_absent() => Err(no_such_topic()),
            Err(refusal) => Err(refusal.into()),
        }
    }

    fn topic_config(&self, topic: &str) -> Config {
        let settings = &self.inner.settings;
        Config {
            name: self.stream_of(topic),
            subjects: vec![self.subject_of(topic)],
            retention: RetentionPolicy::Interest,
            discard: DiscardPolicy::New,
            max_bytes: settings.topic_bytes_max.into(),
            duplicate_window: settings.deduplicate_for,
            ..on_disk()
        }
    }

    fn dead_config(&self) -> Config {
        Config {
            name: self.dead_stream(),
            subjects: vec![self.dead_subject("*", "*")],
            discard: DiscardPolicy::New,
            max_bytes: self.inner.settings.dead_bytes_max.into(),
            duplicate_window: self.inner.settings.deduplicate_for,
            ..on_disk()
        }
    }

    fn history_config(&self) -> Config {
        Config {
            name: self.history_stream(),
            subjects: vec![format!("{}.HISTORY.*.*.*", self.inner.prefix)],
            discard: DiscardPolicy::Old,
            max_messages_per_subject: i64::try_from(HISTORY_MAX).expect("a few"),
            max_bytes: HISTORY_BYTES_MAX,
            max_age: HISTORY_AGE_MAX,
            ..on_disk()
        }
    }
}

/// A stream that is kept in files, on one server.
fn on_disk() -> Config {
    Config { storage: StorageType::File, num_replicas: 1, max_messages: -1, ..Config::default() }
}
