//! The callers, the service that they call, and how a call is timed.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;
use futures_util::future::join_all;
use tokio::runtime::Runtime;
use tokio::time::Instant;
use tower::{Service, ServiceExt};

/// The callers of [`crowd`].
const CALLERS: u32 = 64;

/// A number, and how it is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) number: u32,
    /// At the second poll and not at the first.
    pub(crate) later: bool,
}

/// Answers with the number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Echo;

impl Service<Request> for Echo {
    type Response = u32;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, Request { number, later }: Request) -> Answer {
        Answer { answer: ready(Ok(number)), later }
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    answer: Ready<Result<u32, Infallible>>,
    later: bool,
}

impl Future for Answer {
    type Output = Result<u32, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if std::mem::take(&mut self.later) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Pin::new(&mut self.answer).poll(cx)
    }
}

/// No layer at all.
pub(crate) const fn bare() -> Echo {
    Echo
}

fn one_thread() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime without I/O")
}

/// On the runtime, because some of the peers start their timers already when they are made.
fn made_on<S>(runtime: &Runtime, make: impl FnOnce() -> S) -> S {
    let _entered = runtime.enter();
    make()
}

async fn call<S>(service: &mut S, request: Request)
where
    S: Service<Request, Response = u32>,
    S::Error: Debug,
{
    let service = service.ready().await.expect("it becomes ready");
    let answer = service.call(black_box(request)).await.expect("nobody is refused");
    black_box(answer);
}

/// One caller, one call after the other.
pub(crate) fn alone<S>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, make: impl FnOnce() -> S)
where
    S: Service<Request, Response = u32>,
    S::Error: Debug,
{
    let runtime = one_thread();
    let mut service = made_on(&runtime, make);
    group.bench_function(format!("alone/{name}"), |bencher| {
        bencher.iter_custom(|calls| {
            runtime.block_on(async {
                let start = Instant::now();
                for number in 0..calls {
                    // Truncation only makes numbers come again.
                    let number = u32::try_from(number & 0xffff_ffff).unwrap_or_default();
                    call(&mut service, Request { number, later: false }).await;
                }
                start.elapsed()
            })
        });
    });
}

/// All callers at once, round after round.
pub(crate) fn crowd<S>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, make: impl FnOnce() -> S)
where
    S: Service<Request, Response = u32> + Clone,
    S::Error: Debug,
{
    let runtime = one_thread();
    let mut services = vec![made_on(&runtime, make); CALLERS as usize];
    let mut number = 0_u32;
    group.bench_function(format!("{CALLERS} callers/{name}"), |bencher| {
        bencher.iter_custom(|calls| {
            runtime.block_on(async {
                let rounds = calls.div_ceil(u64::from(CALLERS));
                let start = Instant::now();
                for _ in 0..rounds {
                    number = number.wrapping_add(1);
                    let calls = services.iter_mut().map(|s| call(s, Request { number, later: true }));
                    black_box(join_all(calls).await);
                }
                scale(start.elapsed(), calls, rounds * u64::from(CALLERS))
            })
        });
    });
}

/// What `made` calls took, for as many as were asked for.
fn scale(took: Duration, asked: u64, made: u64) -> Duration {
    let took_ns = took.as_nanos() * u128::from(asked) / u128::from(made);
    Duration::from_nanos(u64::try_from(took_ns).unwrap_or(u64::MAX))
}
