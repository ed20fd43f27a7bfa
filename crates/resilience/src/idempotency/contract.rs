//! The contract suite: what every adapter of [`IdempotencyRecords`] has to do, in every detail that the
//! layer relies on.
//!
//! Public, so that an adapter anywhere runs the same tests as the memory adapter here. Each test makes
//! itself fresh records with `make` and panics with the sentence that was broken. The times are those of
//! an imagined clock that starts in 2020: an adapter that lets its store expire records by the store's own
//! clock must still go by the times that it is given.

use std::sync::Arc;
use std::time::Duration;

use super::key::{Fingerprint, Key};
use super::records::{Answer, Ask, Beginning, Claim, Completion, IdempotencyRecords};

const LEASE: Duration = Duration::from_secs(60);
const KEEP: Duration = Duration::from_secs(3_600);

/// Runs the whole suite over fresh records.
///
/// # Panics
/// When the records break their contract.
pub async fn idempotency_records(make: impl Fn() -> Arc<dyn IdempotencyRecords>) {
    gives_a_free_key_to_the_first(&*make()).await;
    replays_what_was_completed(&*make()).await;
    notices_other_contents(&*make()).await;
    keeps_scopes_apart(&*make()).await;
    gives_a_key_again_to_the_claim_that_has_it(&*make()).await;
    frees_what_was_abandoned(&*make()).await;
    lets_nobody_touch_what_is_anothers(&*make()).await;
    gives_the_key_of_a_crashed_holder_to_the_next(&*make()).await;
    lets_a_late_holder_complete_if_nobody_was_quicker(&*make()).await;
    stores_the_first_answer_of_a_claim(&*make()).await;
    forgets_an_answer_at_its_expiry(&*make()).await;
    expires_what_is_over_and_nothing_else(&*make()).await;
    takes_any_text_and_any_bytes(&*make()).await;
    lets_one_of_many_at_once_begin(make()).await;
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(1_577_836_800 + seconds)
}

fn key(text: &str) -> Key {
    Key::new("c1", text).expect("a valid key")
}

const fn claim(number: u64) -> Claim {
    Claim { owner: u64::MAX, number }
}

fn answer() -> Answer {
    Answer::from(b"the answer".to_vec())
}

fn ask(text: &str, number: u64, now_s: u64) -> Ask {
    let now = at(now_s);
    Ask {
        key: key(text),
        fingerprint: Fingerprint(u128::MAX),
        claim: claim(number),
        now,
        lease_until: now + LEASE,
    }
}

async fn begin(records: &dyn IdempotencyRecords, ask: &Ask) -> Beginning {
    records.begin(ask).await.expect("the records are there")
}

async fn complete(records: &dyn IdempotencyRecords, text: &str, number: u64, now_s: u64) -> Completion {
    let keep_until = at(now_s) + KEEP;
    records.complete(&key(text), claim(number), &answer(), keep_until).await.expect("the records are there")
}

async fn abandon(records: &dyn IdempotencyRecords, text: &str, number: u64) -> bool {
    records.abandon(&key(text), claim(number)).await.expect("the records are there")
}

fn in_flight_since(now_s: u64) -> Beginning {
    Beginning::InFlight { until: at(now_s) + LEASE }
}

async fn gives_a_free_key_to_the_first(records: &dyn IdempotencyRecords) {
    assert_eq!(begin(records, &ask("k", 1, 0)).await, Beginning::Begun);
    assert_eq!(begin(records, &ask("k", 2, 1)).await, in_flight_since(0), "a duplicate meanwhile");
    assert_eq!(begin(records, &ask("l", 2, 1)).await, Beginning::Begun, "another key is free");
}

async fn replays_what_was_completed(records: &dyn IdempotencyRecords) {
    assert_eq!(begin(records, &ask("k", 1, 0)).await, Beginning::Begun);
    assert_eq!(complete(records, "k", 1, 1).await, Completion::Stored);
    for number in [2, 1, 3] {
        assert_eq!(begin(records, &ask("k", number, 2)).await, Beginning::Completed(answer()));
    }
    assert_eq!(begin(records, &ask("k", 4, 100)).await, Beginning::Completed(answer()), "beyond the lease");
}

