//! The faults that have names: the three of the ladder.
//!
//! Their windows are fixed, from 5 s to 10 s after the load starts, so that the same number in two
//! records speaks of the same disturbance: 5 s leave a steady phase before (it is measured from 2 s on),
//! and a 20 s load leaves 10 s after, in which recovery can be seen or missed.

use std::time::Duration;

use crate::{Action, FaultPlan, Step};

/// The fault that is none.
pub const NONE: &str = "none";

/// Every name that [`named`] knows.
pub const NAMES: &[&str] = &[NONE, "brownout", "blackout"];

/// The host whose power the blackout takes.
pub const PAYMENT_HOST: &str = "payment-service";

const START: Duration = Duration::from_secs(5);
const END: Duration = Duration::from_secs(10);

/// How many times slower payment is in the brownout.
const BROWNOUT_SLOWDOWN: f64 = 5.0;
/// The share of payments that fail in the brownout.
const BROWNOUT_FAILURE_RATE: f64 = 0.5;

/// The plan behind a name, or `None` when there is no such fault.
///
/// * `none`: nothing happens.
/// * `brownout`: payment is five times slower and half of its answers are failures. Its capacity falls
///   to about a tenth, but it answers.
/// * `blackout`: payment's host loses power silently and is back five seconds later with an empty memory.
///   Callers that wait for an answer from before will never get one.
#[must_use]
pub fn named(name: &str) -> Option<FaultPlan> {
    let (begin, end) = match name {
        NONE => return Some(FaultPlan::undisturbed(NONE)),
        "brownout" => (
            Action::Hardship { slowdown: BROWNOUT_SLOWDOWN, failure_rate: Some(BROWNOUT_FAILURE_RATE) },
            Action::EndHardship,
        ),
        "blackout" => (
            Action::PowerOff { host: PAYMENT_HOST.to_owned() },
            Action::Restart { host: PAYMENT_HOST.to_owned() },
        ),
        _ => return None,
    };
    let steps = vec![Step { at: START, action: begin }, Step { at: END, action: end }];
    Some(FaultPlan::new(name, START, END, steps).expect("a fixed window that starts before it ends"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_plan_of_that_name_and_no_other_has() {
        for name in NAMES {
            assert_eq!(named(name).unwrap().name(), *name);
        }
        assert_eq!(named("blackut"), None);
    }

    #[test]
    fn the_ladders_faults_last_from_five_to_ten_seconds() {
        assert_eq!(named("none").unwrap().window(), None);
        for name in ["brownout", "blackout"] {
            let plan = named(name).unwrap();
            assert_eq!(plan.window(), Some((Duration::from_secs(5), Duration::from_secs(10))));
            assert_eq!(plan.steps().iter().map(|step| step.at.as_secs()).collect::<Vec<_>>(), [5, 10]);
        }
    }
}
