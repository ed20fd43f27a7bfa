//! Random schedules: many disturbances at random times, for campaigns that look for what nobody thought of.
//!
//! Pure: the same stream of random numbers gives the same schedule. Bounded: so many faults at most, each of
//! which begins within the window, ends within it too, and undoes what it did. So a schedule leaves no host
//! dead and no link cut, and what is wrong a while after it was wrong because of it and not still under it.
//! Faults may overlap: two of them may break the same host or link, and the first to end then repairs it.

use std::time::Duration;

use node::{
    Rng,
    draw::{chance, uniform},
};

use crate::{Direction, FaultFile, FaultKind, Shift};

/// What random schedules may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The hosts that may die and whose clocks may jump.
    pub hosts: Vec<String>,
    /// The pairs of hosts that talk to each other and may be kept from it.
    pub links: Vec<(String, String)>,
    /// No fault begins before this, from the start of the load.
    pub from: Duration,
    /// No fault ends after this.
    pub until: Duration,
    /// How long one fault lasts at most. Short ones are more likely than long ones.
    pub lasting_max: Duration,
    /// How many faults there are at most; at least one.
    pub faults_max: u32,
    /// Whether there are events that may go astray.
    pub events: bool,
}

/// No fault is shorter: below that not even a connection notices.
const LASTING_MIN: Duration = Duration::from_millis(20);

/// How likely each kind is, in relation to the others: deaths and cuts are where orders get lost.
const WEIGHTS: [(Kind, u32); 9] = [
    (Kind::Kill, 4),
    (Kind::PowerOff, 3),
    (Kind::Partition, 4),
    (Kind::Hold, 2),
    (Kind::Latency, 2),
    (Kind::Hardship, 4),
    (Kind::ClockJump, 1),
    (Kind::Duplicates, 2),
    (Kind::Events, 4),
];

#[derive(Clone, Copy)]
enum Kind {
    Kill,
    PowerOff,
    Partition,
    Hold,
    Latency,
    Hardship,
    ClockJump,
    Duplicates,
    /// Last, and left out where there are no events: so the others keep their places.
    Events,
}

/// A random schedule: from one fault up to the shape's maximum, in the order in which they begin. Their names
/// are their numbers, from 1 on.
///
/// # Panics
/// When the shape has no host or no link, its window is shorter than 40 ms, or it wants no fault.
#[must_use]
pub fn schedule(rng: &mut Rng, shape: &Shape) -> Vec<FaultFile> {
    assert!(!shape.hosts.is_empty() && !shape.links.is_empty(), "there must be something to disturb");
    assert!(
        shape.from + 2 * LASTING_MIN <= shape.until && shape.faults_max > 0,
        "there must be room for a fault"
    );
    let count = 1 + below(rng, shape.faults_max);
    let mut faults: Vec<_> = (0..count).map(|_| fault(rng, shape)).collect();
    faults.sort_by_key(|fault| (fault.at, fault.until));
    for (fault, number) in faults.iter_mut().zip(1..) {
        fault.name = i32::to_string(&number);
    }
    faults
}

fn fault(rng: &mut Rng, shape: &Shape) -> FaultFile {
    let at = between(rng, shape.from, shape.until - LASTING_MIN);
    let longest = shape.lasting_max.min(shape.until - at).max(LASTING_MIN);
    // Squared, so that short faults are more likely.
    let share = uniform(rng, 0.0, 1.0);
    let lasting = millis(LASTING_MIN + (longest - LASTING_MIN).mul_f64(share * share));
    FaultFile { name: String::new(), at, until: at + lasting, kind: kind(rng, shape) }
}

