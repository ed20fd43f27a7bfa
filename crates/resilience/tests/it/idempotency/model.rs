//! Random lives of calls under a few keys, over records that hesitate at every step.

use std::collections::BTreeMap;
use std::task::Poll;

use proptest::prelude::*;
use resilience::idempotency::{IdempotencyError, IdempotencyFuture};

use super::support::{FORGET, SHARE, asked, join, memory, reject, rig};
use crate::support::Hand;

const KEYS: [&str; 2] = ["k", "l"];

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A call under this key; its result is stored, shared or forgotten.
    Call(usize, u32),
    Poll(usize),
    Open(usize),
    Drop(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop_oneof![3 => Just(0), 1 => Just(SHARE), 1 => Just(FORGET)];
    let step = prop_oneof![
        4 => (0..KEYS.len(), kind).prop_map(|(key, kind)| Step::Call(key, kind)),
        10 => (0..12_usize).prop_map(Step::Poll),
        4 => (0..12_usize).prop_map(Step::Open),
        2 => (0..12_usize).prop_map(Step::Drop),
    ];
    prop::collection::vec(step, 0..80)
}

struct Call {
    key: usize,
    number: u32,
    future: Hand<IdempotencyFuture<u32, String>>,
}

/// What was heard under each key that will be heard for ever.
#[derive(Default)]
struct Heard(BTreeMap<usize, u32>);

impl Heard {
    fn note(
        &mut self,
        key: usize,
        result: Result<u32, IdempotencyError<String>>,
    ) -> Result<(), TestCaseError> {
        match result {
            Ok(number) if number < SHARE => {
                let first = *self.0.entry(key).or_insert(number);
                prop_assert_eq!(first, number, "two answers under one key");
            }
            Ok(_) => {}
            Err(error) => prop_assert!(matches!(error, IdempotencyError::InProgress { .. }), "{error}"),
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn one_run_at_a_time_one_answer_for_ever_and_nothing_stuck(
        joins in any::<bool>(), hesitates in any::<bool>(), steps in steps(),
    ) {
        let records = memory();
        records.hesitate(hesitates);
        let rig = rig(if joins { join() } else { reject() }, records.clone());
        let (mut calls, mut heard, mut next): (Vec<Call>, _, u32) = (Vec::new(), Heard::default(), 0);
        for step in steps {
            let pick = |index: usize, len: usize| (len > 0).then(|| index % len);
            match step {
                Step::Call(key, kind) => {
                    let number = kind + next;
                    next += 1;
                    calls.push(Call { key, number, future: rig.call(asked(KEYS[key], number)) });
                }
                Step::Poll(index) => if let Some(index) = pick(index, calls.len())
                    && let Poll::Ready(result) = calls[index].future.poll()
                {
                    heard.note(calls.remove(index).key, result)?;
                },
                Step::Open(index) => if let Some(index) = pick(index, calls.len()) {
                    rig.gate.open(calls[index].number);
                },
                Step::Drop(index) => if let Some(index) = pick(index, calls.len()) {
                    drop(calls.remove(index));
                },
            }
            prop_assert!(rig.gate.running() <= rig.handle.in_flight());
            prop_assert!(rig.handle.in_flight() <= KEYS.len(), "one run per key at a time");
            prop_assert_eq!(rig.handle.waiting(), rig.seen.waiting().0);
        }
        // Everything may end now; after one poll only what was woken is polled.
        for number in (0..next).flat_map(|n| [n, SHARE + n, FORGET + n]) {
            rig.gate.open(number);
        }
        let mut first = true;
        while !calls.is_empty() {
            let before = calls.len();
            let mut woken = false;
            for mut call in std::mem::take(&mut calls) {
                let due = first || call.future.is_woken();
                woken |= due;
                match if due { call.future.poll() } else { Poll::Pending } {
                    Poll::Ready(result) => heard.note(call.key, result)?,
                    Poll::Pending => calls.push(call),
                }
            }
            prop_assert!(woken || calls.len() < before, "somebody was not woken");
            first = false;
        }
        prop_assert_eq!((rig.handle.in_flight(), rig.handle.waiting(), rig.gate.running()), (0, 0, 0));
        // No key is stuck: a newcomer runs or hears what was heard.
        records.hesitate(false);
        for (index, key) in KEYS.into_iter().enumerate() {
            rig.gate.open(99);
            let Poll::Ready(result) = rig.call(asked(key, 99)).poll() else { panic!("it must be done") };
            prop_assert!(result.is_ok(), "the key is stuck: {result:?}");
            heard.note(index, result)?;
        }
    }
}
