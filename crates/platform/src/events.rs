//! Services that are joined by a broker: how events leave them, how they come in, and what becomes of those that fail.
//!
//! Everything goes one way, and everywhere in the same order: do what the event asks for, tell what follows from it,
//! say that it is dealt with. Each step may be repeated, because a process can die between any two of them: the effect is
//! known by an id that follows from the event, what follows is told under an id that does as well, and what was not said
//! to be dealt with comes again. Nothing here is exactly once; under `[inbox]` it cannot be told from that.
//!
//! ```text
//! order-api ── order placed ──▶ order-processor ── payment completed, failed ──▶ notification-service
//!     ▲                                                     │                             │
//!     └──────────────────── projection ◀────────────────────┴───── customer notified ─────┘
//! ```
//!
//! [`relay`] empties an outbox, [`publisher`] tells what follows, [`consumer`] brings events in and settles them,
//! [`judgement`] (pure) says what becomes of one that failed, and [`autoscale`] (pure) how many workers a backlog needs.
//! Every wait has an end: calls to the broker have one of their own here, whatever its client does.

pub(crate) mod autoscale;
pub(crate) mod consumer;
pub(crate) mod hindrances;
pub(crate) mod judgement;
pub(crate) mod lag;
pub(crate) mod publisher;
pub(crate) mod relay;

use std::sync::Arc;
use std::time::Duration;

use domain::broker::Broker;

use crate::state::ServiceState;

pub(crate) use consumer::{Buried, Consuming, Handle, Received};
pub(crate) use hindrances::Hindrances;
pub(crate) use judgement::{Trouble, Why};
pub(crate) use publisher::Publisher;

/// How long the broker may take for anything but waiting for messages.
const CALL_WITHIN: Duration = Duration::from_secs(5);

/// How long to leave a broker alone that has failed; it doubles with each failure, up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(50);

/// No pause is longer.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The pause after so many failures in a row, from 1.
fn pause(failures: u32) -> Duration {
    let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    PAUSE.saturating_mul(factor).min(PAUSE_MAX)
}

/// The broker of a service whose design has one.
///
/// # Panics
/// When whoever runs the service has opened none.
pub(crate) fn broker(state: &ServiceState) -> Arc<dyn Broker> {
    let broker = state.broker();
    Arc::clone(broker.expect("whoever runs a service of the events topology gives it its broker"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_up_to_its_bound() {
        assert_eq!([1, 2, 3, 40].map(pause), [PAUSE, PAUSE * 2, PAUSE * 4, PAUSE_MAX]);
    }
}
