//! An inner service that ends when it is told to, an observer that remembers, and futures polled by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use resilience::{Observer, Reason};
use tower::{Layer, Service};

/// A service whose calls end when the test opens them. It counts what runs at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate {
    inner: Arc<Mutex<GateState>>,
}

#[derive(Debug, Default)]
struct GateState {
    unready: bool,
    running: usize,
    started: Vec<u32>,
    open: BTreeSet<u32>,
    wakers: BTreeMap<u32, Waker>,
}

impl Gate {
    pub(crate) fn running(&self) -> usize {
        self.inner.lock().unwrap().running
    }

    /// The calls that were begun, in order.
    pub(crate) fn started(&self) -> Vec<u32> {
        self.inner.lock().unwrap().started.clone()
    }

    /// Lets a call end.
    pub(crate) fn open(&self, call: u32) {
        let mut state = self.inner.lock().unwrap();
        state.open.insert(call);
        let waker = state.wakers.remove(&call);
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    /// From now on the service is not ready (or ready again); it wakes nobody, so poll again by hand.
    pub(crate) fn set_unready(&self, unready: bool) {
        self.inner.lock().unwrap().unready = unready;
    }
}

impl Service<u32> for Gate {
    type Response = u32;
    type Error = String;
    type Future = GateFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), String>> {
        if self.inner.lock().unwrap().unready { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn call(&mut self, call: u32) -> GateFuture {
        let mut state = self.inner.lock().unwrap();
        state.running += 1;
        state.started.push(call);
        drop(state);
        GateFuture { gate: self.clone(), call }
    }
}

#[derive(Debug)]
pub(crate) struct GateFuture {
    gate: Gate,
    call: u32,
}

impl Future for GateFuture {
    type Output = Result<u32, String>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.gate.inner.lock().unwrap();
        if state.open.contains(&self.call) {
            return Poll::Ready(Ok(self.call));
        }
        state.wakers.insert(self.call, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for GateFuture {
    fn drop(&mut self) {
        self.gate.inner.lock().unwrap().running -= 1;
    }
}

/// Remembers the last value, the maxima, and every refusal and wait.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    inner: Mutex<SeenState>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct SeenState {
    pub(crate) in_flight: usize,
    pub(crate) in_flight_max: usize,
    pub(crate) queue_depth: usize,
    pub(crate) queue_depth_max: usize,
    pub(crate) limits: Vec<usize>,
    pub(crate) refused: Vec<Reason>,
    pub(crate) waited: Vec<Duration>,
}

impl Seen {
    pub(crate) fn now(&self) -> SeenState {
        self.inner.lock().unwrap().clone()
    }
}

impl Observer for Seen {
    fn in_flight(&self, now: usize) {
        let mut state = self.inner.lock().unwrap();
        state.in_flight = now;
        state.in_flight_max = state.in_flight_max.max(now);
    }

    fn queue_depth(&self, now: usize) {
        let mut state = self.inner.lock().unwrap();
        state.queue_depth = now;
        state.queue_depth_max = state.queue_depth_max.max(now);
    }

    fn limit(&self, now: usize) {
        self.inner.lock().unwrap().limits.push(now);
    }

    fn refused(&self, reason: Reason) {
        self.inner.lock().unwrap().refused.push(reason);
    }

    fn waited(&self, wait: Duration) {
        self.inner.lock().unwrap().waited.push(wait);
    }
}

/// A future under manual control, which knows whether it was woken since it was last polled.
pub(crate) struct Hand<F: Future> {
    future: Pin<Box<F>>,
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl<F: Future> Hand<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future: Box::pin(future), woken: Arc::default() }
    }

    pub(crate) fn poll(&mut self) -> Poll<F::Output> {
        self.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self.woken));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::SeqCst)
    }
}

/// Work that, when it is dropped, notes what `read` says at that moment.
pub(crate) struct LastWords<F: Fn() -> usize> {
    pub(crate) read: F,
    pub(crate) noted: Arc<Mutex<Option<usize>>>,
}

impl<F: Fn() -> usize> Drop for LastWords<F> {
    fn drop(&mut self) {
        *self.noted.lock().unwrap() = Some((self.read)());
    }
}

/// A service whose calls never end, and whose work notes what `read` says when it is dropped.
#[derive(Clone)]
pub(crate) struct Endless<F> {
    read: F,
    noted: Arc<Mutex<Option<usize>>>,
}

/// The work of [`Endless`].
pub(crate) struct EndlessWork<F: Fn() -> usize> {
    _words: LastWords<F>,
}

impl<F: Fn() -> usize> Future for EndlessWork<F> {
    type Output = Result<u32, String>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Pending
    }
}

impl<F: Fn() -> usize + Clone> Service<u32> for Endless<F> {
    type Response = u32;
    type Error = String;
    type Future = EndlessWork<F>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), String>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: u32) -> EndlessWork<F> {
        EndlessWork { _words: LastWords { read: self.read.clone(), noted: Arc::clone(&self.noted) } }
    }
}

/// Begins a call, drops it, and says what `read` (how much is held) said while the work was dropped, and
/// says after that.
pub(crate) fn while_work_is_dropped_and_after<L, F>(layer: &L, read: F) -> (Option<usize>, usize)
where
    F: Fn() -> usize + Clone,
    L: Layer<Endless<F>>,
    L::Service: Service<u32>,
{
    let noted = Arc::default();
    let mut service = layer.layer(Endless { read: read.clone(), noted: Arc::clone(&noted) });
    let mut call = Hand::new(service.call(0));
    assert!(call.poll().is_pending());
    drop(call);
    let while_dropped = *noted.lock().unwrap();
    (while_dropped, read())
}

/// What a web framework asks of a service that it clones into its connections.
pub(crate) fn fits<S>(_: S)
where
    S: Service<u32> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
}
