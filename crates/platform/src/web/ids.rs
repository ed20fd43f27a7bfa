//! Where requests get their ids: request ids, traces and spans that nobody has sent along.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderValue;
use node::{Node, Rng};
use rand::Rng as _;

use super::recording::Recorder;
use super::trace::TraceContext;
use crate::telemetry::Telemetry;

/// Where ids come from: a random stream of the service's node. Cheap to clone, as every request does.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    shared: Arc<Source>,
}

#[derive(Debug)]
struct Source {
    node: Node,
    rng: Mutex<Rng>,
    /// Where what is done for requests is recorded, if anywhere.
    recorder: Option<Recorder>,
}

impl Ids {
    /// A restarted process asks for a stream of its own, so that it does not repeat ids.
    /// So do the parts of one process: their spans stand in the same traces.
    pub(super) fn new(node: &Node, part: &str) -> Self {
        Self::recorded_by(node, &format!("request-ids/{part}"), None)
    }

    /// A stream of its own name, for work that is not asked for by requests; what is done for it is recorded while
    /// this service's journal is on.
    pub(crate) fn named(node: &Node, name: &str, telemetry: &Telemetry) -> Self {
        Self::recorded_by(node, name, Some(telemetry))
    }

    pub(super) fn recorded_by(node: &Node, name: &str, telemetry: Option<&Telemetry>) -> Self {
        let stream = format!("{name}/{}", node.elapsed().as_micros());
        let rng = Mutex::new(node.rng(&stream));
        let recorder = telemetry.map(|telemetry| Recorder::new(node, telemetry));
        Self { shared: Arc::new(Source { node: node.clone(), rng, recorder }) }
    }

    /// Where what is done for requests is recorded, if anywhere.
    pub(super) fn recorder(&self) -> Option<&Recorder> {
        self.shared.recorder.as_ref()
    }

    pub(super) fn node(&self) -> &Node {
        &self.shared.node
    }

    fn next(&self) -> u64 {
        self.rng().next_u64()
    }

    fn rng(&self) -> MutexGuard<'_, Rng> {
        self.shared.rng.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn request_id(&self) -> HeaderValue {
        let (high, low) = {
            let mut rng = self.rng();
            (rng.next_u64(), rng.next_u64())
        };
        HeaderValue::from_bytes(&hex_digits(u128::from(high) << 64 | u128::from(low)))
            .expect("hex digits can stand in a header")
    }

    /// Never zero, which would say that there is none.
    pub(super) fn span_id(&self) -> u64 {
        self.next().max(1)
    }

    pub(super) fn trace(&self) -> TraceContext {
        let (high, low, parent_id) = {
            let mut rng = self.rng();
            (rng.next_u64(), rng.next_u64().max(1), rng.next_u64().max(1))
        };
        TraceContext { trace_id: u128::from(high) << 64 | u128::from(low), parent_id, flags: 1 }
    }
}

/// A number in 32 digits. Formatting does the same, and takes as long as all the rest of a refusal's identity.
fn hex_digits(number: u128) -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 32];
    for (place, byte) in text.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        place[0] = DIGITS[usize::from(byte >> 4)];
        place[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}
