//! Each rule with a machine that just has enough, and one that has not.

use super::*;

fn need() -> Need {
    Need {
        cell: "v0.1.0 at 1000/s".to_owned(),
        exchanges: 20_000,
        orders: 20_000.0,
        cores: 0.6,
        memory_mib: 1_000,
    }
}

/// A machine that has what the cell needs, and not much more.
fn machine() -> Machine {
    Machine {
        descriptors_hard: Some(20_064),
        ports: Some(32_768..=60_999),
        cores: 2,
        memory_available_mib: Some(1_000),
        disk_free_mib: Some(221),
    }
}

fn found(need: Need, machine: Machine) -> (Vec<String>, Vec<String>) {
    let Findings { refusals, warnings } = judge(&[need], &machine);
    (refusals, warnings)
}

/// The only refusal, or the only warning.
fn only(found: Vec<String>) -> String {
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().expect("one")
}

#[test]
fn a_machine_with_enough_of_everything_is_fine() {
    assert_eq!(found(need(), machine()), (vec![], vec![]));
    let silent = Machine {
        descriptors_hard: None,
        ports: None,
        cores: 2,
        memory_available_mib: None,
        disk_free_mib: None,
    };
    assert_eq!(found(need(), silent), (vec![], vec![]), "where the system does not tell, nothing is said");
}

#[test]
fn too_few_descriptors_distort_and_far_too_few_are_refused() {
    let (refusals, warnings) = found(need(), Machine { descriptors_hard: Some(20_000), ..machine() });
    assert_eq!(refusals, [""; 0]);
    let said = only(warnings);
    assert!(
        said.starts_with("descriptors: the load generator may need 20064 (20000 orders under way in v0.1.0")
    );
    assert!(said.contains("can have 20000: 64 too few") && said.contains("ulimit -Hn"), "{said}");
    let (refusals, warnings) = found(need(), Machine { descriptors_hard: Some(1_024), ..machine() });
    assert!(only(refusals).contains("can have 1024: 19040 too few"));
    assert!(only(warnings).contains("a service can have 1024, a simulated host has 8192: 7168 too few"));
}

#[test]
fn connections_beyond_the_ports_are_refused() {
    let (refusals, _) = found(need(), Machine { ports: Some(40_000..=49_999), ..machine() });
    assert!(only(refusals).contains("has 10000 ports for them (40000 to 49999): 10000 too few"));
    let (_, warnings) = found(need(), Machine { ports: Some(40_000..=60_999), ..machine() });
    assert!(only(warnings).contains("more than four fifths"));
}

#[test]
fn busy_processors_are_a_warning() {
    let (refusals, warnings) = found(Need { cores: 3.0, ..need() }, machine());
    assert_eq!(refusals, [""; 0]);
    assert!(only(warnings).contains("keeps about 3.0 of 2 busy"));
}

#[test]
fn memory_and_disk_that_are_not_there_are_refused() {
    let (refusals, _) = found(need(), Machine { memory_available_mib: Some(900), ..machine() });
    assert!(only(refusals).contains("may take 1000 MiB, and 900 MiB are available: 100 MiB too few"));
    let (refusals, _) = found(need(), Machine { disk_free_mib: Some(100), ..machine() });
    assert!(only(refusals).contains("may write 221 MiB, and 100 MiB are free"));
}

#[test]
fn of_several_cells_the_worst_is_told() {
    let light = Need { cell: "light".to_owned(), exchanges: 10, ..need() };
    let findings = judge(&[light, need()], &Machine { descriptors_hard: Some(15_000), ..machine() });
    assert!(findings.warnings[0].contains("v0.1.0 at 1000/s"), "{findings:?}");
}

#[test]
fn this_machine_tells_of_itself() {
    let machine = Machine::of(std::path::Path::new("a/folder/that/is/not/there/yet"));
    assert!(machine.cores >= 1);
    if cfg!(target_os = "linux") {
        assert!(machine.ports.is_some() && machine.disk_free_mib.is_some(), "{machine:?}");
        assert!(machine.memory_available_mib.is_some_and(|there_are| there_are > 16), "{machine:?}");
    }
}
