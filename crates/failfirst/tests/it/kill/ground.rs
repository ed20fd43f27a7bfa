//! What a platform stands on: its own files and its own broker, or servers that somebody else wrote.
//!
//! A server that is killed belongs to the test; of a database server that others use as well it has a database.

use servers::{Database, OwnServer, server};

/// What carries the events, as a victim.
pub(super) const BROKER: &str = "broker";

/// What keeps idempotency keys, as a victim.
pub(super) const KEYS: &str = "redis";

/// Where the services of a platform keep what they own, and what joins them.
#[derive(Default)]
pub(super) struct Ground {
    /// The server that carries events; their own broker when `None`.
    broker: Option<OwnServer>,
    /// What the URL of such a server begins with.
    scheme: &'static str,
    database: Option<Database>,
    /// Redis, for idempotency keys.
    keys: Option<OwnServer>,
}

impl Ground {
    /// With a NATS server of its own; `None` where no test may have one.
    pub(super) fn on_nats(self) -> Option<Self> {
        server("FAILFIRST_TEST_NATS")?;
        Some(Self { scheme: "nats://failfirst:failfirst@", ..self.on_server("nats") })
    }

    /// With a Kafka server of its own.
    #[cfg(feature = "kafka")]
    pub(super) fn on_kafka(self) -> Option<Self> {
        servers::optional_server("FAILFIRST_TEST_KAFKA")?;
        Some(Self { scheme: "kafka://", ..self.on_server("kafka") })
    }

    fn on_server(self, name: &'static str) -> Self {
        let broker = OwnServer::new(name);
        tokio::task::block_in_place(|| broker.start());
        Self { broker: Some(broker), ..self }
    }

    /// With a database of PostgreSQL.
    pub(super) async fn on_postgres(self) -> Option<Self> {
        let url = server("FAILFIRST_TEST_POSTGRES")?;
        Some(Self { database: Some(Database::fresh(&url).await), ..self })
    }

    /// With idempotency keys in a Redis server of its own, as nothing there bears the name of a test.
    pub(super) fn with_keys_in_redis(self) -> Option<Self> {
        server("FAILFIRST_TEST_REDIS")?;
        let keys = OwnServer::new("redis");
        tokio::task::block_in_place(|| keys.start());
        Some(Self { keys: Some(keys), ..self })
    }

    /// The server of this name, if they stand on one.
    pub(super) fn server(&self, name: &str) -> Option<&OwnServer> {
        match name {
            BROKER => self.broker.as_ref(),
            KEYS => self.keys.as_ref(),
            _ => None,
        }
    }

    /// Puts an event into the outbox of order-api, as another program that shares its database would.
    ///
    /// # Panics
    /// Without a database.
    pub(super) async fn put_into_outbox(&self, event_id: &str, topic: &str, payload: &str) {
        let database = self.database.as_ref().expect("with a database");
        let values = format!("'{event_id}', '{topic}', 'tomorrow', '{payload}', 0");
        let columns = "event_id, topic, key, payload, at_us";
        database.execute(format!("INSERT INTO order_api.outbox ({columns}) VALUES ({values})")).await;
    }

    /// Where services keep what they own; in their files when `None`.
    pub(super) fn store(&self) -> Option<String> {
        self.database.as_ref().map(Database::url)
    }

    /// What a service has to find in its environment.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let at = |scheme: &str, server: &OwnServer| format!("{scheme}127.0.0.1:{}", server.port());
        let broker = self.broker.as_ref().map(|server| ("FAILFIRST_BROKER", at(self.scheme, server)));
        let keys = self.keys.as_ref().map(|server| ("FAILFIRST_IDEMPOTENCY", at("redis://", server)));
        broker.into_iter().chain(keys).collect()
    }

    /// Takes away what is not a file.
    pub(super) async fn remove(self) {
        if let Some(database) = self.database {
            database.remove().await;
        }
    }
}
