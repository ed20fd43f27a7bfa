//! Which topics there are, what they are called there, and which groups are known.
//!
//! Kafka has no groups that nobody has joined. A group is declared by committing the beginning of each of its partitions:
//! who has committed something is a group of the topic, and nobody else is.

use std::sync::Arc;

use domain::broker::{BrokerError, Lag, Layout};
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::Producer as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::time::{Duration, Instant, sleep};

use super::client::{Kafka, LOOK, blocking};
use super::error::{is_of_another_generation, untouched};
use crate::wire;

/// A topic of ours that is to be there.
struct Wanted {
    name: String,
    partitions: i32,
    /// Only the last record of each key is to be kept.
    is_compacted: bool,
}

/// What things are called. Names of topics and groups have no dots, so none of these meet.
impl Kafka {
    pub(super) fn name_of(&self, topic: &str) -> String {
        format!("{}.{topic}", self.inner.prefix)
    }

    pub(super) fn name_of_retries(&self, topic: &str, group: &str) -> String {
        format!("{}.{topic}.{group}.retry", self.inner.prefix)
    }

    pub(super) fn name_of_dead(&self, topic: &str) -> String {
        format!("{}.{topic}.dead", self.inner.prefix)
    }

    /// The topic whose dead letters are in the one of this name.
    pub(super) fn topic_of_dead<'a>(&self, name: &'a str) -> Option<&'a str> {
        let topic = name.strip_prefix(&*self.inner.prefix)?.strip_prefix('.')?.strip_suffix(".dead")?;
        wire::check_name(topic).is_ok().then_some(topic)
    }

    pub(super) fn group_id(&self, topic: &str, group: &str) -> String {
        format!("{}.{topic}.{group}", self.inner.prefix)
    }

    pub(super) async fn declare_all(&self, layout: &[Layout]) -> Result<(), BrokerError> {
        for Layout { topic, groups } in layout {
            wire::check_name(topic)?;
            groups.iter().try_for_each(|group| wire::check_name(group))?;
        }
        self.ready().await?;
        let partitions = i32::from(self.inner.settings.partitions);
        let mut wanted = Vec::new();
        for Layout { topic, groups } in layout {
            wanted.push(Wanted { name: self.name_of(topic), partitions, is_compacted: false });
            wanted.push(Wanted { name: self.name_of_dead(topic), partitions: 1, is_compacted: true });
            for group in groups {
                let name = self.name_of_retries(topic, group);
                wanted.push(Wanted { name, partitions, is_compacted: false });
            }
        }
        self.make(&wanted).await?;
        for Layout { topic, groups } in layout {
            for group in groups {
                self.register(topic, group).await?;
            }
        }
        Ok(())
    }

    async fn make(&self, wanted: &[Wanted]) -> Result<(), BrokerError> {
        let settings = &self.inner.settings;
        if settings.creates_topics && !wanted.is_empty() {
            let replicas = settings.replicas.map_or(-1, i32::from);
            let topics: Vec<_> = wanted.iter().map(|wanted| new_topic(wanted, replicas)).collect();
            let options = AdminOptions::new()
                .operation_timeout(Some(settings.answer_timeout))
                .request_timeout(Some(settings.answer_timeout));
            let made = self.inner.admin.create_topics(&topics, &options).await;
            for result in made.map_err(|error| untouched(&error))? {
                match result {
                    Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                    Err((name, code)) => {
                        return Err(BrokerError::untouched(format!(
                            "the topic {name} cannot be made: {code}"
                        )));
                    }
                }
            }
        }
        let began = Instant::now();
        for Wanted { name, .. } in wanted {
            while self.partitions(name).await?.is_none() {
                if began.elapsed() >= settings.answer_timeout * 2 {
                    return Err(BrokerError::unknown(format!("the topic {name} is not there in time")));
                }
                if !settings.creates_topics {
                    self.ask_for(name).await?;
                }
                sleep(LOOK).await;
            }
        }
        Ok(())
    }

    /// Asks for a topic in the way that makes servers make it.
    async fn ask_for(&self, name: &str) -> Result<(), BrokerError> {
        let (producer, limit) = (self.inner.producer.clone(), self.inner.settings.answer_timeout);
        let name = name.to_owned();
        let asked = blocking(move || producer.client().fetch_metadata(Some(&name), limit).map(drop)).await?;
        asked.map_err(|error| untouched(&error))
    }

    /// How many partitions a topic of that name there has; `None` when there is none, or it has no leader yet.
    pub(super) async fn partitions(&self, name: &str) -> Result<Option<i32>, BrokerError> {
        if let Some(known) = self.inner.topics.lock().expect("nobody panics with it").get(name) {
            return Ok(Some(*known));
        }
        let (observer, limit) = (Arc::clone(&self.inner.observer), self.inner.settings.answer_timeout);
        let asked = name.to_owned();
        let found = blocking(move || observer.fetch_metadata(Some(&asked), limit)).await?;
        let metadata = found.map_err(|error| untouched(&error))?;
        let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
            return Ok(None);
        };
        let is_led = topic.partitions().iter().all(|partition| partition.leader() >= 0);
        if topic.error().is_some() || topic.partitions().is_empty() || !is_led {
            return Ok(None);
        }
        let partitions = i32::try_from(topic.partitions().len()).expect("Kafka numbers them so");
        self.inner.topics.lock().expect("nobody panics with it").insert(name.to_owned(), partitions);
        Ok(Some(partitions))
    }

    /// Makes sure that a topic is there.
    pub(super) async fn find_topic(&self, topic: &str) -> Result<(), BrokerError> {
        let no_such_topic = || BrokerError::NoSuchTopic { topic: topic.to_owned() };
        wire::check_name(topic).map_err(|_no_name| no_such_topic())?;
        self.partitions(&self.name_of(topic)).await?.map(drop).ok_or_else(no_such_topic)
    }

    /// All partitions that a group reads.
    async fn places(&self, topic: &str, group: &str) -> Result<TopicPartitionList, BrokerError> {
        let mut places = TopicPartitionList::new();
        for name in [self.name_of(topic), self.name_of_retries(topic, group)] {
            let partitions = self.partitions(&name).await?.unwrap_or(0);
            // Both ends are included.
            if partitions > 0 {
                places.add_partition_range(&name, 0, partitions - 1);
            }
        }
        Ok(places)
    }

    async fn register(&self, topic: &str, group: &str) -> Result<(), BrokerError> {
        let places = self.places(topic, group).await?;
        let keeper = self.keeper_of(topic, group)?;
        let limit = self.inner.settings.answer_timeout;
        let register = move || {
            let mut missing = TopicPartitionList::new();
            for place in keeper.committed_offsets(places.clone(), limit)?.elements() {
                if place.offset() == Offset::Invalid {
                    missing.add_partition_offset(place.topic(), place.partition(), Offset::Offset(0))?;
                }
            }
            if missing.count() == 0 {
                return Ok(());
            }
            match keeper.commit(&missing, CommitMode::Sync) {
                // Somebody has joined it: it is known.
                Err(error) if is_of_another_generation(&error) => Ok(()),
                committed => committed,
            }
        };
        // Saying it twice is as good as once.
        self.ask(register).await
    }

    /// Makes sure that a group is there.
    pub(super) async fn find_group(&self, topic: &str, group: &str) -> Result<(), BrokerError> {
        self.look(topic, group).await.map(drop)
    }

    /// What a group has not dealt with, by what it has committed. Who has it nobody but its consumers knows.
    pub(super) async fn lag_of(&self, topic: &str, group: &str) -> Result<Lag, BrokerError> {
        let waiting = self.look(topic, group).await?;
        Ok(Lag { waiting, in_flight: 0, dead_letters: self.counted_letters(topic, group) })
    }

    async fn look(&self, topic: &str, group: &str) -> Result<u64, BrokerError> {
        self.ready().await?;
        self.find_topic(topic).await?;
        let no_such_group = || BrokerError::NoSuchGroup { topic: topic.to_owned(), group: group.to_owned() };
        wire::check_name(group).map_err(|_no_name| no_such_group())?;
        if self.partitions(&self.name_of_retries(topic, group)).await?.is_none() {
            return Err(no_such_group());
        }
        let places = self.places(topic, group).await?;
        let keeper = self.keeper_of(topic, group)?;
        let limit = self.inner.settings.answer_timeout;
        let count = move || count_uncommitted(&keeper, places.clone(), limit);
        self.ask(count).await?.ok_or_else(no_such_group)
    }

    /// A client that asks and commits for a group without being one of its consumers.
    fn keeper_of(&self, topic: &str, group: &str) -> Result<Arc<BaseConsumer>, BrokerError> {
        let id = self.group_id(topic, group);
        let mut groups = self.inner.groups.lock().expect("nobody panics with it");
        if let Some(keeper) = groups.get(&id) {
            return Ok(Arc::clone(keeper));
        }
        let keeper: BaseConsumer = self.config_of_group(&id).create().map_err(|error| untouched(&error))?;
        let keeper = Arc::new(keeper);
        groups.insert(id, Arc::clone(&keeper));
        Ok(keeper)
    }
}

/// How many records lie behind what is committed; `None` when nothing is.
fn count_uncommitted(
    keeper: &BaseConsumer,
    places: TopicPartitionList,
    limit: Duration,
) -> KafkaResult<Option<u64>> {
    let mut is_known = false;
    let mut total = 0;
    for place in keeper.committed_offsets(places, limit)?.elements() {
        let (low, high) = keeper.fetch_watermarks(place.topic(), place.partition(), limit)?;
        let from = match place.offset() {
            Offset::Offset(committed) => {
                is_known = true;
                committed.max(low)
            }
            _ => low,
        };
        total += u64::try_from(high - from).unwrap_or(0);
    }
    Ok(is_known.then_some(total))
}

fn new_topic<'a>(wanted: &'a Wanted, replicas: i32) -> NewTopic<'a> {
    let topic = NewTopic::new(&wanted.name, wanted.partitions, TopicReplication::Fixed(replicas));
    if wanted.is_compacted {
        // A letter stays until it is removed, however old it is.
        topic.set("cleanup.policy", "compact")
    } else {
        topic
    }
}
