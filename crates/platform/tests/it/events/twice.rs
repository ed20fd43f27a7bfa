//! What happens to events that come twice.

use domain::event::{ORDERS, PAYMENTS};

use super::support::{COMPOSED, Joined, NAIVE, joined};

/// Places an order, and publishes again whatever was told of it on a topic.
async fn told_twice(joined: &Joined, topic: &str) {
    use domain::broker::Broker as _;

    assert_eq!(joined.platform.place("o-1").await.status, 202);
    joined.settle().await;
    let again: Vec<_> = joined.seen().await.into_iter().filter(|message| message.topic == topic).collect();
    assert_eq!(again.len(), 1, "{again:?}");
    joined.broker.publish(again).await.expect("it is there");
    joined.settle().await;
    assert_eq!(joined.platform.order_state("o-1").await, "completed");
}

#[test]
fn naive_consumers_charge_and_tell_once_more() {
    joined(NAIVE, async |joined| {
        told_twice(&joined, ORDERS).await;
        assert_eq!((joined.charges("o-1").await, joined.notices("o-1").await), (2, 2));
    });
    joined(NAIVE, async |joined| {
        told_twice(&joined, PAYMENTS).await;
        assert_eq!((joined.charges("o-1").await, joined.notices("o-1").await), (1, 2));
    });
}

#[test]
fn with_an_inbox_everything_happens_once() {
    for topic in [ORDERS, PAYMENTS] {
        joined(COMPOSED, async |joined| {
            told_twice(&joined, topic).await;
            assert_eq!((joined.charges("o-1").await, joined.notices("o-1").await), (1, 1), "{topic}");
            assert!(joined.letters().await.is_empty());
        });
    }
}
