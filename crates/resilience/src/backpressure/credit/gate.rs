//! The gate: gives out as many credits as the policy says, and no more.
//!
//! Inside, a credit is a worker of a pool without work: the same first-come queue, the same hand-over,
//! the same cancel safety.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use super::policy::{CreditPolicy, CreditSettings, InvalidCredits};
use crate::backpressure::future::Line;
use crate::backpressure::policy::{PoolLimits, Terms};
use crate::backpressure::shared::{Entry, Shared, Waiter, Worker};
use crate::backpressure::strategy::PoolConfig;
use crate::clock::Clock;
use crate::observer::Observer;
use crate::refusal::{Reason, Refusal};

/// Where upstream asks for credits. Cheap to clone; all clones are one gate, and its handle.
#[derive(Clone)]
pub struct CreditGate {
    shared: Arc<GateShared>,
}

struct GateShared {
    /// A credit is a worker here, and who waits for one a waiter. Who asks is bounded upstream.
    credits: Arc<Shared>,
    policy: Mutex<CreditPolicy>,
    clock: Clock,
    retry_after: Duration,
    observer: Arc<dyn Observer>,
}

impl CreditGate {
    /// A gate that nobody watches. Who is refused a credit is told to come back after `retry_after`.
    ///
    /// # Errors
    /// When the settings contradict themselves.
    pub fn new(settings: CreditSettings, retry_after: Duration) -> Result<Self, InvalidCredits> {
        Self::observed(settings, retry_after, ())
    }

    /// A gate that tells `observer` of every change: credits out as calls in flight, who waits for one as the
    /// queue's depth, the total as the limit, and refusals.
    ///
    /// # Errors
    /// When the settings contradict themselves.
    pub fn observed(
        settings: CreditSettings,
        retry_after: Duration,
        observer: impl Observer + 'static,
    ) -> Result<Self, InvalidCredits> {
        let policy = CreditPolicy::new(settings)?;
        let observer: Arc<dyn Observer> = Arc::new(observer);
        let limits = PoolLimits { workers: policy.total(), queue: usize::MAX };
        observer.limit(limits.workers);
        let credits = Shared::new(PoolConfig::new(limits, retry_after), Arc::clone(&observer));
        let (policy, clock) = (Mutex::new(policy), Clock::default());
        Ok(Self { shared: Arc::new(GateShared { credits, policy, clock, retry_after, observer }) })
    }

    /// A credit, or a refusal when none is left or others wait for one.
    ///
    /// # Errors
    /// A refusal for want of a credit.
    pub fn try_acquire(&self) -> Result<Credit, Refusal> {
        self.adjust();
        let worker = self.shared.credits.try_enter().ok_or_else(|| {
            self.shared.observer.refused(Reason::NoCredit);
            Refusal { reason: Reason::NoCredit, retry_after: self.shared.retry_after }
        })?;
        Ok(self.credit(worker))
    }

    /// A credit, as soon as there is one; first come, first served from the moment of this call. Dropping
    /// the future leaves the line, or gives back what was granted meanwhile.
    #[must_use]
    pub fn acquire(&self) -> AcquireCredit {
        self.adjust();
        let state = match self.shared.credits.enter(Terms::default()) {
            Entry::Run(worker) => AcquireState::Granted(self.credit(worker)),
            Entry::Wait(Line::Waiting(waiter)) => AcquireState::Waiting(waiter),
            Entry::Wait(Line::Pacing(_)) | Entry::Refuse(_) => {
                unreachable!("a gate has no front and no bound on its queue")
            }
        };
        AcquireCredit { gate: self.clone(), state: Some(state) }
    }

    /// As many credits of `demand` as there are, perhaps none. For an upstream that sends on its own, such
    /// as a remote one that is told its credits along with an answer.
    #[must_use]
    pub fn request(&self, demand: usize) -> Credits {
        self.adjust();
        let granted = std::iter::from_fn(|| self.shared.credits.try_enter()).take(demand);
        Credits { credits: granted.map(|worker| self.credit(worker)).collect() }
    }

