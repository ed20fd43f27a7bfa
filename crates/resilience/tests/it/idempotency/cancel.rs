//! Dropped at every moment: no key gets stuck, and nothing runs twice that should not.

use std::convert::Infallible;
use std::task::Poll;
use std::time::Duration;

use resilience::idempotency::{
    Answer, Event, IdempotencyError, IdempotencyLayer, IdempotencySettings, Identity, InvalidKey, Keep,
    OnDrop, Scheme, Unreadable,
};
use tokio::time::sleep;
use tower::{Layer, Service, service_fn};

use super::support::{Asked, Numbers, asked, join, memory, reject, rig, rig_of};
use super::{HINT, in_progress};
use crate::support::Hand;

const fn hold(settings: IdempotencySettings) -> IdempotencySettings {
    IdempotencySettings { on_drop: OnDrop::Hold, ..settings }
}

#[test]
fn a_call_that_is_never_polled_leaves_no_trace() {
    let rig = rig(reject(), memory());
    drop(rig.call(asked("k", 1)));
    assert_eq!((rig.handle.in_flight(), rig.handle.leftovers(), rig.seen.events()), (0, 0, vec![]));
}

#[test]
fn a_dropped_call_is_followed_by_the_first_who_waits() {
    let rig = rig(join(), memory());
    let mut calls: Vec<_> = (0..3).map(|n| rig.call(asked("k", n))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    drop(calls.remove(0));
    assert!(calls[0].is_woken() && !calls[1].is_woken());
    assert!(calls[0].poll().is_pending());
    assert_eq!((rig.gate.started(), rig.gate.running()), (vec![0, 1], 1));
    rig.gate.open(1);
    assert!(calls.iter_mut().all(|call| call.poll() == Poll::Ready(Ok(1))));
}

#[test]
fn a_lead_that_is_on_its_way_to_somebody_who_leaves_goes_to_the_next() {
    let rig = rig(join(), memory());
    let mut calls: Vec<_> = (0..3).map(|n| rig.call(asked("k", n))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    drop(calls.remove(0));
    assert!(calls[0].is_woken(), "it leads and does not know it yet");
    drop(calls.remove(0));
    assert!(calls[0].is_woken());
    rig.gate.open(2);
    assert_eq!(calls[0].poll(), Poll::Ready(Ok(2)));
    assert_eq!((rig.gate.started(), rig.handle.in_flight(), rig.handle.waiting()), (vec![0, 2], 0, 0));
}

#[test]
fn after_a_dropped_call_the_next_one_runs_at_once() {
    let rig = rig(reject(), memory());
    let mut call = rig.call(asked("k", 1));
    assert!(call.poll().is_pending());
    drop(call);
    assert_eq!((rig.gate.running(), rig.handle.in_flight(), rig.handle.leftovers()), (0, 0, 1));
    rig.gate.open(2);
    assert_eq!(rig.call(asked("k", 2)).poll(), Poll::Ready(Ok(2)));
    assert_eq!(rig.handle.leftovers(), 0);
}

#[test]
fn other_contents_do_not_get_the_key_of_a_dropped_call_nor_make_it_forgotten() {
    let rig = rig(reject(), memory());
    let mut call = rig.call(asked("k", 1));
    assert!(call.poll().is_pending());
    drop(call);
    let other = Asked { contents: 2, ..asked("k", 2) };
    assert_eq!(rig.call(other).poll(), Poll::Ready(Err(IdempotencyError::Mismatch)));
    rig.gate.open(3);
    assert_eq!(rig.call(asked("k", 3)).poll(), Poll::Ready(Ok(3)));
}

#[tokio::test(start_paused = true)]
async fn other_processes_run_a_dropped_call_once_it_is_settled() {
    let records = memory();
    let (here, there) = (rig_of(reject(), records.clone(), 1), rig_of(reject(), records.clone(), 2));
    for key in ["k", "l"] {
        let mut call = here.call(asked(key, 1));
        assert!(call.poll().is_pending());
    }
    assert_eq!(there.call(asked("k", 2)).poll(), in_progress());
    records.fail(true);
    assert!(here.handle.settle().await.is_err());
    assert_eq!(here.handle.leftovers(), 2, "nothing is forgotten");
    records.fail(false);
    assert_eq!((here.handle.settle().await, here.handle.leftovers()), (Ok(2), 0));
    assert!(there.call(asked("k", 3)).poll().is_pending());
}

#[test]
fn where_the_outcome_is_unknown_the_key_is_held() {
    let rig = rig(hold(join()), memory());
    let mut calls: Vec<_> = (0..2).map(|n| rig.call(asked("k", n))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    drop(calls.remove(0));
    assert_eq!(calls[0].poll(), in_progress(), "who waited is told");
    let late = rig.call(asked("k", 2)).poll();
    assert!(matches!(late, Poll::Ready(Err(IdempotencyError::InProgress { .. }))), "who comes as well");
    assert_eq!((rig.gate.started(), rig.handle.in_flight(), rig.handle.leftovers()), (vec![0], 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_held_key_is_free_after_its_lease() {
    let rig = rig(hold(reject()), memory());
    let mut call = rig.call(asked("k", 0));
    assert!(call.poll().is_pending());
    drop(call);
    sleep(Duration::from_secs(60) - HINT).await;
    assert_eq!(rig.call(asked("k", 1)).poll(), in_progress());
    sleep(HINT).await;
    assert!(rig.call(asked("k", 2)).poll().is_pending());
}

#[test]
fn an_answer_whose_storing_was_dropped_is_told_and_stored_later() {
    for polls in [1, 2] {
        let records = memory();
        let rig = rig(join(), records.clone());
        let mut calls: Vec<_> = (0..2).map(|n| rig.call(asked("k", n))).collect();
        assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
        rig.gate.open(0);
        records.hesitate(true);
        for _ in 0..polls {
            assert!(calls[0].poll().is_pending(), "it is being stored");
        }
        drop(calls.remove(0));
        assert_eq!(calls[0].poll(), Poll::Ready(Ok(0)));
        records.hesitate(false);
        assert_eq!(rig.call(asked("k", 2)).poll(), Poll::Ready(Ok(0)));
        assert_eq!((rig.gate.started(), rig.handle.leftovers()), (vec![0], 0));
    }
}

#[test]
fn dropped_while_the_records_are_asked_nothing_is_stuck() {
    for polls in [1, 2] {
        for settings in [reject(), join(), hold(reject()), hold(join())] {
            let records = memory();
            let rig = rig(settings, records.clone());
            records.hesitate(true);
            let mut call = rig.call(asked("k", 1));
            for _ in 0..polls {
                assert!(call.poll().is_pending(), "the records are asked");
            }
            drop(call);
            records.hesitate(false);
            rig.gate.open(2);
            assert_eq!(rig.call(asked("k", 2)).poll(), Poll::Ready(Ok(2)), "it had not begun");
        }
    }
}

#[test]
fn two_replays_at_once_are_both_replays() {
    let records = memory();
    let rig = rig(reject(), records.clone());
    rig.gate.open(1);
    assert!(rig.call(asked("k", 1)).poll().is_ready());
    records.hesitate(true);
    let mut calls = [rig.call(asked("k", 2)), rig.call(asked("k", 3))];
    for _ in 0..2 {
        assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    }
    assert!(calls.iter_mut().all(|call| call.poll() == Poll::Ready(Ok(1))));
}

#[test]
fn at_the_edge_who_comes_while_the_records_are_asked_is_refused_as_soon_as_it_runs() {
    let records = memory();
    let rig = rig(reject(), records.clone());
    records.hesitate(true);
    let mut calls = [rig.call(asked("k", 1)), rig.call(asked("k", 2))];
    for _ in 0..2 {
        assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    }
    assert!(calls[0].poll().is_pending());
    assert_eq!((calls[1].poll(), rig.gate.started()), (in_progress(), vec![1]));
}

#[test]
fn a_panic_inside_frees_the_key() {
    let layer = IdempotencyLayer::new(Numbers, memory(), join());
    let mut service = layer.layer(service_fn(|asked: Asked| async move {
        assert!(asked.call > 0, "a planted panic");
        Ok::<_, String>(asked.call)
    }));
    let call = service.call(asked("k", 0));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Hand::new(call).poll()));
    assert!(result.is_err());
    assert_eq!(Hand::new(service.call(asked("k", 1))).poll(), Poll::Ready(Ok(1)));
}

#[test]
fn beyond_their_bound_dropped_calls_are_left_to_their_lease() {
    let rig = rig(IdempotencySettings { leftovers_max: 1, ..reject() }, memory());
    for key in ["k", "l"] {
        assert!(rig.call(asked(key, 1)).poll().is_pending());
    }
    assert_eq!(rig.handle.leftovers(), 1);
    assert!(rig.call(asked("k", 2)).poll().is_pending());
    let left = rig.call(asked("l", 3)).poll();
    assert!(matches!(left, Poll::Ready(Err(IdempotencyError::InProgress { .. }))));
    assert_eq!(rig.seen.events().iter().filter(|event| **event == Event::Dropped).count(), 3);
}

#[test]
fn an_answer_that_cannot_be_read_is_an_error_and_no_second_run() {
    struct Garbled;
    impl Scheme<Asked> for Garbled {
        type Response = u32;
        type Error = Infallible;
        fn identify(&self, asked: &Asked) -> Result<Option<Identity>, InvalidKey> {
            Numbers.identify(asked)
        }
        fn keep(&self, _: &Result<u32, Infallible>) -> Keep {
            Keep::Store(vec![1, 2, 3].into())
        }
        fn replay(&self, _: &Answer) -> Result<Result<u32, Infallible>, Unreadable> {
            Err(Unreadable)
        }
    }
    let layer = IdempotencyLayer::new(Garbled, memory(), reject());
    let mut service = layer.layer(service_fn(|asked: Asked| async move { Ok(asked.call) }));
    assert_eq!(Hand::new(service.call(asked("k", 1))).poll(), Poll::Ready(Ok(1)));
    let again = Hand::new(service.call(asked("k", 2))).poll();
    assert_eq!(again, Poll::Ready(Err(IdempotencyError::Unreadable(Unreadable))));
}
