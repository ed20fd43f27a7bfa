//! A key's life, step by step and at random.

use proptest::prelude::*;

use super::*;

type State = KeyState<u32>;

#[test]
fn a_call_runs_once_and_its_duplicates_join_and_then_hear_the_same() {
    let mut key = State::default();
    assert_eq!((key.start(), key.start()), (Starting::Run, Starting::Join));
    assert_eq!(key.complete(1), Ok(()));
    assert_eq!((key.start(), key.done()), (Starting::Replay(1), Some(&1)));
    assert_eq!(key.complete(2), Err(CompletionRefused::Completed));
}

#[test]
fn a_failure_frees_the_key() {
    let mut key = State::Running;
    key.fail();
    assert_eq!((key.complete(1), key.start()), (Err(CompletionRefused::NotRunning), Starting::Run));
}

#[test]
fn a_running_key_can_be_voided_and_its_late_completion_is_refused() {
    let mut key = State::Running;
    assert_eq!((key.void(), key.void()), (Voiding::Tombstone, Voiding::Tombstone));
    assert_eq!(key.complete(1), Err(CompletionRefused::Voided));
    key.fail();
    assert_eq!((key.start(), key.done()), (Starting::Refuse, None), "a failure does not lift a tombstone");
    assert_eq!(key.refund(), Err(NothingToRefund));
}

#[test]
fn a_completed_key_is_refunded_once_and_not_voided() {
    let mut key = State::Completed(1);
    assert_eq!(key.void(), Voiding::Completed(1));
    assert_eq!((key.refund(), key.refund()), (Ok(Refunding::Now(1)), Ok(Refunding::Before(1))));
    assert_eq!((key.void(), key.start()), (Voiding::Refunded(1), Starting::Replay(1)));
    assert_eq!(key.complete(2), Err(CompletionRefused::Completed));
}

#[test]
fn nothing_is_refunded_where_nothing_was_done() {
    for mut key in [State::Absent, State::Running, State::Voided] {
        let before = key.clone();
        assert_eq!((key.refund(), key), (Err(NothingToRefund), before));
    }
}

#[test]
fn a_restart_forgets_what_runs_and_nothing_else() {
    assert_eq!(State::Running.after_restart(), State::Absent);
    for key in [State::Absent, State::Completed(1), State::Voided, State::Refunded(1)] {
        assert_eq!(key.clone().after_restart(), key);
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Start,
    Complete,
    Fail,
    Void,
    Refund,
    Restart,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop::sample::select(vec![
        Event::Start,
        Event::Complete,
        Event::Fail,
        Event::Void,
        Event::Refund,
        Event::Restart,
    ]);
    prop::collection::vec(event, 0..60)
}

proptest! {
    /// The books: what went out, what came back, and what a caller was ever told.
    #[test]
    fn money_moves_at_most_once_each_way_and_never_after_a_tombstone(events in events()) {
        let mut key = KeyState::Absent;
        let (mut out, mut back, mut tombstone) = (0, 0, false);
        let mut told: Option<usize> = None;
        for (number, event) in events.into_iter().enumerate() {
            match event {
                Event::Start => match key.start() {
                    Starting::Run => prop_assert!(out == 0 && !tombstone, "it runs only while nothing is decided"),
                    Starting::Join => prop_assert!(out == 0 && !tombstone),
                    Starting::Replay(done) => prop_assert_eq!(Some(done), told),
                    Starting::Refuse => prop_assert!(tombstone),
                },
                Event::Complete => if key.complete(number).is_ok() {
                    out += 1;
                    told = Some(number);
                    prop_assert!(!tombstone);
                },
                Event::Fail => key.fail(),
                Event::Void => match key.void() {
                    Voiding::Tombstone => tombstone = true,
                    Voiding::Completed(done) | Voiding::Refunded(done) => prop_assert_eq!(Some(done), told),
                },
                Event::Refund => match key.refund() {
                    Ok(Refunding::Now(_)) => back += 1,
                    Ok(Refunding::Before(_)) => prop_assert_eq!(back, 1),
                    Err(NothingToRefund) => prop_assert_eq!(out, 0),
                },
                Event::Restart => key = key.after_restart(),
            }
            prop_assert!(out <= 1 && back <= out && !(tombstone && out > 0));
            prop_assert_eq!(key.done().copied(), told, "what was done stays known");
        }
    }

    /// Settlement as payment's caller does it (look up; void; refund) ends at peace from anywhere.
    #[test]
    fn settling_an_unknown_outcome_leaves_no_money_moved(events in events()) {
        let mut key = KeyState::Absent;
        for (number, event) in events.into_iter().enumerate() {
            match event {
                Event::Start => drop(key.start()),
                Event::Complete => drop(key.complete(number)),
                Event::Fail => key.fail(),
                Event::Void | Event::Refund => {}
                Event::Restart => key = key.after_restart(),
            }
        }
        if !matches!(key.void(), Voiding::Tombstone) {
            prop_assert!(key.refund().is_ok());
        }
        prop_assert!(key.complete(1_000).is_err(), "whatever is on its way comes too late");
        prop_assert!(matches!(key, KeyState::Voided | KeyState::Refunded(_)));
    }
}
