//! The webhook: whoever wants to hear of notices is told each of them as JSON, at least once.

use std::fmt;
use std::time::Duration;

use domain::Notice;
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
