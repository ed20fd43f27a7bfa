//! Fairness by itself: no runtime, no clock.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::share::{Share, max_min};
use super::*;
use crate::admission::adaptive::AdaptiveLimit;
use crate::admission::guard::{Outcome, Rule};
use crate::refusal::Reason;

const HINT: Duration = Duration::from_secs(1);

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The rule with the count that a layer would keep.
struct House {
    rule: FairShare<u32>,
    inside: Vec<(u32, FairPass<u32>)>,
}

impl House {
    fn new(limit: usize, keys_max: usize) -> Self {
        let settings = FairSettings { keys_max, ..FairSettings::default() };
        Self { rule: FairShare::new(AdaptiveLimit::fixed(limit), settings, HINT), inside: Vec::new() }
    }

    fn come(&mut self, now: Duration, key: u32) -> Result<(), Reason> {
        let pass = self.rule.admit(now, self.inside.len(), key).map_err(|refusal| refusal.reason)?;
        self.inside.push((key, pass));
        Ok(())
    }

    fn go(&mut self, now: Duration, index: usize) {
        let (_, pass) = self.inside.remove(index);
        self.rule.end(now, self.inside.len(), pass, Outcome::Accepted);
    }

    fn of(&self, key: u32) -> usize {
        self.inside.iter().filter(|(of, _)| *of == key).count()
    }
}

#[test]
fn who_wants_little_gets_it_and_the_rest_share_what_is_left() {
    assert_eq!(max_min(10, &mut [9, 2, 9]), Share { places: 4, extra: 0 });
    assert_eq!(max_min(10, &mut [9, 9, 9]), Share { places: 3, extra: 1 });
    assert_eq!(max_min(10, &mut [1, 2, 7]), Share::UNLIMITED);
    assert_eq!(max_min(2, &mut [1, 1, 1]), Share { places: 0, extra: 2 });
    assert_eq!(max_min(0, &mut []), Share::UNLIMITED);
}

#[test]
fn alone_a_tenant_may_have_everything() {
    let mut house = House::new(4, 10);
    assert!((0..4).all(|_| house.come(ms(0), 1).is_ok()));
    assert_eq!(house.come(ms(0), 1), Err(Reason::ConcurrencyLimit));
}

#[test]
fn a_newcomer_gets_its_share_as_places_become_free() {
    let mut house = House::new(4, 10);
    assert!((0..4).all(|_| house.come(ms(0), 1).is_ok()));
    assert_eq!(house.come(ms(0), 2), Err(Reason::ConcurrencyLimit), "nobody is interrupted");
    house.go(ms(1), 0);
    assert_eq!(house.come(ms(1), 1), Err(Reason::FairShare), "that place is kept");
    assert_eq!(house.come(ms(1), 2), Ok(()));
    assert_eq!(house.come(ms(1), 2), Err(Reason::ConcurrencyLimit));
    house.go(ms(2), 0);
    assert_eq!(house.come(ms(2), 1), Err(Reason::FairShare));
    assert_eq!(house.come(ms(2), 2), Ok(()));
    house.go(ms(3), 0);
    assert_eq!(house.come(ms(3), 2), Err(Reason::FairShare), "two each");
    assert_eq!(house.come(ms(3), 1), Ok(()));
}

#[test]
fn who_has_gone_is_forgotten_and_its_share_with_it() {
    let mut house = House::new(4, 10);
    assert!([1, 2, 1, 2].into_iter().all(|key| house.come(ms(0), key).is_ok()));
    assert!([1, 2].into_iter().all(|key| house.come(ms(0), key).is_err()));
    assert_eq!(house.rule.keys(), 2);
    (0..4).for_each(|_| house.go(ms(500), 0));
    assert!((0..2).all(|_| house.come(ms(600), 1).is_ok()));
    assert_eq!(house.come(ms(600), 1), Err(Reason::FairShare), "the other may come back");
    assert_eq!(house.come(ms(2000), 1), Ok(()), "and did not");
    assert_eq!((house.rule.keys(), house.rule.in_flight_of(&1)), (1, 3));
}

