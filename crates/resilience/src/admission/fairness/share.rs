//! Max-min fairness in whole places.

/// How far each may go: up to `places`, and `extra` of those who want more one place further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) places: usize,
    pub(super) extra: usize,
}

impl Share {
    /// There is enough for all.
    pub(super) const UNLIMITED: Self = Self { places: usize::MAX, extra: 0 };
}

/// Fills everybody's glass to the same height, none above what it wants. Sorts `wanted`.
pub(super) fn max_min(limit: usize, wanted: &mut [usize]) -> Share {
    wanted.sort_unstable();
    let mut left = limit;
    for (satisfied, want) in wanted.iter().enumerate() {
        let others = wanted.len() - satisfied;
        if *want > left / others {
            return Share { places: left / others, extra: left % others };
        }
        left -= want;
    }
    Share::UNLIMITED
}
