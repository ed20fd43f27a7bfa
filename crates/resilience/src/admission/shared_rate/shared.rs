//! The one state behind all services of a layer.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::timeout;

use super::buckets::{SharedBuckets, Taken};
use super::layer::SharedRate;
use super::policy::Trust;
use crate::admission::policy::TokenBucket;
use crate::clock::Clock;
use crate::observer::Observer;
use crate::refusal::{Reason, Refusal};

/// Told of every change, and of what was decided without the store.
pub trait SharedRateObserver: Observer {
    /// A call was decided by this process alone: the store did not answer, or is left alone because it did not.
    fn decided_alone(&self) {}
}

/// Watches nothing.
impl SharedRateObserver for () {}

impl<O: SharedRateObserver + ?Sized> SharedRateObserver for Arc<O> {
    fn decided_alone(&self) {
        (**self).decided_alone();
    }
}

pub(super) struct Shared {
    rate: SharedRate,
    buckets: Arc<dyn SharedBuckets>,
    state: Mutex<State>,
    clock: Clock,
    observer: Box<dyn SharedRateObserver>,
}

struct State {
    /// What decides without the store. With it, it follows along.
    own: TokenBucket,
    trust: Trust,
    in_flight: usize,
}

impl Shared {
    pub(super) fn new(
        rate: SharedRate,
        buckets: Arc<dyn SharedBuckets>,
        observer: impl SharedRateObserver + 'static,
    ) -> Arc<Self> {
        let own = TokenBucket::full(rate.rate, rate.burst);
        let state = Mutex::new(State { own, trust: Trust::default(), in_flight: 0 });
        Arc::new(Self { rate, buckets, state, clock: Clock::default(), observer: Box::new(observer) })
    }

    /// The state is whole after every statement, so a panic elsewhere in a holder (an observer's) does no harm.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the store, or decides alone.
    pub(super) async fn decide(self: Arc<Self>) -> Result<Pass, Refusal> {
        let SharedRate { name, rate, burst, timeout: patience, rest } = &self.rate;
        let may_ask = self.lock().trust.may_ask(self.clock.now(), *rest);
        let taken = if may_ask {
            let asked = timeout(*patience, self.buckets.take(name, *rate, *burst)).await;
            let taken = asked.ok().and_then(Result::ok);
            let mut state = self.lock();
            match taken {
                Some(_) => state.trust.answered(),
                None => state.trust.failed(self.clock.now(), *rest),
            }
            taken
        } else {
            None
        };
        let mut state = self.lock();
        let now = self.clock.now();
        let answer = match taken {
            Some(Taken::Token { .. }) => {
                // It follows what came in; what the store gave beyond that is the other replicas' share.
                let _empty = state.own.admit(now);
                Ok(())
            }
            Some(Taken::Empty { retry_after }) => Err(Refusal { reason: Reason::RateLimit, retry_after }),
            None => {
                self.observer.decided_alone();
                state.own.admit(now)
            }
        };
        match answer {
            Ok(()) => {
                state.in_flight += 1;
                self.observer.in_flight(state.in_flight);
                drop(state);
                Ok(Pass { shared: self })
            }
            Err(refusal) => {
                self.observer.refused(refusal.reason);
                Err(refusal)
            }
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Shared")
            .field("rate", &self.rate)
            .field("buckets", &self.buckets)
            .field("trust", &state.trust)
            .field("in_flight", &state.in_flight)
            .finish_non_exhaustive()
    }
}

/// A call that was let in. Counted until it is dropped.
#[derive(Debug)]
pub struct Pass {
    shared: Arc<Shared>,
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.in_flight -= 1;
        self.shared.observer.in_flight(state.in_flight);
    }
}