#[test]
fn more_tenants_than_accounts_share_one() {
    let mut house = House::new(8, 2);
    assert_eq!([1, 2, 3, 4].map(|key| house.come(ms(0), key)), [Ok(()); 4]);
    assert_eq!(house.rule.keys(), 2);
    // The common account is one tenant: it may have a third.
    for key in [1, 2, 3, 1, 2, 4, 1, 2, 3, 4] {
        let _ = house.come(ms(1), key);
    }
    assert!(house.of(3) + house.of(4) <= 3, "{:?}", house.rule);
    let index = house.inside.iter().position(|(key, _)| *key == 1).expect("inside");
    house.go(ms(2), index);
    while let Some(index) = house.inside.iter().position(|(key, _)| *key == 1) {
        house.go(ms(2), index);
    }
    assert_eq!(house.come(ms(3), 5), Ok(()), "who has no call inside makes room");
    assert_eq!((house.rule.in_flight_of(&5), house.rule.keys()), (1, 2));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Come(u32),
    Go(usize),
    Pass(u64),
    Limit(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..6_u32).prop_map(Step::Come),
        5 => (0..20_usize).prop_map(Step::Go),
        2 => prop_oneof![0..200_u64, 0..3000_u64].prop_map(Step::Pass),
        1 => (0..12_usize).prop_map(Step::Limit),
    ];
    prop::collection::vec(step, 0..300)
}

proptest! {
    /// Places are given out as far as they go, to whom wants them, and equally.
    #[test]
    fn a_share_is_max_min_fair(limit in 0..50_usize, mut wanted in prop::collection::vec(1..30_usize, 0..12)) {
        let share = max_min(limit, &mut wanted);
        let gets: Vec<_> = wanted.iter().map(|want| *want.min(&share.places)).collect();
        let hungry = wanted.iter().filter(|want| **want > share.places).count();
        prop_assert!(share.extra <= hungry);
        let total = gets.iter().sum::<usize>() + share.extra;
        prop_assert_eq!(total, limit.min(wanted.iter().sum()));
    }

    /// What is remembered of the last decisions never differs from what a model without memory works out.
    #[test]
    fn decides_as_a_model_without_memory_of_its_own_decisions(
        limit in 0..12_usize, keys_max in 1..8_usize, steps in steps(),
    ) {
        let (mut house, mut limit, mut now) = (House::new(limit, keys_max), limit, ms(0));
        for step in steps {
            match step {
                Step::Come(key) => {
                    let before = house.inside.len();
                    // One that works everything out anew.
                    let mut fresh = house.rule.clone();
                    fresh.forget_plan();
                    let expected = fresh.admit(now, before, key).map(|_| ()).map_err(|no| no.reason);
                    let answer = house.come(now, key);
                    prop_assert_eq!(answer, expected);
                    prop_assert_eq!(answer == Err(Reason::ConcurrencyLimit), before >= limit);
                }
                Step::Go(index) if index < house.inside.len() => house.go(now, index),
                Step::Go(_) => {}
                Step::Pass(by) => now += ms(by),
                Step::Limit(next) => {
                    limit = next;
                    house.rule.set_limit(AdaptiveLimit::fixed(next));
                }
            }
            prop_assert!(house.rule.keys() <= keys_max);
            let mut held = BTreeMap::<u32, usize>::new();
            house.inside.iter().for_each(|(key, _)| *held.entry(*key).or_default() += 1);
            prop_assert!(held.iter().all(|(key, held)| house.rule.in_flight_of(key) <= *held));
        }
    }

    /// With everybody always asking, everybody has the same but one, whoever had it all before.
    #[test]
    fn the_greedy_end_up_equal(limit in 1..20_usize, tenants in 1..6_u32, first in 0..6_u32) {
        let mut house = House::new(limit, 10);
        (0..limit).for_each(|_| house.come(ms(0), first % tenants).expect("alone"));
        for round in 0..60 {
            let now = ms(10 * round);
            for key in 0..tenants {
                while house.come(now, key).is_ok() {}
            }
            if !house.inside.is_empty() {
                house.go(now, 0);
            }
            // The one who had it all asks first, and often.
            for key in (0..tenants).cycle().skip(first as usize).take(tenants as usize) {
                while house.come(now, key).is_ok() {}
            }
        }
        let held: Vec<_> = (0..tenants).map(|key| house.of(key)).collect();
        let (least, most) = (held.iter().min().expect("some"), held.iter().max().expect("some"));
        prop_assert!(most - least <= 1, "{:?}", held);
        prop_assert_eq!(house.inside.len(), limit, "nothing is kept in vain");
    }
}
