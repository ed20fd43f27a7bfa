//! What the rules look at: numbers derived from one cell, each defined once.

use evidence::piece_s;
use evidence::record::Cell;

use crate::format;

/// One cell, as the rules read it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    /// The cell itself.
    pub(crate) cell: &'a Cell,
    /// The same design under the same load without any fault: what the fault is compared with.
    pub(crate) control: Option<&'a Cell>,
}

/// A bounded gauge as it stood when the run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places<'a> {
    /// The service.
    pub(crate) service: &'a str,
    /// The gauge: `in_flight`, `running`, …
    pub(crate) gauge: &'a str,
    /// How much of the bound was still taken; at least 1.
    pub(crate) held: u64,
    /// Its bound.
    pub(crate) bound: u64,
}

/// Where a service's connections stopped growing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ceiling<'a> {
    /// The service.
    pub(crate) service: &'a str,
    /// The most connections it had at once.
    pub(crate) most: u64,
    /// Whether that is a bound the record declares. Otherwise a plateau was seen, and its cause is not known.
    pub(crate) declared: bool,
}

impl<'a> Reading<'a> {
    /// Goodput as a share of what was possible; 0 ÷ 0 counts as all of it.
    pub(crate) fn goodput(&self) -> f64 {
        self.cell.goodput_ratio.unwrap_or(1.0)
    }

    /// Successes as a share of all that was asked for.
    pub(crate) fn success(&self) -> f64 {
        format::share(self.cell.succeeded, self.cell.offered).unwrap_or(1.0)
    }

    /// Refusals as a share of all that was asked for.
    pub(crate) fn refused(&self) -> f64 {
        format::share(self.cell.rejected, self.cell.offered).unwrap_or(0.0)
    }

    /// Clients that gave up waiting, as a share of all.
    pub(crate) fn gave_up(&self) -> f64 {
        format::share(self.cell.timed_out, self.cell.offered).unwrap_or(0.0)
    }

    /// Whether the load asks for more than undisturbed payment can do.
    pub(crate) fn overloaded(&self) -> bool {
        format::load_peak_per_s(&self.cell.load).is_some_and(|peak| peak > self.cell.capacity_per_s)
    }

    /// Throughput ÷ what was possible over the load: near 1 means that payment was kept busy with orders that
    /// were answered with success, in time or not.
    pub(crate) fn busy(&self) -> f64 {
        let possible = self.possible_per_s();
        if possible > 0.0 { self.cell.throughput_per_s / possible } else { 1.0 }
    }

    /// What was possible over the load's seconds, in orders per second: min(offered, capacity) of each, or of as many
    /// together as [`piece_s`] says.
    #[expect(clippy::cast_precision_loss, reason = "orders per second stay far below 2^52")]
    fn possible_per_s(&self) -> f64 {
        let series = &self.cell.series;
        let bins: Vec<(f64, f64)> = series
            .offered
            .iter()
            .zip(&series.capacity)
            .take(self.load_bins())
            .map(|(offered, capacity)| (*offered as f64, *capacity))
            .collect();
        if bins.is_empty() {
            let capacity = self.cell.capacity_per_s;
            return format::load_peak_per_s(&self.cell.load).map_or(capacity, |peak| peak.min(capacity));
        }
        let possible = |piece: &[(f64, f64)]| {
            let sum = |of: fn(&(f64, f64)) -> f64| piece.iter().map(of).sum::<f64>();
            sum(|bin| bin.0).min(sum(|bin| bin.1))
        };
        let alike = bins.chunk_by(|one, other| one.1 == other.1);
        alike.flat_map(pieces).map(possible).sum::<f64>()
            / (bins.len() as f64 * f64::from(series.bin_s.max(1)))
    }

    /// How many bins of the series the load covers.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a run")]
    pub(crate) fn load_bins(&self) -> usize {
        let bins = format::load_duration_s(&self.cell.load) / f64::from(self.cell.series.bin_s.max(1));
        bins.ceil().max(0.0) as usize
    }

