//! What a call's end is to its client.

use bytes::Bytes;
use evidence::facts::Answer;
use http::Response;
use node::http::CallError;
use tokio::time::error::Elapsed;

/// Judges a call that was given a time limit.
pub(crate) fn answer(call: &Result<Result<Response<Bytes>, CallError>, Elapsed>) -> Answer {
    match call {
        Ok(Ok(response)) => Answer::Status(response.status().as_u16()),
        Ok(Err(CallError::Connect(_))) => Answer::ConnectFailed,
        Ok(Err(CallError::Reset { .. })) => Answer::Reset,
        Ok(Err(_)) => Answer::Broken,
        Err(_elapsed) => Answer::TimedOut,
    }
}
