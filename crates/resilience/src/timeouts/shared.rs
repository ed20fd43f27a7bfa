//! What all services of a layer share: the limits, the counts, and who watches.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::observer::TimeoutObserver;
use super::policy::{Scope, TimeLimits};
use super::word;

/// What layer, services and handles share.
pub(super) struct Shared {
    calls: Arc<Calls>,
}

/// What calls share with them.
struct Calls {
    limits: Mutex<TimeLimits>,
    /// The same in one word, where they fit, so that a call need not lock.
    word: AtomicU64,
    expired: AtomicU64,
    timed_out: AtomicU64,
    watch: Option<Watch>,
}

struct Watch {
    /// As many as there are [`Waited`] values. Under a lock, so that reports come in order.
    in_flight: Mutex<usize>,
    observer: Box<dyn TimeoutObserver>,
}

impl Shared {
    pub(super) fn new(limits: TimeLimits, observer: impl TimeoutObserver + 'static) -> Arc<Self> {
        let watch =
            observer.is_watching().then(|| Watch { in_flight: Mutex::new(0), observer: Box::new(observer) });
        let calls = Calls {
            word: AtomicU64::new(word::of(&limits)),
            limits: Mutex::new(limits),
            expired: AtomicU64::new(0),
            timed_out: AtomicU64::new(0),
            watch,
        };
        Arc::new(Self { calls: Arc::new(calls) })
    }

    /// Every [`Waited`] has a share in the calls, and so has this; nobody else.
    fn in_flight(&self) -> usize {
        Arc::strong_count(&self.calls) - 1
    }

    /// A call comes.
    #[inline]
    pub(super) fn begin(&self) -> Waited {
        if let Some(watch) = &self.calls.watch {
            watch.report(|observer, in_flight| {
                *in_flight += 1;
                observer.in_flight(*in_flight);
            });
        }
        Waited { calls: Arc::clone(&self.calls) }
    }
}

impl Calls {
    #[inline(never)]
    fn locked_limits(&self) -> TimeLimits {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, TimeLimits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The limits of this moment.
    #[inline]
    fn limits(&self) -> TimeLimits {
        word::limits(self.word.load(Ordering::Acquire)).unwrap_or_else(|| self.locked_limits())
    }

    fn set_limits(&self, limits: TimeLimits) {
        let mut current = self.lock();
        *current = limits;
        self.word.store(word::of(&limits), Ordering::Release);
    }
}

impl Watch {
    /// A count is whole whatever happens, so a panic of an observer does no harm.
    // Apart, so that calls that nobody watches stay small.
    #[inline(never)]
    fn report(&self, report: impl FnOnce(&dyn TimeoutObserver, &mut usize)) {
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        report(&*self.observer, &mut in_flight);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Shared");
        f.field("limits", &self.calls.limits()).field("in_flight", &self.in_flight()).finish_non_exhaustive()
    }
}

/// A call that is waited for. Dropping it says that it is not any more.
pub(super) struct Waited {
    calls: Arc<Calls>,
}

impl Waited {
    /// The limits of this moment.
    #[inline]
    pub(super) fn limits(&self) -> TimeLimits {
        self.calls.limits()
    }

    pub(super) fn expired(&self, scope: Scope) {
        self.calls.expired.fetch_add(1, Ordering::Relaxed);
        if let Some(watch) = &self.calls.watch {
            watch.report(|observer, _| observer.expired(scope));
        }
    }

    pub(super) fn timed_out(&self, scope: Scope, after: Duration) {
        self.calls.timed_out.fetch_add(1, Ordering::Relaxed);
        if let Some(watch) = &self.calls.watch {
            watch.report(|observer, _| observer.timed_out(scope, after));
        }
    }
}

impl Drop for Waited {
    #[inline]
    fn drop(&mut self) {
        if let Some(watch) = &self.calls.watch {
            watch.report(|observer, in_flight| {
                *in_flight -= 1;
                observer.in_flight(*in_flight);
            });
        }
    }
}

/// Reads and changes a layer's limits while it is at work. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TimeoutHandle {
    shared: Arc<Shared>,
}

impl TimeoutHandle {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Calls that are waited for now.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.in_flight()
    }

    /// Calls so far that were not begun, because there was no time left.
    #[must_use]
    pub fn expired(&self) -> u64 {
        self.shared.calls.expired.load(Ordering::Relaxed)
    }

    /// Calls so far that were begun and given up.
    #[must_use]
    pub fn timed_out(&self) -> u64 {
        self.shared.calls.timed_out.load(Ordering::Relaxed)
    }

    /// The limits as they stand now.
    #[must_use]
    pub fn limits(&self) -> TimeLimits {
        *self.shared.calls.lock()
    }

    /// Other limits, for calls that come from now on.
    pub fn set_limits(&self, limits: TimeLimits) {
        self.shared.calls.set_limits(limits);
    }
}
