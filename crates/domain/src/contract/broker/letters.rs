//! Dead letters.

use super::case::{Case, GROUP, LONG, OTHER, QUIET, ids, said};
use super::tests;
use crate::broker::{BrokerError, DeadLetter, DeadLetterFilter, ReplaysTo};

tests![
    a_dead_message_is_a_letter_with_its_history,
    a_dead_message_frees_its_key,
    letters_are_listed_in_pages_and_by_filter,
    a_replayed_letter_is_given_out_as_for_the_first_time,
    a_purged_letter_is_gone,
    the_lag_tells_how_many_letters_a_group_has,
    knows_no_letter_that_is_not_there,
];

async fn a_dead_message_is_a_letter_with_its_history(case: &Case) {
    case.declare(&[GROUP, OTHER]).await;
    case.publish(&[("a", "k")]).await;
    let consumer = case.joined(GROUP, "undertaker", LONG, 64).await;
    let first = consumer.next().await;
    consumer.retry_after(first.receipt, QUIET, "the till was locked").await;
    let second = consumer.next().await;
    consumer.bury(second.receipt, "no such pizza: \"\u{1f355}\"").await;
    consumer.nothing_comes("it is dead").await;
    case.lag_is(GROUP, 0, 0).await;

    let letters = case.letters(1).await;
    let letter = &letters[0];
    assert_eq!((letter.group.as_str(), &letter.message), (GROUP, &case.message("a", "k")));
    assert_eq!((letter.attempts, letter.reason.as_str()), (2, "no such pizza: \"\u{1f355}\""));
    let history: Vec<_> = letter.history.iter().map(|tried| (tried.attempt, tried.reason.as_str())).collect();
    assert_eq!(history, [(1, "the till was locked")]);
    assert_eq!(letter.history[0].consumer, "undertaker");
    assert!(letter.at_us >= letter.history[0].at_us, "{letter:?}");
    assert_eq!(case.letters.show(&letter.id).await.as_ref(), Ok(letter));

    let other = case.joined(OTHER, "other", LONG, 64).await;
    assert_eq!(ids(&other.drain(1).await), ["a"], "it is dead for one group only");
}

async fn a_dead_message_frees_its_key(case: &Case) {
    case.declare(&[GROUP]).await;
    case.publish(&[("a", "k"), ("b", "k")]).await;
    let consumer = case.joined(GROUP, "consumer", LONG, 1).await;
    let first = consumer.next().await;
    assert_eq!(said(&first), "a");
    consumer.bury(first.receipt, "poison").await;
    assert_eq!(ids(&consumer.drain(1).await), ["b"]);
}

/// Publishes messages and buries them, in this order.
async fn dead(case: &Case, group: &str, names: &[&str]) {
    let consumer = case.joined(group, "consumer", LONG, 64).await;
    for name in names {
        case.publish(&[(name, name)]).await;
        let delivery = consumer.next().await;
        consumer.bury(delivery.receipt, name).await;
    }
    consumer.consumer.close().await;
}

fn reasons(letters: &[DeadLetter]) -> Vec<&str> {
    letters.iter().map(|letter| letter.reason.as_str()).collect()
}

async fn letters_are_listed_in_pages_and_by_filter(case: &Case) {
    let there = case.beside();
    case.declare(&[GROUP]).await;
    there.declare(&[OTHER]).await;
    assert_eq!(case.letters(0).await, []);
    dead(case, GROUP, &["a", "b", "c"]).await;
    dead(&there, OTHER, &["d", "e"]).await;

    let all = case.letters(3).await;
    assert_eq!(reasons(&all), ["a", "b", "c"], "in the order in which they died");
    assert!(all.is_sorted_by(|a, b| a.id < b.id), "their ids are in the same order");
    let filter = case.filter();
    let page = case.letters.list(&filter, "", 2).await.expect("the broker is there");
    assert_eq!(reasons(&page), ["a", "b"]);
    let page = case.letters.list(&filter, &page[1].id, 2).await.expect("the broker is there");
    assert_eq!(reasons(&page), ["c"]);
    assert_eq!(case.letters.list(&filter, &page[0].id, 2).await, Ok(Vec::new()));
    assert_eq!(case.letters.list(&filter, "", 0).await, Ok(Vec::new()));

    assert_eq!(reasons(&there.letters(2).await), ["d", "e"]);
    let by_group = DeadLetterFilter { group: Some(GROUP.to_owned()), ..case.filter() };
    assert_eq!(case.letters.total(&by_group).await, Ok(3));
    let by_group = DeadLetterFilter { group: Some(OTHER.to_owned()), ..case.filter() };
    assert_eq!(case.letters.total(&by_group).await, Ok(0));
    assert_eq!(case.letters.list(&by_group, "", 9).await, Ok(Vec::new()));
    let total = case.letters.total(&DeadLetterFilter::default()).await.expect("the broker is there");
    assert!(total >= 5, "everybody's letters: {total}");
}

