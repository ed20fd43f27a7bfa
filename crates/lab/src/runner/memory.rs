//! How much memory a cell will take: an estimate to schedule by, wrong on the safe side.
//!
//! What takes memory is exchanges that are under way: tasks, buffers and connections at each hop. A design
//! that refuses nobody has as many as clients are patient; one that admits has as many as it admits. The
//! constants are chosen a third above what the release binary was measured to take: 850 MiB for 20 s of the
//! naive design at 1000 orders per second (estimated: 1230), 58 MiB for one that refuses (estimated: 93).

use std::num::NonZeroU32;

use load::Load;
use platform::design::{BackpressureStrategy, Design};

use crate::world::sim::CellPlan;

/// A cell that is estimated to take more is refused, on whatever machine: what can be run is the same everywhere.
pub(super) const CELL_MAX_MIB: u64 = 8 * 1024;

/// What a cell takes before anybody asks anything.
const BASE_MIB: f64 = 20.0;
/// What an order takes that is kept until the cell is judged: the log, the stores, the journal.
const KIB_PER_ORDER: f64 = 2.0;
/// What an order takes while it is under way.
const KIB_PER_EXCHANGE: f64 = 60.0;
/// How many exchanges there are beside those that were admitted: being refused takes a moment too.
const EXCHANGES_AT_THE_DOOR: f64 = 500.0;

/// The estimate, in MiB.
pub(crate) fn estimated_mib(plan: &CellPlan) -> u64 {
    let load = &plan.load.load;
    let orders = load.peak_per_s() * load.duration().get().as_secs_f64();
    (BASE_MIB + (orders * KIB_PER_ORDER + exchanges(plan) * KIB_PER_EXCHANGE) / 1024.0).ceil() as u64
}

/// How many exchanges there may be at once.
pub(crate) fn exchanges(plan: &CellPlan) -> f64 {
    let load = &plan.load.load;
    let orders = load.peak_per_s() * load.duration().get().as_secs_f64();
    let patient = match load {
        // A user has one order under way.
        Load::Users { users, .. } => f64::from(users.get()),
        _ => load.peak_per_s() * plan.load.client_timeout.as_secs_f64(),
    };
    orders.min(patient).min(exchanges_max(&plan.design))
}

fn exchanges_max(design: &Design) -> f64 {
    let admitted = design.admission.as_ref().and_then(|admission| admission.limit.in_flight_max());
    let admitted = admitted.map(NonZeroU32::get);
    let worked_on = design.backpressure.as_ref().and_then(|pool| {
        let paced = match pool.strategy {
            BackpressureStrategy::LeakyBucket { depth, .. } => depth.get(),
            _ => 0,
        };
        Some(pool.workers.get().saturating_add(pool.queue_max()?).saturating_add(paced))
    });
    let bound = admitted.into_iter().chain(worked_on).min().map_or(f64::INFINITY, f64::from);
    bound + EXCHANGES_AT_THE_DOOR
}

#[cfg(test)]
mod tests {
    use crate::{experiment::Experiment, runner::plans};

    use super::*;

    #[test]
    fn who_refuses_nobody_needs_much_more_than_who_does() {
        let mut experiment = Experiment::ladder();
        experiment.faults.truncate(1);
        let needs: Vec<_> = plans(&experiment, &[1]).iter().map(estimated_mib).collect();
        let [_, _, _, naive, _, _, _, admitting, ..] = needs[..] else { panic!("three designs, four rates") };
        assert!(naive > 5 * admitting, "{needs:?}");
    }
}
