//! Publishing: many calls in one request, each taken or refused by itself.

use axum::extract::State;
use axum::response::Response;
use domain::broker::{BrokerError, PAYLOAD_BYTES_MAX};
use http::Request;

use super::reading::{self, Body};
use super::replies;
use crate::KEY_BYTES_MAX;
use crate::engine::Incoming;
use crate::owner::{Desk, Job};
use crate::wire::{self, Publish, PublishAnswer, Published};

pub(super) async fn publish(State(desk): State<Desk>, request: Request<Body>) -> Response {
    let bytes = match reading::bytes(request).await {
        Ok(bytes) => bytes,
        Err(response) => return response,
    };
    let calls: Vec<Result<Vec<Incoming>, BrokerError>> = match postcard::from_bytes::<Publish<'_>>(&bytes) {
        Ok(Publish { calls }) => {
            calls.into_iter().map(|call| call.into_iter().map(incoming).collect()).collect()
        }
        Err(error) => return reading::garbled(&error),
    };
    drop(bytes);
    let (mut taken, mut refused) = (Vec::with_capacity(calls.len()), Vec::new());
    for (number, call) in calls.into_iter().enumerate() {
        match call {
            Ok(call) => taken.push(call),
            Err(error) => refused.push((number, error)),
        }
    }
    let outcomes = desk.ask(|reply| Job::Publish(taken, reply)).await;
    replies::binary(outcomes.map(|mut outcomes| {
        for (number, error) in refused {
            outcomes.insert(number, Err(error));
        }
        let answer: PublishAnswer = outcomes.into_iter().map(|outcome| outcome.map_err(Into::into)).collect();
        answer
    }))
}

fn incoming(Published { topic, key, body }: Published<'_>) -> Result<Incoming, BrokerError> {
    let read = wire::Body::read(body).filter(|body| body.event_id.parse::<domain::EventId>().is_ok());
    let Some(read) = read else {
        return Err(BrokerError::untouched("a message is not of this protocol"));
    };
    check(read.payload.len(), key.len())?;
    Ok(Incoming { topic: topic.to_owned(), key: key.into(), body: body.into() })
}

/// Whether a message is small enough.
pub(crate) fn check(payload_bytes: usize, key_bytes: usize) -> Result<(), BrokerError> {
    for (bytes, bytes_max) in [(payload_bytes, PAYLOAD_BYTES_MAX), (key_bytes, KEY_BYTES_MAX)] {
        if bytes > bytes_max {
            return Err(BrokerError::TooLarge { bytes, bytes_max });
        }
    }
    Ok(())
}
