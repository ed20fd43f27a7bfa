//! What tells one request from another: a key within a scope, and a fingerprint of what was asked.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// The most bytes in a key, and in a scope.
pub const KEY_BYTES_MAX: usize = 255;

/// A caller's key, within the scope that it belongs to (its tenant): two tenants who choose the same
/// text do not meet. Cheap to clone.
///
/// Keys are ordered by their texts and then by their scopes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The first bytes of the text: what tells almost all keys apart, at hand without a look at the text.
    prefix: u128,
    /// The text and then the scope: one allocation, and one count for all clones.
    both: Arc<str>,
    text_bytes: usize,
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let rest = || (self.text(), self.scope()).cmp(&(other.text(), other.scope()));
        self.prefix.cmp(&other.prefix).then_with(rest)
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidKey {
    /// A key of no length would be everybody's.
    #[error("an idempotency key must not be empty")]
    Empty,
    /// The key or its scope is longer than [`KEY_BYTES_MAX`].
    #[error("an idempotency key has at most {KEY_BYTES_MAX} bytes, not {bytes}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
}

impl Key {
    /// A key within a scope. The scope may be empty where there is only one.
    ///
    /// # Errors
    /// When the key is empty, or the key or the scope too long.
    pub fn new(scope: &str, text: &str) -> Result<Self, InvalidKey> {
        if text.is_empty() {
            return Err(InvalidKey::Empty);
        }
        let bytes = text.len().max(scope.len());
        if bytes > KEY_BYTES_MAX {
            return Err(InvalidKey::TooLong { bytes });
        }
        let mut prefix = [0; size_of::<u128>()];
        let known = text.len().min(prefix.len());
        prefix[..known].copy_from_slice(&text.as_bytes()[..known]);
        let (prefix, both) = (u128::from_be_bytes(prefix), [text, scope].concat().into());
        Ok(Self { prefix, both, text_bytes: text.len() })
    }

    /// Whose key it is.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.both[self.text_bytes..]
    }

    /// The key itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.both[..self.text_bytes]
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?}, {:?})", self.scope(), self.text())
    }
}

/// A digest of what was asked, so that a key that comes back with other contents is noticed.
///
/// [`Fingerprint::of`] is FNV-1a with 128 bits: quick and the same everywhere, and no protection against
/// somebody who looks for collisions. It need not be: keys are scoped, so whoever finds one deceives only
/// himself. Who wants more hands in the first half of a cryptographic digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u128);

impl Fingerprint {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    /// Of the parts of a request (its method, its path, its body), each together with its length.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Self::OFFSET;
        for part in parts {
            for byte in (part.len() as u64).to_be_bytes().iter().chain(*part) {
                hash = (hash ^ u128::from(*byte)).wrapping_mul(Self::PRIME);
            }
        }
        Self(hash)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_has_between_1_and_255_bytes() {
        assert_eq!(Key::new("c1", ""), Err(InvalidKey::Empty));
        assert_eq!(Key::new("c1", &"x".repeat(256)), Err(InvalidKey::TooLong { bytes: 256 }));
        assert_eq!(Key::new(&"x".repeat(256), "k"), Err(InvalidKey::TooLong { bytes: 256 }));
        let key = Key::new("", &"x".repeat(255)).expect("the longest");
        assert_eq!((key.scope(), key.text().len()), ("", 255));
    }

    #[test]
    fn the_same_text_in_another_scope_is_another_key() {
        assert_ne!(Key::new("c1", "k"), Key::new("c2", "k"));
        assert_ne!(Key::new("a", "bc"), Key::new("ab", "c"));
    }

    proptest! {
        #[test]
        fn keys_are_ordered_by_text_and_then_by_scope(
            a in ("[ab\0]{1,20}", "[ab]{0,2}"), b in ("[ab\0]{1,20}", "[ab]{0,2}"),
        ) {
            let key = |(text, scope): &(String, String)| Key::new(scope, text).expect("a valid key");
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp(&b));
            prop_assert_eq!(key(&a) == key(&b), a == b);
        }
    }

    #[test]
    fn a_fingerprint_sees_contents_and_boundaries() {
        assert_eq!(Fingerprint::of(&[b"a", b"b"]), Fingerprint::of(&[b"a", b"b"]));
        assert_ne!(Fingerprint::of(&[b"a", b"b"]), Fingerprint::of(&[b"ab", b""]));
        assert_ne!(Fingerprint::of(&[b"a"]), Fingerprint::of(&[b"a", b""]));
        assert_ne!(Fingerprint::of(&[b"1"]), Fingerprint::of(&[b"2"]));
    }
}
