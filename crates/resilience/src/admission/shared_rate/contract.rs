//! The contract suite: what every adapter of [`SharedBuckets`] has to do.
//!
//! Public, so that an adapter anywhere runs the same tests as the memory adapter here. Each test makes itself fresh
//! buckets with `make` and panics with the sentence that was broken. The clock is the store's, so what depends on
//! time uses rates so low that the time a test takes does not matter, or waits as long as it was told to.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::buckets::{SharedBuckets, Taken};
use crate::admission::policy::Rate;

/// So low that no token comes while a test runs.
const SELDOM_PER_S: f64 = 0.001;

/// A store's unit of time may be so long.
const UNIT_MAX: Duration = Duration::from_millis(1);

/// Runs the whole suite over fresh buckets. Needs a runtime with its time driver enabled.
///
/// # Panics
/// When the buckets break their contract.
pub async fn shared_buckets(make: impl Fn() -> Arc<dyn SharedBuckets>) {
    is_full_at_first_and_empty_after_a_burst(&*make()).await;
    says_when_there_will_be_a_token(&*make()).await;
    never_holds_more_than_its_burst(&*make()).await;
    keeps_names_apart(&*make()).await;
    keeps_its_tokens_when_the_rate_changes(&*make()).await;
    takes_rates_and_bursts_of_any_size(&*make()).await;
    gives_each_token_to_one_of_many_at_once(make()).await;
}

async fn take(buckets: &dyn SharedBuckets, name: &str, per_s: f64, burst: u32) -> Taken {
    let rate = Rate::per_second(per_s).expect("a valid rate");
    let burst = NonZeroU32::new(burst).expect("not zero");
    buckets.take(name, rate, burst).await.expect("the store is there")
}

fn is_empty(taken: Taken) -> bool {
    matches!(taken, Taken::Empty { .. })
}

async fn is_full_at_first_and_empty_after_a_burst(buckets: &dyn SharedBuckets) {
    for left in [2, 1, 0] {
        assert_eq!(take(buckets, "b", SELDOM_PER_S, 3).await, Taken::Token { left }, "a new bucket is full");
    }
    let Taken::Empty { retry_after } = take(buckets, "b", SELDOM_PER_S, 3).await else {
        panic!("three tokens are three tokens");
    };
    let whole = Duration::from_secs(1_000);
    assert!(retry_after <= whole, "a token comes within {whole:?}, not {retry_after:?}");
    assert!(retry_after > whole - Duration::from_secs(100), "and not much before: {retry_after:?}");
}

async fn says_when_there_will_be_a_token(buckets: &dyn SharedBuckets) {
    for _ in 0..10 {
        // A token that came in the meantime is taken, and the next one is waited for.
        let Taken::Empty { retry_after } = take(buckets, "b", 100.0, 1).await else { continue };
        assert!(retry_after <= Duration::from_millis(10) + UNIT_MAX, "{retry_after:?} for 10 ms");
        tokio::time::sleep(retry_after + UNIT_MAX).await;
        let again = take(buckets, "b", 100.0, 1).await;
        assert!(!is_empty(again), "who comes back when told to finds a token, not {again:?}");
    }
}

async fn never_holds_more_than_its_burst(buckets: &dyn SharedBuckets) {
    assert_eq!(take(buckets, "b", 1_000.0, 2).await, Taken::Token { left: 1 });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(take(buckets, "b", 1_000.0, 2).await, Taken::Token { left: 1 }, "twenty came, two fit");
}

async fn keeps_names_apart(buckets: &dyn SharedBuckets) {
    for name in ["b", "c", "", "a name: with \"anything\" {in} it\n\0ü"] {
        assert!(!is_empty(take(buckets, name, SELDOM_PER_S, 1).await), "{name:?} is a bucket of its own");
        assert!(is_empty(take(buckets, name, SELDOM_PER_S, 1).await));
    }
}

async fn keeps_its_tokens_when_the_rate_changes(buckets: &dyn SharedBuckets) {
    assert!(!is_empty(take(buckets, "b", SELDOM_PER_S, 1).await));
    let larger = take(buckets, "b", SELDOM_PER_S * 2.0, 100).await;
    assert!(is_empty(larger), "a change is no way to a fresh burst");
    assert_eq!(take(buckets, "c", SELDOM_PER_S, 10).await, Taken::Token { left: 9 });
    assert_eq!(
        take(buckets, "c", SELDOM_PER_S, 2).await,
        Taken::Token { left: 1 },
        "what does not fit is lost"
    );
}

async fn takes_rates_and_bursts_of_any_size(buckets: &dyn SharedBuckets) {
    assert!(!is_empty(take(buckets, "slow", 1e-6, 1).await));
    let Taken::Empty { retry_after } = take(buckets, "slow", 1e-6, 1).await else {
        panic!("one in eleven days is one");
    };
    assert!(retry_after > Duration::from_secs(999_900), "{retry_after:?} for 11.6 days");
    for _ in 0..2 {
        let Taken::Token { left } = take(buckets, "quick", 1e9, u32::MAX).await else { panic!("plenty") };
        assert!(left >= u32::MAX - 2, "{left} of nearly as many");
    }
}

async fn gives_each_token_to_one_of_many_at_once(buckets: Arc<dyn SharedBuckets>) {
    let one = || take(&*buckets, "b", SELDOM_PER_S, 5);
    let (mut given, mut refused) = (0, 0);
    for _ in 0..2 {
        let taken = tokio::join!(one(), one(), one(), one());
        for taken in [taken.0, taken.1, taken.2, taken.3] {
            if is_empty(taken) { refused += 1 } else { given += 1 }
        }
    }
    assert_eq!((given, refused), (5, 3), "five tokens for eight");
}
