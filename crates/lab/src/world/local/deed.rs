//! What a fault comes to among real processes.
//!
//! | fault | deed |
//! |---|---|
//! | brownout, hardship | `PUT /hardship` at payment's admin port; a process that is started meanwhile is started with it |
//! | power loss (blackout) | `SIGSTOP`: nothing is answered any more; at the restart `SIGKILL` first |
//! | kill | `SIGKILL` |
//! | restart | a fresh process on the same data and ports |
//! | duplicates | done by the load generator |
//! | events | `PUT /mischief` at the broker's admin port |
//!
//! Everything else needs a network between the processes that can be disturbed, or clocks of their own.

use broker::Mischief;
use chaos::{Action, FaultPlan};
use platform::Hardship;

use crate::world::CLIENTS;

/// Something that can be done here.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Deed<'a> {
    Hardship(Hardship),
    Stop(&'a str),
    Kill(&'a str),
    Restart(&'a str),
    Mischief(Mischief),
    /// The load generator does it at its own time.
    Generators,
}

impl<'a> Deed<'a> {
    /// What an action comes to; `None` when it cannot be done here.
    pub(super) fn of(action: &'a Action) -> Option<Self> {
        if action.hosts().contains(&CLIENTS) {
            return None;
        }
        match action {
            Action::Hardship { slowdown, failure_rate } => {
                Some(Self::Hardship(Hardship { slowdown: *slowdown, failure_rate: *failure_rate }))
            }
            Action::EndHardship => Some(Self::Hardship(Hardship::default())),
            Action::PowerOff { host } => Some(Self::Stop(host)),
            Action::Kill { host } => Some(Self::Kill(host)),
            Action::Restart { host } => Some(Self::Restart(host)),
            Action::Duplicates { .. } | Action::EndDuplicates => Some(Self::Generators),
            &Action::Events { duplicated, reordered, poisoned } => {
                Some(Self::Mischief(Mischief { duplicated, reordered, poisoned }))
            }
            Action::EndEvents => Some(Self::Mischief(Mischief::default())),
            Action::Partition { .. }
            | Action::Heal { .. }
            | Action::Hold { .. }
            | Action::Release { .. }
            | Action::Latency { .. }
            | Action::EndLatency { .. }
            | Action::ClockJump { .. } => None,
        }
    }
}

/// The first thing in the plan that cannot be done here.
pub(crate) fn unsupported(plan: &FaultPlan) -> Option<&Action> {
    plan.steps().iter().map(|step| &step.action).find(|action| Deed::of(action).is_none())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chaos::{Direction, Step, named};

    use super::*;

    fn first(action: Action) -> FaultPlan {
        let steps = vec![Step { at: Duration::from_secs(1), action }];
        FaultPlan::new("f", Duration::from_secs(1), Duration::from_secs(2), steps).expect("a plan")
    }

    #[test]
    fn the_ladders_faults_can_all_be_done() {
        for name in chaos::NAMES {
            assert_eq!(unsupported(&named(name).expect("a named fault")), None, "{name}");
        }
        let blackout = named("blackout").expect("a named fault");
        let deeds: Vec<_> = blackout.steps().iter().filter_map(|step| Deed::of(&step.action)).collect();
        assert_eq!(deeds, [Deed::Stop("payment-service"), Deed::Restart("payment-service")]);
        let brownout = named("brownout").expect("a named fault");
        assert_eq!(
            brownout.steps().iter().filter_map(|step| Deed::of(&step.action)).collect::<Vec<_>>(),
            [
                Deed::Hardship(Hardship { slowdown: 5.0, failure_rate: Some(0.5) }),
                Deed::Hardship(Hardship::default())
            ]
        );
    }

    #[test]
    fn a_broker_does_its_mischief_by_itself() {
        let begins = Action::Events { duplicated: 0.1, reordered: 0.2, poisoned: 0.3 };
        let mischief = Mischief { duplicated: 0.1, reordered: 0.2, poisoned: 0.3 };
        assert_eq!(Deed::of(&begins), Some(Deed::Mischief(mischief)));
        assert_eq!(Deed::of(&Action::EndEvents), Some(Deed::Mischief(Mischief::default())));
    }

    #[test]
    fn what_needs_a_network_that_can_be_disturbed_cannot() {
        let (a, b) = ("order-api".to_owned(), "order-processor".to_owned());
        let partition = Action::Partition { a, b, direction: Direction::Both };
        assert_eq!(unsupported(&first(partition.clone())), Some(&partition));
        let clients = Action::Kill { host: CLIENTS.to_owned() };
        assert_eq!(unsupported(&first(clients.clone())), Some(&clients), "the generator is no subject");
    }
}
