//! One connection, which all calls use at once, and which is made again by itself.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::response::Response;
use async_nats::{Client, ClientError, ConnectOptions, Event};
use domain::broker::BrokerError;
use futures_util::FutureExt as _;
use node::Node;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, watch};

use super::error::Refusal;
use super::url::{Login, NatsUrl};
use crate::prefix::{self, InvalidPrefix};
use crate::presence::{self, Presence};

/// The first pause before the connection is made again; each one is twice the last …
const PAUSE_MIN: Duration = Duration::from_millis(20);

/// … up to this.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// How often a silent connection is tried: a server that vanished is found after two of these.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// The most messages that are published and not acknowledged yet.
pub(super) const UNDER_WAY_MAX: usize = 4096;

/// How a service uses its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatsSettings {
    /// How long connecting may take, and how long a call waits to hear whether the server is there. Default 2 s.
    pub connect_timeout: Duration,
    /// How long an answer is waited for. Default 5 s.
    pub answer_timeout: Duration,
    /// How much longer a message is held back by the server than its lease says, so that its consumer knows first
    /// that it has lost it. Default 250 ms.
    pub lease_grace: Duration,
    /// How long the server knows an event id again. Default 2 min. A topic that is there already keeps what it has.
    pub deduplicate_for: Duration,
    /// How large a topic may be before more is refused. Default 256 MiB; the server reserves as much. A topic that is
    /// there already keeps what it has.
    pub topic_bytes_max: u32,
    /// The same for all dead letters. Default 64 MiB.
    pub dead_bytes_max: u32,
}

impl Default for NatsSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            answer_timeout: Duration::from_secs(5),
            lease_grace: Duration::from_millis(250),
            deduplicate_for: Duration::from_secs(120),
            topic_bytes_max: 1 << 28,
            dead_bytes_max: 1 << 26,
        }
    }
}

/// A part of a NATS server with JetStream: everything in it begins with the same prefix. Cheap to clone.
#[derive(Clone)]
pub struct Nats {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) node: Node,
    pub(super) url: NatsUrl,
    pub(super) prefix: Arc<str>,
    pub(super) settings: NatsSettings,
    pub(super) client: Client,
    pub(super) context: Context,
    /// Room for what is under way.
    pub(super) under_way: Semaphore,
    /// Topics that are known to be there: asked for once.
    pub(super) topics: Mutex<BTreeSet<String>>,
    status: watch::Receiver<Presence>,
}

