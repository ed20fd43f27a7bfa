//! One service's connections to its schema, and the keeper who knows whether the database is there.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use node::Node;
use sqlx::error::BoxDynError;
use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPoolOptions, PgRow};
use sqlx::{Connection as _, PgPool, Row as _};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::error::{Failure, describe};
use super::schema::Schema;
use super::url::PostgresUrl;
use crate::presence::{self, Presence};

/// The keeper's first pause before it tries again; each one is twice the last …
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// … up to this.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// How long a migration may take, waiting for another replica's included.
const MIGRATION_MAX: Duration = Duration::from_secs(600);

/// How long after the server should have given up a statement it is given up here: it hangs, or the network does.
const GRACE: Duration = Duration::from_secs(1);

/// A connection that nobody used for so long is tried before it is used: the server may have closed it.
pub(super) const TRIED_AFTER: Duration = Duration::from_millis(250);

/// A read is tried so often: a pool may hold connections to a server that was restarted meanwhile.
const READS_MAX: u32 = 4;

/// How a service uses its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostgresSettings {
    /// The most connections for reading. Writers have their own: two for each kind of write. Default 8.
    pub connections_max: u32,
    /// How long connecting may take, and how long a call waits to hear whether the database is there. Default 2 s.
    pub connect_timeout: Duration,
    /// How long a statement may take before the server undoes it. Default 5 s.
    pub statement_timeout: Duration,
    /// How long a connection for reading is kept that nobody uses. Default 5 min.
    pub idle_timeout: Duration,
}

impl Default for PostgresSettings {
    fn default() -> Self {
        Self {
            connections_max: 8,
            connect_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(300),
        }
    }
}

/// A service's part of a PostgreSQL database. The stores in it are made from this. Cheap to clone.
#[derive(Clone)]
pub struct Postgres {
    inner: Arc<Inner>,
}

struct Inner {
    node: Node,
    url: PostgresUrl,
    schema: Schema,
    settings: PostgresSettings,
    /// For what only reads.
    pool: PgPool,
    status: watch::Sender<Presence>,
}

impl Postgres {
    /// A service's part of a database, with tasks on this node that reach it and make its tables. Never fails and
    /// never waits: see the module.
    ///
    /// Must be called within a tokio runtime.
    #[must_use]
    pub fn open(node: &Node, url: &PostgresUrl, schema: Schema, settings: PostgresSettings) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(settings.connections_max)
            .acquire_timeout(settings.connect_timeout)
            .idle_timeout(settings.idle_timeout)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for < TRIED_AFTER {
                        return Ok(true);
                    }
                    Ok(connection.ping().await.is_ok())
                })
            })
            .connect_lazy_with(options(url, &schema, settings.statement_timeout));
        let (status, watched) = watch::channel(Presence::Unknown);
        let inner = Inner { node: node.clone(), url: url.clone(), schema, settings, pool, status };
        let database = Self { inner: Arc::new(inner) };
        node.spawn(keep(Arc::downgrade(&database.inner), watched));
        database
    }

    /// Where tasks of the stores run.
    pub(super) fn node(&self) -> &Node {
        &self.inner.node
    }

    /// How long an answer to a statement is waited for.
    pub(super) fn answer_timeout(&self) -> Duration {
        self.inner.settings.statement_timeout + GRACE
    }

    /// Whether the database is there and can be written to.
    pub(super) async fn check(&self) -> Result<(), Failure> {
        let rows = self.rows("SELECT current_setting('transaction_read_only')", |_none| Ok(())).await?;
        let read_only: &str = rows
            .first()
            .ok_or(sqlx::Error::RowNotFound)
            .and_then(|row| row.try_get(0))
            .map_err(unreadable)?;
        if read_only == "on" {
            return Err(Failure::without_effect("the database can only be read: is it a standby?"));
        }
        Ok(())
    }

    /// Reads rows. A connection that turns out to be broken is replaced: reading twice does no harm.
    pub(super) async fn rows(
        &self,
        sql: &'static str,
        arguments: impl Fn(&mut PgArguments) -> Result<(), BoxDynError> + Send,
    ) -> Result<Vec<PgRow>, Failure> {
        self.wait_until_known().await?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut connection = self.inner.pool.acquire().await.map_err(|error| Failure::of_read(&error))?;
            let mut bound = PgArguments::default();
            arguments(&mut bound).map_err(|error| unreadable(sqlx::Error::Encode(error)))?;
            let rows = sqlx::query_with(sql, bound).fetch_all(&mut *connection);
            match timeout(self.answer_timeout(), rows).await {
                Ok(Ok(rows)) => return Ok(rows),
                Ok(Err(error)) if super::error::breaks_connection(&error) && attempts < READS_MAX => {
                    drop(connection.detach());
                }
                Ok(Err(error)) => {
                    if super::error::breaks_connection(&error) {
                        self.lost();
                    }
                    return Err(Failure::of_read(&error));
                }
                Err(_silence) => {
                    drop(connection.detach());
                    self.lost();
                    return Err(Failure::without_effect(self.silent()));
                }
            }
        }
    }

    /// A connection of one's own, for a writer.
    pub(super) async fn connect(&self) -> Result<PgConnection, Failure> {
        let Inner { url, schema, settings, .. } = &*self.inner;
        let options = options(url, schema, settings.statement_timeout);
        let connected = match timeout(settings.connect_timeout, PgConnection::connect_with(&options)).await {
            Ok(connected) => connected.map_err(|error| describe(&error)),
            Err(_silence) => Err(self.unreached()),
        };
        connected.map_err(|reason| {
            self.lost();
            Failure::without_effect(reason)
        })
    }

    /// Waits until the keeper knows. Refuses at once while the database is down.
    pub(super) async fn wait_until_known(&self) -> Result<(), Failure> {
        let Inner { url, settings, status, .. } = &*self.inner;
        let known = presence::known(status.subscribe(), settings.connect_timeout, url).await;
        known.map_err(Failure::without_effect)
    }

    /// A connection broke: the keeper looks what it was.
    pub(super) fn lost(&self) {
        self.inner.status.send_if_modified(|status| {
            let was_up = *status == Presence::Up;
            if was_up {
                *status = Presence::Unknown;
            }
            was_up
        });
    }

    pub(super) fn silent(&self) -> String {
        format!("{} did not answer within {:?}", self.inner.url, self.answer_timeout())
    }

    fn unreached(&self) -> String {
        format!("{} was not reached within {:?}", self.inner.url, self.inner.settings.connect_timeout)
    }

    /// Connects, and makes or checks the tables.
    async fn prepare(&self) -> Result<(), String> {
        let Inner { url, schema, settings, .. } = &*self.inner;
        let began = Instant::now();
        let options = options(url, schema, MIGRATION_MAX);
        let connected = timeout(settings.connect_timeout, PgConnection::connect_with(&options)).await;
        let mut connection =
            connected.map_err(|_silence| self.unreached())?.map_err(|error| describe(&error))?;
        let migrator = schema.migrator();
        let migrated = timeout(MIGRATION_MAX, migrator.run_direct(None, &mut connection, false)).await;
        migrated
            .map_err(|_silence| format!("its tables were not ready within {:?}", began.elapsed()))?
            .map_err(|error| self.describe_migration(&error))
    }

    fn describe_migration(&self, error: &MigrateError) -> String {
        let (schema, knows) = (self.inner.schema.name(), self.inner.schema.version());
        match error {
            MigrateError::VersionMissing(version) => format!(
                "the schema {schema} has version {version} and this program knows {knows}: use the newer program"
            ),
            MigrateError::VersionMismatch(version) => format!(
                "version {version} of the schema {schema} was made by something else than this program: use \
                 another database, or the program that made it"
            ),
            MigrateError::Execute(error) => {
                format!("the tables of the schema {schema} cannot be made: {}", describe(error))
            }
            MigrateError::ExecuteMigration(error, version) => {
                format!("version {version} of the schema {schema} cannot be made: {}", describe(error))
            }
            error => format!("the tables of the schema {schema} cannot be made: {error}"),
        }
    }
}

