//! Records by themselves: no store, no runtime.

use proptest::prelude::*;

use super::*;
use crate::idempotency::key::Key;

fn claim(number: u64) -> Claim {
    Claim { owner: 1, number }
}

fn ask(number: u64, fingerprint: u128, now_s: u64) -> Ask {
    Ask {
        key: Key::new("c1", "k").expect("a valid key"),
        fingerprint: Fingerprint(fingerprint),
        claim: claim(number),
        now: Duration::from_secs(now_s),
        lease_until: Duration::from_secs(now_s + 60),
    }
}

fn answer() -> Answer {
    Answer::from(b"done".to_vec())
}

fn in_flight() -> Record {
    Record::begin(None, &ask(1, 7, 0)).1.expect("it begins")
}

fn completed() -> Record {
    let (completion, record) =
        Record::complete(Some(&in_flight()), claim(1), &answer(), Duration::from_secs(3_600));
    assert_eq!(completion, Completion::Stored);
    record.expect("it is written")
}

#[test]
fn what_is_absent_or_over_begins() {
    assert_eq!(Record::begin(None, &ask(2, 8, 0)).0, Beginning::Begun);
    assert_eq!(Record::begin(Some(&in_flight()), &ask(2, 8, 60)).0, Beginning::Begun, "the lease is over");
    assert_eq!(Record::begin(Some(&completed()), &ask(2, 8, 3_600)).0, Beginning::Begun);
}

#[test]
fn what_is_in_flight_is_refused_until_its_lease_is_over() {
    let until = Duration::from_secs(60);
    assert_eq!(Record::begin(Some(&in_flight()), &ask(2, 7, 59)), (Beginning::InFlight { until }, None));
}

#[test]
fn the_same_claim_may_begin_again_and_prolongs_its_lease() {
    let (beginning, record) = Record::begin(Some(&in_flight()), &ask(1, 7, 30));
    assert_eq!((beginning, record.map(|r| r.until)), (Beginning::Begun, Some(Duration::from_secs(90))));
}

#[test]
fn other_contents_under_the_same_key_are_noticed_in_flight_and_done() {
    for record in [in_flight(), completed()] {
        assert_eq!(Record::begin(Some(&record), &ask(1, 8, 1)), (Beginning::Mismatch, None));
    }
}

#[test]
fn what_is_completed_is_replayed_to_everybody() {
    for number in [1, 2] {
        let said = Record::begin(Some(&completed()), &ask(number, 7, 3_599));
        assert_eq!(said, (Beginning::Completed(answer()), None));
    }
}

#[test]
fn only_the_holder_completes_and_only_once() {
    let other = Answer::from(b"other".to_vec());
    let until = Duration::from_secs(9);
    assert_eq!(Record::complete(None, claim(1), &other, until), (Completion::Lost, None));
    assert_eq!(Record::complete(Some(&in_flight()), claim(2), &other, until), (Completion::Lost, None));
    assert_eq!(Record::complete(Some(&completed()), claim(1), &other, until), (Completion::Stored, None));
}

#[test]
fn only_what_is_in_flight_is_abandoned_and_only_by_its_holder() {
    assert!(in_flight().may_abandon(claim(1)));
    assert!(!in_flight().may_abandon(claim(2)) && !completed().may_abandon(claim(1)));
}

proptest! {
    /// Within leases, whatever the order of events: one claim at a time, and after the first completion
    /// everybody hears the same answer.
    #[test]
    fn one_holder_at_a_time_and_one_answer(events in prop::collection::vec((0..3_u8, 1..4_u64), 1..60)) {
        let mut record: Option<Record> = None;
        let (mut holder, mut done): (Option<u64>, Option<Answer>) = (None, None);
        for (kind, number) in events {
            match kind {
                0 => {
                    let (said, next) = Record::begin(record.as_ref(), &ask(number, 7, 0));
                    match (&done, holder) {
                        (Some(done), _) => prop_assert_eq!(said, Beginning::Completed(done.clone())),
                        (None, Some(other)) if other != number => {
                            prop_assert_eq!(said, Beginning::InFlight { until: Duration::from_secs(60) });
                        }
                        _ => {
                            prop_assert_eq!(said, Beginning::Begun);
                            holder = Some(number);
                        }
                    }
                    record = next.or(record);
                }
                1 => {
                    let mine = Answer::from(number.to_be_bytes().to_vec());
                    let keep = Duration::from_secs(100);
                    let (said, next) = Record::complete(record.as_ref(), claim(number), &mine, keep);
                    prop_assert_eq!(said == Completion::Stored, holder == Some(number));
                    if said == Completion::Stored {
                        done.get_or_insert(mine);
                    }
                    record = next.or(record);
                }
                _ => {
                    if record.as_ref().is_some_and(|record| record.may_abandon(claim(number))) {
                        prop_assert!(done.is_none() && holder == Some(number));
                        (record, holder) = (None, None);
                    }
                }
            }
        }
    }
}
