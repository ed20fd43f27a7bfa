//! One connection, which many calls use at once, and which comes back by itself.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue, RedisError, RedisResult, ScriptInvocation};

use super::url::RedisUrl;
use crate::prefix::{self, InvalidPrefix};

/// How a service uses its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedisSettings {
    /// How long a call may take, connecting included. Default 500 ms. A rate has a shorter limit of its own.
    pub timeout: Duration,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self { timeout: Duration::from_millis(500) }
    }
}

/// A service's part of a Redis server. Cheap to clone.
#[derive(Clone)]
pub struct Redis {
    manager: ConnectionManager,
    url: RedisUrl,
    prefix: Arc<str>,
    settings: RedisSettings,
    is_there: Arc<AtomicBool>,
}

impl Redis {
    /// A service's part of a server. Connects when it is first used, so a server that is down is no error here.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the prefix is none.
    pub fn open(url: &RedisUrl, prefix: &str, settings: RedisSettings) -> Result<Self, InvalidPrefix> {
        let prefix = prefix::check(prefix)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(settings.timeout))
            .set_response_timeout(Some(settings.timeout))
            // The next call tries again; none waits for another one's pauses.
            .set_number_of_retries(0);
        let client =
            Client::open(url.parts().clone()).expect("a URL that was read is one that can be opened");
        let manager = ConnectionManager::new_lazy_with_config(client, config)
            .expect("only a subscription without a receiver is refused");
        let is_there = Arc::new(AtomicBool::new(true));
        Ok(Self { manager, url: url.clone(), prefix, settings, is_there })
    }

    /// A key of this service: its prefix, the kind of thing, and whatever tells it from others.
    pub(super) fn key(&self, kind: &str, rest: &[&[u8]]) -> Vec<u8> {
        let mut key = format!("failfirst:{}:{kind}:", self.prefix).into_bytes();
        rest.iter().for_each(|part| key.extend_from_slice(part));
        key
    }

    /// Runs a script.
    pub(super) async fn invoke<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, String> {
        let mut manager = self.manager.clone();
        self.within(async move { script.invoke_async(&mut manager).await }).await
    }

    /// Runs a command.
    pub(super) async fn query<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, String> {
        let mut manager = self.manager.clone();
        self.within(async move { command.query_async(&mut manager).await }).await
    }

    async fn within<T>(&self, call: impl Future<Output = RedisResult<T>>) -> Result<T, String> {
        let outcome = match tokio::time::timeout(self.settings.timeout, call).await {
            Ok(outcome) => outcome.map_err(|error| describe(&error)),
            Err(_silence) => Err(format!("it did not answer within {:?}", self.settings.timeout)),
        };
        // Once, when it goes and when it comes back.
        match &outcome {
            Ok(_) if !self.is_there.swap(true, Ordering::Relaxed) => {
                tracing::info!(server = %self.url, "Redis is there again");
            }
            Err(reason) if self.is_there.swap(false, Ordering::Relaxed) => {
                tracing::error!(server = %self.url, reason, "Redis is not there; every call tries again");
            }
            _ => {}
        }
        outcome.map_err(|reason| format!("{}: {reason}", self.url))
    }
}

/// Errors of Redis speak of commands and keys, and not of how one logs in.
fn describe(error: &RedisError) -> String {
    error.to_string()
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("url", &self.url)
            .field("prefix", &self.prefix)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