async fn notices_other_contents(records: &dyn IdempotencyRecords) {
    let other = |number| Ask { fingerprint: Fingerprint(1), ..ask("k", number, 1) };
    assert_eq!(begin(records, &ask("k", 1, 0)).await, Beginning::Begun);
    assert_eq!(begin(records, &other(2)).await, Beginning::Mismatch, "while in flight");
    assert_eq!(begin(records, &other(1)).await, Beginning::Mismatch, "the holder itself too");
    assert_eq!(complete(records, "k", 1, 1).await, Completion::Stored, "and nothing was changed by it");
    assert_eq!(begin(records, &other(2)).await, Beginning::Mismatch, "once completed");
}

async fn keeps_scopes_apart(records: &dyn IdempotencyRecords) {
    assert_eq!(begin(records, &ask("k", 1, 0)).await, Beginning::Begun);
    for (scope, text) in [("c2", "k"), ("", "k"), ("c", "1k"), ("c1k", "k"), ("c1:k", "k"), ("c1", "k:k")] {
        let key = Key::new(scope, text).expect("a valid key");
        let other = Ask { key, ..ask("k", 2, 0) };
        assert_eq!(begin(records, &other).await, Beginning::Begun, "{scope:?} {text:?} is another key");
    }
}

async fn gives_a_key_again_to_the_claim_that_has_it(records: &dyn IdempotencyRecords) {
    assert_eq!(begin(records, &ask("k", 1, 0)).await, Beginning::Begun);
    assert_eq!(begin(records, &ask("k", 1, 30)).await, Beginning::Begun);
    assert_eq!(begin(records, &ask("k", 2, 80)).await, in_flight_since(30), "its lease was prolonged");
}

async fn frees_what_was_abandoned(records: &dyn IdempotencyRecords) {
    assert_eq!(begin(records, &ask("k", 1, 0)).await, Beginning::Begun);
    assert!(abandon(records, "k", 1).await);
    assert!(!abandon(records, "k", 1).await, "it holds nothing any more");
    assert_eq!(complete(records, "k", 1, 1).await, Completion::Lost);
    let other = Ask { fingerprint: Fingerprint(1), ..ask("k", 2, 1) };
    assert_eq!(begin(records, &other).await, Beginning::Begun, "free for anything");
}

async fn lets_nobody_touch_what_is_anothers(records: &dyn IdempotencyRecords) {
    assert_eq!(begin(records, &ask("k", 1, 0)).await, Beginning::Begun);
    let namesake = Claim { owner: 1, ..claim(1) };
    assert_eq!(records.abandon(&key("k"), namesake).await, Ok(false), "another process, the same number");
    assert!(!abandon(records, "k", 2).await);
    assert_eq!(complete(records, "k", 2, 1).await, Completion::Lost);
    assert_eq!(complete(records, "unheard of", 1, 1).await, Completion::Lost);
    assert_eq!(complete(records, "k", 1, 1).await, Completion::Stored);
    assert!(!abandon(records, "k", 1).await, "what is done cannot be abandoned");
    assert_eq!(begin(records, &ask("k", 2, 2)).await, Beginning::Completed(answer()));
}

async fn gives_the_key_of_a_crashed_holder_to_the_next(records: &dyn IdempotencyRecords) {
    assert_eq!(begin(records, &ask("k", 1, 0)).await, Beginning::Begun);
    assert_eq!(begin(records, &ask("k", 2, 59)).await, in_flight_since(0));
    assert_eq!(begin(records, &ask("k", 2, 60)).await, Beginning::Begun, "its lease is over");
    assert_eq!(complete(records, "k", 1, 61).await, Completion::Lost, "it was alive after all: too late");
    assert!(!abandon(records, "k", 1).await);
    assert_eq!(complete(records, "k", 2, 62).await, Completion::Stored);
}

async fn lets_a_late_holder_complete_if_nobody_was_quicker(records: &dyn IdempotencyRecords) {
    assert_eq!(begin(records, &ask("k", 1, 0)).await, Beginning::Begun);
    assert_eq!(complete(records, "k", 1, 100).await, Completion::Stored);
    assert_eq!(begin(records, &ask("k", 2, 101)).await, Beginning::Completed(answer()));
}