    /// Tells the gate what a call waited for its worker, where no pool does.
    pub fn waited(&self, wait: Duration) {
        self.note_wait(wait);
        self.adjust();
    }

    /// How many credits may be out now.
    #[must_use]
    pub fn total(&self) -> usize {
        self.policy().total()
    }

    /// How many credits are out.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.shared.credits.running()
    }

    /// How many wait for one.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.credits.waiting()
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> CreditSettings {
        *self.policy().settings()
    }

    /// Other settings from now on. A pool that was made with this gate keeps the wait at which it sheds.
    ///
    /// # Errors
    /// When they contradict themselves; nothing is changed then.
    pub fn set_settings(&self, settings: CreditSettings) -> Result<(), InvalidCredits> {
        self.policy().set_settings(settings)?;
        self.adjust();
        Ok(())
    }

    /// Only remembers: called under the lock of the pool whose call waited, where nobody may be woken. What
    /// follows from it shows when the next credit is asked for or comes back, of which there is always one.
    pub(in crate::backpressure) fn note_wait(&self, wait: Duration) {
        let mut policy = self.policy();
        // Read under the lock, so that the policy sees time in order.
        let now = self.shared.clock.now();
        policy.waited(now, wait);
    }

    fn policy(&self) -> MutexGuard<'_, CreditPolicy> {
        self.shared.policy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the pool of credits follow the policy, which may wake who waits for one.
    fn adjust(&self) {
        let outstanding = self.outstanding();
        let mut policy = self.policy();
        let now = self.shared.clock.now();
        policy.outstanding(now, outstanding);
        let total = policy.total();
        drop(policy);
        if self.shared.credits.limits().workers != total {
            self.shared.credits.set_limits(PoolLimits { workers: total, queue: usize::MAX });
            self.shared.observer.limit(total);
        }
    }

    fn credit(&self, worker: Worker) -> Credit {
        let credit = Credit { _worker: worker, gate: self.clone() };
        let mut policy = self.policy();
        let now = self.shared.clock.now();
        policy.outstanding(now, self.shared.credits.running());
        credit
    }
}

impl fmt::Debug for CreditGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreditGate")
            .field("policy", &*self.policy())
            .field("credits", &self.shared.credits)
            .finish_non_exhaustive()
    }
}

/// The right to send one call. Keep it until the call is answered; dropping it gives it back.
#[derive(Debug)]
pub struct Credit {
    /// Dropped, and so given back, after what the gate learnt meanwhile was applied.
    _worker: Worker,
    gate: CreditGate,
}

impl Drop for Credit {
    fn drop(&mut self) {
        self.gate.adjust();
    }
}

/// A batch of credits. Dropping it gives back those that were not taken.
#[derive(Debug)]
pub struct Credits {
    credits: Vec<Credit>,
}

impl Credits {
    /// How many are left.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.credits.len()
    }

    /// Whether none is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.credits.is_empty()
    }

    /// Takes one.
    pub fn take(&mut self) -> Option<Credit> {
        self.credits.pop()
    }
}

/// Waits for a credit. Made by [`CreditGate::acquire`].
#[derive(Debug)]
pub struct AcquireCredit {
    gate: CreditGate,
    /// `None` once the credit was handed out.
    state: Option<AcquireState>,
}

#[derive(Debug)]
enum AcquireState {
    Granted(Credit),
    Waiting(Waiter),
}

impl Future for AcquireCredit {
    type Output = Credit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Credit> {
        match self.state.take().expect("not polled again after it was done") {
            AcquireState::Granted(credit) => Poll::Ready(credit),
            AcquireState::Waiting(mut waiter) => match waiter.poll_turn(cx) {
                Poll::Ready(Ok(worker)) => Poll::Ready(self.gate.credit(worker)),
                Poll::Ready(Err(_)) => unreachable!("a first-come queue sheds nobody"),
                Poll::Pending => {
                    self.state = Some(AcquireState::Waiting(waiter));
                    Poll::Pending
                }
            },
        }
    }
}
