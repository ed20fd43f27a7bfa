//! The fault control of payment: how much slower and how much less reliable it is right now.
//!
//! It is set out of band (by the hand that breaks things, or by `PUT /hardship` on the admin port),
//! never through the ports that orders use, and is read when a charge begins: a charge that already runs
//! keeps the time it drew.

use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The largest slowdown: beyond it a payment takes longer than any run.
pub const SLOWDOWN_MAX: f64 = 1e6;

/// What payment suffers beyond its own model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hardship {
    /// How many times longer a payment takes; 1 is as usual.
    pub slowdown: f64,
    /// The chance of a transient failure, instead of the model's own.
    pub failure_rate: Option<f64>,
}

impl Default for Hardship {
    fn default() -> Self {
        Self { slowdown: 1.0, failure_rate: None }
    }
}

impl Hardship {
    /// What is wrong with it, if anything.
    ///
    /// # Errors
    /// When the slowdown is not above 0 and at most [`SLOWDOWN_MAX`], or the failure rate not within 0 and 1.
    pub fn check(&self) -> Result<(), HardshipError> {
        if !(self.slowdown > 0.0 && self.slowdown <= SLOWDOWN_MAX) {
            return Err(HardshipError::Slowdown(self.slowdown));
        }
        match self.failure_rate {
            Some(rate) if !(0.0..=1.0).contains(&rate) => Err(HardshipError::FailureRate(rate)),
            _ => Ok(()),
        }
    }
}

/// Why a hardship was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HardshipError {
    /// Not above zero, or beyond any use.
    #[error("slowdown is {0}: it must be above 0 and at most 1000000")]
    Slowdown(f64),
    /// Not a probability.
    #[error("failure_rate is {0}: it must be between 0 and 1")]
    FailureRate(f64),
}

/// A shared handle on payment's hardship. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct HardshipControl {
    current: Arc<Mutex<Hardship>>,
}

impl HardshipControl {
    /// Sets it, for the charges that begin from now on.
    ///
    /// # Errors
    /// When it makes no sense; the one before stays.
    pub fn set(&self, hardship: Hardship) -> Result<(), HardshipError> {
        hardship.check()?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = hardship;
        Ok(())
    }

    /// What holds now.
    #[must_use]
    pub fn get(&self) -> Hardship {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
