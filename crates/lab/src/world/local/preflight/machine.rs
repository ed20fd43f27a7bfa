//! What this machine has.

use std::{num::NonZeroUsize, ops::RangeInclusive, path::Path, thread};

/// What this machine has. `None` where the system does not tell, or does not limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    /// Descriptors that a process may have at most.
    pub(crate) descriptors_hard: Option<u64>,
    /// The ports from which the system takes one for each connection.
    pub(crate) ports: Option<RangeInclusive<u16>>,
    /// Processors.
    pub(crate) cores: usize,
    /// Memory that can be had without swapping.
    pub(crate) memory_available_mib: Option<u64>,
    /// What is free on the disk that a folder is on.
    pub(crate) disk_free_mib: Option<u64>,
}

impl Machine {
    /// This machine, with the disk on which this folder is or will be.
    pub(crate) fn of(folder: &Path) -> Self {
        Self {
            descriptors_hard: descriptors_hard(),
            ports: ports(),
            cores: thread::available_parallelism().map_or(1, NonZeroUsize::get),
            memory_available_mib: memory_available_mib(),
            disk_free_mib: nearest(folder).and_then(disk_free_mib),
        }
    }
}

/// The nearest folder above (or it itself) that is there; the empty path is where we are.
fn nearest(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| folder.as_os_str().is_empty() || folder.exists())
}

#[cfg(unix)]
fn descriptors_hard() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).maximum
}

#[cfg(not(unix))]
fn descriptors_hard() -> Option<u64> {
    None
}

#[cfg(target_os = "linux")]
fn ports() -> Option<RangeInclusive<u16>> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = text.split_whitespace().map(str::parse);
    Some(ends.next()?.ok()?..=ends.next()?.ok()?)
}

#[cfg(not(target_os = "linux"))]
fn ports() -> Option<RangeInclusive<u16>> {
    None
}

#[cfg(target_os = "linux")]
fn memory_available_mib() -> Option<u64> {
    use procfs::Current as _;
    Some(procfs::Meminfo::current().ok()?.mem_available? / 1024 / 1024)
}

#[cfg(not(target_os = "linux"))]
fn memory_available_mib() -> Option<u64> {
    None
}

#[cfg(unix)]
fn disk_free_mib(folder: &Path) -> Option<u64> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize) / 1024 / 1024)
}

#[cfg(not(unix))]
fn disk_free_mib(_folder: &Path) -> Option<u64> {
    None
}
