//! Signals: what the layers of a running service report for its alerts, between two evaluations.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use node::Node;
use resilience::breaker::BreakerState;

use super::rules::micros;
use super::watched::{Observed, Watched};
use super::window::Counted;
use crate::design::Observability;
use crate::ids::now_us;
use crate::telemetry::Telemetry;

/// What happened since the last evaluation, and what is the case now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    /// Now, in µs of the node's timeline.
    pub(crate) now_us: u64,
    /// Workers (at payment: slots) that are busy.
    pub(crate) busy: u64,
    /// How many there are; `None` when the design does not bound them.
    pub(crate) places: Option<u64>,
    /// Calls to the service behind this one.
    pub(crate) calls: Observed,
    /// Orders that were taken on, against what is slow.
    pub(crate) orders: Observed,
    /// Orders that came, and how many were refused for want of a place.
    pub(crate) refused: Counted,
    /// Orders against what clients were promised.
    pub(crate) kept: Counted,
    /// Orders that got a worker, and how many µs they waited for it together.
    pub(crate) waits: Counted,
    /// The breaker's state; `None` without one.
    pub(crate) breaker: Option<BreakerState>,
}

/// Where layers report to. Nothing is kept under a design without observability.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    watching: Mutex<Option<Watching>>,
}

#[derive(Debug)]
struct Watching {
    node: Node,
    calls: Watched,
    orders: Watched,
    promised: Watched,
    refused: Counted,
    waits: Counted,
}

/// An order or call that is watched.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ticket {
    /// Against what is slow.
    slow: Option<u64>,
    /// Against what was promised.
    promised: Option<u64>,
}

/// How an order ended for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrderEnd {
    /// Answered with success or a decline.
    Good,
    /// Refused for want of a place.
    Refused,
    /// Answered with an error of ours.
    Bad,
    /// It was no order, or who asked has gone.
    Nothing,
}

impl Signals {
    /// A new process under a design; what the old one waited for is nobody's any more.
    pub(crate) fn begin(&self, node: &Node, design: Option<&Observability>) {
        *self.lock() = design.map(|design| {
            let window_us = micros(design.window);
            Watching {
                node: node.clone(),
                calls: Watched::new(micros(design.dependency.slow), window_us),
                orders: Watched::new(micros(design.orders.slow), window_us),
                promised: Watched::new(micros(design.objective.latency), window_us),
                refused: Counted::default(),
                waits: Counted::default(),
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, Option<Watching>> {
        self.watching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call to the service behind this one begins.
    pub(crate) fn call_begins(&self) -> Ticket {
        let mut watching = self.lock();
        let Some(watching) = watching.as_mut() else { return Ticket::default() };
        Ticket { slow: watching.calls.begin(now_us(&watching.node)), promised: None }
    }

    /// A call ends; one that was given up before it was answered ends badly.
    pub(crate) fn call_ends(&self, ticket: Ticket, badly: bool) {
        if let (Some(watching), Some(number)) = (self.lock().as_mut(), ticket.slow) {
            watching.calls.end(number, now_us(&watching.node), badly);
        }
    }

    /// An order comes.
    pub(crate) fn order_comes(&self) -> Ticket {
        let mut watching = self.lock();
        let Some(watching) = watching.as_mut() else { return Ticket::default() };
        let now_us = now_us(&watching.node);
        Ticket { slow: watching.orders.begin(now_us), promised: watching.promised.begin(now_us) }
    }

    /// An order goes.
    pub(crate) fn order_goes(&self, ticket: Ticket, end: OrderEnd) {
        let mut watching = self.lock();
        let (Some(watching), Some(slow), Some(promised)) = (watching.as_mut(), ticket.slow, ticket.promised)
        else {
            return;
        };
        let now_us = now_us(&watching.node);
        if end == OrderEnd::Nothing {
            watching.orders.forget(slow);
            watching.promised.forget(promised);
            return;
        }
        watching.refused.all += 1;
        if end == OrderEnd::Refused {
            // How fast we refuse says nothing about how fast we serve.
            watching.orders.forget(slow);
            watching.refused.bad += 1;
        } else {
            watching.orders.end(slow, now_us, end == OrderEnd::Bad);
        }
        watching.promised.end(promised, now_us, end != OrderEnd::Good);
    }

    /// An order got its worker.
    pub(crate) fn waited(&self, wait: Duration) {
        if let Some(watching) = self.lock().as_mut() {
            watching.waits.all += 1;
            watching.waits.bad += u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        }
    }

    /// Everything since the last look; what is the case now is for the caller to add.
    pub(crate) fn take(&self) -> Sample {
        let mut watching = self.lock();
        let Some(watching) = watching.as_mut() else { return Sample::default() };
        let now_us = now_us(&watching.node);
        let promised = watching.promised.take(now_us);
        Sample {
            now_us,
            calls: watching.calls.take(now_us),
            orders: watching.orders.take(now_us),
            refused: std::mem::take(&mut watching.refused),
            kept: Counted { all: promised.judged.all, bad: promised.judged.bad + promised.quick_and_bad },
            waits: std::mem::take(&mut watching.waits),
            ..Sample::default()
        }
    }
}

/// A call that the alerts look at. One that is given up before it is answered has ended badly.
#[derive(Debug)]
pub(crate) struct CallWatch {
    telemetry: Telemetry,
    ticket: Ticket,
    badly: bool,
}

impl CallWatch {
    /// The call begins.
    pub(crate) fn new(telemetry: &Telemetry) -> Self {
        Self { telemetry: telemetry.clone(), ticket: telemetry.signals().call_begins(), badly: true }
    }

    /// It was answered, or could not be.
    pub(crate) fn ended(mut self, badly: bool) {
        self.badly = badly;
    }
}

impl Drop for CallWatch {
    fn drop(&mut self) {
        self.telemetry.signals().call_ends(self.ticket, self.badly);
    }
}