async fn a_replayed_letter_is_given_out_as_for_the_first_time(case: &Case) {
    case.declare(&[GROUP, OTHER]).await;
    case.publish(&[("a", "k")]).await;
    let (consumer, other) =
        (case.joined(GROUP, "one", LONG, 64).await, case.joined(OTHER, "other", LONG, 64).await);
    other.drain(1).await;
    let first = consumer.next().await;
    consumer.bury(first.receipt, "poison").await;
    let letter = case.letters(1).await.remove(0);
    assert_eq!(case.letters.replay(&letter.id).await, Ok(()));
    case.letters(0).await;

    let again = consumer.next().await;
    assert_eq!((&again.message, again.attempt), (&letter.message, 1));
    match case.broker.capabilities().replays_to {
        ReplaysTo::Group => other.nothing_comes("the others have dealt with it").await,
        ReplaysTo::Topic => assert_eq!(other.drain(1).await[0].message, letter.message),
    }
    consumer.bury(again.receipt, "poison again").await;
    let anew = case.letters(1).await.remove(0);
    assert_eq!((anew.attempts, anew.reason.as_str()), (1, "poison again"));
    assert!(anew.id > letter.id, "a new letter: {} after {}", anew.id, letter.id);
    let unknown = Err(BrokerError::NoSuchLetter { id: letter.id.clone() });
    assert_eq!(case.letters.replay(&letter.id).await, unknown, "it is no letter any more");
}

async fn a_purged_letter_is_gone(case: &Case) {
    case.declare(&[GROUP]).await;
    dead(case, GROUP, &["a", "b"]).await;
    let letters = case.letters(2).await;
    assert_eq!(case.letters.purge(&letters[0].id).await, Ok(()));
    assert_eq!(reasons(&case.letters(1).await), ["b"]);
    let unknown = BrokerError::NoSuchLetter { id: letters[0].id.clone() };
    assert_eq!(case.letters.purge(&letters[0].id).await, Err(unknown.clone()));
    assert_eq!(case.letters.show(&letters[0].id).await, Err(unknown));
    case.consumer().await.nothing_comes("it is not given out again").await;
}

async fn the_lag_tells_how_many_letters_a_group_has(case: &Case) {
    case.declare(&[GROUP, OTHER]).await;
    case.lag_tells_of(GROUP, 0).await;
    dead(case, GROUP, &["a", "b", "c"]).await;
    case.lag_tells_of(GROUP, 3).await;
    case.lag_tells_of(OTHER, 0).await;
    let letters = case.letters(3).await;
    assert_eq!(case.letters.purge(&letters[0].id).await, Ok(()));
    case.lag_tells_of(GROUP, 2).await;
    assert_eq!(case.letters.replay(&letters[1].id).await, Ok(()));
    case.lag_tells_of(GROUP, 1).await;
}

async fn knows_no_letter_that_is_not_there(case: &Case) {
    for id in ["no such letter", "", "0", "99999999999999999999", "..", "a/b"] {
        let unknown = || BrokerError::NoSuchLetter { id: id.to_owned() };
        assert_eq!(case.letters.show(id).await, Err(unknown()));
        assert_eq!(case.letters.replay(id).await, Err(unknown()));
        assert_eq!(case.letters.purge(id).await, Err(unknown()));
    }
}
