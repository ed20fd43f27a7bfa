//! Buckets in memory: for replicas in one process, and for tests.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::buckets::{BucketsError, SharedBuckets, Taken};
use crate::admission::policy::{Rate, TokenBucket};
use crate::clock::Clock;

/// [`SharedBuckets`] in memory. There are as many as there are names: those are the code's own, not a caller's.
#[derive(Debug, Default)]
pub struct MemoryBuckets {
    buckets: Mutex<BTreeMap<String, TokenBucket>>,
    clock: Clock,
}

#[async_trait]
impl SharedBuckets for MemoryBuckets {
    async fn take(&self, name: &str, rate: Rate, burst: NonZeroU32) -> Result<Taken, BucketsError> {
        // Nothing panics under the lock.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let bucket = buckets.entry(name.to_owned()).or_insert_with(|| TokenBucket::full(rate, burst));
        if (bucket.rate(), bucket.burst()) != (rate, burst) {
            bucket.change(now, rate, burst);
        }
        Ok(match bucket.admit(now) {
            Ok(()) => Taken::Token { left: bucket.available(now) },
            Err(refusal) => Taken::Empty { retry_after: refusal.retry_after },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::admission::shared_rate::contract;

    #[tokio::test(start_paused = true)]
    async fn keeps_the_contract_of_shared_buckets() {
        contract::shared_buckets(|| Arc::new(MemoryBuckets::default())).await;
    }
}
