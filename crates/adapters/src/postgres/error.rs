//! Why the database did not do what it was asked, and whether it may have done it.

use domain::{Effect, StoreError};
use resilience::idempotency::RecordsError;

/// A call that did not get through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) detail: String,
    pub(super) effect: Effect,
}

impl Failure {
    /// It was never sent, or the server has undone it.
    pub(super) fn without_effect(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), effect: Effect::None }
    }

    /// It was sent, and nothing came back.
    pub(super) fn unknown(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), effect: Effect::Unknown }
    }

    /// The server's or the connection's error to a statement that may have changed something.
    pub(super) fn of_write(error: &sqlx::Error) -> Self {
        let effect = if breaks_connection(error) { Effect::Unknown } else { Effect::None };
        Self { detail: describe(error), effect }
    }

    /// The same to one that only reads.
    pub(super) fn of_read(error: &sqlx::Error) -> Self {
        Self::without_effect(describe(error))
    }
}

impl From<Failure> for StoreError {
    fn from(Failure { detail, effect }: Failure) -> Self {
        Self::Unavailable { detail, effect }
    }
}

impl From<Failure> for RecordsError {
    fn from(Failure { detail, .. }: Failure) -> Self {
        Self::Unavailable { reason: detail }
    }
}

/// In the server's words, where it had any; sqlx has no password in its own.
pub(super) fn describe(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => match error.code() {
            Some(code) => format!("{} (SQLSTATE {code})", error.message()),
            None => error.message().to_owned(),
        },
        sqlx::Error::PoolTimedOut => "all connections were busy for too long".to_owned(),
        error => error.to_string(),
    }
}

/// Whether the connection is of no use any more: then nobody knows what became of the statement. A server that is
/// being shut down says so (57P01 to 57P05) and closes the connection.
pub(super) fn breaks_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => {
            true
        }
        _ => false,
    }
}

/// Two transactions stood in each other's way, and this one was undone: the same again will do.
pub(super) fn is_worth_repeating(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| ["40001", "40P01"].contains(&&*code))
}
