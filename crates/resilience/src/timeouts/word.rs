//! Limits in one word, so that a call can read them without a lock.
//!
//! Bit 0 is the scope, the rest the limit in nanoseconds, with one value for *none*. What has a reserve or a
//! least, or is longer than a century, does not fit and is behind the lock.

use std::time::Duration;

use super::policy::{Scope, TimeLimits};

/// Says that the limits do not fit.
const ASK: u64 = u64::MAX;
/// Says that there is no limit. 146 years.
const NONE: u64 = 1 << 62;

/// The word for some limits.
pub(super) fn of(limits: &TimeLimits) -> u64 {
    let TimeLimits { scope, limit, reserve, least } = *limits;
    let limit_ns =
        limit.map_or(Some(NONE), |limit| u64::try_from(limit.as_nanos()).ok().filter(|ns| *ns < NONE));
    match limit_ns {
        Some(limit_ns) if reserve.is_zero() && least.is_zero() => {
            limit_ns << 1 | u64::from(scope == Scope::Attempt)
        }
        _ => ASK,
    }
}

/// The limits that a word stands for; `None` when they do not fit into one.
#[inline]
pub(super) fn limits(word: u64) -> Option<TimeLimits> {
    let scope = if word & 1 == 1 { Scope::Attempt } else { Scope::Request };
    let limit = match word >> 1 {
        NONE => None,
        limit_ns if limit_ns < NONE => Some(Duration::from_nanos(limit_ns)),
        _ => return None,
    };
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
                Just(Duration::MAX),
            ]),
            reserve_ns in prop_oneof![Just(0_u64), 1..3_u64],
            least_ns in prop_oneof![Just(0_u64), 1..3_u64],
        ) {
            let scope = if attempt { Scope::Attempt } else { Scope::Request };
            let (reserve, least) = (Duration::from_nanos(reserve_ns), Duration::from_nanos(least_ns));
            let given = TimeLimits { scope, limit, reserve, least };
            let fits = reserve_ns == 0 && least_ns == 0 && limit.is_none_or(|limit| limit.as_nanos() < 1 << 62);
            prop_assert_eq!(limits(of(&given)), fits.then_some(given));
        }
    }
}
