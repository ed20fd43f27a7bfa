//! Limits in one word, so that a call can read them without a lock.
//!
//! From below: one bit for the scope, thirty for the nanoseconds of the limit, the rest for its seconds, with one
//! value for *none*. What has a reserve or a least, or is longer than 270 years, does not fit and is behind the lock.

use std::time::Duration;

use super::policy::{Scope, TimeLimits};

/// Says that the limits do not fit: its nanoseconds are none.
const ASK: u64 = u64::MAX;
const NANOS: u64 = (1 << 30) - 1;
/// The seconds that say that there is no limit.
const NONE: u64 = u64::MAX >> 31;

/// The word for some limits.
pub(super) fn of(limits: &TimeLimits) -> u64 {
    let TimeLimits { scope, limit, reserve, least } = *limits;
    let (secs, nanos) = limit.map_or((NONE, 0), |limit| (limit.as_secs(), limit.subsec_nanos()));
    let fits = secs < NONE || limit.is_none();
    if fits && reserve.is_zero() && least.is_zero() {
        secs << 31 | u64::from(nanos) << 1 | u64::from(scope == Scope::Attempt)
    } else {
        ASK
    }
}

/// The limits that a word stands for; `None` when they do not fit into one.
#[inline]
pub(super) fn limits(word: u64) -> Option<TimeLimits> {
    if word == ASK {
        return None;
    }
    let scope = if word & 1 == 1 { Scope::Attempt } else { Scope::Request };
    let secs = word >> 31;
    // Thirty bits fit.
    let nanos = (word >> 1 & NANOS) as u32;
    let limit = (secs < NONE).then(|| Duration::new(secs, nanos));
    Some(TimeLimits { scope, limit, reserve: Duration::ZERO, least: Duration::ZERO })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_fits_comes_back_and_what_does_not_is_asked_for(
            attempt in any::<bool>(),
            limit in prop::option::of(prop_oneof![
                (0..5_u64).prop_map(Duration::from_nanos),
                any::<u64>().prop_map(Duration::from_nanos),
                (NONE - 2..NONE + 2).prop_map(Duration::from_secs),
                Just(Duration::MAX),
            ]),
            reserve_ns in prop_oneof![Just(0_u64), 1..3_u64],
            least_ns in prop_oneof![Just(0_u64), 1..3_u64],
        ) {
            let scope = if attempt { Scope::Attempt } else { Scope::Request };
            let (reserve, least) = (Duration::from_nanos(reserve_ns), Duration::from_nanos(least_ns));
            let given = TimeLimits { scope, limit, reserve, least };
            let fits = reserve_ns == 0 && least_ns == 0 && limit.is_none_or(|limit| limit.as_secs() < NONE);
            prop_assert_eq!(limits(of(&given)), fits.then_some(given));
        }
    }
}
