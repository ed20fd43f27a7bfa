//! What the model does not ask.

use std::sync::Arc;
use std::time::Duration;

use domain::Effect;
use domain::broker::{BrokerError, Layout, Receipt, Settlement, Verdict};

use super::group::HISTORY_MAX;
use super::model::{Kept, LEASE_US, LIMITS, who};
use super::{Engine, Incoming, Limits, Outgoing, Rows};

fn engine() -> (Kept, Engine, u32) {
    let mut kept = Kept::default();
    let mut engine = kept.engine(0);
    engine.declare(&[Layout::new("t", &["g"])]).expect("valid");
    kept.take(engine.take_changes());
    let group = engine.group("t", "g").expect("declared");
    (kept, engine, group)
}

fn incoming(topic: &str, key: &str) -> Incoming {
    Incoming { topic: topic.to_owned(), key: key.into(), body: Arc::from(*b"body") }
}

fn settlement(out: &Outgoing, verdict: Verdict) -> Settlement {
    Settlement { receipt: Receipt { message: out.id, delivery: out.delivery }, verdict }
}

#[test]
fn what_cannot_be_declared_declares_nothing_else() {
    let (_, mut engine, _) = engine();
    let both = [Layout::new("new", &["g"]), Layout::new("t", &["No"])];
    assert_eq!(engine.declare(&both), Err(BrokerError::BadName { name: "No".to_owned() }));
    assert!(engine.group("new", "g").is_err() && engine.take_changes().is_empty());
    let long = "x".repeat(65);
    assert_eq!(engine.declare(&[Layout::new(&long, &[])]), Err(BrokerError::BadName { name: long }));
}

#[test]
fn there_are_no_more_topics_and_groups_than_are_allowed() {
    let (_, mut engine, _) = engine();
    for number in 0..super::GROUPS_MAX - 1 {
        engine.declare(&[Layout::new("t", &[&format!("g-{number}")])]).expect("room");
    }
    let refused = engine.declare(&[Layout::new("t", &["one-more"])]).expect_err("full");
    assert_eq!(refused.effect(), Effect::None);
    engine.declare(&[Layout::new("t", &["g"])]).expect("it is there already");
    for number in 0..super::TOPICS_MAX - 1 {
        engine.declare(&[Layout::new(&format!("t-{number}"), &[])]).expect("room");
    }
    assert!(engine.declare(&[Layout::new("one-more", &[])]).is_err());
    engine.declare(&[Layout::new("t", &[])]).expect("it is there already");
}

#[test]
fn a_full_broker_refuses_until_there_is_room() {
    let limits = Limits { messages_max: 2, ..LIMITS };
    let mut engine = Engine::restored(limits, 1, Rows::default(), std::iter::empty::<Result<_, ()>>(), 0)
        .expect("nothing can fail");
    engine.declare(&[Layout::new("t", &["g"])]).expect("valid");
    let group = engine.group("t", "g").expect("declared");
    assert!(engine.publish(vec![incoming("t", "a"), incoming("t", "b"), incoming("t", "c")]).is_err());
    engine.publish(vec![incoming("t", "a"), incoming("t", "b")]).expect("room");
    let refused = engine.publish(vec![incoming("t", "c")]).expect_err("full");
    assert!(refused.is_retryable() && refused.effect() == Effect::None, "{refused}");
    let out = engine.fetch(group, &who(1, 9), 1, 99, 0);
    assert_eq!(engine.settle(group, 1, vec![settlement(&out[0], Verdict::Ack)], 0, &|_, _, _| None), 0);
    engine.publish(vec![incoming("t", "c")]).expect("room");
}

