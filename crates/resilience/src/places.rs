//! A count of places that are taken, which needs no lock as long as nobody has to be asked.
//!
//! One word holds the count and how far it may rise unasked, so that a step sees both: whatever limit is set
//! at the same time, each step is right by the limit that stood when it was made. Closed, it counts nothing
//! and every step fails: whoever closed it counts elsewhere, under a lock, and opens it again.

use std::sync::atomic::{AtomicU64, Ordering};

/// The lower half of the word: the count. (2³² calls at once do not fit into any memory.)
const COUNT: u64 = 0xffff_ffff;
/// The upper half: how far the count may rise unasked, with a value of its own for *closed*.
const CLOSED: u64 = COUNT << 32;

/// See the module.
#[derive(Debug)]
pub(crate) struct Places(AtomicU64);

/// How far the count may rise, as the upper half of a word. Beyond what fits, somebody is asked.
fn upper(unasked: usize) -> u64 {
    u64::try_from(unasked).unwrap_or(u64::MAX).min(COUNT - 1) << 32
}

const fn count(word: u64) -> usize {
    (word & COUNT) as usize
}

impl Places {
    /// All free; up to `unasked` may be taken unasked.
    pub(crate) fn new(unasked: usize) -> Self {
        Self(AtomicU64::new(upper(unasked)))
    }

    #[inline]
    fn step(&self, step: impl FnMut(u64) -> Option<u64>) -> bool {
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, step).is_ok()
    }

    /// Takes a place, if that may be done unasked.
    #[inline]
    pub(crate) fn try_take(&self) -> bool {
        // Closed, the upper half is out of any reach, so that is looked at too.
        self.step(|word| {
            let is_free = word & COUNT < word >> 32 && word < CLOSED;
            is_free.then(|| word + 1)
        })
    }

    /// Takes a place if `may` says so, being told how many are taken; how many are then, or what it said.
    /// Not while it is closed.
    pub(crate) fn take_if<E>(&self, may: impl Fn(usize) -> Result<(), E>) -> Result<usize, E> {
        let mut word = self.0.load(Ordering::Acquire);
        loop {
            may(count(word))?;
            match self.0.compare_exchange_weak(word, word + 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(count(word) + 1),
                Err(now) => word = now,
            }
        }
    }

    /// Gives a place back; how many are taken then. Not while it is closed.
    #[inline]
    pub(crate) fn give_back(&self) -> usize {
        count(self.0.fetch_sub(1, Ordering::AcqRel)) - 1
    }

    /// Gives a place back, unless it is closed.
    #[inline]
    pub(crate) fn try_give_back(&self) -> bool {
        self.step(|word| (word < CLOSED).then(|| word - 1))
    }

    /// How many are taken. Zero while it is closed.
    pub(crate) fn taken(&self) -> usize {
        let word = self.0.load(Ordering::Acquire);
        if word < CLOSED { count(word) } else { 0 }
    }

    /// Up to so many may be taken unasked from now on. Not while it is closed.
    pub(crate) fn set_unasked(&self, unasked: usize) {
        self.step(|word| Some((word & COUNT) | upper(unasked)));
    }

    /// From now on everybody has to ask: how many are taken. Not twice.
    pub(crate) fn close(&self) -> usize {
        count(self.0.swap(CLOSED, Ordering::AcqRel))
    }

    /// So many are taken, and up to `unasked` may be taken unasked again.
    pub(crate) fn open(&self, taken: usize, unasked: usize) {
        let taken = u64::try_from(taken).unwrap_or(u64::MAX).min(COUNT);
        self.0.store(upper(unasked) | taken, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_may_are_taken_unasked() {
        let places = Places::new(2);
        assert_eq!([places.try_take(), places.try_take(), places.try_take()], [true, true, false]);
        assert_eq!((places.taken(), places.give_back(), places.try_take()), (2, 1, true));
        places.set_unasked(0);
        assert_eq!(
            (places.try_take(), places.take_if(|_| Ok::<_, ()>(())), places.taken()),
            (false, Ok(3), 3)
        );
        assert_eq!(places.take_if(Err), Err(3));
        places.set_unasked(usize::MAX);
        assert!(places.try_take());
    }

    #[test]
    fn closed_it_stands_still() {
        let places = Places::new(usize::MAX);
        assert!(places.try_take());
        assert_eq!(
            (places.close(), places.try_take(), places.try_give_back(), places.taken()),
            (1, false, false, 0)
        );
        places.open(7, 8);
        assert_eq!([places.try_take(), places.try_take(), places.try_give_back()], [true, false, true]);
        assert_eq!(places.taken(), 7);
    }

    #[test]
    fn never_more_than_may_whoever_comes_at_once() {
        let (places, limit) = (Places::new(3), 3);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2_000 {
                        if places.try_take() {
                            assert!(places.taken() <= limit);
                            assert!(places.try_give_back());
                        }
                    }
                });
            }
        });
        assert_eq!(places.taken(), 0);
    }
}
