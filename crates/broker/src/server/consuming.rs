//! Fetching messages and saying what became of them.

use axum::extract::State;
use axum::response::Response;
use domain::broker::Receipt;
use http::Request;
use std::time::Duration;

use super::reading::{self, Body};
use super::replies;
use crate::engine::{DELAY_US_MAX, Outgoing, Who};
use crate::owner::{Desk, Job, Waiting};
use crate::wire::{Extend, FETCH_MAX, Fetch, Fetched, Place, Seat, Settle, WAIT_MAX};

/// How much longer than it waits a fetch may take.
const FETCH_MARGIN: Duration = Duration::from_secs(30);

/// How short a lease can be.
const LEASE_US_MIN: u64 = 1_000;

pub(super) async fn subscribe(State(desk): State<Desk>, request: Request<Body>) -> Response {
    match reading::json::<Place>(request).await {
        Ok(place) => replies::answer(desk.ask(|reply| Job::Subscribe(place, reply)).await),
        Err(response) => response,
    }
}

pub(super) async fn fetch(State(desk): State<Desk>, request: Request<Body>) -> Response {
    let Fetch { seat, consumer, lease_us, in_flight_max, max, wait_us } = match reading::binary(request).await
    {
        Ok(fetch) => fetch,
        Err(response) => return response,
    };
    let Seat { topic, group, session } = seat;
    let in_flight_max = usize::try_from(in_flight_max).unwrap_or(usize::MAX);
    let lease_us = lease_us.clamp(LEASE_US_MIN, DELAY_US_MAX);
    let who = Who { session, consumer: consumer.into(), lease_us, in_flight_max };
    let max = usize::try_from(max).unwrap_or(usize::MAX).min(FETCH_MAX);
    let wait = Duration::from_micros(wait_us).min(WAIT_MAX);
    let until = desk.node.now() + wait;
    let job = |reply| Job::Fetch(Place { topic, group }, Waiting { who, max, until, reply });
    let out = desk.ask_within(wait + FETCH_MARGIN, job).await;
    replies::binary(out.as_ref().map(|out| out.iter().map(fetched).collect::<Vec<_>>()).map_err(Clone::clone))
}

fn fetched(out: &Outgoing) -> Fetched<'_> {
    let body = out.body.as_deref().expect("what is not in memory was read");
    Fetched { id: out.id, delivery: out.delivery, attempt: out.attempt, key: &out.key, body }
}

pub(super) async fn settle(State(desk): State<Desk>, request: Request<Body>) -> Response {
    let Settle { seat, calls } = match reading::binary(request).await {
        Ok(settle) => settle,
        Err(response) => return response,
    };
    let calls = calls.into_iter().map(|call| call.into_iter().map(Into::into).collect()).collect();
    replies::binary(desk.ask(|reply| Job::Settle(seat, calls, reply)).await)
}

pub(super) async fn extend(State(desk): State<Desk>, request: Request<Body>) -> Response {
    let Extend { seat, receipts } = match reading::binary(request).await {
        Ok(extend) => extend,
        Err(response) => return response,
    };
    let receipts = receipts.into_iter().map(|(message, delivery)| Receipt { message, delivery }).collect();
    replies::binary(desk.ask(|reply| Job::Extend(seat, receipts, reply)).await)
}

pub(super) async fn close(State(desk): State<Desk>, request: Request<Body>) -> Response {
    match reading::binary::<Seat>(request).await {
        Ok(seat) => replies::nothing(desk.ask(|reply| Job::GiveBack(seat, reply)).await),
        Err(response) => response,
    }
}
