//! Whether this machine can do what is asked of it, found out before anything is started.
//!
//! Pure rules over what the machine has and what the cells are estimated to need. What cannot work is refused; what
//! works but will say something about the machine instead of the design is a warning, which also stands in the record.
//! Each says what is too few, by how much, and what to do. Where the system does not tell, nothing is said.

mod machine;
#[cfg(test)]
mod tests;

pub(crate) use machine::Machine;

use platform::{Hardship, design::Topology};

use crate::{runner::memory, world::sim::CellPlan};

/// What a process needs beside a descriptor for each exchange: listeners, files, the runtime's own.
const DESCRIPTORS_BASE: u64 = 64;
/// Processor time that it costs all processes together to ask for an order and to answer it, generator included, and …
/// Measured under v1.0.0 on two cores, and only for a warning: a cell's own record says what it was
/// (`processes.*.cpu_s`).
const CPU_PER_ORDER_S: f64 = 0.25e-3;
/// … what it costs on top when the order is served: 500 a second kept 0.8 cores busy, 152 among 1,000 a second 0.4.
const CPU_PER_PAYMENT_S: f64 = 1.3e-3;
/// … and on top of that when a broker carries it from one service to the next, each syncing what it takes on: 100 a second
/// under events-composed kept half a core busy.
const CPU_PER_CARRIED_S: f64 = 3.0e-3;
/// The share of the processors that may be busy before waiting for one shows in the latencies.
const CPU_SHARE_MAX: f64 = 0.7;
/// Disk that an order takes in all stores together until they are compacted, logs included: meant to be too much (1,200
/// orders were measured to take 1.3 MiB).
const DISK_KIB_PER_ORDER: f64 = 8.0;
/// Disk that is needed whatever the load.
const DISK_BASE_MIB: f64 = 64.0;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// What cannot work. Nothing is started.
    pub(crate) refusals: Vec<String>,
    /// What will distort the numbers.
    pub(crate) warnings: Vec<String>,
}

/// What one cell is estimated to need.
#[derive(Clone, Debug, PartialEq)]
struct Need {
    cell: String,
    /// Exchanges under way at once.
    exchanges: u64,
    orders: f64,
    /// Processors that are kept busy.
    cores: f64,
    memory_mib: u64,
}

impl Need {
    fn of(plan: &CellPlan, cell: String) -> Self {
        let load = &plan.load.load;
        let peak_per_s = load.peak_per_s();
        // Whatever is beyond what payment can do is refused or waits.
        let paid_per_s = peak_per_s.min(plan.design.capacity_per_s(&Hardship::default()));
        let carried_per_s = if plan.design.topology == Topology::Events { paid_per_s } else { 0.0 };
        Self {
            cell,
            exchanges: memory::exchanges(plan).ceil() as u64,
            orders: peak_per_s * load.duration().get().as_secs_f64(),
            cores: peak_per_s * CPU_PER_ORDER_S
                + paid_per_s * CPU_PER_PAYMENT_S
                + carried_per_s * CPU_PER_CARRIED_S,
            memory_mib: memory::estimated_mib(plan),
        }
    }
}

/// Holds every cell (a plan and its name) against the machine; of each shortage only the worst is told.
pub(crate) fn examine(cells: &[(&CellPlan, String)], machine: &Machine) -> Findings {
    let needs: Vec<_> = cells.iter().map(|(plan, name)| Need::of(plan, name.clone())).collect();
    judge(&needs, machine)
}

fn judge(needs: &[Need], machine: &Machine) -> Findings {
    let mut findings = Findings::default();
    let worst = |of: fn(&Need) -> f64| needs.iter().max_by(|a, b| of(a).total_cmp(&of(b)));
    if let Some(need) = worst(|need| need.exchanges as f64) {
        descriptors(need, machine, &mut findings);
        ports(need, machine, &mut findings);
    }
    if let Some(need) = worst(|need| need.cores) {
        cores(need, machine, &mut findings);
    }
    if let Some(need) = worst(|need| need.memory_mib as f64) {
        memory(need, machine, &mut findings);
    }
    if let Some(need) = worst(|need| need.orders) {
        disk(need, machine, &mut findings);
    }
    findings
}

