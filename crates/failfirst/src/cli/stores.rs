//! Where services keep what they own, as it is said on the command line or in the environment.
//!
//! A URL may hold a password. So it is read here as a text that nobody shows, and checked by [`StoreArgs::places`],
//! whose errors do not repeat it: clap's would. In the environment it is not seen by who lists processes.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context as _;
use clap::Args;
use lab::serve::{BrokerUrl, Places, RedisUrl, StoreUrl};

use crate::failure::Failure;

/// Where services of a design keep what they own unless it is said.
pub(crate) fn data_directory(design: &str) -> PathBuf {
    ["out", "data", design].iter().collect()
}

/// Of `serve` and `up`.
#[derive(Clone, Debug, Default, Args)]
pub struct StoreArgs {
    /// Where services keep what they own: a directory with a file for each, made when missing. Default:
    /// out/data/DESIGN.
    #[arg(long, value_name = "DIR", conflicts_with = "store")]
    pub data: Option<PathBuf>,
    /// The same as a URL: `redb://DIR` for files in a directory, `postgres://USER:PASSWORD@HOST/DATABASE` for a database
    /// with a schema for each service, `memory://` for memory, `none` to forget what is finished (for measuring only).
    #[arg(long, value_name = "URL", env = Places::STORE, hide_env_values = true)]
    pub store: Option<Secret>,
    /// Where replicas share their idempotency keys, such as `redis://HOST:6379`; with the rest when not given.
    #[arg(long, value_name = "URL", env = Places::IDEMPOTENCY, hide_env_values = true)]
    pub idempotency: Option<Secret>,
    /// Where replicas of order-api share a rate (`[admission]` with `shared = true`), such as `redis://HOST:6379`; where
    /// the idempotency keys are when not given.
    #[arg(long, value_name = "URL", env = Places::RATE_LIMIT, hide_env_values = true)]
    pub rate_limit: Option<Secret>,
    /// What carries events, where services are joined by a broker: `embedded://` for the one of this program, which is
    /// started beside the services, `embedded://IP:PORT` where it runs already, `nats://HOST:4222`, or `kafka://HOST:9092`.
    #[arg(long, value_name = "URL", env = Places::BROKER, hide_env_values = true)]
    pub broker: Option<Secret>,
}

impl StoreArgs {
    /// The places that are meant.
    ///
    /// # Errors
    /// When a URL is none. It is not repeated.
    pub(crate) fn places(&self, design: &str) -> Result<Places, Failure> {
        let redis = |option: &'static str, url: &Option<Secret>| {
            let url = url.as_ref().map(|url| url.0.parse::<RedisUrl>()).transpose();
            url.with_context(|| format!("{option} cannot be used")).map_err(Failure::input)
        };
        let directory = || self.data.clone().unwrap_or_else(|| data_directory(design));
        let store = match &self.store {
            Some(url) => url.0.parse().context("--store cannot be used").map_err(Failure::input)?,
            None => StoreUrl::Redb(directory()),
        };
        let idempotency = redis("--idempotency", &self.idempotency)?;
        let rate_limit = redis("--rate-limit", &self.rate_limit)?.or_else(|| idempotency.clone());
        let broker = broker_of(self.broker.as_ref())?;
        Ok(Places { store, idempotency, rate_limit, broker })
    }
}

/// The broker that is meant; the embedded one when none is said.
///
/// # Errors
/// When the URL is none. It is not repeated.
pub(super) fn broker_of(url: Option<&Secret>) -> Result<BrokerUrl, Failure> {
    match url {
        Some(url) => url.0.parse().context("--broker cannot be used").map_err(Failure::input),
        None => Ok(BrokerUrl::default()),
    }
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(store: &str, idempotency: &str) -> Result<Places, String> {
        let secret = |text: &str| (!text.is_empty()).then(|| Secret(text.to_owned()));
        let args =
            StoreArgs { store: secret(store), idempotency: secret(idempotency), ..StoreArgs::default() };
        args.places("v1.0.0").map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_file_per_service_is_the_default() {
        let places = places("", "").expect("nothing is wrong");
        assert_eq!(places.store, StoreUrl::Redb("out/data/v1.0.0".into()));
        assert_eq!((places.idempotency, places.rate_limit), (None, None));
    }

    #[test]
    fn a_rate_is_shared_where_the_keys_are_unless_it_is_said() {
        let places = places("memory://", "redis://127.0.0.1:1").expect("nothing is wrong");
        assert!(places.idempotency.is_some() && places.rate_limit == places.idempotency);
    }

    #[test]
    fn an_error_does_not_repeat_what_it_is_about() {
        for (store, idempotency) in [
            ("postgres://me:sesame@h:x/d", ""),
            ("postgres://me:sesame@h/d?sslmode=require", ""),
            ("postgress://me:sesame@h/d", ""),
            ("memory://", "rediss://me:sesame@h"),
            ("memory://", "http://me:sesame@h"),
        ] {
            let said = places(store, idempotency).expect_err("it is wrong");
            assert!(said.contains("cannot be used") && !said.contains("sesame"), "{said}");
        }
    }
}
