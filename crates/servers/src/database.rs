//! A database of one test's own on a PostgreSQL server that others use as well.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::fresh_name;

/// A database that is there until it is removed.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// A new one on the server of a URL such as `postgres://me:sesame@127.0.0.1:5432/mine`.
    ///
    /// # Panics
    /// When the server is not there, or its user may make none.
    ///
    /// # Cancel safety
    /// Dropping the future may leave it behind.
    pub async fn fresh(server: &str) -> Self {
        let database = Self { server: server.to_owned(), name: fresh_name("test") };
        run(server, format!("CREATE DATABASE {}", database.name)).await;
        database
    }

    /// Its URL.
    ///
    /// # Panics
    /// When the server's names no database.
    #[must_use]
    pub fn url(&self) -> String {
        let (server, _its_own) = self.server.rsplit_once('/').expect("a URL has a path");
        format!("{server}/{}", self.name)
    }

    /// Removes it, whoever is connected.
    ///
    /// # Panics
    /// When the server does not.
    ///
    /// # Cancel safety
    /// Dropping the future may leave it behind.
    pub async fn remove(self) {
        run(&self.server, format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }

    /// Executes a statement in it.
    ///
    /// # Panics
    /// When the server does not.
    ///
    /// # Cancel safety
    /// When the future is dropped it may be executed or not.
    pub async fn execute(&self, statement: String) {
        run(&self.url(), statement).await;
    }
}

async fn run(url: &str, statement: String) {
    let mut server = PgConnection::connect(url).await.expect("the server is there");
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut server).await.expect("the server does it");
    server.close().await.expect("it is there still");
}
