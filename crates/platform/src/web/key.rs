//! `Idempotency-Key`: the name under which a request may be repeated.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::problem::{Problem, ProblemKind};

/// The header, as the draft standard names it.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest idempotency key.
const LENGTH_MAX: usize = 255;

/// The key as the draft standard writes it, a quoted string, or as most clients do, without the quotes.
///
/// # Errors
/// 400 when there is one that cannot be used.
pub(crate) fn of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let bad = |reason| Problem::new(ProblemKind::BadHeader, reason);
    let text = value.to_str().map_err(|_| bad("Idempotency-Key must be visible ASCII"))?;
    let key = match text.strip_prefix('"') {
        None => text,
        Some(quoted) => quoted.strip_suffix('"').ok_or(bad("Idempotency-Key lacks its closing quote"))?,
    };
    if key.is_empty() || key.len() > LENGTH_MAX || key.contains('"') {
        return Err(bad("Idempotency-Key must have 1 to 255 characters and no quotes inside"));
    }
    Ok(Some(key.to_owned()))
}

/// A key of our own as a header: quoted.
pub(crate) fn header(key: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{key}\"")).expect("our own keys are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<Option<String>, ()> {
        let value = HeaderValue::from_bytes(text.as_bytes()).expect("a header value");
        of(&HeaderMap::from_iter([(IDEMPOTENCY_KEY, value)])).map_err(|_| ())
    }

    #[test]
    fn a_key_may_be_quoted_or_not() {
        assert_eq!(key("\"k-1\""), Ok(Some("k-1".to_owned())));
        assert_eq!(key("k-1"), Ok(Some("k-1".to_owned())));
        assert_eq!(key(header("o-1").to_str().expect("visible")), Ok(Some("o-1".to_owned())));
        assert_eq!(of(&HeaderMap::new()).map_err(|_| ()), Ok(None));
    }

    #[test]
    fn a_bad_key_is_refused() {
        for text in ["", "\"\"", "\"open", "a\"b", "ä", &"x".repeat(256)] {
            assert_eq!(key(text), Err(()), "{text}");
        }
    }
}
