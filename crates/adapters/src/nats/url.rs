//! Where the server is. Never shows its password.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::url::ServerUrl;

/// The port of a server that names none.
const PORT: u16 = 4222;

/// A server: `nats://user:password@host:port`, or `nats://token@host:port`. Shown without any of the three.
pub type NatsUrl = ServerUrl<NatsParts>;

/// What is in a [`NatsUrl`].
pub struct NatsParts {
    pub(super) address: String,
    pub(super) login: Login,
}

impl fmt::Debug for NatsParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsParts").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Who one is to the server.
pub(super) enum Login {
    Nobody,
    Token(String),
    User { name: String, password: String },
}

/// Not where a server could be. Says nothing of the text itself, in which there may be a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidUrl {
    /// It is none.
    #[error("not a NATS URL like nats://user:password@host:4222: {reason}")]
    Syntax {
        /// What is wrong.
        reason: String,
    },
    /// It insists on an encrypted connection.
    #[error(
        "tls:// is not supported: this program speaks to NATS without TLS. Use nats:// on a network that you trust, or \
         a tunnel"
    )]
    Tls,
}

impl FromStr for NatsUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let syntax = |reason: &str| InvalidUrl::Syntax { reason: reason.to_owned() };
        if text.starts_with("tls://") {
            return Err(InvalidUrl::Tls);
        }
        if !text.starts_with("nats://") {
            return Err(syntax("it does not begin with nats://"));
        }
        let url = url::Url::parse(text).map_err(|error| syntax(&error.to_string()))?;
        let host =
            url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| syntax("it names no host"))?;
        if !["", "/"].contains(&url.path()) || url.query().is_some() || url.fragment().is_some() {
            return Err(syntax("there is something behind the port"));
        }
        let decoded = |part: &str| {
            let bytes = percent_encoding::percent_decode_str(part);
            bytes.decode_utf8().map(|text| text.into_owned()).map_err(|_bytes| syntax("it is no text"))
        };
        let login = match (url.username(), url.password()) {
            ("", None) => Login::Nobody,
            (token, None) => Login::Token(decoded(token)?),
            (name, Some(password)) => Login::User { name: decoded(name)?, password: decoded(password)? },
        };
        let address = format!("nats://{host}:{}", url.port().unwrap_or(PORT));
        Ok(Self::new(text, address.clone(), NatsParts { address, login }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for text in ["nats://me:sesame@queue.example:4333", "nats://sesame@queue.example:4333/"] {
            let url: NatsUrl = text.parse().expect("a URL");
            assert_eq!((url.to_string().as_str(), url.expose()), ("nats://queue.example:4333", text));
            assert!(!format!("{url:?}").contains("sesame"));
        }
        assert_eq!("nats://[::1]".parse::<NatsUrl>().expect("a URL").to_string(), "nats://[::1]:4222");
    }

    #[test]
    fn a_password_may_have_any_character() {
        let url: NatsUrl = "nats://me:a%40b%2F@h".parse().expect("a URL");
        let Login::User { name, password } = &url.parts().login else { panic!("there is a user") };
        assert_eq!((name.as_str(), password.as_str()), ("me", "a@b/"));
    }

    #[test]
    fn what_is_no_url_is_refused_without_repeating_it() {
        for text in
            ["", "queue", "http://me:sesame@h", "nats://", "nats://me:sesame@h:x", "nats://me:sesame@h/q"]
        {
            let error = text.parse::<NatsUrl>().expect_err("no URL").to_string();
            assert!(error.starts_with("not a NATS URL") && !error.contains("sesame"), "{error}");
        }
        assert_eq!("tls://me:sesame@h".parse::<NatsUrl>().expect_err("no TLS"), InvalidUrl::Tls);
    }
}
