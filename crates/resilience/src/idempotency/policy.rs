//! The rules, as pure types: what a record says to who asks, and the life of a key whose effect can be
//! undone.

mod key_state;
mod record;

pub use key_state::{CompletionRefused, KeyState, NothingToRefund, Refunding, Starting, Voiding};
pub use record::{Record, RecordState};
