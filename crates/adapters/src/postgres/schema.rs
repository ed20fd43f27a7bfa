//! A service's own part of a database, and the migrations that make it.

use std::borrow::Cow;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use thiserror::Error;

/// The most bytes in a name: PostgreSQL cuts longer ones off.
const NAME_BYTES_MAX: usize = 63;

/// A migration is never changed once it was released: the next one corrects it.
const ORDERS: &[(&str, &str)] = &[
    ("orders", include_str!("../../migrations/orders.sql")),
    ("outbox", include_str!("../../migrations/outbox.sql")),
    ("idempotency", include_str!("../../migrations/idempotency.sql")),
];

/// See [`ORDERS`].
const CHARGES: &[(&str, &str)] = &[
    ("charges", include_str!("../../migrations/charges.sql")),
    ("idempotency", include_str!("../../migrations/idempotency.sql")),
];

/// See [`ORDERS`].
const NOTICES: &[(&str, &str)] = &[
    ("notices", include_str!("../../migrations/notices.sql")),
    ("idempotency", include_str!("../../migrations/idempotency.sql")),
];

/// A PostgreSQL schema that one service owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    name: String,
    migrations: &'static [(&'static str, &'static str)],
}

/// Not a name that needs no quotes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a schema's name is 1 to 63 of a-z, 0-9 and _, and begins with a letter: not {name:?}")]
pub struct InvalidSchema {
    /// What was given.
    pub name: String,
}

impl Schema {
    /// For a service that keeps orders.
    ///
    /// # Errors
    /// When the name would have to be quoted.
    pub fn of_orders(name: &str) -> Result<Self, InvalidSchema> {
        Ok(Self { name: checked(name)?, migrations: ORDERS })
    }

    /// For a service that keeps charges.
    ///
    /// # Errors
    /// When the name would have to be quoted.
    pub fn of_charges(name: &str) -> Result<Self, InvalidSchema> {
        Ok(Self { name: checked(name)?, migrations: CHARGES })
    }

    /// For a service that keeps notices.
    ///
    /// # Errors
    /// When the name would have to be quoted.
    pub fn of_notices(name: &str) -> Result<Self, InvalidSchema> {
        Ok(Self { name: checked(name)?, migrations: NOTICES })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The latest version that this program knows.
    pub(super) const fn version(&self) -> usize {
        self.migrations.len()
    }

    pub(super) fn migrator(&self) -> Migrator {
        let migrations = self.migrations.iter().zip(1..).map(|(&(name, sql), version)| {
            Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
        });
        let mut migrator = Migrator::with_migrations(migrations.collect());
        migrator.create_schema(self.name.clone());
        migrator
    }
}

fn checked(name: &str) -> Result<String, InvalidSchema> {
    let is_plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let begins = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    if is_plain && begins && name.len() <= NAME_BYTES_MAX {
        Ok(name.to_owned())
    } else {
        Err(InvalidSchema { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_needs_no_quotes() {
        assert_eq!(Schema::of_orders("order_api").expect("plain").name(), "order_api");
        for name in ["", "1st", "Order", "a-b", "a b", "a\"; DROP SCHEMA b", &"x".repeat(64)] {
            assert_eq!(Schema::of_charges(name), Err(InvalidSchema { name: name.to_owned() }));
        }
    }
}
