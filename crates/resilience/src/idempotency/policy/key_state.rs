//! The life of a key whose effect can be looked up, prevented and undone: a charge.
//!
//! Who does not know what became of a call (its answer never came) settles it by key: *look it up*; done:
//! good. Not done: *void* the key first, and only then call it failed: a call that is still on its way
//! finds the tombstone and is refused. Done after all: *refund*.
//!
//! ```text
//! absent ──start──▶ running ──complete──▶ completed ──refund──▶ refunded
//!   │  ▲──────fail────┘ │
//!   └──void──▶ voided ◀─┘void
//! ```
//!
//! A running key may be voided: the tombstone stands at once, and the completion that comes later is
//! refused ([`CompletionRefused::Voided`]). So the effect (the money) must move in the same atomic step as
//! `complete`, or be taken back by who is refused. The other way, a void that waits for the run, would make
//! the caller wait for the very call that it has given up on.
//!
//! Invariants: one completion at most; nothing after a tombstone; money goes back at most once; a key is
//! never free again after it was completed or voided. `void` and `refund` are idempotent.

use thiserror::Error;

/// Where a key is in its life. `T` is what its completion left (the charge).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeyState<T> {
    /// Nothing is known of it: never used, or every attempt failed without an effect.
    #[default]
    Absent,
    /// A call runs under it. Not durable: a restart makes it absent again.
    Running,
    /// Done, with an effect.
    Completed(T),
    /// A tombstone: nothing has happened under this key, and nothing will.
    Voided,
    /// Done and undone.
    Refunded(T),
}

/// What a call under a key is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Starting<T> {
    /// Run.
    Run,
    /// Wait for the result of the one that runs.
    Join,
    /// Answer with what was done before (refunded or not: a refund does not free the key).
    Replay(T),
    /// Stop: the key was voided.
    Refuse,
}

/// A completion came too late, or without a start: nothing may be done under the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CompletionRefused {
    /// The key was voided while the call ran.
    #[error("the key was voided meanwhile")]
    Voided,
    /// It was completed before.
    #[error("the key was completed before")]
    Completed,
    /// No call runs under it.
    #[error("no call runs under the key")]
    NotRunning,
}

/// What voiding a key found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voiding<T> {
    /// A tombstone stands (now, or before).
    Tombstone,
    /// Too late: this was done. Nothing was changed; it can be refunded.
    Completed(T),
    /// This was done, and undone before.
    Refunded(T),
}

/// What refunding a key found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refunding<T> {
    /// Undone now: the caller gives the money back.
    Now(T),
    /// Undone before: nothing is to be done.
    Before(T),
}

/// There is nothing to undo under this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("nothing was completed under the key")]
pub struct NothingToRefund;

impl<T: Clone> KeyState<T> {
    /// A call comes under the key.
    pub fn start(&mut self) -> Starting<T> {
        match self {
            Self::Absent => {
                *self = Self::Running;
                Starting::Run
            }
            Self::Running => Starting::Join,
            Self::Completed(done) | Self::Refunded(done) => Starting::Replay(done.clone()),
            Self::Voided => Starting::Refuse,
        }
    }

    /// The running call is done and has left `done`.
    ///
    /// # Errors
    /// When it may not be: whoever is refused undoes what it did.
    pub fn complete(&mut self, done: T) -> Result<(), CompletionRefused> {
        match self {
            Self::Running => {
                *self = Self::Completed(done);
                Ok(())
            }
            Self::Voided => Err(CompletionRefused::Voided),
            Self::Completed(_) | Self::Refunded(_) => Err(CompletionRefused::Completed),
            Self::Absent => Err(CompletionRefused::NotRunning),
        }
    }

    /// The running call ended without an effect: the key may be used again. Changes no other state, so a
    /// tombstone that came meanwhile stays.
    pub fn fail(&mut self) {
        if matches!(self, Self::Running) {
            *self = Self::Absent;
        }
    }

    /// Makes sure that nothing will be done under the key, unless it was.
    pub fn void(&mut self) -> Voiding<T> {
        match self {
            Self::Absent | Self::Running | Self::Voided => {
                *self = Self::Voided;
                Voiding::Tombstone
            }
            Self::Completed(done) => Voiding::Completed(done.clone()),
            Self::Refunded(done) => Voiding::Refunded(done.clone()),
        }
    }

    /// Undoes what was done, once.
    ///
    /// # Errors
    /// When nothing was done: a running key is to be voided, not refunded.
    pub fn refund(&mut self) -> Result<Refunding<T>, NothingToRefund> {
        match self {
            Self::Completed(done) => {
                let done = done.clone();
                *self = Self::Refunded(done.clone());
                Ok(Refunding::Now(done))
            }
            Self::Refunded(done) => Ok(Refunding::Before(done.clone())),
            Self::Absent | Self::Running | Self::Voided => Err(NothingToRefund),
        }
    }

    /// What was done, if anything was: the look-up. `None` says nothing about the future; only a tombstone does.
    pub const fn done(&self) -> Option<&T> {
        match self {
            Self::Completed(done) | Self::Refunded(done) => Some(done),
            Self::Absent | Self::Running | Self::Voided => None,
        }
    }

    /// The part that has to outlive a restart: a running key does not (what runs is gone with the process).
    #[must_use]
    pub fn after_restart(self) -> Self {
        if matches!(self, Self::Running) { Self::Absent } else { self }
    }
}

#[cfg(test)]
mod tests;
