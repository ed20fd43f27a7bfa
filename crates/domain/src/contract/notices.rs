//! What a [`NoticeStore`] promises.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::ids::{CustomerId, EventId, OrderId};
use crate::notice::Notice;
use crate::ports::NoticeStore;
use crate::state::OrderState;

/// Runs the whole suite over fresh stores.
///
/// # Panics
/// When the store breaks its contract.
pub async fn notice_store(make: impl Fn() -> Arc<dyn NoticeStore>) {
    can_serve(&*make()).await;
    gives_back_what_was_recorded(&*make()).await;
    knows_a_notice_again(&*make()).await;
    lists_notices_by_id(&*make()).await;
    lets_one_of_two_racing_notices_win(&*make()).await;
}

fn notice(id: &str, at_us: u64) -> Notice {
    Notice {
        id: EventId::new(id).expect("a valid id"),
        order_id: OrderId::new("o-1").expect("a valid id"),
        customer_id: CustomerId::new("c-1").expect("a valid id"),
        outcome: OrderState::Declined,
        reason: Some("no \"cover\" \u{1f355}".to_owned()),
        at_us,
    }
}

async fn all(store: &dyn NoticeStore) -> Vec<Notice> {
    store.all().await.expect("the store is there")
}

async fn can_serve(store: &dyn NoticeStore) {
    assert_eq!(store.check().await, Ok(()), "a fresh store can serve");
    assert_eq!(all(store).await, [], "it is empty, and looking changes nothing");
}

async fn gives_back_what_was_recorded(store: &dyn NoticeStore) {
    let completed = Notice { outcome: OrderState::Completed, reason: None, ..notice("n-2", 2_000) };
    assert_eq!(store.record(notice("n-1", 1_000)).await, Ok(true));
    assert_eq!(store.record(completed.clone()).await, Ok(true), "an order may have several, by other ids");
    assert_eq!(
        all(store).await,
        [notice("n-1", 1_000), completed],
        "notices come back as they were recorded"
    );
}

async fn knows_a_notice_again(store: &dyn NoticeStore) {
    assert_eq!(store.record(notice("n-1", 1_000)).await, Ok(true));
    assert_eq!(store.record(notice("n-1", 2_000)).await, Ok(false));
    assert_eq!(all(store).await, [notice("n-1", 1_000)], "what stood there stays");
}

async fn lists_notices_by_id(store: &dyn NoticeStore) {
    for id in ["n-3", "n-1", "n-2"] {
        store.record(notice(id, 1_000)).await.expect("the store is there");
    }
    let ids: Vec<_> = all(store).await.into_iter().map(|notice| notice.id.to_string()).collect();
    assert_eq!(ids, ["n-1", "n-2", "n-3"]);
}

async fn lets_one_of_two_racing_notices_win(store: &dyn NoticeStore) {
    let racing = (0..16).map(|at_us| store.record(notice("n-1", at_us)));
    let won = join_all(racing).await.into_iter().filter(|won| *won == Ok(true)).count();
    assert_eq!((won, all(store).await.len()), (1, 1));
}
