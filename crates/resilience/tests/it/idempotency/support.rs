//! Requests that are numbers under keys, records that hesitate or fail, and an observer that remembers.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use resilience::idempotency::{
    Answer, Ask, Beginning, Claim, Completion, Event, Fingerprint, Idempotency, IdempotencyFuture,
    IdempotencyHandle, IdempotencyLayer, IdempotencyObserver, IdempotencyRecords, IdempotencySettings,
    Identity, InvalidKey, Keep, Key, MemoryRecords, Mode, Process, RecordsError, Scheme, Unreadable,
};
use tokio::time::Instant;
use tower::util::MapRequest;
use tower::{Layer, Service, ServiceExt};

use crate::support::{Gate, Hand};

/// The result of this call is shared and not stored.
pub(crate) const SHARE: u32 = 100;
/// The result of this call is forgotten.
pub(crate) const FORGET: u32 = 200;

#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) scope: &'static str,
    pub(crate) key: Option<String>,
    pub(crate) contents: u32,
    /// Its number at the gate.
    pub(crate) call: u32,
}

pub(crate) fn asked(key: &str, call: u32) -> Asked {
    Asked { scope: "c1", key: Some(key.to_owned()), contents: 0, call }
}

#[derive(Debug)]
pub(crate) struct Numbers;

impl Scheme<Asked> for Numbers {
    type Response = u32;
    type Error = String;

    fn identify(&self, asked: &Asked) -> Result<Option<Identity>, InvalidKey> {
        let Some(key) = &asked.key else { return Ok(None) };
        let fingerprint = Fingerprint::of(&[&asked.contents.to_be_bytes()]);
        Ok(Some(Identity { key: Key::new(asked.scope, key)?, fingerprint }))
    }

    fn keep(&self, result: &Result<u32, String>) -> Keep {
        match result {
            Ok(n) if *n >= FORGET => Keep::Forget,
            Ok(n) if *n >= SHARE => Keep::Share(n.to_be_bytes().to_vec().into()),
            Ok(n) => Keep::Store(n.to_be_bytes().to_vec().into()),
            Err(_) => Keep::Forget,
        }
    }

    fn replay(&self, answer: &Answer) -> Result<Result<u32, String>, Unreadable> {
        Ok(Ok(u32::from_be_bytes((*answer.0).try_into().map_err(|_| Unreadable)?)))
    }
}

pub(crate) fn reject() -> IdempotencySettings {
    IdempotencySettings::default()
}

pub(crate) fn join() -> IdempotencySettings {
    IdempotencySettings { mode: Mode::Join, ..IdempotencySettings::default() }
}

/// Memory records that can be made to hesitate before and after each operation, and to fail.
#[derive(Debug)]
pub(crate) struct Records {
    inner: MemoryRecords,
    hesitating: AtomicBool,
    failing: AtomicBool,
}

pub(crate) fn memory() -> Arc<Records> {
    let inner = MemoryRecords::new(NonZeroUsize::new(1_000).expect("not zero"));
    Arc::new(Records { inner, hesitating: AtomicBool::new(false), failing: AtomicBool::new(false) })
}

impl Records {
    pub(crate) fn hesitate(&self, hesitating: bool) {
        self.hesitating.store(hesitating, Ordering::SeqCst);
    }

    pub(crate) fn fail(&self, failing: bool) {
        self.failing.store(failing, Ordering::SeqCst);
    }

    async fn pause(&self) {
        let mut paused = !self.hesitating.load(Ordering::SeqCst);
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut paused, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    fn check(&self) -> Result<(), RecordsError> {
        let reason = "a planted failure".to_owned();
        if self.failing.load(Ordering::SeqCst) { Err(RecordsError::Unavailable { reason }) } else { Ok(()) }
    }
}

#[async_trait]
impl IdempotencyRecords for Records {
    async fn begin(&self, ask: &Ask) -> Result<Beginning, RecordsError> {
        self.pause().await;
        self.check()?;
        let said = self.inner.begin(ask).await;
        self.pause().await;
        said
    }

    async fn complete(
        &self,
        key: &Key,
        claim: Claim,
        answer: &Answer,
        keep_until: Duration,
    ) -> Result<Completion, RecordsError> {
        self.pause().await;
        self.check()?;
        let said = self.inner.complete(key, claim, answer, keep_until).await;
        self.pause().await;
        said
    }

    async fn abandon(&self, key: &Key, claim: Claim) -> Result<bool, RecordsError> {
        self.pause().await;
        self.check()?;
        let said = self.inner.abandon(key, claim).await;
        self.pause().await;
        said
    }

    async fn expire(&self, now: Duration) -> Result<usize, RecordsError> {
        self.check()?;
        self.inner.expire(now).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct Seen {
    events: Mutex<Vec<Event>>,
    /// The last value and the greatest.
    waiting: Mutex<(usize, usize)>,
}

impl Seen {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    pub(crate) fn waiting(&self) -> (usize, usize) {
        *self.waiting.lock().unwrap()
    }
}

impl IdempotencyObserver for Seen {
    fn event(&self, event: Event) {
        self.events.lock().unwrap().push(event);
    }

    fn waiting(&self, now: usize) {
        let mut waiting = self.waiting.lock().unwrap();
        *waiting = (now, waiting.1.max(now));
    }
}

type Inner = MapRequest<Gate, fn(Asked) -> u32>;

/// One process: a layer over a gate.
pub(crate) struct Rig {
    pub(crate) service: Idempotency<Inner, Numbers>,
    pub(crate) handle: IdempotencyHandle,
    pub(crate) gate: Gate,
    pub(crate) seen: Arc<Seen>,
}

pub(crate) fn rig(settings: IdempotencySettings, records: Arc<Records>) -> Rig {
    rig_of(settings, records, 1)
}

/// All processes have one clock. Outside of a paused runtime it hardly moves.
pub(crate) fn rig_of(settings: IdempotencySettings, records: Arc<Records>, owner: u64) -> Rig {
    let origin = Instant::now();
    let since_epoch = Box::new(move || origin.elapsed());
    let (gate, seen) = (Gate::default(), Arc::new(Seen::default()));
    let process = Process { owner, since_epoch };
    let layer = IdempotencyLayer::shared(Numbers, records, settings, process, Arc::clone(&seen));
    let inner: Inner = gate.clone().map_request(|asked| asked.call);
    Rig { service: layer.layer(inner), handle: layer.handle(), gate, seen }
}

impl Rig {
    pub(crate) fn call(&self, asked: Asked) -> Hand<IdempotencyFuture<u32, String>> {
        Hand::new(self.service.clone().call(asked))
    }
}
