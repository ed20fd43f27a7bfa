//! Where the server is. Never shows its password.

use std::str::FromStr;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _};
use thiserror::Error;

use crate::url::ServerUrl;

/// A server: `redis://user:password@host:port/number`, or `redis+unix:///path/to/socket`. Shown without user and
/// password.
pub type RedisUrl = ServerUrl<ConnectionInfo>;

/// Not where a server could be. Says nothing of the text itself, in which there may be a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidUrl {
    /// It is none.
    #[error("not a Redis URL like redis://user:password@host:6379/0")]
    Syntax,
    /// It insists on an encrypted connection.
    #[error(
        "rediss:// is not supported: this program speaks to Redis without TLS. Use redis:// on a network that you \
         trust, a Unix socket, or a tunnel"
    )]
    Tls,
}

impl FromStr for RedisUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        if text.starts_with("rediss://") || text.starts_with("valkeys://") {
            return Err(InvalidUrl::Tls);
        }
        let info = text.into_connection_info().map_err(|_may_repeat_it| InvalidUrl::Syntax)?;
        Ok(Self::new(text, shown(&info), info))
    }
}

fn shown(info: &ConnectionInfo) -> String {
    let number = info.redis_settings().db();
    match info.addr() {
        ConnectionAddr::Tcp(host, port) => format!("redis://{host}:{port}/{number}"),
        ConnectionAddr::Unix(path) => format!("redis+unix://{}", path.display()),
        _other => "redis".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url: RedisUrl = "redis://me:sesame@cache.example:6380/2".parse().expect("a URL");
        assert_eq!(url.to_string(), "redis://cache.example:6380/2");
        assert!(!format!("{url:?}").contains("sesame"));
    }

    #[test]
    fn what_is_no_url_is_refused_without_repeating_it() {
        for text in ["", "cache", "http://me:sesame@h", "redis://me:sesame@h:x", "redis://me:sesame@h/first"]
        {
            let error = text.parse::<RedisUrl>().expect_err("no URL");
            assert_eq!(error, InvalidUrl::Syntax, "{text}");
            assert!(!error.to_string().contains("sesame"));
        }
        assert_eq!("rediss://me:sesame@h".parse::<RedisUrl>().expect_err("no TLS"), InvalidUrl::Tls);
    }
}