    /// The slowest 99th percentile of refusals over the phases, in ms.
    pub(crate) fn refusal_p99_ms(&self) -> Option<f64> {
        self.cell.phases.values().filter_map(|phase| phase.refusal_latency_ms.p99).max_by(f64::total_cmp)
    }

    /// The most payments that ever waited for a slot inside payment; `None` when no service has such a gauge.
    pub(crate) fn waiting_max(&self) -> Option<(&'a str, u64)> {
        let waiting = |(name, service): (&'a String, &'a evidence::record::ServiceRecord)| {
            service.max.get("waiting_max").map(|most| (name.as_str(), *most))
        };
        self.cell.services.iter().filter_map(waiting).max_by_key(|(_, most)| *most)
    }

    /// How many of the ledger's exceeded bounds are gauges that nobody reported.
    pub(crate) fn bounds_unreported(&self) -> u64 {
        let unreported = self.cell.services.values().flat_map(|service| {
            service.bounds.keys().filter(|gauge| !service.max.contains_key(&format!("{gauge}_max")))
        });
        self.cell.ledger.bounds_exceeded.min(unreported.count() as u64)
    }

    /// The bounded gauges that were not back at nothing at the end of the run, after its quiet period.
    pub(crate) fn places_held(&self) -> Vec<Places<'a>> {
        let mut found = Vec::new();
        for (service, record) in &self.cell.services {
            let Some(gauges) = self.cell.series.services.get(service) else { continue };
            // Workers are there whether they have something to do or not.
            for (gauge, &bound) in record.bounds.iter().filter(|(gauge, _)| *gauge != "workers") {
                let held = gauges.get(gauge).and_then(|bins| bins.last()).copied().unwrap_or(0);
                if bound > 0 && held > 0 {
                    found.push(Places { service, gauge, held, bound });
                }
            }
        }
        found
    }

    /// The number of connections at which the entry service stopped taking more, if it did: either its declared
    /// bound, or a plateau of at least three seconds under overload that no design bound explains.
    pub(crate) fn connections_stop_at(&self) -> Option<Ceiling<'a>> {
        const PLATEAU_BINS: usize = 3;
        const MANY: u64 = 1_000;
        let (name, service) = self.cell.services.get_key_value(evidence::ENTRY_SERVICE)?;
        let most = *service.max.get("connections_max")?;
        let ceiling = |declared| Ceiling { service: name, most, declared };
        // 2 % below the bound is exhaustion too: a few descriptors always serve something else.
        if let Some(bound) = service.bounds.get("connections") {
            return (most * 50 >= bound * 49).then(|| ceiling(true));
        }
        let near = self.cell.series.connections.iter().take(self.load_bins());
        let plateau = near.filter(|bin| **bin * 100 >= most * 99).count();
        let unbounded = !service.bounds.contains_key("in_flight");
        (unbounded && self.overloaded() && most >= MANY && plateau >= PLATEAU_BINS).then(|| ceiling(false))
    }
}

/// Bins under one capacity, by pieces as [`piece_s`] says, which hold ten orders; what would be left over goes with the last.
fn pieces(alike: &[(f64, f64)]) -> impl Iterator<Item = &[(f64, f64)]> {
    let bins = usize::try_from(piece_s(alike[0].1)).unwrap_or(usize::MAX);
    let last = (alike.len() / bins).max(1) - 1;
    (0..=last).map(move |piece| {
        let rest = &alike[piece * bins..];
        if piece == last { rest } else { &rest[..bins] }
    })
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn what_is_left_over_of_a_piece_goes_with_the_last() {
        let lengths = |bins: usize, capacity: f64| {
            let alike = vec![(1.0, capacity); bins];
            pieces(&alike).map(<[_]>::len).collect::<Vec<_>>()
        };
        assert_eq!(lengths(33, 0.65), [16, 17]);
        assert_eq!(lengths(5, 0.65), [5]);
        assert_eq!(lengths(3, 152.0), [1, 1, 1]);
        assert_eq!(lengths(2, 0.0), [1, 1]);
    }
}
