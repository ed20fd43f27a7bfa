//! `[composition]`: what it takes for all constraints to work together.
//!
//! Each constraint was tuned alone; together some of their numbers stand in each other's way. So this
//! section may state any other section anew, wholly, with the reason beside it ([`Design::in_force`]
//! puts it in that section's place), and it adds the one thing that no single constraint can do:
//! settling, in the background, the orders whose outcome nobody knew in time.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Admission, Backpressure, Breaker, Design, Idempotency, PositiveDuration, Retries, Timeouts};

/// Settlement of unknown outcomes, and sections that are stated anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Composition {
    /// An order that has not moved for so long is settled. Longer than any order is worked on
    /// (`timeouts.request`), so that nobody settles what somebody still does.
    pub settle_after: PositiveDuration,
    /// How often order-api looks for such orders; 500 ms unless stated.
    #[serde(default = "settle_every_default")]
    pub settle_every: PositiveDuration,
    /// How many it settles at a time, at most; 32 unless stated. The rest waits in the store for the next look.
    #[serde(default = "settle_batch_max_default")]
    pub settle_batch_max: NonZeroU32,
    /// How long it waits for each of payment's answers; 1 s unless stated.
    #[serde(default = "settle_call_timeout_default")]
    pub settle_call_timeout: PositiveDuration,
    /// In place of `[admission]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admission: Option<Admission>,
    /// In place of `[backpressure]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backpressure: Option<Backpressure>,
    /// In place of `[timeouts]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
    /// In place of `[idempotency]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    /// In place of `[retries]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<Retries>,
    /// In place of `[breaker]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
}

const fn settle_every_default() -> PositiveDuration {
    PositiveDuration::from_millis(500)
}

const fn settle_batch_max_default() -> NonZeroU32 {
    NonZeroU32::new(32).expect("not zero")
}

const fn settle_call_timeout_default() -> PositiveDuration {
    PositiveDuration::from_secs(1)
}

impl Composition {
    /// The names of the sections that it states anew.
    #[must_use]
    pub fn overridden(&self) -> Vec<&'static str> {
        [
            ("admission", self.admission.is_some()),
            ("backpressure", self.backpressure.is_some()),
            ("timeouts", self.timeouts.is_some()),
            ("idempotency", self.idempotency.is_some()),
            ("retries", self.retries.is_some()),
            ("breaker", self.breaker.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, is_stated)| is_stated.then_some(name))
        .collect()
    }
}

impl Design {
    /// The design with its composition's sections in the place of those that they override: what runs.
    #[must_use]
    pub fn in_force(mut self) -> Self {
        let Some(composition) = &mut self.composition else { return self };
        fn put<T>(section: &mut Option<T>, stated_anew: &mut Option<T>) {
            *section = stated_anew.take().or_else(|| section.take());
        }
        put(&mut self.admission, &mut composition.admission);
        put(&mut self.backpressure, &mut composition.backpressure);
        put(&mut self.timeouts, &mut composition.timeouts);
        put(&mut self.idempotency, &mut composition.idempotency);
        put(&mut self.retries, &mut composition.retries);
        put(&mut self.breaker, &mut composition.breaker);
        self
    }

    /// What is wrong between its sections, if anything: what no section can see alone.
    ///
    /// # Errors
    /// In words.
    pub fn check(&self) -> Result<(), String> {
        self.check_events()?;
        let Some(composition) = &self.composition else { return Ok(()) };
        let Some(timeouts) = &self.timeouts else {
            return Err("settlement needs [timeouts]: without them no order is ever left alone".to_owned());
        };
        if self.idempotency.is_none() {
            return Err("settlement needs [idempotency]: it looks charges up by their key".to_owned());
        }
        if composition.settle_after <= timeouts.request {
            return Err(format!(
                "settle_after is {}, but an order may be worked on for {}",
                composition.settle_after, timeouts.request
            ));
        }
        Ok(())
    }
}