#[test]
fn only_the_last_failures_are_remembered_and_reasons_are_cut() {
    let (mut kept, mut engine, group) = engine();
    engine.publish(vec![incoming("t", "k")]).expect("declared");
    kept.take(engine.take_changes());
    let tries = HISTORY_MAX as u32 + 3;
    for now_us in 0..u64::from(tries) {
        let out = engine.fetch(group, &who(1, 1), 1, 99, now_us);
        let reason = "\u{fc}".repeat(1_000);
        let verdict = Verdict::RetryAfter { delay: Duration::ZERO, reason };
        assert_eq!(engine.settle(group, 1, vec![settlement(&out[0], verdict)], now_us, &|_, _, _| None), 0);
    }
    let out = engine.fetch(group, &who(1, 1), 1, 99, 99);
    let read = |id, topic: &str, key: &str| kept.read(id, topic, key);
    let dead = settlement(&out[0], Verdict::Dead { reason: "poison".to_owned() });
    assert_eq!(engine.settle(group, 1, vec![dead], 99, &read), 0);
    kept.take(engine.take_changes());
    let (_, letter) = &kept.letters[&1];
    assert_eq!((letter.attempts, letter.history.len()), (tries + 1, HISTORY_MAX));
    assert_eq!(letter.history.last().expect("the last").attempt, tries);
    assert!(letter.history.iter().all(|tried| tried.reason.len() == 1_024 && tried.consumer == "c-1"));
}

#[test]
fn a_lease_that_is_over_is_a_failure_with_a_reason() {
    let (mut kept, mut engine, group) = engine();
    engine.publish(vec![incoming("t", "k")]).expect("declared");
    engine.fetch(group, &who(7, 1), 1, 99, 0);
    assert_eq!(engine.next_due_us(), Some(LEASE_US));
    engine.pass(LEASE_US - 1);
    assert!(engine.fetch(group, &who(8, 1), 1, 99, 0).is_empty());
    engine.pass(LEASE_US);
    kept.take(engine.take_changes());
    let mut engine = kept.engine(LEASE_US);
    let out = engine.fetch(group, &who(8, 1), 1, 99, LEASE_US);
    assert_eq!(out[0].attempt, 2, "it was durable");
    let read = |id, topic: &str, key: &str| kept.read(id, topic, key);
    engine.settle(group, 8, vec![settlement(&out[0], Verdict::Dead { reason: String::new() })], 11, &read);
    kept.take(engine.take_changes());
    let history = &kept.letters[&1].1.history;
    assert_eq!((history[0].reason.as_str(), history[0].consumer.as_str()), ("its lease was over", "c-7"));
}

#[test]
fn a_letter_that_cannot_be_written_stays_a_message() {
    let (_, mut engine, group) = engine();
    engine.publish(vec![incoming("t", "k")]).expect("declared");
    let out = engine.fetch(group, &who(1, 1), 1, 99, 0);
    let dead = settlement(&out[0], Verdict::Dead { reason: "poison".to_owned() });
    assert_eq!(engine.settle(group, 1, vec![dead], 0, &|_, _, _| None), 0);
    assert_eq!(engine.fetch(group, &who(1, 1), 1, 99, 0)[0].attempt, 2);
}

#[test]
fn a_clock_that_was_set_back_delays_nothing_for_longer_than_a_day() {
    let (mut kept, mut engine, group) = engine();
    engine.publish(vec![incoming("t", "k")]).expect("declared");
    let long_ago_us = 400 * super::DELAY_US_MAX;
    let out = engine.fetch(group, &who(1, 1), 1, 99, long_ago_us);
    let verdict = Verdict::RetryAfter { delay: Duration::from_secs(1), reason: String::new() };
    engine.settle(group, 1, vec![settlement(&out[0], verdict)], long_ago_us, &|_, _, _| None);
    kept.take(engine.take_changes());
    let mut engine = kept.engine(1_000);
    assert_eq!(engine.next_due_us(), Some(1_000 + super::DELAY_US_MAX));
    engine.pass(1_000 + super::DELAY_US_MAX);
    assert_eq!(engine.fetch(group, &who(1, 1), 1, 99, 0)[0].attempt, 2);
}
