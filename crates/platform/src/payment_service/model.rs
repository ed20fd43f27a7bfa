//! The payment model: slots, service times, chance.
//!
//! Slots are given out first come, first served. The wait for one has no bound of its own: whatever is
//! accepted waits, for as long as it takes, also when its caller has long gone; only the connections that
//! can be open at once limit how fast the line grows. That is the naive design, and what constraints
//! further out are for.
//!
//! Chance comes from three streams of the node's, one per question. Every charge draws from all three,
//! whatever the answers, so that the n-th charge meets the same fate in every design that is compared.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use node::{Gauge, GaugeGuard, Node, Rng, draw};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::design::{Payment, ServiceTime};
use crate::hardship::HardshipControl;
use crate::telemetry::{RUNNING, Telemetry, WAITING};

/// How a charge ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Executed {
    Succeeded,
    Declined,
    Failed,
}

impl Executed {
    /// The word for it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Declined => "declined",
            Self::Failed => "failed",
        }
    }
}

/// The model at work.
#[derive(Debug)]
pub(super) struct PaymentModel {
    slots: Arc<Semaphore>,
    payment: Payment,
    hardship: HardshipControl,
    chance: Mutex<Chance>,
    running: Gauge,
    waiting: Gauge,
}

#[derive(Debug)]
struct Chance {
    service_time: Rng,
    failures: Rng,
    declines: Rng,
}

/// A slot in use. The gauge falls before the slot is free, so that it never shows more than there are.
#[derive(Debug)]
pub(super) struct Slot {
    _counted: GaugeGuard,
    _permit: OwnedSemaphorePermit,
}

impl PaymentModel {
    pub(super) fn new(
        node: &Node,
        payment: &Payment,
        hardship: HardshipControl,
        telemetry: &Telemetry,
    ) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(payment.slots.get() as usize)),
            payment: payment.clone(),
            hardship,
            chance: Mutex::new(Chance {
                service_time: node.rng("service-time"),
                failures: node.rng("failures"),
                declines: node.rng("declines"),
            }),
            running: telemetry.gauge(RUNNING),
            waiting: telemetry.gauge(WAITING),
        }
    }

    /// Waits for a slot, first come first served.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the line.
    pub(super) async fn take_slot(&self) -> Slot {
        let permit = match Arc::clone(&self.slots).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_all_in_use) => {
                let _counted = self.waiting.enter();
                Arc::clone(&self.slots).acquire_owned().await.expect("the semaphore is never closed")
            }
        };
        Slot { _counted: self.running.enter(), _permit: permit }
    }

    /// Takes its time, and ends as chance and hardship will have it. A failure takes as long as a success.
    /// When this returns the money moves; what is left of the time is for [`Self::confirm`].
    pub(super) async fn execute(&self, node: &Node) -> Executed {
        let (time, executed) = self.draw();
        let time = time.saturating_sub(self.confirmation());
        // A timer would round no time at all up to its tick.
        if !time.is_zero() {
            node.sleep(time).await;
        }
        executed
    }

    /// The last part of a payment's time, where the model has one: the money has moved, and nobody was told
    /// yet. (Of a payment that is shorter than its confirmation it is all.)
    pub(super) async fn confirm(&self, node: &Node) {
        let confirmation = self.confirmation();
        if !confirmation.is_zero() {
            node.sleep(confirmation).await;
        }
    }

    fn confirmation(&self) -> Duration {
        self.payment.confirmation.map_or(Duration::ZERO, |confirmation| confirmation.get())
    }

    /// Decides a charge's fate when it begins: the hardship of this moment holds for all of it.
    fn draw(&self) -> (Duration, Executed) {
        let hardship = self.hardship.get();
        let failure_rate = hardship.failure_rate.unwrap_or(self.payment.failure_rate.get());
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        let time = sample(&self.payment.service_time, hardship.slowdown, &mut chance.service_time);
        let fails = draw::chance(&mut chance.failures, failure_rate);
        let declines = draw::chance(&mut chance.declines, self.payment.decline_rate.get());
        let executed = match (fails, declines) {
            (true, _) => Executed::Failed,
            (false, true) => Executed::Declined,
            (false, false) => Executed::Succeeded,
        };
        (time, executed)
    }
}

/// The longest payment: a tail beyond it would be no payment any more.
const SERVICE_TIME_MAX: Duration = Duration::from_secs(7 * 86_400);

fn sample(service_time: &ServiceTime, slowdown: f64, rng: &mut Rng) -> Duration {
    let secs = service_time.sample(rng).as_secs_f64() * slowdown;
    Duration::from_secs_f64(secs.min(SERVICE_TIME_MAX.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use node::RealOptions;

    use super::*;
    use crate::design::{Probability, Profile};
    use crate::hardship::Hardship;
    use crate::kind::ServiceKind;

    fn model(payment: &Payment) -> PaymentModel {
        let node = Node::real(RealOptions { name: "payment-service".to_owned(), ..RealOptions::default() });
        let telemetry = Telemetry::new(ServiceKind::PaymentService);
        PaymentModel::new(&node, payment, HardshipControl::default(), &telemetry)
    }

    #[tokio::test]
    async fn one_chance_does_not_shift_the_others() {
        let ladder = Profile::Ladder.payment();
        let declining = Payment { decline_rate: Probability::new(0.5).expect("0.5"), ..ladder.clone() };
        let (plain, declining) = (model(&ladder), model(&declining));
        for _ in 0..1_000 {
            let ((time, fate), (same_time, other_fate)) = (plain.draw(), declining.draw());
            assert_eq!(time, same_time);
            assert_eq!(fate == Executed::Failed, other_fate == Executed::Failed);
        }
    }

    #[tokio::test]
    async fn hardship_slows_down_and_replaces_the_failure_rate() {
        let ladder = Profile::Ladder.payment();
        let (usual, hard) = (model(&ladder), model(&ladder));
        hard.hardship.set(Hardship { slowdown: 5.0, failure_rate: Some(1.0) }).expect("valid");
        for _ in 0..100 {
            let ((time, _), (slow, fate)) = (usual.draw(), hard.draw());
            assert!((slow.as_secs_f64() / time.as_secs_f64() - 5.0).abs() < 1e-6);
            assert_eq!(fate, Executed::Failed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_instant_payment_takes_no_time_however_slow_it_is_made() {
        let payment = Payment { service_time: ServiceTime::Instant, ..Profile::Ladder.payment() };
        assert!((payment.capacity_per_s(&Hardship::default()) - 32.0 * 0.95 * 1e6).abs() < 1.0);
        let node = Node::real(RealOptions::default());
        let model = model(&payment);
        model.hardship.set(Hardship { slowdown: 1_000.0, failure_rate: Some(0.0) }).expect("valid");
        let began = node.now();
        assert_eq!(model.execute(&node).await, Executed::Succeeded);
        assert_eq!(node.now(), began);
    }

    #[tokio::test]
    async fn the_line_for_a_slot_is_counted() {
        let payment = Profile::FlashSale.payment();
        let model = Arc::new(model(&payment));
        let slot = model.take_slot().await;
        let mut second = Box::pin(model.take_slot());
        assert!(tokio::time::timeout(Duration::ZERO, &mut second).await.is_err());
        assert_eq!((model.running.now(), model.waiting.now()), (1, 1));
        drop(slot);
        let _slot = second.await;
        assert_eq!((model.running.now(), model.running.max(), model.waiting.now()), (1, 1, 0));
    }
}
