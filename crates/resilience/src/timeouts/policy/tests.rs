//! The arithmetic by itself: no runtime, and an instant only to count from.

use proptest::prelude::*;

use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn until(now: Instant, millis: u64) -> Allotment {
    Allotment::Until(Deadline::after(now, ms(millis)))
}

#[test]
fn the_earlier_end_counts() {
    let now = Instant::now();
    let limits = TimeLimits::request(ms(100));
    let carried = |millis| Some(Deadline::after(now, ms(millis)));
    assert_eq!(limits.allot(now, None), until(now, 100));
    assert_eq!(limits.allot(now, carried(40)), until(now, 40));
    assert_eq!(limits.allot(now, carried(4000)), until(now, 100), "a caller's patience extends nothing");
    let open = TimeLimits { limit: None, ..limits };
    assert_eq!(open.allot(now, carried(40)), until(now, 40));
    assert_eq!(open.allot(now, None), Allotment::Unlimited);
}

#[test]
fn what_has_no_time_left_is_not_begun() {
    let now = Instant::now();
    let limits = TimeLimits { reserve: ms(10), least: ms(5), ..TimeLimits::attempt(ms(100)) };
    let carried = |millis| Some(Deadline::after(now, ms(millis)));
    assert_eq!(limits.allot(now, carried(15)), until(now, 5));
    for millis in [0, 9, 10, 14] {
        assert_eq!(limits.allot(now, carried(millis)), Allotment::Expired, "{millis} ms");
    }
    assert_eq!(TimeLimits::attempt(ms(0)).allot(now, None), Allotment::Expired);
    assert_eq!(TimeLimits::attempt(ms(9)).allot(now + ms(7), carried(7)), Allotment::Expired, "that instant");
}

#[test]
fn a_hop_subtracts_what_it_spent_and_what_the_way_takes() {
    let now = Instant::now();
    let here = Deadline::after(now, ms(100));
    let sent = here.to_send(now + ms(30), ms(5)).expect("time is left");
    assert_eq!(sent, ms(65));
    let there = Deadline::after(now + ms(35), sent);
    assert_eq!(there, here, "the next machine stops when this one does");
    assert_eq!(here.to_send(now + ms(95), ms(5)), None);
    assert_eq!(here.to_send(now + ms(200), ms(0)), None);
}

#[test]
fn what_no_clock_can_express_is_far_away() {
    let now = Instant::now();
    assert!(Deadline::after(now, Duration::MAX).remaining(now) > ms(1_000_000_000));
    assert!(matches!(TimeLimits::request(Duration::MAX).allot(now, None), Allotment::Until(_)));
}

proptest! {
    #[test]
    fn no_hop_or_attempt_extends_what_is_left(
        carried in 0..10_000_u64,
        hops in prop::collection::vec((prop::option::of(0..5_000_u64), 0..200_u64, 0..200_u64, 0..500_u64), 1..8),
    ) {
        let mut now = Instant::now();
        let first = Deadline::after(now, ms(carried));
        let mut deadline = first;
        for (limit, reserve, least, spent) in hops {
            let limits = TimeLimits {
                scope: Scope::Request, limit: limit.map(ms), reserve: ms(reserve), least: ms(least),
            };
            match limits.allot(now, Some(deadline)) {
                Allotment::Until(next) => {
                    prop_assert!(next <= deadline && next.remaining(now) >= ms(least));
                    prop_assert!(!next.has_passed(now));
                    deadline = next;
                }
                Allotment::Expired => return Ok(()),
                Allotment::Unlimited => prop_assert!(false, "the first hop named an end"),
            }
            now += ms(spent);
        }
        prop_assert!(deadline <= first);
    }
}
