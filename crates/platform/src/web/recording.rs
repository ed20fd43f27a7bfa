//! Recording what is done for one request, as spans.
//!
//! A request's context carries it inwards; whoever does something worth a span takes a [`SpanGuard`] and ends it
//! with a word. A guard that is dropped without one was cut off: nobody waited any longer, or the process died. So a timeout or a
//! client that leaves shows in the trace as what it is. When spans are not recorded there is no recording, and
//! every guard is empty.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use domain::OrderId;
use http::{Method, StatusCode};
use node::{Node, Rng};
use rand::Rng as _;
use resilience::Reason;

use super::problem::Problem;
use crate::ids::now_us;
use crate::telemetry::{SpanFact, Telemetry};

/// What a dropped span is said to have ended with.
const CUT_OFF: &str = "cut off";

/// Where spans of a process go, and where their ids come from: a random stream of their own, so that recording
/// shifts no other.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    node: Node,
    telemetry: Telemetry,
    rng: Arc<Mutex<Rng>>,
}

impl Recorder {
    /// Records into this service's journal, while that is on.
    pub(crate) fn new(node: &Node, telemetry: &Telemetry) -> Self {
        let stream = format!("span-ids/{}", node.elapsed().as_micros());
        Self {
            node: node.clone(),
            telemetry: telemetry.clone(),
            rng: Arc::new(Mutex::new(node.rng(&stream))),
        }
    }

    /// Whose measurements these are.
    pub(crate) const fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    fn span_id(&self) -> u64 {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).next_u64().max(1)
    }
}

/// The recording of one request. Clones are of the same request; each may stand within another span of it.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    request: Arc<Recorded>,
    /// The span within which whatever comes next happens.
    within: u64,
}

#[derive(Debug)]
struct Recorded {
    recorder: Recorder,
    trace_id: u128,
    order_id: OnceLock<OrderId>,
    /// Attempts at the payment so far, and when the last of them ended.
    attempts: Mutex<(u32, Option<u64>)>,
}

/// The attempts that are made for one request.
#[derive(Clone, Debug)]
pub(crate) struct Attempts {
    request: Arc<Recorded>,
}

impl Attempts {
    /// The last one ended now: what follows until the next is a pause.
    pub(crate) fn end_one(&self) {
        let ended_us = now_us(&self.request.recorder.node);
        self.request.attempts.lock().unwrap_or_else(PoisonError::into_inner).1 = Some(ended_us);
    }
}

impl Recording {
    /// Begins the recording of a request; `None` when spans are not recorded.
    pub(crate) fn begin(recorder: &Recorder, trace_id: u128) -> Option<Self> {
        if !recorder.telemetry.spans().is_on() {
            return None;
        }
        let recorded = Recorded {
            recorder: recorder.clone(),
            trace_id,
            order_id: OnceLock::new(),
            attempts: Mutex::default(),
        };
        Some(Self { request: Arc::new(recorded), within: 0 })
    }

    /// The order that the request is about, once that is known.
    pub(crate) fn about(&self, order_id: &OrderId) {
        // A second order of one request would be news; the first stays.
        let _first = self.request.order_id.get_or_init(|| order_id.clone());
    }

    /// The same request, within another span.
    pub(crate) fn within(&self, span_id: u64) -> Self {
        Self { request: Arc::clone(&self.request), within: span_id }
    }

    /// The span within which whatever comes next happens; 0 for none.
    pub(crate) const fn present(&self) -> u64 {
        self.within
    }

    /// The next attempt at the payment begins; the pause before it is told, if there was one.
    pub(crate) fn attempt(&self) -> (SpanGuard, Attempts) {
        let request = Arc::clone(&self.request);
        let (number, ended_us) = {
            let mut attempts = request.attempts.lock().unwrap_or_else(PoisonError::into_inner);
            attempts.0 += 1;
            *attempts
        };
        if let Some(ended_us) = ended_us.filter(|ended_us| *ended_us < now_us(&self.recorder().node)) {
            SpanGuard::begin(Some(self), "pause").since(ended_us).end("");
        }
        (SpanGuard::begin(Some(self), "attempt").attempt(number), Attempts { request })
    }

    fn recorder(&self) -> &Recorder {
        &self.request.recorder
    }
}

/// A span that has begun; empty when nothing is recorded.
#[derive(Debug, Default)]
#[must_use = "a span ends when it is dropped"]
pub(crate) struct SpanGuard {
    open: Option<Box<Open>>,
}

#[derive(Debug)]
struct Open {
    recording: Recording,
    span_id: u64,
    name: Cow<'static, str>,
    start_us: u64,
    attempt: Option<u32>,
    outcome: Cow<'static, str>,
    tells_order: bool,
}

impl SpanGuard {
    /// A span within the recording's present one, from now on.
    pub(crate) fn begin(recording: Option<&Recording>, name: impl Into<Cow<'static, str>>) -> Self {
        let span_id = |recording: &Recording| recording.recorder().span_id();
        Self::with_id(recording.map(|recording| (recording, span_id(recording))), || name.into())
    }

