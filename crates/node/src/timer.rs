//! Waiting for a moment, more exactly than the runtime's own timers can.
//!
//! Tokio's wheel ticks in milliseconds and rounds up, which is fine for timeouts and too coarse for whoever has to
//! send 5,000 requests a second at their times. On Linux a real node waits with a timer of the kernel's
//! (`timerfd`), whose readiness wakes the task like any socket's: to within some ten microseconds, without a thread
//! and without spinning. Everywhere else, and in a simulated world, it is tokio's.

use std::time::Duration;

use tokio::time::Instant;

use crate::node::Node;

/// Waits for moments, one at a time.
#[derive(Debug)]
pub struct Timer {
    node: Node,
    #[cfg(target_os = "linux")]
    fine: Option<linux::Fine>,
}

impl Timer {
    /// A timer of `node`. Should the system have none to give, it is as coarse as the runtime's.
    #[must_use]
    pub fn new(node: &Node) -> Self {
        Self {
            #[cfg(target_os = "linux")]
            fine: if node.is_real() { linux::Fine::new().ok() } else { None },
            node: node.clone(),
        }
    }

    /// Waits until a moment; at once when it has passed.
    ///
    /// # Cancel safety
    /// Dropping the future waits no longer; the timer can be used again.
    pub async fn sleep_until(&mut self, at: Instant) {
        let left = at.saturating_duration_since(self.node.now());
        if left.is_zero() {
            return;
        }
        #[cfg(target_os = "linux")]
        if let Some(fine) = &mut self.fine
            && fine.sleep(left).await.is_ok()
        {
            return;
        }
        self.sleep(left).await;
    }

    async fn sleep(&self, left: Duration) {
        self.node.sleep(left).await;
    }
}

#[cfg(target_os = "linux")]
mod linux {
    //! The kernel's timer as a readable file.

    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    #[derive(Debug)]
    pub(super) struct Fine {
        file: AsyncFd<OwnedFd>,
    }

    impl Fine {
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let file = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            #[expect(deprecated, reason = "unsound for a file that others may close; this one is owned")]
            let file = AsyncFd::with_interest(file, Interest::READABLE)?;
            Ok(Self { file })
        }

        pub(super) async fn sleep(&mut self, left: Duration) -> io::Result<()> {
            let value = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
            // Setting it also forgets an expiry that nobody has waited for.
            timerfd_settime(&self.file, TimerfdTimerFlags::empty(), &once)?;
            loop {
                let mut ready = self.file.readable().await?;
                let mut count = [0; 8];
                match ready.try_io(|file| Ok(rustix::io::read(file, &mut count)?)) {
                    Ok(read) => return read.map(drop),
                    // Readiness from before: the read has cleared it.
                    Err(_would_block) => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Timer;
    use crate::{Node, RealOptions};

    #[tokio::test]
    async fn a_real_timer_waits_at_least_as_long_and_can_be_used_again() {
        let node = Node::real(RealOptions::default());
        let mut timer = Timer::new(&node);
        for wait_us in [300, 1_700, 1] {
            let at = node.now() + Duration::from_micros(wait_us);
            timer.sleep_until(at).await;
            assert!(node.now() >= at, "{wait_us} µs");
        }
        timer.sleep_until(node.now()).await;
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_does_not_shorten_the_next() {
        let node = Node::real(RealOptions::default());
        let mut timer = Timer::new(&node);
        // Whether this one is over before it is given up is up to the machine; its expiry lies there either way.
        let given_up = timer.sleep_until(node.now() + Duration::from_millis(1));
        let _either = tokio::time::timeout(Duration::ZERO, given_up).await;
        node.sleep(Duration::from_millis(3)).await;
        let at = node.now() + Duration::from_millis(5);
        timer.sleep_until(at).await;
        assert!(node.now() >= at);
    }
}
