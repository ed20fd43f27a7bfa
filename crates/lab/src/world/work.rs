//! What of a platform's gauges is work, so that every world comes to rest by the same rule.

use platform::design::Design;

/// Open connections.
const CONNECTIONS: &str = "connections";
/// Workers of order-processor, whether they have something to do or not.
const WORKERS: &str = "workers";

/// Tells what is in work or waits from what is merely there: open connections, and workers of which there are always as
/// many. Where they come and go with the backlog they are part of what a run is about: how many there are in the
/// calm after the load is watched for as long as a run may last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    workers_come_and_go: bool,
}

impl Work {
    /// Under this design.
    pub(crate) fn of(design: &Design) -> Self {
        let consumers = design.consumers.as_ref();
        Self { workers_come_and_go: consumers.is_some_and(|section| section.autoscale.is_some()) }
    }

    /// Whether a gauge that stands so high is work.
    pub(crate) fn is(self, gauge: &str, value: u64) -> bool {
        match gauge {
            CONNECTIONS => false,
            WORKERS => self.workers_come_and_go && value > 0,
            _ => value > 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::designs::resolve;

    #[test]
    fn workers_that_are_always_there_are_no_work_and_those_that_come_and_go_are_watched() {
        let composed = resolve("events-composed").expect("a design").design;
        let work = Work::of(&composed);
        assert!(!work.is(WORKERS, 33) && !work.is(CONNECTIONS, 9) && !work.is("backlog", 0));
        assert!(work.is("backlog", 1) && work.is("lag_orders_order-processor", 1));
        let mut scaled = composed;
        let consumers = scaled.consumers.as_mut().expect("it has them");
        let autoscale =
            serde_json::json!({"workers_min": 2, "backlog_per_worker": 1, "every": "1s", "cool_down": "10s"});
        consumers.autoscale = serde_json::from_value(autoscale).expect("a section");
        assert!(Work::of(&scaled).is(WORKERS, 2));
    }
}
