//! Faults: what is done to the platform on purpose, and when.
//!
//! A [`FaultPlan`] is pure data: a name, the window in which the platform is disturbed, and the timed
//! [`Action`]s that begin and end the disturbance. It knows neither the platform nor the world; a world
//! implements [`Target`], and [`inject`] walks the plan against it. That keeps one plan usable in a
//! simulated, a local and a remote world, and lets a report state the window without having run it.
//!
//! Control is out of band: an action reaches its target directly, never through the (possibly
//! partitioned) network it disturbs. A fault that cannot be ended by a partition it caused itself is
//! the reason why.
//!
//! The faults everybody needs have names ([`named`]); an experiment writes its own as [`FaultFile`]s; a
//! campaign draws them ([`random`]).

mod custom;
mod inject;
mod named;
mod plan;
pub mod random;
mod shift;

pub use custom::{FaultFile, FaultKind};
pub use inject::{ChaosError, Target, inject};
pub use named::{NAMES, NONE, PAYMENT_HOST, named};
pub use plan::{Action, Direction, FaultPlan, PlanError, Step};
pub use shift::Shift;
