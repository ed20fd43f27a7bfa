//! Evidence: what a run leaves, and how it is judged.
//!
//! A world hands over neutral [`facts`] (asked, stored, charged, told, gauges); [`assess`] turns them into
//! one [`record::Cell`]; the invariants in [`ledger`] name the very orders that break them. Nothing here
//! knows HTTP, stores or the simulation, so that every world is judged by the same rules. No judgement
//! depends on a service; two numbers of the record do: `in_flight_max` and the connections are those of
//! [`ENTRY_SERVICE`], so another platform's entry must have that name, or these stay zero and empty. Of
//! gauges, `queue_depth` and `waiting` are known to be queues.
//!
//! | module | says |
//! |---|---|
//! | [`facts`] | what each side saw |
//! | [`record`] | the numbers that are kept, with their stable names |
//! | `outcomes`, `goodput`, `recovery`, `detection`, `traces`, `phases`, `latency`, `attempts`, `services`, `series` | how each number is computed |
//! | `steps`, `metastability`, `priorities` | what only some loads leave |
//! | `background` | what becomes of orders that are answered before they are done |
//! | `responses` | what only some experiments ask for: every request's time, and the theoretical maximum |
//! | [`business`] | what was lost, in money |
//! | [`ledger`] | the invariants |
//! | [`metric`] | a number of a cell by its path |
//! | [`campaign`] | many random schedules, and which of them broke an invariant |
//! | [`timeline`] | what happened to one order |
//! | [`mod@spread`] | the same cell over several seeds |
//! | [`verdict`] | an expectation and whether it held |

mod assess;
mod attempts;
mod background;
pub mod business;
pub mod campaign;
mod detection;
pub mod facts;
mod goodput;
mod json;
mod latency;
pub mod ledger;
mod metastability;
pub mod metric;
mod outcomes;
mod phases;
mod priorities;
mod processes;
pub mod record;
mod recovery;
mod responses;
mod rounding;
mod series;
mod services;
pub mod spread;
mod steps;
pub mod timeline;
mod traces;
pub mod verdict;

pub use assess::{CellMeta, assess};
pub use goodput::{SLO, STEADY_FROM, piece_s};
pub use json::RecordError;
pub use outcomes::Outcome;
pub use responses::Detail;
pub use spread::{Spread, spread};
pub use verdict::Verdict;

/// The service that clients talk to: the cell's `in_flight_max` and `connections` are its gauges.
pub const ENTRY_SERVICE: &str = "order-api";

/// The simulated world, as a record names it.
pub const SIM: &str = "sim";
/// Real processes of one machine, as a record names them.
pub const LOCAL: &str = "local";