impl Nats {
    /// A part of a server, and tasks that connect to it. A server that is down is no error here, and nothing is
    /// waited for: see the module.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the prefix is none.
    pub fn open(
        node: &Node,
        url: &NatsUrl,
        prefix: &str,
        settings: NatsSettings,
    ) -> Result<Self, InvalidPrefix> {
        let prefix = prefix::check(prefix)?;
        let (status, watched) = watch::channel(Presence::Unknown);
        let place = url.to_string();
        let options = ConnectOptions::new()
            .name(node.name())
            .connection_timeout(settings.connect_timeout)
            .request_timeout(Some(settings.answer_timeout))
            .ping_interval(PING_INTERVAL)
            .retry_on_initial_connect()
            .max_reconnects(None)
            .reconnect_delay_callback(pause)
            .event_callback(move |event| {
                note(&status, &place, event);
                std::future::ready(())
            });
        let options = match &url.parts().login {
            Login::Nobody => options,
            Login::Token(token) => options.token(token.clone()),
            Login::User { name, password } => options.user_and_password(name.clone(), password.clone()),
        };
        let connected = options.connect(url.parts().address.as_str()).now_or_never();
        let client = connected
            .expect("with a retry of the first connection nothing is waited for")
            .expect("a URL that was read is one that can be connected to");
        let context = ContextBuilder::new()
            .timeout(settings.answer_timeout)
            .max_ack_inflight(2 * UNDER_WAY_MAX)
            .build(client.clone());
        let inner = Inner {
            node: node.clone(),
            url: url.clone(),
            prefix,
            settings,
            client,
            context,
            under_way: Semaphore::new(UNDER_WAY_MAX),
            topics: Mutex::default(),
            status: watched,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Waits until it is known whether the server is there.
    pub(super) async fn ready(&self) -> Result<(), BrokerError> {
        let Inner { url, settings, status, .. } = &*self.inner;
        let known = presence::known(status.clone(), settings.connect_timeout, url).await;
        known.map_err(BrokerError::untouched)
    }

    /// Waits until the connection breaks.
    pub(super) async fn broken(&self) {
        let mut status = self.inner.status.clone();
        // Fails when the connection's own tasks are gone: it is broken for good.
        let _closed = status.wait_for(|status| *status != Presence::Up).await;
    }

    /// Waits for an answer, but not longer than the connection lives.
    pub(super) async fn answered<T>(&self, answer: impl Future<Output = T>) -> Result<T, BrokerError> {
        tokio::select! {
            biased;
            answer = answer => Ok(answer),
            () = self.broken() => Err(BrokerError::unknown("the connection broke before the answer came")),
        }
    }

    /// Asks JetStream. The outer error is about the connection, the inner one is the server's.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        subject: String,
        request: &(impl Serialize + Sync),
    ) -> Result<Result<T, Refusal>, BrokerError> {
        self.ready().await?;
        let said = self.answered(self.inner.context.request(subject, request)).await?;
        match said {
            Ok(Response::Ok(answer)) => Ok(Ok(answer)),
            Ok(Response::Err { error }) => Ok(Err(Refusal::Said(error))),
            Err(error) => match Refusal::from(error) {
                Refusal::Silent(detail) => Err(Refusal::Silent(detail).into()),
                refusal => Ok(Err(refusal)),
            },
        }
    }

    /// Now, on the timeline of this service.
    pub(super) fn now_us(&self) -> u64 {
        self.inner.node.elapsed().as_micros().try_into().unwrap_or(u64::MAX)
    }
}

/// How long it is waited before an attempt to connect; the first one is made at once.
fn pause(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(2)).unwrap_or(u32::MAX).min(16);
    if attempts <= 1 { Duration::ZERO } else { (PAUSE_MIN * 2_u32.pow(doublings)).min(PAUSE_MAX) }
}

/// Takes note of what happened to the connection. A reason is logged once, and again when it is another one.
fn note(status: &watch::Sender<Presence>, place: &str, event: Event) {
    let next = match event {
        Event::Connected => {
            tracing::info!(broker = place, "the broker is there");
            Presence::Up
        }
        Event::Disconnected | Event::Closed => {
            Presence::Down(format!("the connection to {place} broke").into())
        }
        Event::ClientError(ClientError::Other(reason)) if *status.borrow() != Presence::Up => {
            Presence::Down(format!("{place} is not reached: {reason}").into())
        }
        Event::ServerError(reason) if *status.borrow() != Presence::Up => {
            Presence::Down(format!("{place} refuses the connection: {reason}").into())
        }
        other => {
            tracing::warn!(broker = place, event = %other, "the broker's client has something to say");
            return;
        }
    };
    status.send_if_modified(|status| {
        let is_new = *status != next;
        if is_new && let Presence::Down(reason) = &next {
            tracing::error!(broker = place, %reason, "the broker is not there; it is tried again until it is");
        }
        *status = next;
        is_new
    });
}

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { url, prefix, settings, status, .. } = &*self.inner;
        f.debug_struct("Nats")
            .field("url", url)
            .field("prefix", prefix)
            .field("settings", settings)
            .field("status", &*status.borrow())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound() {
        assert_eq!(pause(1), Duration::ZERO);
        assert_eq!(pause(2), PAUSE_MIN);
        assert_eq!(pause(4), PAUSE_MIN * 4);
        assert_eq!((pause(12), pause(usize::MAX)), (PAUSE_MAX, PAUSE_MAX));
    }
}
