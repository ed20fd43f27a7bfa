//! Idempotency keys through `tower`.

mod cancel;
mod model;
mod support;

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use resilience::idempotency::{
    Event, IdempotencyError, IdempotencyLayer, IdempotencySettings, InvalidKey, KeyRule, Mode,
};
use tokio::time::sleep;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::Hand;
use support::{Asked, FORGET, Numbers, SHARE, asked, join, memory, reject, rig};

const HINT: Duration = Duration::from_secs(1);

type Answered = Poll<Result<u32, IdempotencyError<String>>>;

fn in_progress() -> Answered {
    Poll::Ready(Err(IdempotencyError::InProgress { retry_after: HINT }))
}

#[test]
fn a_call_runs_once_and_is_replayed_afterwards() {
    let rig = rig(reject(), memory());
    let mut first = rig.call(asked("k", 1));
    assert!(first.poll().is_pending());
    rig.gate.open(1);
    assert_eq!(first.poll(), Poll::Ready(Ok(1)));
    assert_eq!(rig.call(asked("k", 2)).poll(), Poll::Ready(Ok(1)), "the first answer");
    assert_eq!((rig.gate.started(), rig.handle.in_flight()), (vec![1], 0));
    assert_eq!(rig.seen.events(), [Event::Began, Event::Stored, Event::Replayed]);
}

#[test]
fn a_duplicate_of_a_running_call_is_refused_at_the_edge() {
    let rig = rig(reject(), memory());
    let mut first = rig.call(asked("k", 1));
    assert!(first.poll().is_pending());
    assert_eq!(rig.call(asked("k", 2)).poll(), in_progress());
    assert!(rig.call(asked("l", 3)).poll().is_pending(), "another key runs beside it");
    let mut other = asked("k", 4);
    other.scope = "c2";
    assert!(rig.call(other).poll().is_pending(), "and so does another tenant's");
    assert_eq!(rig.gate.started(), [1, 3, 4]);
}