fn descriptors(need: &Need, machine: &Machine, findings: &mut Findings) {
    let Some(may) = machine.descriptors_hard else { return };
    let driver = need.exchanges + DESCRIPTORS_BASE;
    let told = |consequence: &str| {
        format!(
            "descriptors: the load generator may need {driver} ({} orders under way in {}) and can have {may}: {} too \
             few. {consequence} Raise the hard limit (`ulimit -Hn`, limits.conf, LimitNOFILE=), or ask for a lower rate \
             or a shorter duration",
            need.exchanges,
            need.cell,
            driver.saturating_sub(may),
        )
    };
    if may < driver / 2 {
        findings.refusals.push(told("Less than half of the load could be sent."));
    } else if may < driver {
        findings.warnings.push(told("Orders beyond that wait to be sent, and count as slow."));
    }
    // A service has what a simulated host has; here it may be less.
    let simulated = node::sim::HostOptions::default().descriptors_max as u64;
    if may < simulated && may < 2 * need.exchanges + DESCRIPTORS_BASE {
        findings.warnings.push(format!(
            "descriptors: a service can have {may}, a simulated host has {simulated}: {} too few. Designs that take in \
             without bound stop sooner than simulated. Raise the hard limit (`ulimit -Hn`)",
            simulated - may
        ));
    }
}

fn ports(need: &Need, machine: &Machine, findings: &mut Findings) {
    let Some(range) = &machine.ports else { return };
    let there_are = u64::from(range.end() - range.start()) + 1;
    let told = |of: &str| {
        format!(
            "ports: {} may have {} connections to one address at once, and the system has {there_are} ports for them \
             ({} to {}){of}. Widen net.ipv4.ip_local_port_range, or ask for a lower rate or a shorter duration",
            need.cell,
            need.exchanges,
            range.start(),
            range.end()
        )
    };
    if need.exchanges > there_are {
        findings.refusals.push(told(&format!(": {} too few", need.exchanges - there_are)));
    } else if need.exchanges * 5 > there_are * 4 {
        findings.warnings.push(told(": more than four fifths, and closed ones keep theirs for a minute"));
    }
}

fn cores(need: &Need, machine: &Machine, findings: &mut Findings) {
    let wanted = need.cores;
    let can = machine.cores as f64 * CPU_SHARE_MAX;
    if wanted > can {
        findings.warnings.push(format!(
            "cores: {} keeps about {wanted:.1} of {} busy (all services and the load generator share them): {:.1} too \
             few. Latencies will tell of this machine and not of the design. Ask for a lower rate, or use a machine with \
             more cores",
            need.cell,
            machine.cores,
            wanted - can,
        ));
    }
}

fn memory(need: &Need, machine: &Machine, findings: &mut Findings) {
    let Some(there_are) = machine.memory_available_mib.filter(|there_are| *there_are < need.memory_mib)
    else {
        return;
    };
    findings.refusals.push(format!(
        "memory: {} may take {} MiB, and {there_are} MiB are available: {} MiB too few. Ask for a lower rate, a shorter \
         duration or a design that admits fewer at once",
        need.cell,
        need.memory_mib,
        need.memory_mib - there_are
    ));
}

fn disk(need: &Need, machine: &Machine, findings: &mut Findings) {
    let wanted = (DISK_BASE_MIB + need.orders * DISK_KIB_PER_ORDER / 1024.0).ceil() as u64;
    let Some(there_are) = machine.disk_free_mib.filter(|there_are| *there_are < wanted) else { return };
    findings.refusals.push(format!(
        "disk: {} may write {wanted} MiB, and {there_are} MiB are free where cells have their data: {} MiB too few. \
         Choose another folder with --out, or ask for less",
        need.cell,
        wanted - there_are
    ));
}