    /// The same with an id that is known already, because it was sent along with a call.
    pub(crate) fn with_id(
        recording: Option<(&Recording, u64)>,
        name: impl FnOnce() -> Cow<'static, str>,
    ) -> Self {
        let open = recording.map(|(recording, span_id)| {
            Box::new(Open {
                recording: recording.clone(),
                span_id,
                name: name(),
                start_us: now_us(&recording.recorder().node),
                attempt: None,
                outcome: CUT_OFF.into(),
                tells_order: false,
            })
        });
        Self { open }
    }

    /// It began earlier.
    pub(crate) fn since(mut self, start_us: u64) -> Self {
        if let Some(open) = &mut self.open {
            open.start_us = start_us;
        }
        self
    }

    /// It is this attempt; the first is 1.
    pub(crate) fn attempt(mut self, attempt: u32) -> Self {
        if let Some(open) = &mut self.open {
            open.attempt = Some(attempt);
        }
        self
    }

    /// It is said which order it is about, when that is known at its end.
    pub(crate) fn telling_the_order(mut self) -> Self {
        if let Some(open) = &mut self.open {
            open.tells_order = true;
        }
        self
    }

    /// The recording of what happens within it.
    pub(crate) fn inside(&self) -> Option<Recording> {
        self.open.as_ref().map(|open| open.recording.within(open.span_id))
    }

    /// It ends now, so.
    pub(crate) fn end(mut self, outcome: impl Into<Cow<'static, str>>) {
        self.will_end(outcome);
    }

    /// A wait ends now, so; one that took no time is none.
    pub(crate) fn end_wait(mut self, outcome: impl Into<Cow<'static, str>>) {
        self.will_end(outcome);
        self.open = self.open.take().filter(|open| open.start_us < now_us(&open.recording.recorder().node));
    }

    /// It ends so whenever it is dropped.
    pub(crate) fn will_end(&mut self, outcome: impl Into<Cow<'static, str>>) {
        if let Some(open) = &mut self.open {
            open.outcome = outcome.into();
        }
    }

    /// Whether anything is recorded: what only a span needs need not be made otherwise.
    pub(crate) const fn is_recorded(&self) -> bool {
        self.open.is_some()
    }
}

impl Drop for SpanGuard {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else { return };
        let Open { recording, span_id, name, start_us, attempt, outcome, tells_order } = *open;
        let recorder = recording.recorder();
        recorder.telemetry.spans().record(SpanFact {
            order_id: recording.request.order_id.get().filter(|_| tells_order).cloned(),
            trace_id: recording.request.trace_id,
            span_id,
            parent_id: recording.within,
            service: recorder.telemetry.kind(),
            name,
            start_us,
            end_us: now_us(&recorder.node),
            outcome,
            attempt,
        });
    }
}

/// Tells how a request was answered, and which constraint it was that refused it.
pub(crate) fn end_serving(served: &mut SpanGuard, status: StatusCode, problem: Option<&Problem>) {
    if let Some(reason) = problem.and_then(Problem::refused_by) {
        SpanGuard::begin(served.inside().as_ref(), constraint(reason)).end(reason.as_str());
    }
    served.will_end(match problem {
        Some(problem) => format!("{} {}", status.as_u16(), problem.kind().entry().slug).into(),
        None => outcome(status),
    });
    // It ends here, and not only when the answer is out of our hands.
    drop(std::mem::take(served));
}

const fn constraint(reason: Reason) -> &'static str {
    match reason {
        Reason::ConcurrencyLimit
        | Reason::RateLimit
        | Reason::Throttled
        | Reason::FairShare
        | Reason::LowPriority => "admission",
        Reason::QueueFull | Reason::Doomed | Reason::QueueDelay | Reason::NoCredit => "queue",
        Reason::BreakerOpen => "breaker",
    }
}

/// An answer's status as a word; the usual one costs nothing.
pub(crate) fn outcome(status: StatusCode) -> Cow<'static, str> {
    if status == StatusCode::OK { "200".into() } else { status.as_u16().to_string().into() }
}

/// What a span that serves or makes a request is called; the usual ones cost nothing.
pub(crate) fn name(method: &Method, path: &str, prefix: &'static str) -> Cow<'static, str> {
    match (prefix, method, path) {
        ("", &Method::POST, "/orders") => "POST /orders".into(),
        ("", &Method::POST, "/process") => "POST /process".into(),
        ("", &Method::POST, "/charges") => "POST /charges".into(),
        ("call ", &Method::POST, "/process") => "call /process".into(),
        ("call ", &Method::POST, "/charges") => "call /charges".into(),
        ("", ..) => format!("{method} {path}").into(),
        _ => format!("{prefix}{path}").into(),
    }
}