#[test]
fn a_duplicate_joins_the_running_call_and_takes_no_place_inside() {
    let rig = rig(join(), memory());
    let mut calls: Vec<_> = (0..4).map(|n| rig.call(asked("k", n))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    assert_eq!((rig.gate.running(), rig.handle.in_flight(), rig.handle.waiting()), (1, 1, 3));
    assert_eq!(rig.seen.waiting(), (3, 3));
    rig.gate.open(0);
    assert_eq!(calls[0].poll(), Poll::Ready(Ok(0)));
    assert!(calls.iter().skip(1).all(Hand::is_woken));
    assert!(calls.iter_mut().skip(1).all(|call| call.poll() == Poll::Ready(Ok(0))));
    assert_eq!((rig.gate.started(), rig.handle.waiting(), rig.seen.waiting()), (vec![0], 0, (0, 3)));
}

#[test]
fn other_contents_under_the_same_key_are_refused_running_and_done() {
    for settings in [reject(), join()] {
        let rig = rig(settings, memory());
        let mut first = rig.call(asked("k", 1));
        assert!(first.poll().is_pending());
        let other = || Asked { contents: 2, ..asked("k", 2) };
        assert_eq!(rig.call(other()).poll(), Poll::Ready(Err(IdempotencyError::Mismatch)));
        rig.gate.open(1);
        assert!(first.poll().is_ready());
        assert_eq!(rig.call(other()).poll(), Poll::Ready(Err(IdempotencyError::Mismatch)));
        assert_eq!(rig.gate.started(), [1]);
    }
}

#[test]
fn a_key_may_be_required_or_not() {
    let rig = rig(reject(), memory());
    let mut without = asked("", 1);
    without.key = None;
    assert_eq!(rig.call(without.clone()).poll(), Poll::Ready(Err(IdempotencyError::MissingKey)));
    rig.handle.set_settings(IdempotencySettings { key: KeyRule::Optional, ..reject() });
    assert!(rig.call(without.clone()).poll().is_pending());
    rig.gate.open(1);
    assert_eq!(rig.call(without).poll(), Poll::Ready(Ok(1)), "each runs");
    let empty = rig.call(asked("", 2)).poll();
    assert_eq!(empty, Poll::Ready(Err(IdempotencyError::InvalidKey(InvalidKey::Empty))));
    assert_eq!(rig.seen.events(), [Event::MissingKey, Event::InvalidKey]);
}

#[test]
fn a_shared_failure_answers_those_who_wait_and_frees_the_key() {
    let rig = rig(join(), memory());
    let mut calls: Vec<_> = [SHARE, 1].into_iter().map(|n| rig.call(asked("k", n))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    rig.gate.open(SHARE);
    assert_eq!(calls[0].poll(), Poll::Ready(Ok(SHARE)));
    assert_eq!(calls[1].poll(), Poll::Ready(Ok(SHARE)), "it was its call as well");
    assert!(rig.call(asked("k", 2)).poll().is_pending(), "and who comes later runs");
    assert_eq!(rig.gate.started(), [SHARE, 2]);
}

#[test]
fn after_a_forgotten_result_the_next_who_waits_runs() {
    let rig = rig(join(), memory());
    let mut calls: Vec<_> = [FORGET, 1, 2].into_iter().map(|n| rig.call(asked("k", n))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    rig.gate.open(FORGET);
    assert_eq!(calls[0].poll(), Poll::Ready(Ok(FORGET)));
    assert!(calls[1].is_woken() && !calls[2].is_woken());
    assert!(calls[1].poll().is_pending());
    rig.gate.open(1);
    assert_eq!((calls[1].poll(), calls[2].poll()), (Poll::Ready(Ok(1)), Poll::Ready(Ok(1))));
    assert_eq!(rig.gate.started(), [FORGET, 1]);
    assert!(rig.seen.events().contains(&Event::TookOver));
}

#[test]
fn the_number_of_those_who_wait_is_bounded() {
    let rig = rig(IdempotencySettings { waiting_max: 1, ..join() }, memory());
    let mut calls: Vec<_> = (0..2).map(|n| rig.call(asked("k", n))).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    assert_eq!(rig.call(asked("k", 2)).poll(), in_progress());
    drop(calls.pop());
    assert!(rig.call(asked("k", 3)).poll().is_pending());
}

#[test]
fn records_that_fail_let_nothing_run_and_forget_no_answer() {
    let records = memory();
    let rig = rig(join(), records.clone());
    records.fail(true);
    let mut calls = [rig.call(asked("k", 1)), rig.call(asked("l", 2))];
    assert!(calls.iter_mut().all(|c| matches!(c.poll(), Poll::Ready(Err(IdempotencyError::Records(_))))));
    assert!(rig.gate.started().is_empty());
    records.fail(false);
    let mut call = rig.call(asked("k", 3));
    assert!(call.poll().is_pending());
    records.fail(true);
    rig.gate.open(3);
    assert_eq!(call.poll(), Poll::Ready(Ok(3)), "its caller is answered all the same");
    records.fail(false);
    assert_eq!(rig.call(asked("k", 4)).poll(), Poll::Ready(Ok(3)), "stored when the records are back");
    assert_eq!(rig.gate.started(), [3]);
}

#[tokio::test(start_paused = true)]
async fn a_crashed_call_is_refused_until_its_lease_is_over() {
    let records = memory();
    let crashed = rig(join(), records.clone());
    let mut lost = crashed.call(asked("k", 1));
    assert!(lost.poll().is_pending());
    let second = rig_of_another_process(&records);
    assert_eq!(second.call(asked("k", 2)).poll(), in_progress());
    sleep(Duration::from_millis(59_500)).await;
    let retry_after = Duration::from_millis(500);
    let soon = second.call(asked("k", 3)).poll();
    assert_eq!(
        soon,
        Poll::Ready(Err(IdempotencyError::InProgress { retry_after })),
        "never beyond the lease"
    );
    sleep(retry_after).await;
    let mut next = second.call(asked("k", 4));
    assert!(next.poll().is_pending(), "it runs");
    crashed.gate.open(1);
    assert_eq!(lost.poll(), Poll::Ready(Ok(1)), "it was alive after all: its caller hears its answer");
    assert_eq!(crashed.seen.events(), [Event::Began, Event::Lost]);
    second.gate.open(4);
    assert_eq!(next.poll(), Poll::Ready(Ok(4)));
    assert_eq!(crashed.call(asked("k", 5)).poll(), Poll::Ready(Ok(4)), "and everybody else the stored one");
}

fn rig_of_another_process(records: &Arc<support::Records>) -> support::Rig {
    support::rig_of(join(), Arc::clone(records), 2)
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_forgotten_when_it_expires() {
    let rig = rig(IdempotencySettings { keep: Duration::from_secs(10), ..reject() }, memory());
    for n in 0..3 {
        rig.gate.open(n);
    }
    assert_eq!(rig.call(asked("k", 0)).poll(), Poll::Ready(Ok(0)));
    sleep(Duration::from_millis(9_999)).await;
    assert_eq!(rig.call(asked("k", 1)).poll(), Poll::Ready(Ok(0)));
    sleep(Duration::from_millis(1)).await;
    assert_eq!(rig.call(asked("k", 2)).poll(), Poll::Ready(Ok(2)));
}

#[tokio::test(start_paused = true)]
async fn many_at_once_make_one_run_and_hear_one_answer() {
    let layer = IdempotencyLayer::new(Numbers, memory(), join());
    let service = layer.layer(service_fn(|asked: Asked| async move {
        sleep(Duration::from_millis(200)).await;
        Ok::<_, String>(asked.call)
    }));
    let calls = (0..100).map(|n| service.clone().oneshot(asked("k", n)));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| *answer == Ok(0)), "{answers:?}");
}

#[test]
fn a_mode_can_be_changed_at_work() {
    let rig = rig(join(), memory());
    let mut calls = [rig.call(asked("k", 0)), rig.call(asked("k", 1))];
    assert!(calls.iter_mut().all(|call| call.poll().is_pending()));
    rig.handle.set_settings(reject());
    assert_eq!(rig.handle.settings().mode, Mode::Reject);
    assert_eq!(rig.call(asked("k", 2)).poll(), in_progress());
    rig.gate.open(0);
    assert!(calls.iter_mut().all(|call| call.poll() == Poll::Ready(Ok(0))), "who waits goes on waiting");
}

/// What a web framework asks of a service that it clones into its connections.
#[test]
fn fits_where_services_are_cloned_and_sent() {
    fn fits<S>(service: S) -> S
    where
        S: Service<Asked> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        service
    }
    let _ = fits(rig(join(), memory()).service);
}
