//! Identifiers: short texts that can stand in a URI path, a header and a log line as they are.
//!
//! All ids share one rule: 1 to 64 of the characters that RFC 3986 allows in a path segment without
//! percent-encoding (letters, digits and `-._~!$&'()*+,;=:@`), and neither `.` nor `..`, which clients
//! resolve away. So an id never has to be escaped, and two different ids never meet in one URI.
//! A newtype each, so that an order's id cannot be handed over as a customer's.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The longest id, in characters.
const LENGTH_MAX: usize = 64;

/// Why a text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidId {
    /// Nothing there.
    #[error("must not be empty")]
    Empty,
    /// Longer than 64 characters.
    #[error("must be at most 64 characters long")]
    TooLong,
    /// A character that cannot stand in a URI path unescaped.
    #[error("must consist of letters, digits and -._~!$&'()*+,;=:@ only")]
    Character,
    /// `.` and `..` are steps in a path and no names.
    #[error("must not be \".\" or \"..\"")]
    Dots,
}

fn check(text: &str) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::Empty);
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&b)) {
        return Err(InvalidId::Character);
    }
    if text.len() > LENGTH_MAX {
        return Err(InvalidId::TooLong);
    }
    if text == "." || text == ".." {
        return Err(InvalidId::Dots);
    }
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Cheap to clone. 1 to 64 characters that can stand in a URI path as they are.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            /// When the text is empty, longer than 64 characters, or could not stand in a URI path unescaped.
            pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidId> {
                let text = text.as_ref();
                check(text)?;
                Ok(Self(Arc::from(text)))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(text).map_err(serde::de::Error::custom)
            }
        }
    };
}

id! {
    /// An order.
    OrderId
}
id! {
    /// A customer.
    CustomerId
}
id! {
    /// Something that can be ordered.
    ProductId
}
id! {
    /// A charge that payment made.
    ChargeId
}
id! {
    /// Something that happened, as others are told of it: whoever hears of it twice knows it again.
    EventId
}

impl EventId {
    /// The id of what happened to an order, once for each letter: the same whenever it is made. An order's id that leaves
    /// no room for the letter is cut short and told apart by its FNV-1a digest.
    pub(crate) fn about(letter: char, order: &OrderId) -> Self {
        let order = order.as_str();
        if order.len() <= LENGTH_MAX - 2 {
            return Self(format!("{letter}:{order}").into());
        }
        let digest = order.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(format!("{letter}:{}:{digest:016x}", &order[..LENGTH_MAX - 19]).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_can_stand_in_a_path() {
        for text in ["1", "o-000001", "PIZZA-1", "jane@example.com", "a:b;c=d", &"x".repeat(64)] {
            assert_eq!(OrderId::new(text).expect("a valid id").as_str(), text);
        }
    }

    #[test]
    fn refuses_what_would_have_to_be_escaped_or_resolved() {
        for text in ["a/b", "a?b", "a#b", "a%b", "a b", "a\nb", "ä", "\"a\"", "<a>"] {
            assert_eq!(OrderId::new(text), Err(InvalidId::Character), "{text:?}");
        }
        assert_eq!(OrderId::new(""), Err(InvalidId::Empty));
        assert_eq!(OrderId::new("x".repeat(65)), Err(InvalidId::TooLong));
        assert_eq!(OrderId::new("."), Err(InvalidId::Dots));
        assert_eq!(OrderId::new(".."), Err(InvalidId::Dots));
    }

    #[test]
    fn is_checked_when_it_is_read_from_json() {
        assert!(serde_json::from_str::<OrderId>(r#""o-1""#).is_ok());
        let error = serde_json::from_str::<OrderId>(r#""o/1""#).expect_err("a slash");
        assert!(error.to_string().starts_with("must consist of"), "{error}");
    }
}
