//! `/readyz`: ready is who can take on orders, and who cannot says why.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use async_trait::async_trait;
use domain::memory::MemoryCharges;
use domain::{Charge, ChargeStore, Effect, StoreError, Voided};
use http::{Method, header};
use platform::ServiceKind::{OrderApi, OrderProcessor, PaymentService};
use platform::{PlatformState, ServiceState, Stores};

use crate::support::{CHAIN, Platform, SURE, in_paused_time, sleep_ms};

/// Charges in memory, behind a store that can be taken away.
#[derive(Debug, Default)]
struct Charges {
    memory: MemoryCharges,
    is_away: AtomicBool,
    asked: AtomicU32,
}

#[async_trait]
impl ChargeStore for Charges {
    async fn record(&self, charge: Charge) -> Result<(), StoreError> {
        self.memory.record(charge).await
    }

    async fn get(&self, key: &str) -> Result<Option<Charge>, StoreError> {
        self.memory.get(key).await
    }

    async fn void(&self, key: &str) -> Result<Voided, StoreError> {
        self.memory.void(key).await
    }

    async fn refund(&self, key: &str, at_us: u64) -> Result<Charge, StoreError> {
        self.memory.refund(key, at_us).await
    }

    async fn all(&self) -> Result<Vec<Charge>, StoreError> {
        self.memory.all().await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.asked.fetch_add(1, SeqCst);
        match self.is_away.load(SeqCst) {
            true => {
                Err(StoreError::Unavailable { detail: "the disk is full".to_owned(), effect: Effect::None })
            }
            false => Ok(()),
        }
    }
}

/// A platform whose payment keeps its charges there.
fn platform_on(charges: &Arc<Charges>, design: &str) -> Platform {
    let states = PlatformState::of(|kind| {
        let stores = Stores::in_memory(kind);
        let charges = stores.charges.as_ref().map(|_own| Arc::clone(charges) as _);
        ServiceState::on(kind, Stores { charges, ..stores })
    });
    Platform::assemble_on(design, states)
}

#[test]
fn who_cannot_use_its_store_is_not_ready_and_says_so_but_lives() {
    in_paused_time(async {
        let charges = Arc::new(Charges::default());
        let platform = platform_on(&charges, SURE);
        CHAIN.into_iter().for_each(|kind| platform.start(kind));
        let ready = async |kind| platform.ask(kind, Method::GET, "/readyz", "").await;
        assert_eq!(ready(PaymentService).await.status, 200);

        charges.is_away.store(true, SeqCst);
        sleep_ms(250).await;
        let answer = ready(PaymentService).await;
        answer.assert_problem(503, "not-ready");
        assert!(answer.json["detail"].as_str().is_some_and(|detail| detail.contains("the disk is full")));
        assert_eq!(answer.header(header::RETRY_AFTER), "1");
        assert_eq!(platform.ask(PaymentService, Method::GET, "/livez", "").await.status, 200);
        assert_eq!(ready(OrderApi).await.status, 200, "a dependency is no reason");
        assert_eq!(ready(OrderProcessor).await.status, 200);

        charges.is_away.store(false, SeqCst);
        sleep_ms(250).await;
        assert_eq!(ready(PaymentService).await.status, 200, "it is back");
    });
}

#[test]
fn probes_cannot_hammer_the_store() {
    in_paused_time(async {
        let charges = Arc::new(Charges::default());
        let platform = platform_on(&charges, SURE);
        platform.start(PaymentService);
        for _ in 0..100 {
            platform.ask(PaymentService, Method::GET, "/readyz", "").await;
        }
        // Each takes 2 ms of the simulated network.
        assert_eq!(charges.asked.load(SeqCst), 1);
    });
}

#[test]
fn a_part_of_a_monolith_that_is_not_ready_makes_all_of_it_so() {
    in_paused_time(async {
        let charges = Arc::new(Charges::default());
        let platform = platform_on(&charges, &format!("topology = 'monolith'\n{SURE}"));
        platform.start(OrderApi);
        assert_eq!(platform.get("/readyz").await.status, 200);
        charges.is_away.store(true, SeqCst);
        sleep_ms(1_000).await;
        let answer = platform.get("/readyz").await;
        answer.assert_problem(503, "not-ready");
        assert!(answer.text.contains("the disk is full"), "{}", answer.text);
    });
}
