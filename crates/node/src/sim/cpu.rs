//! A host's processors: for each core, the instant at which it is free again.

use std::time::Duration;

use tokio::time::Instant;

use super::options::{HostOptions, TICK};

/// What a request costs its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Every request: accepting and parsing it, and refusing it if that is all.
    Arrival,
    /// What a request that is served costs on top.
    Service,
}

#[derive(Debug)]
pub(super) struct Cpu {
    free_at: Vec<Instant>,
    arrival: Duration,
    service: Duration,
}

impl Cpu {
    pub(super) fn new(options: &HostOptions, now: Instant) -> Self {
        Self {
            free_at: vec![now; options.cores.max(1)],
            arrival: options.refusal_cost,
            service: options.request_cost.saturating_sub(options.refusal_cost),
        }
    }

    /// Books the work on the core that is free first. Returns until when the work must wait, if that is
    /// far enough ahead for a timer: shorter delays pass at once, but the core stays booked, so that
    /// they add up and a busy host falls behind by exactly the work it was given.
    pub(super) fn book(&mut self, now: Instant, work: Work) -> Option<Instant> {
        let cost = match work {
            Work::Arrival => self.arrival,
            Work::Service => self.service,
        };
        let core = self.free_at.iter_mut().min().expect("a host has at least one core");
        let done = (*core).max(now) + cost;
        *core = done;
        (done >= now + TICK).then_some(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu(cores: usize, now: Instant) -> Cpu {
        let options = HostOptions {
            cores,
            refusal_cost: Duration::from_micros(400),
            request_cost: Duration::from_micros(900),
            ..HostOptions::default()
        };
        Cpu::new(&options, now)
    }

    #[test]
    fn an_idle_host_answers_at_once() {
        let now = Instant::now();
        assert_eq!(cpu(1, now).book(now, Work::Arrival), None);
    }

    #[test]
    fn work_beyond_the_cores_has_to_wait_for_exactly_what_is_booked() {
        let now = Instant::now();
        let mut cpu = cpu(2, now);
        let waits: Vec<_> = (0..6).map(|_| cpu.book(now, Work::Service)).collect();
        let third = Some(now + Duration::from_micros(1_500));
        assert_eq!(waits[4..], [third, third]);
    }

    #[test]
    fn a_core_that_was_idle_saves_nothing_up() {
        let now = Instant::now();
        let mut cpu = cpu(1, now);
        let later = now + Duration::from_secs(1);
        for _ in 0..2 {
            assert_eq!(cpu.book(later, Work::Arrival), None);
        }
        assert_eq!(cpu.book(later, Work::Arrival), Some(later + Duration::from_micros(1_200)));
    }
}
