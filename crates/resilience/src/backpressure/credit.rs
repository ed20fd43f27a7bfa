//! Credits: upstream asks before it sends.
//!
//! A refusal comes after the request was sent, received and read. With credits the receiver says
//! beforehand how much it will take, and what it will not take waits where it came from: demand flows
//! upstream, as in reactive streams, and as in Breakwater (Cho et al., "Overload Control for µs-scale RPCs
//! with Breakwater", OSDI 2020) the number of credits follows what calls waited in the receiver's queue:
//!
//! ```text
//! once per interval, with the longest wait d of it and the target t:
//!     d < t:  total ← total + increase           (while at least half of them are out)
//!     d ≥ t:  total ← total × max(1 − decrease × (d − t) ÷ t, 1/2)
//! ```
//!
//! Parts: [`CreditPolicy`] is the pure rule; a [`CreditGate`] gives [`Credit`]s out, of which at most as many
//! are out as the policy says; a pool with [`Strategy::Credit`](super::Strategy::Credit) tells the gate what
//! its calls waited, and sheds who waited for more than twice the target; a [`CreditLayer`] takes a credit
//! for each call. Where upstream can wait it calls [`CreditGate::acquire`] before it reads its next request;
//! where it is remote it is granted [`Credits`] in a batch, to be sent along with an answer.
//!
//! Defaults: target 10 ms, interval 100 ms, 1 to 1024 credits beginning with 16, increase 1, decrease 0.02 per
//! target beyond the target. Deviations from Breakwater: it adds one per thousand clients per round
//! trip, here it is a setting per interval; and it speculates about demand, here it is asked for, so unused
//! credits are neither lent nor revoked. Without the "half are out" an idle service would collect credits
//! for a burst that it cannot take.
//!
//! Invariants: never more credits are given out than the policy said at that moment; lowering revokes
//! nothing, the excess comes home. A credit comes back when it is dropped, used or not, as does one
//! that was granted to an acquirer who left. The minimum keeps one call coming, to see when things are well
//! again.
//!
//! ```
//! use std::time::Duration;
//! use resilience::backpressure::{CreditGate, CreditLayer, CreditSettings, Strategy, WorkerPoolLayer};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let gate = CreditGate::new(CreditSettings::default(), Duration::from_secs(1)).unwrap();
//! let strategy = Strategy::Credit { gate: gate.clone(), queue: 64 };
//! let pool = WorkerPoolLayer::with_strategy(8, strategy, Duration::from_secs(1), ());
//! let service = pool.layer(service_fn(|n: u32| async move { Ok::<_, std::io::Error>(n + 1) }));
//! let service = CreditLayer::new(gate.clone()).layer(service);
//! assert_eq!(service.oneshot(41).await.unwrap(), 42);
//! assert_eq!(gate.outstanding(), 0);
//! # });
//! ```

mod gate;
mod layer;
mod policy;

pub use gate::{AcquireCredit, Credit, CreditGate, Credits};
pub use layer::{CreditCall, CreditFuture, CreditLayer};
pub use policy::{CreditPolicy, CreditSettings, InvalidCredits};
