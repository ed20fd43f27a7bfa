//! What the processes of the platform used: totals, maxima, and whether it grows.
//!
//! Growth is judged by two windows of the load that do not overlap: a minute after the warming up, in which pools fill
//! and allocators find their size, and the last minute. A leak of any size shows if the load lasts long enough; what
//! grows up to a bound and stays there does not, once the first window lies behind it.

use std::collections::BTreeMap;

use crate::facts::{Facts, ProcessUse};
use crate::record::ProcessRecord;
use crate::rounding;

/// How many seconds of the load are left out: pools fill, caches warm (a store's takes most of them at 500 orders/s).
const WARM_UP_S: usize = 120;
/// How many seconds each of the two windows has.
const WINDOW_S: usize = 60;

/// Every process in the record's words.
pub(crate) fn processes(facts: &Facts) -> BTreeMap<String, ProcessRecord> {
    let load_s = usize::try_from(facts.load_end_us / 1_000_000).unwrap_or(usize::MAX);
    facts.processes.iter().map(|(name, used)| (name.clone(), record(used, load_s))).collect()
}

fn record(used: &ProcessUse, load_s: usize) -> ProcessRecord {
    let seconds = |us: u64| rounding::seconds(us);
    let under_load = &used.cpu_us[..load_s.min(used.cpu_us.len())];
    let busy_us = under_load.iter().sum::<u64>();
    let cores = |s: usize| rounding::ratio(busy_us as f64 / 1e6 / s as f64);
    ProcessRecord {
        cpu_s: used.cpu_us.iter().copied().map(seconds).collect(),
        resident_bytes: used.resident_bytes.clone(),
        descriptors: used.descriptors.clone(),
        cpu_total_s: seconds(used.cpu_us.iter().sum()),
        cpu_cores: (!under_load.is_empty()).then(|| cores(under_load.len())),
        resident_bytes_max: used.resident_bytes.iter().copied().max().unwrap_or(0),
        descriptors_max: used.descriptors.iter().copied().max().unwrap_or(0),
        resident_growth: growth(&used.resident_bytes, load_s),
        descriptors_growth: growth(&used.descriptors, load_s),
    }
}

/// The mean of the last window ÷ the mean of the first; `None` when they do not fit into the load, or the process was
/// not there.
fn growth(per_second: &[u64], load_s: usize) -> Option<f64> {
    let under_load = &per_second[..load_s.min(per_second.len())];
    if under_load.len() < WARM_UP_S + 2 * WINDOW_S {
        return None;
    }
    let first: u64 = under_load[WARM_UP_S..WARM_UP_S + WINDOW_S].iter().sum();
    let last: u64 = under_load[under_load.len() - WINDOW_S..].iter().sum();
    (first > 0).then(|| rounding::ratio(last as f64 / first as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_compares_the_last_minute_with_the_first_after_warming_up() {
        let mut bytes = vec![1; 120];
        bytes.extend([100; 60]);
        bytes.extend([900; 60]);
        bytes.extend([110; 60]);
        // What comes after the load is no growth under load.
        bytes.extend([5_000; 10]);
        assert_eq!(growth(&bytes, 300), Some(1.1));
        assert_eq!(growth(&bytes, 239), None, "two minutes of warming up and two windows do not fit");
        assert_eq!(growth(&[0; 300], 300), None, "it was not there");
    }

    #[test]
    fn a_process_is_judged_by_what_it_used_under_load() {
        let used = ProcessUse {
            cpu_us: vec![500_000, 1_500_000, 250_000],
            resident_bytes: vec![10, 30, 20],
            descriptors: vec![7, 0, 9],
        };
        let facts =
            Facts { processes: [("a".to_owned(), used)].into(), load_end_us: 2_000_000, ..Facts::default() };
        let record = &processes(&facts)["a"];
        assert_eq!((record.cpu_total_s, record.cpu_cores), (2.25, Some(1.0)));
        assert_eq!((record.resident_bytes_max, record.descriptors_max), (30, 9));
        assert_eq!(record.cpu_s, [0.5, 1.5, 0.25]);
    }
}
