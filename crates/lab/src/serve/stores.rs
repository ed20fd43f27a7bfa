//! Where a real service keeps what it owns, by a URL.
//!
//! | URL | what it is |
//! |---|---|
//! | `redb://DIR` | a file per service in a directory, the default |
//! | `postgres://…` | a database, with a schema per service |
//! | `memory://` | memory, gone with the process |
//! | `none` | what is in work, and nothing that is finished: for measuring what a store costs |
//!
//! What replicas share (idempotency keys, a rate) may be in Redis instead ([`Places`]).
//!
//! A file that cannot be opened is an error: somebody has to do something about it. A server that is not there is
//! none: it is waited for, `/readyz` says so meanwhile, and orders are refused.
//!
//! Two services never share a file: each owns its data. A monolith is one process with one file for all of its parts, and
//! so with one log, in which an order, its charge and its end are made durable at once.

use std::path::{Path, PathBuf};
use std::{fmt, str::FromStr, sync::Arc};

use adapters::postgres::{
    InvalidUrl, Postgres, PostgresCharges, PostgresNotices, PostgresOrders, PostgresRecords,
    PostgresSettings, PostgresUrl, Schema,
};
use adapters::redb::{OpenError, RedbStore};
use adapters::redis::{Redis, RedisBuckets, RedisRecords, RedisSettings, RedisUrl};
use domain::memory::{ForgetfulCharges, ForgetfulOrders};
use node::{Node, RealOptions};
use platform::{
    PlatformState, ServiceKind, ServiceState, Stores,
    design::{Design, Topology},
};

use super::BrokerUrl;

mod files;

use files::check_not_of_others;
pub(crate) use files::{on_redb, open_file};

/// Where a service keeps what it owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file per service in this directory, which is made when missing.
    Redb(PathBuf),
    /// A schema per service in this database.
    Postgres(PostgresUrl),
    /// Memory.
    Memory,
    /// Memory for what is in work only.
    Nothing,
}

/// Not a store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadStoreUrl {
    /// Nothing is kept there. Only how it begins is repeated: the rest may hold a password.
    #[error("no store is called {0:?}: write redb://DIR, postgres://…, memory:// or none")]
    Unknown(String),
    /// It should have been a database.
    #[error(transparent)]
    Postgres(#[from] InvalidUrl),
    /// A directory is missing.
    #[error("redb:// wants a directory, for example redb://out/data/mine")]
    NoDirectory,
    /// Memory has no parts.
    #[error("memory:// takes nothing after it, not {0:?}")]
    NotInMemory(String),
}

impl FromStr for StoreUrl {
    type Err = BadStoreUrl;

    fn from_str(text: &str) -> Result<Self, BadStoreUrl> {
        let unknown = || {
            let name =
                text.split_once(':').map_or_else(|| text.to_owned(), |(scheme, _)| format!("{scheme}:…"));
            BadStoreUrl::Unknown(name)
        };
        match text.split_once("://") {
            None if text == "none" => Ok(Self::Nothing),
            None => Err(unknown()),
            Some(("redb", "")) => Err(BadStoreUrl::NoDirectory),
            Some(("redb", directory)) => Ok(Self::Redb(directory.into())),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(text.parse()?)),
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("memory", rest)) => Err(BadStoreUrl::NotInMemory(rest.to_owned())),
            Some(_) => Err(unknown()),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redb(directory) => write!(f, "redb://{}", directory.display()),
            Self::Postgres(url) => url.fmt(f),
            Self::Memory => f.write_str("memory://"),
            Self::Nothing => f.write_str("none"),
        }
    }
}

impl StoreUrl {
    /// The URL with its password, if there is one: for handing on, never for showing.
    #[must_use]
    pub fn expose(&self) -> String {
        match self {
            Self::Postgres(url) => url.expose().to_owned(),
            other => other.to_string(),
        }
    }
}

/// Where a service keeps what it owns, what its replicas share, and what carries its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// What it owns.
    pub store: StoreUrl,
    /// Idempotency keys; with what it owns when `None`.
    pub idempotency: Option<RedisUrl>,
    /// The rate that replicas of order-api share, where the design has one; each has its own when `None`.
    pub rate_limit: Option<RedisUrl>,
    /// What carries the events, where services are joined by a broker.
    pub broker: BrokerUrl,
}

impl Places {
    /// The variable that says where a service keeps what it owns.
    pub const STORE: &str = "FAILFIRST_STORE";
    /// The variable that says where replicas share their idempotency keys.
    pub const IDEMPOTENCY: &str = "FAILFIRST_IDEMPOTENCY";
    /// The variable that says where replicas share a rate.
    pub const RATE_LIMIT: &str = "FAILFIRST_RATE_LIMIT";
    /// The variable that says what carries the events.
    pub const BROKER: &str = "FAILFIRST_BROKER";

    /// What a process has to find in its environment to keep things there, with the passwords: for handing on, never for
    /// showing. It must not find those without a value.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, Option<String>); 4] {
        let shared = |url: &Option<RedisUrl>| url.as_ref().map(|url| url.expose().to_owned());
        [
            (Self::STORE, Some(self.store.expose())),
            (Self::IDEMPOTENCY, shared(&self.idempotency)),
            (Self::RATE_LIMIT, shared(&self.rate_limit)),
            (Self::BROKER, Some(self.broker.expose())),
        ]
    }
}

/// Nothing is shared.
impl From<StoreUrl> for Places {
    fn from(store: StoreUrl) -> Self {
        Self { store, idempotency: None, rate_limit: None, broker: BrokerUrl::default() }
    }
}

