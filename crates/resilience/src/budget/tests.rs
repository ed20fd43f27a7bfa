//! The budget by itself: no runtime, no clock.

use proptest::prelude::*;

use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn limits(percent: u8, floor_per_s: u32) -> BudgetLimits {
    BudgetLimits { ratio: Ratio::percent(percent), floor_per_s, window: Duration::from_secs(10) }
}

fn withdraw_all(budget: &mut Budget, now: Duration) -> usize {
    std::iter::from_fn(|| budget.withdraw(now)).count()
}

#[test]
fn starts_with_its_floor_over_the_window() {
    assert_eq!(withdraw_all(&mut Budget::new(BudgetLimits::default()), ms(0)), 100);
    assert_eq!(withdraw_all(&mut Budget::new(limits(20, 0)), ms(0)), 0);
}

#[test]
fn each_call_earns_its_share() {
    let mut budget = Budget::new(limits(20, 0));
    for _ in 0..9 {
        budget.deposit(ms(0));
    }
    assert_eq!(withdraw_all(&mut budget, ms(0)), 1, "nine calls are one extra and four fifths");
    budget.deposit(ms(0));
    assert_eq!(withdraw_all(&mut budget, ms(0)), 1);
}

#[test]
fn what_was_earned_expires_and_what_was_spent_is_forgiven() {
    let mut budget = Budget::new(limits(100, 1));
    (0..5).for_each(|_| budget.deposit(ms(0)));
    assert_eq!(withdraw_all(&mut budget, ms(1)), 15);
    assert_eq!((budget.available(ms(10_999)), budget.available(ms(11_000))), (0, 10));
}

#[test]
fn what_was_not_used_goes_back_once() {
    let mut budget = Budget::new(limits(0, 1));
    let withdrawals: Vec<_> = std::iter::from_fn(|| budget.withdraw(ms(0))).collect();
    assert_eq!((withdrawals.len(), budget.available(ms(0))), (10, 0));
    budget.put_back(ms(500), withdrawals[0]);
    assert_eq!(budget.available(ms(500)), 1);
    budget.put_back(ms(60_000), withdrawals[1]);
    assert_eq!(budget.available(ms(60_000)), 10, "it is forgiven already and not given twice");
}

#[test]
fn other_limits_are_no_way_to_a_fresh_floor() {
    let mut budget = Budget::new(limits(20, 10));
    assert_eq!(withdraw_all(&mut budget, ms(0)), 100);
    budget.set_limits(ms(0), limits(20, 11));
    assert_eq!(budget.available(ms(0)), 10);
    budget.set_limits(ms(0), BudgetLimits { window: Duration::from_secs(5), ..limits(20, 20) });
    assert_eq!(budget.available(ms(0)), 0);
    assert_eq!(budget.available(ms(6_000)), 100);
}

proptest! {
    /// The law of the budget, seen from each extra call: in the window before it no more than the floor
    /// over it and the share of its calls (and those of the tenth before).
    #[test]
    fn extra_calls_are_bounded_in_every_window(
        percent in 0..=100_u8,
        floor_per_s in 0..3_u32,
        steps in prop::collection::vec((0..800_u64, 0..4_u32, 0..6_u32), 1..120),
    ) {
        let mut budget = Budget::new(limits(percent, floor_per_s));
        let (mut now, mut first, mut extra) = (0, Vec::new(), Vec::new());
        for (gap, calls, wishes) in steps {
            now += gap;
            for _ in 0..calls {
                budget.deposit(ms(now));
                first.push(now);
            }
            for _ in 0..wishes {
                if budget.withdraw(ms(now)).is_some() {
                    extra.push(now);
                    let extra = extra.iter().filter(|at| now - **at < 10_000).count() as u64;
                    let calls = first.iter().filter(|at| now - **at < 11_000).count() as u64;
                    prop_assert!(extra * 100 <= calls * u64::from(percent) + u64::from(floor_per_s) * 1000);
                }
            }
        }
    }
}
