//! What keeps those apart who share a server.

use std::sync::Arc;

use thiserror::Error;

/// The longest prefix, in bytes.
const LENGTH_MAX: usize = 64;

/// Not a prefix that keeps services apart.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a prefix is 1 to 64 of a-z, 0-9, - and _: not {prefix:?}")]
pub struct InvalidPrefix {
    /// What was given.
    pub prefix: String,
}

/// Takes a prefix that can stand in every server's names as it is.
pub(crate) fn check(prefix: &str) -> Result<Arc<str>, InvalidPrefix> {
    let is_plain = prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
    if !is_plain || prefix.is_empty() || prefix.len() > LENGTH_MAX {
        return Err(InvalidPrefix { prefix: prefix.to_owned() });
    }
    Ok(prefix.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_plain_word() {
        for prefix in ["a", "order_api", "test-7", &"x".repeat(LENGTH_MAX)] {
            assert_eq!(check(prefix).as_deref(), Ok(prefix));
        }
        for prefix in ["", "a.b", "a b", "A", "a*", "ä", &"x".repeat(LENGTH_MAX + 1)] {
            assert_eq!(check(prefix), Err(InvalidPrefix { prefix: prefix.to_owned() }));
        }
    }
}