fn kind(rng: &mut Rng, shape: &Shape) -> FaultKind {
    let kinds = if shape.events { &WEIGHTS[..] } else { &WEIGHTS[..WEIGHTS.len() - 1] };
    let total = kinds.iter().map(|(_, weight)| weight).sum();
    let mut place = below(rng, total);
    let (kind, _) = kinds
        .iter()
        .copied()
        .find(|(_, weight)| {
            let found = place < *weight;
            place = place.saturating_sub(*weight);
            found
        })
        .expect("a place below the sum of the weights lies within one of them");
    match kind {
        Kind::Kill => FaultKind::Kill { host: host(rng, shape) },
        Kind::PowerOff => FaultKind::PowerOff { host: host(rng, shape) },
        Kind::Partition => {
            let (a, b) = link(rng, shape);
            let direction = [Direction::Both, Direction::AToB, Direction::BToA][below(rng, 3) as usize];
            FaultKind::Partition { a, b, direction }
        }
        Kind::Hold => {
            let (a, b) = link(rng, shape);
            FaultKind::Hold { a, b }
        }
        Kind::Latency => {
            let (a, b) = link(rng, shape);
            let min = between(rng, Duration::from_millis(2), Duration::from_millis(300));
            let max = min + between(rng, Duration::ZERO, Duration::from_millis(700));
            FaultKind::Latency { a, b, min, max }
        }
        Kind::Hardship => FaultKind::Hardship {
            slowdown: tenths(uniform(rng, 1.0, 10.0)),
            failure_rate: chance(rng, 0.75).then(|| tenths(uniform(rng, 0.0, 0.95))),
        },
        Kind::ClockJump => {
            let by = between(rng, Duration::from_secs(1), Duration::from_secs(7_200));
            let by = if chance(rng, 0.5) { Shift::ahead(by) } else { Shift::back(by) };
            FaultKind::ClockJump { host: host(rng, shape), by }
        }
        Kind::Duplicates => FaultKind::Duplicates { share: tenths(uniform(rng, 0.1, 1.0)) },
        Kind::Events => FaultKind::Events {
            duplicated: tenths(uniform(rng, 0.0, 1.0)),
            reordered: tenths(uniform(rng, 0.0, 0.5)),
            poisoned: tenths(uniform(rng, 0.0, 0.3)),
        },
    }
}

fn host(rng: &mut Rng, shape: &Shape) -> String {
    shape.hosts[below(rng, shape.hosts.len() as u32) as usize].clone()
}

fn link(rng: &mut Rng, shape: &Shape) -> (String, String) {
    shape.links[below(rng, shape.links.len() as u32) as usize].clone()
}

/// A whole number below `bound`.
fn below(rng: &mut Rng, bound: u32) -> u32 {
    // The draw lies strictly between 0 and the bound, or rounds to it.
    (uniform(rng, 0.0, f64::from(bound)) as u32).min(bound - 1)
}

fn between(rng: &mut Rng, from: Duration, to: Duration) -> Duration {
    millis(from + (to - from).mul_f64(uniform(rng, 0.0, 1.0)))
}

/// Whole milliseconds, the tick of simulated time, so that what is printed is what happens.
fn millis(duration: Duration) -> Duration {
    Duration::from_millis(duration.as_millis() as u64)
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::{Action, FaultPlan};

    fn shape() -> Shape {
        Shape {
            hosts: vec!["x".to_owned(), "y".to_owned()],
            links: vec![("x".to_owned(), "y".to_owned())],
            from: Duration::from_millis(100),
            until: Duration::from_secs(6),
            lasting_max: Duration::from_secs(3),
            faults_max: 6,
            events: true,
        }
    }

    fn drawn(seed: u64, shape: &Shape) -> Vec<FaultFile> {
        schedule(&mut node::named_rng(seed, "faults"), shape)
    }

    #[test]
    fn every_kind_comes_and_so_does_every_number_of_faults() {
        let schedules: Vec<_> = (0..300).map(|seed| drawn(seed, &shape())).collect();
        let kinds: BTreeSet<_> = schedules.iter().flatten().map(|fault| fault.kind.name()).collect();
        assert_eq!(kinds.len(), WEIGHTS.len(), "{kinds:?}");
        assert_eq!(schedules.iter().map(Vec::len).collect::<BTreeSet<_>>(), (1..=6).collect());
    }

    proptest! {
        #[test]
        fn a_schedule_ends_within_its_window_and_leaves_nothing_broken(
            seed: u64,
            from_ms in 0_u64..500,
            width_ms in 40_u64..8_000,
            lasting_ms in 1_u64..9_000,
            faults_max in 1_u32..9,
        ) {
            let (from, width) = (Duration::from_millis(from_ms), Duration::from_millis(width_ms));
            let lasting_max = Duration::from_millis(lasting_ms);
            let shape = Shape { from, until: from + width, lasting_max, faults_max, ..shape() };
            let faults = drawn(seed, &shape);
            prop_assert!((1..=faults_max as usize).contains(&faults.len()));
            prop_assert_eq!(&faults, &drawn(seed, &shape), "the same seed is the same schedule");
            let plan = FaultPlan::of("random", &faults).expect("every fault ends after it begins");
            let (start, end) = plan.window().expect("at least one fault");
            prop_assert!(start >= from && end <= shape.until);
            let mut dead = BTreeSet::new();
            let mut clocks_us = 0;
            for step in plan.steps() {
                match &step.action {
                    Action::Kill { host } | Action::PowerOff { host } => _ = dead.insert(host),
                    Action::Restart { host } => _ = dead.remove(host),
                    Action::ClockJump { by, .. } => clocks_us += by.us(),
                    _ => {}
                }
            }
            prop_assert!(dead.is_empty() && clocks_us == 0);
        }
    }
}
