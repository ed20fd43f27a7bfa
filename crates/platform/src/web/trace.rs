//! W3C trace context: `traceparent: 00-<trace id>-<parent id>-<flags>`.
//!
//! A header that is not exactly so is treated as absent, and a new trace begins: a broken header of a
//! stranger must never fail a request.

use http::HeaderValue;

/// The header's name.
pub(crate) const TRACEPARENT: &str = "traceparent";

const LENGTH: usize = 55;

/// One hop's place in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceContext {
    /// The same for every hop of one order.
    pub(crate) trace_id: u128,
    /// The caller's span when received, the call's own when sent.
    pub(crate) parent_id: u64,
    /// Bit 0: sampled.
    pub(crate) flags: u8,
}

impl TraceContext {
    /// Reads a header; `None` when it is not exactly right.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        // A later version may append to version 00, and must be read as 00 then.
        if value.len() < LENGTH || (value.len() > LENGTH && (&value[..2] == b"00" || value[LENGTH] != b'-')) {
            return None;
        }
        let value = &value[..LENGTH];
        if (value[2], value[35], value[52]) != (b'-', b'-', b'-') || &value[..2] == b"ff" {
            return None;
        }
        hex(&value[..2])?;
        let trace_id = hex(&value[3..35])?;
        let parent_id = u64::try_from(hex(&value[36..52])?).ok()?;
        let flags = u8::try_from(hex(&value[53..])?).ok()?;
        (trace_id != 0 && parent_id != 0).then_some(Self { trace_id, parent_id, flags })
    }

    /// The header for a call whose own span is `parent_id`.
    pub(crate) fn header(&self) -> HeaderValue {
        let text = format!("00-{:032x}-{:016x}-{:02x}", self.trace_id, self.parent_id, self.flags);
        HeaderValue::try_from(text).expect("hex digits and dashes can stand in a header")
    }
}

/// Lower-case hex digits only, as the standard wants it.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0u128, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_header_survives_being_read_and_written() {
        let context = TraceContext::parse(HEADER.as_bytes()).expect("the standard's own example");
        assert_eq!(context.parent_id, 0xb7ad_6b71_6920_3331);
        assert_eq!(context.header(), HEADER);
    }

    #[test]
    fn a_later_version_may_say_more() {
        assert!(TraceContext::parse(HEADER.replacen("00", "01", 1).as_bytes()).is_some());
        assert!(TraceContext::parse(format!("{}-more", HEADER.replacen("00", "01", 1)).as_bytes()).is_some());
    }

    #[test]
    fn anything_else_is_no_header() {
        let zero_trace = format!("00-{}-b7ad6b7169203331-01", "0".repeat(32));
        let zero_parent = format!("00-0af7651916cd43dd8448eb211c80319c-{}-01", "0".repeat(16));
        let more = format!("{HEADER}-more");
        let upper = HEADER.to_uppercase();
        let bad_version = HEADER.replacen("00", "ff", 1);
        let underscores = HEADER.replace('-', "_");
        for text in ["", "00", &zero_trace, &zero_parent, &more, &upper, &bad_version, &underscores] {
            assert_eq!(TraceContext::parse(text.as_bytes()), None, "{text}");
        }
    }
}
