//! What a process of this machine uses: processor time, memory, descriptors.
//!
//! Read from the system when somebody asks; nothing is sampled in the background. There is an answer on Linux
//! only, and none for a host of a simulated world: what simulated work costs is a price and no measurement.

use std::time::Duration;

/// What a process uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessUsage {
    /// Processor time spent so far, user and system together.
    pub cpu: Duration,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// Virtual memory in bytes.
    pub virtual_bytes: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// How many descriptors it may open; `None` without a limit.
    pub descriptors_max: Option<u64>,
    /// When it was started, since the Unix epoch.
    pub started: Duration,
}

impl ProcessUsage {
    /// What this process uses; `None` where the system does not tell.
    #[must_use]
    pub fn own() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// What another process uses; `None` when it is gone, not ours to look at, or where the system does not tell.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        read(pid)
    }
}

#[cfg(target_os = "linux")]
fn read(pid: u32) -> Option<ProcessUsage> {
    use procfs::process::{LimitValue, Process};

    let process = Process::new(i32::try_from(pid).ok()?).ok()?;
    let stat = process.stat().ok()?;
    let ticks_per_s = procfs::ticks_per_second();
    let ticks = |ticks: u64| Duration::from_secs_f64(ticks as f64 / ticks_per_s as f64);
    let limit = process.limits().ok()?.max_open_files.soft_limit;
    Some(ProcessUsage {
        cpu: ticks(stat.utime + stat.stime),
        resident_bytes: stat.rss * procfs::page_size(),
        virtual_bytes: stat.vsize,
        descriptors: process.fd_count().ok()? as u64,
        descriptors_max: match limit {
            LimitValue::Value(most) => Some(most),
            LimitValue::Unlimited => None,
        },
        started: Duration::from_secs(procfs::boot_time_secs().ok()?) + ticks(stat.starttime),
    })
}

#[cfg(not(target_os = "linux"))]
fn read(_pid: u32) -> Option<ProcessUsage> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let usage = ProcessUsage::own().expect("Linux tells");
        assert!(usage.resident_bytes > 100_000 && usage.virtual_bytes >= usage.resident_bytes, "{usage:?}");
        assert!(usage.descriptors >= 3, "{usage:?}");
        let year_2020 = Duration::from_secs(1_577_836_800);
        assert!(usage.started > year_2020, "{usage:?}");
    }

    #[test]
    fn who_is_not_there_uses_nothing() {
        assert_eq!(ProcessUsage::of(u32::MAX), None);
    }
}
