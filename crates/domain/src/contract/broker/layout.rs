//! Topics and groups.

use super::case::{Case, GROUP, LONG, OTHER, ids};
use super::tests;
use crate::broker::{BrokerError, Layout, PAYLOAD_BYTES_MAX, Subscription};

tests![
    can_be_reached,
    declaring_again_changes_nothing,
    a_late_group_gets_what_its_topic_still_holds,
    refuses_names_that_cannot_be,
    knows_no_topic_that_nobody_has_declared,
    knows_no_group_that_nobody_has_declared,
];

async fn can_be_reached(case: &Case) {
    assert_eq!(case.broker.check().await, Ok(()));
    assert_eq!(case.broker.declare(&[]).await, Ok(()), "nothing is declared");
    assert!(!case.broker.capabilities().name.is_empty(), "it has a name");
    assert!(case.broker.capabilities().payload_bytes_max >= PAYLOAD_BYTES_MAX);
}

async fn declaring_again_changes_nothing(case: &Case) {
    case.declare(&[GROUP]).await;
    case.publish(&[("a", "k")]).await;
    case.declare(&[GROUP]).await;
    // What is not named stays.
    case.declare(&[]).await;
    let consumer = case.consumer().await;
    assert_eq!(ids(&consumer.drain(1).await), ["a"]);
    case.declare(&[GROUP]).await;
    consumer.nothing_comes("what was acknowledged does not come again").await;
}

async fn a_late_group_gets_what_its_topic_still_holds(case: &Case) {
    case.declare(&[GROUP]).await;
    case.publish(&[("a", "k-1"), ("b", "k-2")]).await;
    case.declare(&[GROUP, OTHER]).await;
    case.publish(&[("c", "k-3")]).await;
    let late = case.joined(OTHER, "late", LONG, 64).await;
    let mut came = ids(&late.drain(3).await);
    came.sort();
    assert_eq!(came, ["a", "b", "c"], "nobody had dealt with the first two");
    let consumer = case.consumer().await;
    assert_eq!(consumer.drain(3).await.len(), 3, "the other group gets all of them too");
}

async fn refuses_names_that_cannot_be(case: &Case) {
    for name in ["", "Orders", "or ders", "or/ders", "or.ders", "ördërs"] {
        let bad = Err(BrokerError::BadName { name: name.to_owned() });
        assert_eq!(case.broker.declare(&[Layout::new(name, &[GROUP])]).await, bad, "a topic");
        assert_eq!(case.broker.declare(&[Layout::new(&case.topic, &[name])]).await, bad, "a group");
    }
}

async fn knows_no_topic_that_nobody_has_declared(case: &Case) {
    let missing = BrokerError::NoSuchTopic { topic: case.topic.clone() };
    let joined = case.broker.subscribe(Subscription::new(&case.topic, GROUP, "consumer")).await;
    assert_eq!(joined.map(|_| ()), Err(missing.clone()), "joining");
    assert_eq!(case.broker.lag(&case.topic, GROUP).await, Err(missing.clone()), "the lag");
    // One that is missing keeps back the others of the same call.
    let there = case.beside();
    there.declare(&[GROUP]).await;
    let published = case.broker.publish(vec![there.message("a", "k"), case.message("b", "k")]).await;
    assert_eq!(published, Err(missing), "publishing");
    there.consumer().await.nothing_comes("all of a call or nothing").await;
}

async fn knows_no_group_that_nobody_has_declared(case: &Case) {
    case.declare(&[GROUP]).await;
    let missing = BrokerError::NoSuchGroup { topic: case.topic.clone(), group: OTHER.to_owned() };
    let joined = case.broker.subscribe(Subscription::new(&case.topic, OTHER, "consumer")).await;
    assert_eq!(joined.map(|_| ()), Err(missing.clone()), "joining");
    assert_eq!(case.broker.lag(&case.topic, OTHER).await, Err(missing), "the lag");
}
