//! Request bodies, bounded.
//!
//! A body is read only behind admission: who is refused costs no parsing. The content type is not looked
//! at; what parses as JSON is JSON.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::timeout;

use super::problem::{Problem, ProblemKind};

/// The largest request body.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;

/// How much of a too large body is read and thrown away, so that a client that listens only once it has
/// sent everything still hears why it was refused, instead of a reset.
const DRAINED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// And for how long.
const DRAINED_FOR_MAX: Duration = Duration::from_secs(2);

/// How long a client may take to send a body. A body is read within the permit or worker that its order
/// takes, so that clients who send nothing would otherwise lock everyone else out.
const BODY_READ_MAX: Duration = Duration::from_secs(10);

/// Reads a whole body.
///
/// # Errors
/// 413 when it is larger than [`BODY_BYTES_MAX`], 400 when it broke off or took longer than
/// [`BODY_READ_MAX`].
pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    if announced_bytes(headers).is_some_and(|bytes| bytes > BODY_BYTES_MAX) {
        // Who waits for `100 Continue` has sent nothing yet, and will not.
        if !headers.contains_key(header::EXPECT) {
            drain(body).await;
        }
        return Err(ProblemKind::BodyTooLarge.into());
    }
    timeout(BODY_READ_MAX, collect(body)).await.unwrap_or_else(|_elapsed| {
        let detail = format!("the body did not arrive within {} s", BODY_READ_MAX.as_secs());
        Err(Problem::new(ProblemKind::MalformedBody, detail))
    })
}

async fn collect(mut body: Body) -> Result<Bytes, Problem> {
    // Nearly every body is one frame, and is not copied.
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new(ProblemKind::MalformedBody, "the body broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > BODY_BYTES_MAX {
            drain(body).await;
            return Err(ProblemKind::BodyTooLarge.into());
        }
        if first.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&data);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    Ok(whole.freeze())
}

/// Reads a body as JSON of a type.
///
/// # Errors
/// 400 when it is not JSON, 422 when it is, but not what it should be.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        // The first error may be one of meaning although the text is broken further on.
        match serde_json::from_slice::<IgnoredAny>(body) {
            Ok(IgnoredAny) => Problem::new(ProblemKind::InvalidBody, error.to_string()),
            Err(syntax) => {
                Problem::new(ProblemKind::MalformedBody, format!("the body is not JSON: {syntax}"))
            }
        }
    })
}

fn announced_bytes(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn drain(mut body: Body) {
    let throw_away = async {
        let mut drained = 0;
        while let Some(Ok(frame)) = body.frame().await {
            drained += frame.data_ref().map_or(0, Bytes::len);
            if drained > DRAINED_BYTES_MAX {
                return;
            }
        }
    };
    // The answer follows either way; a client that is slower than this may miss it.
    let _slow = timeout(DRAINED_FOR_MAX, throw_away).await;
}