/// A store that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{service} has no store")]
pub struct StoresError {
    service: ServiceKind,
    source: OpenError,
}

impl StoresError {
    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        self.source.advice()
    }
}

/// The state of a process, on its open stores.
#[derive(Debug)]
pub struct OpenStores {
    state: PlatformState,
    /// The file of this process, where it is in files.
    file: Option<RedbStore>,
}

impl OpenStores {
    /// Opens what the services in one process of a design need.
    ///
    /// # Errors
    /// When a store cannot be opened.
    pub async fn open(kind: ServiceKind, design: &Design, places: &Places) -> Result<Self, StoresError> {
        let file = match &places.store {
            StoreUrl::Redb(directory) => {
                let opened = file_in(directory, kind, design).await;
                opened.map_err(|source| StoresError { service: kind, source })?
            }
            StoreUrl::Memory | StoreUrl::Nothing | StoreUrl::Postgres(_) => None,
        };
        let mut open = Self { state: PlatformState::default(), file };
        for part in parts(kind, design) {
            let mut stores = match &places.store {
                StoreUrl::Memory => Stores::in_memory(part),
                StoreUrl::Nothing => forgetful(part),
                StoreUrl::Postgres(url) => on_postgres(part, url),
                StoreUrl::Redb(_) => on_redb(part, open.file.as_ref()),
            };
            if let Some(url) = &places.idempotency {
                stores.records = Arc::new(RedisRecords::new(redis(part, url)));
            }
            let mut state = ServiceState::on(part, stores);
            if let Some(url) = &places.rate_limit {
                state = state.with_buckets(Arc::new(RedisBuckets::new(redis(part, url))));
            }
            open.state = open.state.with(state);
        }
        Ok(open)
    }

    /// The state to run the services on.
    #[must_use]
    pub const fn state(&self) -> &PlatformState {
        &self.state
    }

    /// Writes what has queued and closes the files. What comes later is refused.
    pub async fn close(&self) {
        if let Some(file) = &self.file {
            file.close().await;
        }
    }
}

/// Opens the file of a process in a directory, if the process keeps anything.
async fn file_in(
    directory: &Path,
    process: ServiceKind,
    design: &Design,
) -> Result<Option<RedbStore>, OpenError> {
    check_not_of_others(directory, design.topology)?;
    let data = Some(directory.to_owned());
    let node = Node::real(RealOptions { name: process.name().to_owned(), data, ..RealOptions::default() });
    open_file(&node, process, design).await
}

/// The services in one process of a design.
pub(crate) fn parts(process: ServiceKind, design: &Design) -> Vec<ServiceKind> {
    match design.topology {
        Topology::Chain | Topology::Events => vec![process],
        Topology::Monolith => design.topology.services().to_vec(),
    }
}

/// A service's stores, all in its own schema.
fn on_postgres(part: ServiceKind, url: &PostgresUrl) -> Stores {
    let stores = Stores::in_memory(part);
    let name = part.name().replace('-', "_");
    let schema = match part {
        ServiceKind::OrderApi => Schema::of_orders(&name),
        ServiceKind::PaymentService => Schema::of_charges(&name),
        ServiceKind::NotificationService => Schema::of_notices(&name),
        // It owns nothing.
        ServiceKind::OrderProcessor => return stores,
    };
    let schema = schema.expect("a service's name is one of a schema");
    let node = Node::real(RealOptions { name: part.name().to_owned(), ..RealOptions::default() });
    let database = Postgres::open(&node, url, schema, PostgresSettings::default());
    let orders = stores.orders.map(|_| Arc::new(PostgresOrders::new(&database)));
    Stores {
        orders: orders.clone().map(|orders| orders as _),
        outbox: orders.map(|orders| orders as _),
        charges: stores.charges.map(|_| Arc::new(PostgresCharges::new(&database)) as _),
        notices: stores.notices.map(|_| Arc::new(PostgresNotices::new(&database)) as _),
        records: Arc::new(PostgresRecords::new(&database)),
    }
}

/// A service's part of a Redis server.
fn redis(part: ServiceKind, url: &RedisUrl) -> Redis {
    Redis::open(url, part.name(), RedisSettings::default()).expect("a service's name is a prefix")
}

fn forgetful(part: ServiceKind) -> Stores {
    let stores = Stores::in_memory(part);
    Stores {
        orders: stores.orders.map(|_| Arc::new(ForgetfulOrders::default()) as _),
        outbox: None,
        charges: stores.charges.map(|_| Arc::new(ForgetfulCharges::default()) as _),
        ..stores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        text.parse::<StoreUrl>().expect_err("refused").to_string()
    }

    #[test]
    fn a_store_is_named_by_its_url() {
        for text in ["redb://out/data/v1.0.0", "redb:///var/lib/failfirst", "memory://", "none"] {
            assert_eq!(text.parse::<StoreUrl>().expect("a store").to_string(), text);
        }
        assert_eq!("redb://a/b".parse(), Ok(StoreUrl::Redb("a/b".into())));
    }

    #[test]
    fn what_is_no_store_is_told_what_would_be() {
        assert_eq!(
            refused("rdb://x"),
            "no store is called \"rdb:…\": write redb://DIR, postgres://…, memory:// or none"
        );
        assert!(refused("nothing").contains("redb://DIR"));
        assert!(refused("redb://").contains("wants a directory"));
        assert_eq!(refused("memory://x"), "memory:// takes nothing after it, not \"x\"");
    }
}