async fn stores_the_first_answer_of_a_claim(records: &dyn IdempotencyRecords) {
    assert_eq!(begin(records, &ask("k", 1, 0)).await, Beginning::Begun);
    assert_eq!(complete(records, "k", 1, 1).await, Completion::Stored);
    let second = Answer::from(b"second thoughts".to_vec());
    let again = records.complete(&key("k"), claim(1), &second, at(2) + KEEP).await;
    assert_eq!(again, Ok(Completion::Stored), "to complete is idempotent");
    assert_eq!(begin(records, &ask("k", 2, 3)).await, Beginning::Completed(answer()));
}

async fn forgets_an_answer_at_its_expiry(records: &dyn IdempotencyRecords) {
    assert_eq!(begin(records, &ask("k", 1, 0)).await, Beginning::Begun);
    assert_eq!(complete(records, "k", 1, 0).await, Completion::Stored);
    assert_eq!(begin(records, &ask("k", 2, 3_599)).await, Beginning::Completed(answer()));
    let other = Ask { fingerprint: Fingerprint(1), ..ask("k", 2, 3_600) };
    assert_eq!(begin(records, &other).await, Beginning::Begun);
}

async fn expires_what_is_over_and_nothing_else(records: &dyn IdempotencyRecords) {
    assert_eq!(records.expire(at(0)).await, Ok(0), "there is nothing");
    for (text, now_s) in [("crashed", 0), ("running", 50), ("done", 0)] {
        assert_eq!(begin(records, &ask(text, 1, now_s)).await, Beginning::Begun);
    }
    assert_eq!(complete(records, "done", 1, 0).await, Completion::Stored);
    assert_eq!(records.expire(at(60)).await, Ok(1));
    assert_eq!(complete(records, "crashed", 1, 60).await, Completion::Lost, "it is gone");
    assert_eq!(complete(records, "running", 1, 60).await, Completion::Stored);
    assert_eq!(records.expire(at(3_600)).await, Ok(1));
    assert_eq!(begin(records, &ask("running", 2, 3_601)).await, Beginning::Completed(answer()));
}

async fn takes_any_text_and_any_bytes(records: &dyn IdempotencyRecords) {
    let longest = "ü".repeat(127);
    let bytes = Answer::from((0..=255).collect::<Vec<u8>>().repeat(256));
    for (scope, text) in [("", "a b/c%\"'\\\n\0"), (&*longest, &*longest)] {
        let key = Key::new(scope, text).expect("a valid key");
        let ask = Ask { key: key.clone(), ..ask("k", 1, 0) };
        assert_eq!(begin(records, &ask).await, Beginning::Begun);
        let stored = records.complete(&key, claim(1), &bytes, at(0) + KEEP).await;
        assert_eq!(stored, Ok(Completion::Stored));
        assert_eq!(
            begin(records, &ask).await,
            Beginning::Completed(bytes.clone()),
            "every byte, also 64 KiB"
        );
    }
    let empty = Answer::from(Vec::new());
    assert_eq!(begin(records, &ask("empty", 1, 0)).await, Beginning::Begun);
    let stored = records.complete(&key("empty"), claim(1), &empty, at(0) + KEEP).await;
    assert_eq!(stored, Ok(Completion::Stored));
    assert_eq!(begin(records, &ask("empty", 1, 0)).await, Beginning::Completed(empty));
}

async fn lets_one_of_many_at_once_begin(records: Arc<dyn IdempotencyRecords>) {
    let asks = [1, 2, 3, 4].map(|number| ask("k", number, 0));
    let [a, b, c, d] = &asks;
    let said = tokio::join!(records.begin(a), records.begin(b), records.begin(c), records.begin(d));
    let said = [said.0, said.1, said.2, said.3];
    let begun = said.iter().filter(|said| **said == Ok(Beginning::Begun)).count();
    let refused = said.iter().filter(|said| **said == Ok(in_flight_since(0))).count();
    assert_eq!((begun, refused), (1, 3), "one has the key, all others are told so");
}
