//! Places for events in our hands: as many as there are workers now, and never more than the most.
//!
//! A place that is not to be used is *set aside*. More workers: places that are set aside are given back, at once, also
//! to whoever waits for one. Fewer: the next free place is set aside instead of being used, so nothing that is under way
//! is ever broken off. That is done only by whoever is about to fetch: what was fetched always finds the places that it
//! was fetched for.
//!
//! ```text
//! in use + free + set aside = the most        the gauge `workers` = in use + free
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use node::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of one subscription.
#[derive(Debug)]
pub(super) struct Places {
    semaphore: Arc<Semaphore>,
    most: usize,
    aside: Mutex<Aside>,
    /// Shows how many there are, where that is of interest.
    shown: Option<Gauge>,
}

#[derive(Debug)]
struct Aside {
    /// How many places there are to be.
    wanted: usize,
    held: Vec<OwnedSemaphorePermit>,
}

impl Places {
    /// So many of them, to begin with.
    pub(super) fn new(most: usize, wanted: usize, shown: Option<Gauge>) -> Self {
        let semaphore = Arc::new(Semaphore::new(most));
        let wanted = wanted.min(most);
        let free = || Arc::clone(&semaphore).try_acquire_owned().expect("nobody has any yet");
        let aside = Mutex::new(Aside { wanted, held: (wanted..most).map(|_| free()).collect() });
        let places = Self { semaphore, most, aside, shown };
        places.show(&places.aside());
        places
    }

    /// From now on there are to be so many.
    pub(super) fn resize(&self, wanted: usize) {
        let mut aside = self.aside();
        aside.wanted = wanted.min(self.most);
        let needless = aside.held.len().min(self.most - aside.wanted);
        aside.held.truncate(needless);
        self.show(&aside);
    }

    /// How many more events may be taken on, as soon as there is a place, at most `max`. Only one may ask at a time.
    pub(super) async fn room(&self, max: usize) -> usize {
        loop {
            let place = self.take().await;
            let mut aside = self.aside();
            if self.most - aside.held.len() <= aside.wanted {
                drop(place);
                return self.semaphore.available_permits().clamp(1, max);
            }
            aside.held.push(place);
            self.show(&aside);
        }
    }

    /// A place, as soon as there is one.
    pub(super) async fn take(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.semaphore).acquire_owned().await.expect("nobody closes it")
    }

    /// Waits until nothing is in our hands any more.
    pub(super) async fn all_free(&self) {
        self.aside().held.clear();
        let everything = u32::try_from(self.most).expect("a design's numbers have 32 bits");
        let _all = self.semaphore.acquire_many(everything).await;
    }

    fn show(&self, aside: &Aside) {
        if let Some(shown) = &self.shown {
            shown.set((self.most - aside.held.len()) as u64);
        }
    }

    fn aside(&self) -> MutexGuard<'_, Aside> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    /// Four places, and the gauge that shows them.
    fn four() -> (Places, Gauge) {
        let gauge = Gauge::new();
        (Places::new(4, 4, Some(gauge.clone())), gauge)
    }

    /// One is left of four, and it is in use.
    fn busy() -> (Places, OwnedSemaphorePermit) {
        let (places, _shown) = four();
        places.resize(1);
        assert_eq!(places.room(64).now_or_never(), Some(1));
        let place = places.take().now_or_never().expect("the one that is left");
        (places, place)
    }

    #[test]
    fn a_subscription_that_begins_with_few_has_never_shown_more() {
        let gauge = Gauge::new();
        let places = Places::new(4, 2, Some(gauge.clone()));
        assert_eq!((places.room(64).now_or_never(), gauge.max()), (Some(2), 2));
        places.resize(9);
        assert_eq!((places.room(64).now_or_never(), gauge.max()), (Some(4), 4));
    }

    #[test]
    fn fewer_set_free_places_aside_and_more_give_them_back() {
        let (places, shown) = four();
        places.resize(1);
        assert_eq!(places.room(64).now_or_never(), Some(1));
        assert_eq!(shown.now(), 1);
        let place = places.take().now_or_never().expect("the one that is left");
        assert!(places.room(64).now_or_never().is_none(), "it is in use");
        places.resize(3);
        assert_eq!((places.room(64).now_or_never(), shown.now()), (Some(2), 3));
        drop(place);
        assert_eq!(places.room(2).now_or_never(), Some(2), "no more than was asked for");
    }

    #[test]
    fn what_is_in_use_is_left_alone_and_set_aside_when_it_becomes_free() {
        let (places, shown) = four();
        let mut taken: Vec<_> = (0..4).map(|_| places.take().now_or_never().expect("four")).collect();
        places.resize(2);
        assert!(places.room(64).now_or_never().is_none());
        assert_eq!(shown.now(), 4, "all of them are at work");
        taken.truncate(3);
        assert!(places.room(64).now_or_never().is_none());
        assert_eq!(shown.now(), 3);
        taken.truncate(1);
        assert_eq!((places.room(64).now_or_never(), shown.now()), (Some(1), 2));
    }

    #[test]
    fn whoever_waits_for_a_place_gets_one_that_is_given_back() {
        let (places, _place) = busy();
        let waiting = places.room(64);
        let mut waiting = std::pin::pin!(waiting);
        assert!(waiting.as_mut().now_or_never().is_none());
        places.resize(2);
        assert_eq!(waiting.now_or_never(), Some(1));
    }

    #[test]
    fn at_the_end_everything_is_waited_for_whatever_is_set_aside() {
        let (places, place) = busy();
        assert!(places.all_free().now_or_never().is_none());
        drop(place);
        assert_eq!(places.all_free().now_or_never(), Some(()));
    }
}
