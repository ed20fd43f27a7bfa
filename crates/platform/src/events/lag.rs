//! How far a group is behind: asked for now and then, and told as `consumer_lag`; what it has put aside comes with the
//! answer, and is told as `dead_letters`.

use std::sync::Arc;
use std::time::Duration;

use domain::broker::{Broker, BrokerError, Lag};
use node::Node;
use tokio::sync::watch;
use tokio::time::timeout;

use super::CALL_WITHIN;
use crate::telemetry::Telemetry;

/// How often a service that only consumes asks how far it is behind, unless its design says how often.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Asks for as long as the process lives, and tells each answer.
pub(crate) fn watch(
    node: &Node,
    broker: Arc<dyn Broker>,
    telemetry: &Telemetry,
    (topic, group): (&'static str, &'static str),
    every: Duration,
) -> watch::Receiver<u64> {
    let (tell, behind) = watch::channel(0);
    let (node, telemetry) = (node.clone(), telemetry.clone());
    // Detached: it ends with its process.
    node.clone().spawn(async move {
        while !node.stopping().has_begun() {
            // While nobody knows, what was known before stays.
            if let Ok(lag) = look(&broker, &telemetry, topic, group).await {
                let _nobody_listens = tell.send(lag.total());
            }
            tokio::select! {
                biased;
                () = node.stopping().begun() => return,
                () = node.sleep(every) => {}
            }
        }
    });
    behind
}

/// Asks once.
///
/// # Errors
/// When the broker did not say; there is neither `consumer_lag` nor `dead_letters` then.
pub(crate) async fn look(
    broker: &Arc<dyn Broker>,
    telemetry: &Telemetry,
    topic: &'static str,
    group: &'static str,
) -> Result<Lag, BrokerError> {
    let late = || BrokerError::untouched("no answer in time");
    let lag = timeout(CALL_WITHIN, broker.lag(topic, group)).await.unwrap_or_else(|_elapsed| Err(late()));
    telemetry.events().stands(topic, group, lag.as_ref().ok().copied());
    lag
}
