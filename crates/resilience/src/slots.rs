//! A sliding window of time, in slots: what happened lately, without remembering each event.
//!
//! A window of length w is ten slots of w ÷ 10 and the one that is being filled. So what is remembered
//! reaches back at least w and less than 1.1 w, in constant memory, and forgetting costs nothing while
//! nothing happens. The same scheme as Finagle's `WindowedAdder`, with one slot more, so that nothing is
//! forgotten early.

use std::time::Duration;

/// Ten complete slots and the current one.
const SLOTS: usize = 11;

/// Slots of `T`. Time that goes back is treated as time that stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slots<T> {
    width_ns: u128,
    slots: [T; SLOTS],
    /// The number of the slot that is being filled, counted from the origin of time.
    current: u128,
    /// Where it is.
    index: usize,
    /// When it is full: until then there is nothing to reckon.
    current_until_ns: u128,
}

impl<T: Copy + Default> Slots<T> {
    /// Empty slots for a window. A window shorter than ten nanoseconds counts as that.
    pub(crate) fn new(window: Duration) -> Self {
        let width_ns = (window.as_nanos() / 10).max(1);
        Self { width_ns, slots: [T::default(); SLOTS], current: 0, index: 0, current_until_ns: width_ns }
    }

    /// Forgets what is too old.
    pub(crate) fn advance(&mut self, now: Duration) {
        if now.as_nanos() < self.current_until_ns {
            return;
        }
        let current = now.as_nanos() / self.width_ns;
        let passed = (current - self.current).min(SLOTS as u128);
        for step in 1..=passed {
            let stale = Self::index(self.current + step);
            self.slots[stale] = T::default();
        }
        self.current = current;
        self.index = Self::index(current);
        self.current_until_ns = (current + 1).saturating_mul(self.width_ns);
        if passed == SLOTS as u128 {
            self.slots = [T::default(); SLOTS];
        }
    }

    /// The slot that is being filled, and its number. Call [`Slots::advance`] before.
    pub(crate) const fn current(&mut self) -> (u128, &mut T) {
        (self.current, &mut self.slots[self.index])
    }

    /// When the slot that is being filled will be full, in nanoseconds.
    pub(crate) const fn current_until_ns(&self) -> u128 {
        self.current_until_ns
    }

    /// A slot by its number, if it is not forgotten yet.
    pub(crate) const fn get_mut(&mut self, number: u128) -> Option<&mut T> {
        if number > self.current || self.current - number >= SLOTS as u128 {
            return None;
        }
        Some(&mut self.slots[Self::index(number)])
    }

    /// All slots, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter()
    }

    const fn index(number: u128) -> usize {
        (number % SLOTS as u128) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn add(slots: &mut Slots<u32>, now_ms: u64) {
        slots.advance(Duration::from_millis(now_ms));
        *slots.current().1 += 1;
    }

    fn sum(slots: &mut Slots<u32>, now_ms: u64) -> u32 {
        slots.advance(Duration::from_millis(now_ms));
        slots.iter().sum()
    }

    #[test]
    fn remembers_for_the_window_and_forgets_soon_after() {
        let mut slots = Slots::new(Duration::from_secs(1));
        add(&mut slots, 99);
        assert_eq!((sum(&mut slots, 1099), sum(&mut slots, 1100)), (1, 0));
        add(&mut slots, 5000);
        assert_eq!(sum(&mut slots, 4000), 1, "a clock that goes back stands still");
        assert_eq!(sum(&mut slots, 1_000_000), 0);
    }

    #[test]
    fn survives_the_ends_of_time() {
        let mut slots = Slots::<u32>::new(Duration::ZERO);
        slots.advance(Duration::MAX);
        *slots.current().1 += 1;
        slots.advance(Duration::MAX);
        assert_eq!(slots.iter().sum::<u32>(), 1);
        let mut eternal = Slots::<u32>::new(Duration::MAX);
        eternal.advance(Duration::MAX);
    }

    proptest! {
        #[test]
        fn holds_at_least_the_window_and_at_most_a_tenth_more(
            gaps in prop::collection::vec(prop_oneof![0..50_u64, 0..3000_u64], 1..100),
        ) {
            let mut slots = Slots::new(Duration::from_secs(1));
            let (mut now, mut all) = (0, Vec::new());
            for gap in gaps {
                now += gap;
                add(&mut slots, now);
                all.push(now);
                let within = |span: u64| all.iter().filter(|at| now - **at < span).count();
                let held = sum(&mut slots, now) as usize;
                prop_assert!(within(1001) <= held && held <= within(1100), "{held} of {all:?}");
            }
        }
    }
}
