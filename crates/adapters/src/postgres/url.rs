//! Where the database is. Never shows its password.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use thiserror::Error;

use crate::url::ServerUrl;

/// A database: `postgres://user:password@host:port/database`, or
/// `postgres:///database?host=/run/postgresql&user=user` over a Unix socket. Shown without the password, and without
/// anything else that was in the query.
pub type PostgresUrl = ServerUrl<PgConnectOptions>;

/// Not where a database could be. Says nothing of the text itself, in which there may be a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidUrl {
    /// It is none.
    #[error("not a PostgreSQL URL like postgres://user:password@host:5432/database: {reason}")]
    Syntax {
        /// What is wrong.
        reason: String,
    },
    /// It insists on an encrypted connection.
    #[error(
        "sslmode={mode} is not supported: this program speaks to PostgreSQL without TLS. Use sslmode=disable on a \
         network that you trust, a Unix socket, or a tunnel"
    )]
    Tls {
        /// What it asks for.
        mode: &'static str,
    },
}

impl FromStr for PostgresUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let syntax = |reason: String| InvalidUrl::Syntax { reason };
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(syntax("it does not begin with postgres://".to_owned()));
        }
        let options: PgConnectOptions =
            text.parse().map_err(|error: sqlx::Error| syntax(innermost(&error)))?;
        let insists = match options.get_ssl_mode() {
            PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer => None,
            PgSslMode::Require => Some("require"),
            PgSslMode::VerifyCa => Some("verify-ca"),
            PgSslMode::VerifyFull => Some("verify-full"),
        };
        match insists {
            Some(mode) => Err(InvalidUrl::Tls { mode }),
            None => Ok(Self::new(text, shown(&options), options.ssl_mode(PgSslMode::Disable))),
        }
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}

fn shown(options: &PgConnectOptions) -> String {
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    match options.get_socket() {
        Some(socket) => format!("postgres://{user}@{}/{database}", socket.display()),
        None => format!("postgres://{user}@{}:{}/{database}", options.get_host(), options.get_port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url: PostgresUrl = "postgres://me:sesame@db.example:5433/shop".parse().expect("a URL");
        assert_eq!(url.to_string(), "postgres://me@db.example:5433/shop");
        assert!(!format!("{url:?}").contains("sesame"));
        let socket: PostgresUrl =
            "postgres:///shop?host=/run/postgresql&user=me&password=sesame".parse().expect("a URL");
        assert_eq!(socket.to_string(), "postgres://me@/run/postgresql/shop");
    }

    #[test]
    fn what_is_no_url_is_refused_without_repeating_it() {
        for text in
            ["", "shop", "mysql://me:sesame@h/d", "postgres://me:sesame@h:x/d", "postgres://me:sesame@[::1/d"]
        {
            let error = text.parse::<PostgresUrl>().expect_err("no URL").to_string();
            assert!(error.starts_with("not a PostgreSQL URL") && !error.contains("sesame"), "{error}");
        }
    }

    #[test]
    fn who_insists_on_tls_is_told_that_there_is_none() {
        for mode in ["require", "verify-ca", "verify-full"] {
            let url = format!("postgres://me:sesame@h/d?sslmode={mode}");
            let error = url.parse::<PostgresUrl>().expect_err("no TLS");
            assert_eq!(error, InvalidUrl::Tls { mode });
            assert!(!error.to_string().contains("sesame"));
        }
        assert!("postgres://me@h/d?sslmode=prefer".parse::<PostgresUrl>().is_ok());
    }
}
