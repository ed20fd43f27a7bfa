//! The way to the inner service: a call of it, begun at once where that is possible.
//!
//! `tower::util::Oneshot` clones the service first and begins at the first poll. A clone of a stack is a
//! clone of every layer in it, and next to what a layer itself does that is expensive. So the stored service
//! is asked whether it is ready; if so it is called then and there, and the readiness is used up before anybody
//! else can take it for theirs. If not, the service that was asked moves into the call, with the place in
//! whatever line it has joined, and a clone is stored in its stead.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;
use tower::Service;

pin_project! {
    /// A call of the inner service.
    #[project = CallProjection]
    pub(crate) enum Call<S, R>
    where
        S: Service<R>,
    {
        Running { #[pin] future: S::Future },
        Waiting { service: S, request: Option<R> },
        Failed { error: Option<S::Error> },
    }
}

impl<S, R> Call<S, R>
where
    S: Service<R> + Clone,
{
    /// Begins, unless `service` has to be waited for.
    pub(crate) fn begin(service: &mut S, request: R) -> Self {
        // Nobody needs to be woken: whoever holds a future polls it once in any case, and then with a waker.
        match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => Self::Running { future: service.call(request) },
            Poll::Pending => Self::Waiting { service: renew(service), request: Some(request) },
            Poll::Ready(Err(error)) => {
                // It must not be asked again.
                drop(renew(service));
                Self::Failed { error: Some(error) }
            }
        }
    }
}

/// Takes the service out and leaves a clone.
fn renew<S: Clone>(service: &mut S) -> S {
    let clone = service.clone();
    mem::replace(service, clone)
}

impl<S, R> Future for Call<S, R>
where
    S: Service<R>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.as_mut().project() {
                CallProjection::Running { future } => return future.poll(cx),
                CallProjection::Waiting { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    let future = service.call(request.take().expect("it begins once"));
                    self.set(Self::Running { future });
                }
                CallProjection::Failed { error } => {
                    return Poll::Ready(Err(error.take().expect("not polled after it was done")));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tower::limit::ConcurrencyLimit;
    use tower::{ServiceExt, service_fn};

    use super::*;

    fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Holds its place in a line while it waits: the hardest of `tower`'s own to clone rightly.
    #[test]
    fn a_place_in_line_is_taken_along_and_none_is_left_behind() {
        let echo = service_fn(|n: u32| async move {
            if n == 1 {
                std::future::pending::<()>().await
            }
            Ok::<_, ()>(n)
        });
        let mut service = ConcurrencyLimit::new(echo, 1);
        let mut first = Box::pin(Call::begin(&mut service, 1));
        assert!(poll(&mut first).is_pending());
        let mut second = Box::pin(Call::begin(&mut service, 2));
        let mut third = Box::pin(Call::begin(&mut service, 3));
        assert!(poll(&mut second).is_pending() && poll(&mut third).is_pending());
        drop(first);
        assert!(poll(&mut third).is_pending(), "the second's turn");
        assert_eq!(poll(&mut second), Poll::Ready(Ok(2)));
        drop(second);
        assert_eq!(poll(&mut third), Poll::Ready(Ok(3)));
        drop(third);
        let mut fourth = Box::pin(Call::begin(&mut service, 4));
        assert_eq!(poll(&mut fourth), Poll::Ready(Ok(4)), "nobody holds a permit");
    }

    /// Fails once it was cloned from the service it is.
    #[derive(Debug)]
    struct Broken {
        clones: Arc<AtomicU32>,
    }

    impl Clone for Broken {
        fn clone(&self) -> Self {
            self.clones.fetch_add(1, Ordering::Relaxed);
            Self { clones: Arc::clone(&self.clones) }
        }
    }

    impl Service<u32> for Broken {
        type Response = u32;
        type Error = &'static str;
        type Future = std::future::Ready<Result<u32, &'static str>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Err("broken"))
        }

        fn call(&mut self, _: u32) -> Self::Future {
            unreachable!("it never becomes ready")
        }
    }

    #[test]
    fn a_service_that_failed_is_replaced_and_its_error_comes_with_the_first_poll() {
        let clones = Arc::default();
        let mut service = Broken { clones: Arc::clone(&clones) };
        let mut call = Box::pin(Call::begin(&mut service, 1));
        assert_eq!((poll(&mut call), clones.load(Ordering::Relaxed)), (Poll::Ready(Err("broken")), 1));
    }

    #[test]
    fn a_service_that_is_ready_is_not_cloned() {
        let mut service =
            tower::util::BoxCloneService::new(service_fn(|n: u32| async move { Ok::<_, ()>(n) }));
        let mut call = Box::pin(Call::begin(&mut service, 1));
        assert_eq!(poll(&mut call), Poll::Ready(Ok(1)));
        let mut layered = service.map_response(|n| n + 1);
        let mut call = Box::pin(Call::begin(&mut layered, 1));
        assert_eq!(poll(&mut call), Poll::Ready(Ok(2)));
    }
}
