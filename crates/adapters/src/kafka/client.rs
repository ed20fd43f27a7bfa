//! The clients of one part of a cluster, and the keeper who knows whether it is there.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use domain::broker::BrokerError;
use node::Node;
use rdkafka::admin::AdminClient;
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::FutureProducer;
use tokio::sync::watch;
use tokio::time::Instant;

use super::dead::Counted;
use super::error::{describe, is_passing, untouched};
use super::url::KafkaUrl;
use crate::prefix::{self, InvalidPrefix};
use crate::presence::{self, Presence};
use crate::wire::HEADERS_MAX;

/// The pause of the keeper before it tries again.
const PAUSE: Duration = Duration::from_millis(500);

/// How long it is waited before a question is asked again.
pub(super) const LOOK: Duration = Duration::from_millis(50);

/// How large a message is that servers take unless they are told otherwise, headers included.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// How large a payload may be.
pub(super) const PAYLOAD_BYTES_MAX: usize = MESSAGE_BYTES_MAX - HEADERS_MAX;

/// How a service uses its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KafkaSettings {
    /// How long finding the cluster may take, and how long a call waits to hear whether it is there. Default 2 s.
    pub connect_timeout: Duration,
    /// How long an answer is waited for. Default 5 s.
    pub answer_timeout: Duration,
    /// How many partitions new topics have. Default 12.
    pub partitions: u16,
    /// How many servers keep each message of new topics; `None`, the default, is for them to say.
    pub replicas: Option<u16>,
    /// Whether topics are made by request, as by default; otherwise they are expected to come to be when they are asked
    /// for, as servers can be told to do.
    pub creates_topics: bool,
    /// After how long a consumer that is not heard of loses its partitions to others. Default 10 s.
    pub session_timeout: Duration,
    /// How long a consumer may hold up the others who join or leave, to settle what it has of partitions that it is to
    /// give away; not longer than its lease. Default 5 s.
    pub handover_max: Duration,
}

impl Default for KafkaSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            answer_timeout: Duration::from_secs(5),
            partitions: 12,
            replicas: None,
            creates_topics: true,
            session_timeout: Duration::from_secs(10),
            handover_max: Duration::from_secs(5),
        }
    }
}

/// A part of a Kafka cluster: everything in it begins with the same prefix. Cheap to clone.
#[derive(Clone)]
pub struct Kafka {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) node: Node,
    pub(super) url: KafkaUrl,
    pub(super) prefix: Arc<str>,
    pub(super) settings: KafkaSettings,
    pub(super) producer: FutureProducer<Listener>,
    pub(super) admin: AdminClient<DefaultClientContext>,
    /// For looking only: it makes no topic by asking for it.
    pub(super) observer: Arc<BaseConsumer>,
    /// Who looks after what a group has committed, by the group's id.
    pub(super) groups: Mutex<BTreeMap<String, Arc<BaseConsumer>>>,
    /// Topics that are known to be there, with their partitions.
    pub(super) topics: Mutex<BTreeMap<String, i32>>,
    /// How many letters there are, by topic.
    pub(super) letters: Mutex<BTreeMap<String, Counted>>,
    status: watch::Receiver<Presence>,
}

/// Hears what the client has to say.
pub(super) struct Listener {
    status: Arc<watch::Sender<Presence>>,
    place: String,
}

impl ClientContext for Listener {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, _count: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            say(
                &self.status,
                &self.place,
                &Presence::Down(format!("{} is not reached: none of its brokers answers", self.place).into()),
            );
        }
    }
}

/// What librdkafka logs is for those who look for it: what matters comes back as an error of a call.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    tracing::debug!(?level, facility, message, "librdkafka");
}

/// Takes note of how it is. A reason is logged once.
fn say(status: &watch::Sender<Presence>, place: &str, next: &Presence) {
    status.send_if_modified(|status| {
        // Who is down already is so for the first reason: later ones are variations.
        let is_new = match (&*status, next) {
            (Presence::Down(_), Presence::Down(_)) => false,
            (before, next) => before != next,
        };
        if is_new {
            match next {
                Presence::Down(reason) => {
                    tracing::error!(broker = place, %reason, "the broker is not there; it is tried again until it is");
                }
                Presence::Up | Presence::Unknown => tracing::info!(broker = place, "the broker is there"),
            }
            *status = next.clone();
        }
        is_new
    });
}

