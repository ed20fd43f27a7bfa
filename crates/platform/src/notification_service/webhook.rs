//! The webhook: whoever wants to hear of notices is told each of them as JSON, at least once.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use domain::Notice;
use http::Uri;
use http::uri::Scheme;
use node::Node;
use resilience::timeouts::Deadline;
use tokio::time::timeout_at;

use crate::events::{Trouble, Why};
use crate::web::upstream::{Call, Upstream, json};
use crate::web::{RequestContext, key};

/// How long the receiver may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Where notices are posted. Plain HTTP: what goes over other people's networks goes through a proxy of one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The host, as the service's node knows it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The path, from its `/` on.
    pub path: String,
}

impl fmt::Display for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}{}", self.host, self.port, self.path)
    }
}

/// Not where notices could be posted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a webhook: it is written http://HOST:PORT/PATH (plain HTTP)")]
pub struct InvalidWebhook;

impl FromStr for Webhook {
    type Err = InvalidWebhook;

    fn from_str(text: &str) -> Result<Self, InvalidWebhook> {
        let uri: Uri = text.parse().map_err(|_| InvalidWebhook)?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(InvalidWebhook)?;
        let has_login = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if uri.scheme() != Some(&Scheme::HTTP) || has_login {
            return Err(InvalidWebhook);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { host: host.to_owned(), port: uri.port_u16().unwrap_or(80), path })
    }
}

/// Posts notices.
#[derive(Debug)]
pub(super) struct Sink {
    node: Node,
    upstream: Upstream,
    path: String,
}

impl Sink {
    pub(super) fn new(node: &Node, webhook: &Webhook) -> Self {
        let upstream = Upstream::to(node, &webhook.host, webhook.port);
        Self { node: node.clone(), upstream, path: webhook.path.clone() }
    }

    /// Posts a notice; its id is the `Idempotency-Key`. Anything but a 2xx is a failure.
    pub(super) async fn post(&self, context: &RequestContext, notice: &Notice) -> Result<(), Trouble> {
        let trouble = |detail: String| Trouble::new(Why::Webhook, detail);
        let deadline = Deadline::after(self.node.now(), ANSWER_WITHIN);
        let key = Some(key::header(notice.id.as_str()));
        let call = Call { idempotency_key: key, ..Call::post(self.path.clone(), json(notice)) };
        let answer = timeout_at(deadline.instant(), self.upstream.call(context, call)).await;
        let answer =
            answer.map_err(|_elapsed| trouble(format!("no answer within {} s", ANSWER_WITHIN.as_secs())))?;
        let answer = answer.map_err(|error| trouble(format!("the webhook did not answer: {error}")))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(trouble(format!("the webhook answered {status}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_a_url() {
        for text in ["http://127.0.0.1:9000/notices?shop=1", "http://[::1]:9000/"] {
            assert_eq!(text.parse::<Webhook>().expect("a webhook").to_string(), text);
        }
        let short: Webhook = "http://shop".parse().expect("a webhook");
        assert_eq!((short.port, short.path.as_str()), (80, "/"));
        for wrong in ["", "shop", "https://shop/", "http://", "http://me:sesame@shop/", "/notices"] {
            assert_eq!(wrong.parse::<Webhook>(), Err(InvalidWebhook), "{wrong}");
        }
    }
}