/// Finds out whether the database is there, and finds out again whenever a connection broke, for as long as anybody
/// uses it.
async fn keep(inner: Weak<Inner>, mut status: watch::Receiver<Presence>) {
    let mut pause = PAUSE_MIN;
    let mut said = None;
    // Fails when the sender is gone: with the last who used it.
    while status.wait_for(|status| *status != Presence::Up).await.is_ok() {
        let Some(inner) = inner.upgrade() else { return };
        let database = Postgres { inner };
        let found = database.prepare().await;
        let (place, schema) = (&database.inner.url, database.inner.schema.name());
        match found {
            Ok(()) => {
                tracing::info!(database = %place, schema, "the database is there");
                (pause, said) = (PAUSE_MIN, None);
                database.inner.status.send_replace(Presence::Up);
            }
            Err(reason) => {
                // Once, and again when it is something else.
                if said.as_ref() != Some(&reason) {
                    tracing::error!(database = %place, schema, %reason, "the database is not there; it is tried again until it is");
                    said = Some(reason.clone());
                }
                database.inner.status.send_replace(Presence::Down(reason.into()));
                drop(database);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { url, schema, settings, status, .. } = &*self.inner;
        f.debug_struct("Postgres")
            .field("url", url)
            .field("schema", &schema.name())
            .field("settings", settings)
            .field("status", &*status.borrow())
            .finish_non_exhaustive()
    }
}

/// A row is not what this program writes.
pub(super) fn unreadable(error: sqlx::Error) -> Failure {
    Failure::of_read(&error)
}

/// How a connection is made: into the service's schema, with a limit for each statement.
fn options(url: &PostgresUrl, schema: &Schema, statement_timeout: Duration) -> PgConnectOptions {
    url.parts().clone().application_name(&format!("failfirst {}", schema.name())).options([
        ("search_path", schema.name().to_owned()),
        ("statement_timeout", statement_timeout.as_millis().to_string()),
        // A client that went away in the middle of a transaction holds nobody up.
        ("idle_in_transaction_session_timeout", statement_timeout.as_millis().to_string()),
    ])
}
