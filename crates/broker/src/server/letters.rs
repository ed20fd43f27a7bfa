//! Dead letters, for people and for the client.

use axum::extract::State;
use axum::response::Response;
use domain::broker::{BrokerError, DeadLetterFilter};

use super::reading::{Asked, LetterId};
use super::replies::{answer, nothing, refused};
use crate::owner::{Desk, Job};
use crate::store::PAGE_MAX;
use crate::wire::{Letter, Total, Wanted, letter_number};

pub(super) async fn list(State(desk): State<Desk>, Asked(wanted): Asked<Wanted>) -> Response {
    let Wanted { topic, group, after, limit } = wanted;
    let filter = DeadLetterFilter { topic, group };
    let after = match after.as_str() {
        "" => 0,
        // Nothing stands behind what no letter is called.
        after => letter_number(after).unwrap_or(u64::MAX),
    };
    let limit = limit.unwrap_or(PAGE_MAX);
    let letters = desk.ask(|reply| Job::Letters(filter, after, limit, reply)).await;
    answer(letters.map(|letters| letters.into_iter().map(Letter::from).collect::<Vec<_>>()))
}

pub(super) async fn total(State(desk): State<Desk>, Asked(wanted): Asked<Wanted>) -> Response {
    let filter = DeadLetterFilter { topic: wanted.topic, group: wanted.group };
    answer(desk.ask(|reply| Job::Total(filter, reply)).await.map(|total| Total { total }))
}

pub(super) async fn show(State(desk): State<Desk>, LetterId(id): LetterId) -> Response {
    match letter_number(&id) {
        Some(number) => answer(desk.ask(|reply| Job::Letter(number, reply)).await.map(Letter::from)),
        None => refused(BrokerError::NoSuchLetter { id }),
    }
}

pub(super) async fn replay(State(desk): State<Desk>, LetterId(id): LetterId) -> Response {
    match letter_number(&id) {
        Some(number) => nothing(desk.ask(|reply| Job::Replay(number, reply)).await),
        None => refused(BrokerError::NoSuchLetter { id }),
    }
}

pub(super) async fn purge(State(desk): State<Desk>, LetterId(id): LetterId) -> Response {
    match letter_number(&id) {
        Some(number) => nothing(desk.ask(|reply| Job::Purge(number, reply)).await),
        None => refused(BrokerError::NoSuchLetter { id }),
    }
}