impl Kafka {
    /// A part of a cluster, with a task on this node that finds out whether it is there. A cluster that is down is
    /// no error here, and nothing is waited for: see the module.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the prefix is none.
    ///
    /// # Panics
    /// When the system has no threads to give: a client has some of its own.
    pub fn open(
        node: &Node,
        url: &KafkaUrl,
        prefix: &str,
        settings: KafkaSettings,
    ) -> Result<Self, InvalidPrefix> {
        const THREADS: &str = "settings of ours are good, and there are threads for a client";
        let prefix = prefix::check(prefix)?;
        let (sender, status) = watch::channel(Presence::Unknown);
        let sender = Arc::new(sender);
        let config = config(node, url, &settings);
        let mut producer = config.clone();
        producer
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "1")
            .set("partitioner", "murmur2_random")
            .set("message.timeout.ms", settings.answer_timeout.as_millis().to_string());
        let listener = Listener { status: Arc::clone(&sender), place: url.to_string() };
        let inner = Inner {
            node: node.clone(),
            url: url.clone(),
            prefix,
            settings,
            producer: producer.create_with_context(listener).expect(THREADS),
            admin: config.create().expect(THREADS),
            observer: Arc::new(config.create().expect(THREADS)),
            groups: Mutex::default(),
            topics: Mutex::default(),
            letters: Mutex::default(),
            status: status.clone(),
        };
        let kafka = Self { inner: Arc::new(inner) };
        node.spawn(keep(Arc::downgrade(&kafka.inner), sender, status));
        Ok(kafka)
    }

    /// The settings of a client of the group with this id.
    pub(super) fn config_of_group(&self, id: &str) -> ClientConfig {
        let Inner { node, url, settings, .. } = &*self.inner;
        let mut config = config(node, url, settings);
        config
            .set("group.id", id)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", settings.session_timeout.as_millis().to_string())
            .set("heartbeat.interval.ms", (settings.session_timeout.as_millis() / 4).to_string())
            .set("fetch.wait.max.ms", "100")
            .set("fetch.error.backoff.ms", "50")
            .set("queued.max.messages.kbytes", "16384");
        config
    }

    /// Waits until it is known whether the cluster is there.
    pub(super) async fn ready(&self) -> Result<(), BrokerError> {
        let Inner { url, settings, status, .. } = &*self.inner;
        // The keeper's verdict comes a little after its own time limit.
        let known = presence::known(status.clone(), settings.connect_timeout * 2, url).await;
        known.map_err(BrokerError::untouched)
    }

    /// Looks at the cluster.
    pub(super) async fn probe(&self) -> Result<(), String> {
        let (observer, limit) = (Arc::clone(&self.inner.observer), self.inner.settings.connect_timeout);
        let looked = blocking(move || observer.fetch_metadata(None, limit).map(drop)).await;
        match looked {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("{} is not reached: {}", self.inner.url, describe(&error))),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Asks something that only reads, again while the servers have not agreed on who leads a partition.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl Fn() -> KafkaResult<T> + Clone + Send + 'static,
    ) -> Result<T, BrokerError> {
        let began = Instant::now();
        loop {
            let error = match blocking(question.clone()).await? {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if !is_passing(&error) || began.elapsed() >= self.inner.settings.answer_timeout {
                return Err(untouched(&error));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Now, on the timeline of the run.
    pub(super) fn now_us(&self) -> u64 {
        self.inner.node.elapsed().as_micros().try_into().unwrap_or(u64::MAX)
    }
}

/// Finds out whether the cluster is there, and again whenever it was lost, for as long as anybody uses it.
async fn keep(
    inner: Weak<Inner>,
    sender: Arc<watch::Sender<Presence>>,
    mut status: watch::Receiver<Presence>,
) {
    loop {
        tokio::select! {
            biased;
            waited = status.wait_for(|status| *status != Presence::Up) => {
                if waited.is_err() {
                    return;
                }
            }
            // Nobody tells when the last user leaves.
            () = tokio::time::sleep(PAUSE) => {
                if inner.strong_count() == 0 {
                    return;
                }
                continue;
            }
        }
        let Some(inner) = inner.upgrade() else { return };
        let kafka = Kafka { inner };
        let place = kafka.inner.url.to_string();
        match kafka.probe().await {
            Ok(()) => say(&sender, &place, &Presence::Up),
            Err(reason) => {
                say(&sender, &place, &Presence::Down(reason.into()));
                drop(kafka);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// What all clients have in common.
fn config(node: &Node, url: &KafkaUrl, settings: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &url.parts().0)
        .set("client.id", node.name())
        .set("message.max.bytes", (MESSAGE_BYTES_MAX + HEADERS_MAX).to_string())
        .set("socket.timeout.ms", settings.answer_timeout.as_millis().to_string())
        .set("socket.connection.setup.timeout.ms", settings.connect_timeout.as_millis().max(1000).to_string())
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000");
    config
}

/// Runs one of librdkafka's calls that block on a thread that may.
///
/// # Cancel safety
/// When the future is dropped the call is made all the same.
pub(super) async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BrokerError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "librdkafka's calls block, for a bounded time, and never run in the simulation"
    )]
    let running = tokio::task::spawn_blocking(call);
    running.await.map_err(|_panicked| BrokerError::unknown("a call of the client's was cut off"))
}

impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { url, prefix, settings, status, .. } = &*self.inner;
        f.debug_struct("Kafka")
            .field("url", url)
            .field("prefix", prefix)
            .field("settings", settings)
            .field("status", &*status.borrow())
            .finish_non_exhaustive()
    }
}
