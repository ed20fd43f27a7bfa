//! Where a server is. Its text may have a password in it, so it is handed on and never shown.

use std::fmt;
use std::sync::Arc;

/// A server's URL, and what was read from it. Two are the same when their texts are. What is shown of it, as text or
/// for debugging, is what its reader found fit to be seen.
pub struct ServerUrl<P> {
    secret: Arc<str>,
    shown: Arc<str>,
    parts: Arc<P>,
}

impl<P> ServerUrl<P> {
    pub(crate) fn new(secret: &str, shown: String, parts: P) -> Self {
        Self { secret: secret.into(), shown: shown.into(), parts: Arc::new(parts) }
    }

    /// The text that it was read from, with its password: for handing on, never for showing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.secret
    }

    pub(crate) fn parts(&self) -> &P {
        &self.parts
    }
}

impl<P> Clone for ServerUrl<P> {
    fn clone(&self) -> Self {
        Self {
            secret: Arc::clone(&self.secret),
            shown: Arc::clone(&self.shown),
            parts: Arc::clone(&self.parts),
        }
    }
}

impl<P> PartialEq for ServerUrl<P> {
    fn eq(&self, other: &Self) -> bool {
        self.secret == other.secret
    }
}

impl<P> Eq for ServerUrl<P> {}

impl<P> fmt::Display for ServerUrl<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl<P> fmt::Debug for ServerUrl<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}
