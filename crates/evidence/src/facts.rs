//! Neutral facts: what each side saw, before anyone judges it.
//!
//! A world hands these over after a run; the ledger and every number in a [`crate::record::Cell`] are
//! computed from them and from nothing else. They name no service and no store, so that any platform
//! can be judged. All times are microseconds on the run's own timeline (0 = the load starts).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::record::Settled;

/// One order as its client saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The id that the client chose for the order: the key that joins all sides of the ledger.
    pub order: String,
    /// When the schedule wanted it sent.
    pub intended_us: u64,
    /// When it was sent; `None` when the generator had no room for it (a dropped send).
    pub sent_us: Option<u64>,
    /// When the client got its answer, or gave up.
    pub done_us: u64,
    /// How it ended for the client. Frozen: what is settled later changes nothing here.
    pub answer: Answer,
}

/// How a request ended for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// An HTTP status.
    Status(u16),
    /// The client's own timeout.
    TimedOut,
    /// No connection could be made.
    ConnectFailed,
    /// The connection was reset or closed before the answer.
    Reset,
    /// Anything else that is no HTTP answer.
    Broken,
    /// Never sent: the generator's own bound on outstanding requests was reached.
    NotSent,
}

/// An order as a store holds it at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The order.
    pub order: String,
    /// Its state.
    pub state: StoredState,
}

/// The state of a stored order, as far as the ledger cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredState {
    /// Accepted, nothing done yet.
    Placed,
    /// Payment under way.
    Paying,
    /// Paid and done.
    Completed,
    /// The payment was declined.
    Declined,
    /// Given up.
    Failed,
}

impl StoredState {
    /// Whether nothing more will happen to the order.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Declined | Self::Failed)
    }
}

/// A successful charge, as the payment side holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charged {
    /// The order it was for.
    pub order: String,
    /// When the money moved.
    pub at_us: u64,
    /// Whether it was given back.
    pub refunded: bool,
}

/// A notice that reached the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The order it was about.
    pub order: String,
}

/// A message that a group of consumers has put aside for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dead {
    /// Where it was published.
    pub topic: String,
    /// Who has put it aside.
    pub group: String,
    /// Its id.
    pub event: String,
    /// Why, for people.
    pub reason: String,
}

/// The course of an order that was answered before it was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// When it was accepted.
    pub accepted_us: u64,
    /// When it came into a final state, if it did.
    pub ended_us: Option<u64>,
    /// When its customer was told first, if ever.
    pub told_us: Option<u64>,
}

/// One service's gauges over the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceGauges {
    /// Each gauge by name (`in_flight`, `queue_depth`, `connections`, `running`, `waiting`): its exact maximum.
    pub max: BTreeMap<String, u64>,
    /// Bounds that the design declares for gauges of the same names.
    pub bounds: BTreeMap<String, u64>,
    /// The maximum of each gauge within each second of the run.
    pub per_second: BTreeMap<String, Vec<u64>>,
}

/// What one process used over the run, second by second from the start of the load.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessUse {
    /// Processor time spent within each second, in µs, whichever instance of the process spent it.
    pub cpu_us: Vec<u64>,
    /// Resident memory at the end of each second; 0 while there is no such process.
    pub resident_bytes: Vec<u64>,
    /// Open descriptors at the end of each second; 0 while there is no such process.
    pub descriptors: Vec<u64>,
}

/// An alert that the platform raised by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// What it is about: `dependency`, `latency`, `saturation`, `objective`.
    pub about: String,
    /// The service that raised it.
    pub service: String,
    /// When it began.
    pub began_us: u64,
    /// When it ended; `None` when it was on at the end of the run.
    pub ended_us: Option<u64>,
    /// What was found when it began, in the alert's own unit.
    pub value: f64,
    /// What was too much then.
    pub threshold: f64,
}

/// Something that a service did for an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The order, where the service knew it.
    pub order: Option<String>,
    /// The same for all that was done for one request of a client.
    pub trace_id: u128,
    /// Its own id.
    pub span_id: u64,
    /// The span within which it happened.
    pub parent_id: u64,
    /// Who did it.
    pub service: Cow<'static, str>,
    /// What was done.
    pub name: Cow<'static, str>,
    /// When it began.
    pub start_us: u64,
    /// When it ended.
    pub end_us: u64,
    /// How, in a word.
    pub outcome: Cow<'static, str>,
    /// Which attempt at the payment it was.
    pub attempt: Option<u32>,
}

/// Everything known after a run. The input of all judgement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// From the load generator, in the order of the intended send times.
    pub asked: Vec<Asked>,
    /// Requests that clients sent twice: the second of each. Their answers are no outcomes, but what they promise
    /// must hold.
    #[serde(default)]
    pub repeated: Vec<Asked>,
    /// Orders that claim a high priority; the others are of normal priority.
    #[serde(default)]
    pub high_priority: BTreeSet<String>,
    /// How many sends left later than the generator's own tolerance.
    pub late_sends: u64,
    /// From the order store.
    pub stored: Vec<Stored>,
    /// From the payment side: successful charges only.
    pub charged: Vec<Charged>,
    /// From the notification side.
    pub told: Vec<Told>,
    /// Orders that are answered before they are done, by id, with what became of them; `None` where every order is
    /// answered when it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<BTreeMap<String, Course>>,
    /// Messages that were put aside for good; empty where services are joined by calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dead: Vec<Dead>,
    /// Messages that were published although nobody can read them, by topic.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub poisoned: BTreeMap<String, u64>,
    /// Payment calls made for each order, by whoever makes them.
    pub payment_calls: BTreeMap<String, u64>,
    /// Payment calls made within each second of the run.
    pub payment_calls_per_second: Vec<u64>,
    /// Unknown outcomes that were settled in the background.
    pub settled: Settled,
    /// Gauges by service name.
    pub services: BTreeMap<String, ServiceGauges>,
    /// What each process used, by name; empty where processes are simulated.
    #[serde(default)]
    pub processes: BTreeMap<String, ProcessUse>,
    /// What the platform noticed by itself; `None` when nothing in it watched.
    pub alerts: Option<Vec<Alert>>,
    /// What the services wrote down of single orders; empty when nothing did.
    pub spans: Vec<Span>,
    /// What payment could do: from each instant (µs) on, so many successful orders per second. Starts at 0.
    pub capacity: Vec<(u64, f64)>,
    /// The fault's window in µs, if there was one.
    pub fault_window_us: Option<(u64, u64)>,
    /// When the load ends, in µs.
    pub load_end_us: u64,
    /// When the run ended, in µs of virtual (or real) time.
    pub ended_us: u64,
}
