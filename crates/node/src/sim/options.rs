//! What a simulated world is made of.

use std::time::Duration;

use thiserror::Error;

use crate::draw;
use crate::rng::Rng;

/// The tick of the simulated clock: no delay is shorter, and every delay is a multiple.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Hosts and the links between them.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    hosts: Vec<(String, HostOptions)>,
    latency: Latency,
}

impl Topology {
    /// No hosts yet; every link has this latency until it is set otherwise.
    #[must_use]
    pub fn new(latency: Latency) -> Self {
        Self { hosts: Vec::new(), latency }
    }

    /// Adds a host.
    #[must_use]
    pub fn host(mut self, name: &str, options: HostOptions) -> Self {
        self.hosts.push((name.to_owned(), options));
        self
    }

    pub(super) fn into_parts(self) -> (Vec<(String, HostOptions)>, Latency) {
        (self.hosts, self.latency)
    }
}

/// What a host can do.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// Processor cores. Default 2.
    pub cores: usize,
    /// Processor time of a request that is refused at the door. Default 16 µs, measured (see `docs/simulation.md`).
    pub refusal_cost: Duration,
    /// Processor time of a request that is served. Default 50 µs, measured (see `docs/simulation.md`).
    pub request_cost: Duration,
    /// Open sockets that the process may have. Default 8,192.
    pub descriptors_max: usize,
    /// Connections that may wait to be accepted, per listener. Default 1,024, tokio's own.
    pub accept_backlog_max: usize,
    /// How long making data durable takes. Default 1 ms, the clock's tick: a real one takes a fifth of that or more.
    pub sync_latency: Duration,
    /// A disk that says so too early: after a loss of power nothing is certain. To test who is to notice. Default false.
    pub lies_about_syncs: bool,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            cores: 2,
            refusal_cost: Duration::from_micros(16),
            request_cost: Duration::from_micros(50),
            descriptors_max: 8_192,
            accept_backlog_max: 1_024,
            sync_latency: TICK,
            lies_about_syncs: false,
        }
    }
}

impl HostOptions {
    /// A host that stands for many machines, such as all clients together: it lacks nothing.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            cores: 1,
            refusal_cost: Duration::ZERO,
            request_cost: Duration::ZERO,
            descriptors_max: usize::MAX,
            accept_backlog_max: usize::MAX,
            ..Self::default()
        }
    }
}

/// How long a segment is under way in one direction of a link. Rounded up to whole milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    law: Law,
}

#[derive(Clone, Copy, Debug)]
enum Law {
    Constant(Duration),
    Uniform { min_ms: f64, max_ms: f64 },
    LogNormal { median_ms: f64, sigma: f64, max_ms: f64 },
}

/// A latency distribution that cannot be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct BadLatency(&'static str);

impl Default for Latency {
    /// 1 ms.
    fn default() -> Self {
        Self::constant(TICK)
    }
}

impl Latency {
    /// Always the same.
    #[must_use]
    pub const fn constant(delay: Duration) -> Self {
        Self { law: Law::Constant(delay) }
    }

    /// Equally likely between two bounds.
    ///
    /// # Errors
    /// When the bounds are not in order.
    pub fn uniform(min: Duration, max: Duration) -> Result<Self, BadLatency> {
        if min > max {
            return Err(BadLatency("the least latency must not be above the greatest"));
        }
        Ok(Self { law: Law::Uniform { min_ms: millis(min), max_ms: millis(max) } })
    }

    /// Log-normal by its median and the spread `sigma` of the logarithm, cut off at `max`.
    ///
    /// # Errors
    /// When the median is zero or `sigma` is negative or not finite.
    pub fn log_normal(median: Duration, sigma: f64, max: Duration) -> Result<Self, BadLatency> {
        if median.is_zero() {
            return Err(BadLatency("the median latency must be above zero"));
        }
        if !sigma.is_finite() || sigma < 0.0 {
            return Err(BadLatency("sigma must be a number from 0 up"));
        }
        Ok(Self { law: Law::LogNormal { median_ms: millis(median), sigma, max_ms: millis(max) } })
    }

    /// One delay, in whole ticks.
    pub(super) fn sample(&self, rng: &mut Rng) -> Duration {
        let ms = match &self.law {
            Law::Constant(delay) => return whole_ticks(*delay),
            Law::Uniform { min_ms, max_ms } => draw::uniform(rng, *min_ms, *max_ms),
            Law::LogNormal { median_ms, sigma, max_ms } => {
                draw::log_normal(rng, *median_ms, *sigma).min(*max_ms)
            }
        };
        whole_ticks(Duration::from_secs_f64(ms / 1_000.0))
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// Rounds up to whole ticks, at least one.
pub(crate) fn whole_ticks(delay: Duration) -> Duration {
    let ticks = delay.as_nanos().div_ceil(TICK.as_nanos()).max(1);
    TICK * u32::try_from(ticks).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::named_rng;
    use proptest::prelude::*;

    #[test]
    fn no_link_is_faster_than_a_tick() {
        let mut rng = named_rng(1, "latency");
        assert_eq!(Latency::constant(Duration::ZERO).sample(&mut rng), TICK);
    }

    #[test]
    fn bounds_out_of_order_are_refused() {
        assert!(Latency::uniform(TICK * 2, TICK).is_err());
        assert!(Latency::log_normal(Duration::ZERO, 0.5, TICK).is_err());
        assert!(Latency::log_normal(TICK, f64::NAN, TICK).is_err());
    }

    proptest! {
        #[test]
        fn every_delay_is_in_whole_ticks_within_its_bounds(min_us in 0u64..5_000, more_us in 0u64..5_000, seed: u64) {
            let (min, max) = (Duration::from_micros(min_us), Duration::from_micros(min_us + more_us));
            let delay = Latency::uniform(min, max).expect("in order").sample(&mut named_rng(seed, "latency"));
            prop_assert!(delay >= whole_ticks(min) && delay <= whole_ticks(max));
            prop_assert_eq!(delay.as_nanos() % TICK.as_nanos(), 0);
        }

        #[test]
        fn a_long_tail_is_cut_off(seed: u64) {
            let law = Latency::log_normal(TICK * 3, 2.0, TICK * 50).expect("valid");
            prop_assert!(law.sample(&mut named_rng(seed, "latency")) <= TICK * 50);
        }
    }
}
