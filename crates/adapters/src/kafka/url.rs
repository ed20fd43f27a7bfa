//! Where the servers are.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::url::ServerUrl;

/// The port of a server that names none.
const PORT: u16 = 9092;

/// Some of a cluster's servers, by which the others are found: `kafka://host:port,host:port`.
pub type KafkaUrl = ServerUrl<KafkaServers>;

/// What is in a [`KafkaUrl`].
pub struct KafkaServers(pub(super) String);

impl fmt::Debug for KafkaServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KafkaServers").field(&self.0).finish()
    }
}

/// Not where a cluster could be. Says nothing of the text itself, in which there may be a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidUrl {
    /// It is none.
    #[error("not a Kafka URL like kafka://host:9092,host:9092: {reason}")]
    Syntax {
        /// What is wrong.
        reason: String,
    },
    /// It wants to log in.
    #[error(
        "logging in to Kafka is not supported, as this program speaks to it without TLS and passwords would be \
         readable: use kafka://host:9092 on a network that you trust, or a tunnel"
    )]
    Login,
}

impl FromStr for KafkaUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let syntax = |reason: &str| InvalidUrl::Syntax { reason: reason.to_owned() };
        let servers =
            text.strip_prefix("kafka://").ok_or_else(|| syntax("it does not begin with kafka://"))?;
        if servers.contains('@') {
            return Err(InvalidUrl::Login);
        }
        let mut found = Vec::new();
        for server in servers.trim_end_matches('/').split(',') {
            let url =
                url::Url::parse(&format!("kafka://{server}")).map_err(|error| syntax(&error.to_string()))?;
            let host =
                url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| syntax("it names no host"))?;
            if !["", "/"].contains(&url.path()) || url.query().is_some() || url.fragment().is_some() {
                return Err(syntax("there is something behind the port"));
            }
            found.push(format!("{host}:{}", url.port().unwrap_or(PORT)));
        }
        let servers = found.join(",");
        Ok(Self::new(text, format!("kafka://{servers}"), KafkaServers(servers)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_with_their_ports() {
        let url: KafkaUrl = "kafka://one,two:9093,[::1]:9094/".parse().expect("a URL");
        assert_eq!(url.parts().0, "one:9092,two:9093,[::1]:9094");
        assert_eq!(url.to_string(), "kafka://one:9092,two:9093,[::1]:9094");
    }

    #[test]
    fn what_is_no_url_is_refused_without_repeating_it() {
        for text in ["", "one:9092", "kafka://", "kafka://one:x", "kafka://one,,two", "kafka://one/topic"] {
            let error = text.parse::<KafkaUrl>().expect_err("no URL").to_string();
            assert!(error.starts_with("not a Kafka URL"), "{error}");
        }
        let login = "kafka://me:sesame@one".parse::<KafkaUrl>().expect_err("no passwords");
        assert!(login == InvalidUrl::Login && !login.to_string().contains("sesame"));
    }
}
