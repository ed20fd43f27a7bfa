//! Redis.

use std::sync::Arc;

use adapters::redis::{Redis, RedisBuckets, RedisRecords, RedisSettings, RedisUrl};

use crate::services::{fresh_name, server};

/// The server, if there is one.
fn url() -> Option<RedisUrl> {
    server("FAILFIRST_TEST_REDIS").map(|url| url.parse().expect("a URL"))
}

fn fresh(url: &RedisUrl) -> Redis {
    Redis::open(url, &fresh_name("test"), RedisSettings::default()).expect("a prefix")
}

#[tokio::test]
async fn keeps_the_contract_of_idempotency_records() {
    let Some(url) = url() else { return };
    resilience::idempotency::contract::idempotency_records(|| Arc::new(RedisRecords::new(fresh(&url)))).await;
}

#[tokio::test]
async fn keeps_the_contract_of_shared_buckets() {
    let Some(url) = url() else { return };
    resilience::admission::shared_rate::contract::shared_buckets(|| Arc::new(RedisBuckets::new(fresh(&url))))
        .await;
}
