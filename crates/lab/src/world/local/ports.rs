//! Free ports for services that keep them through a restart.

use std::{
    net::{Ipv4Addr, TcpListener},
    ops::RangeInclusive,
    process,
};

use super::LocalError;

/// Below this are the well-known ones, and many that people use.
const FIRST: u16 = 12_000;
/// Up to where to look when the system does not tell which ports it gives to connections.
const LAST_DEFAULT: u16 = 32_767;
/// How many ports there are for one run before those of the next process begin: so that two that run at the same time
/// rarely meet.
const STRIDE: u32 = 64;

/// So many free ports of the loopback, outside of those from which the system takes one for each connection: there one
/// could be gone while its service is down.
pub(super) fn free(wanted: usize, connections: Option<RangeInclusive<u16>>) -> Result<Vec<u16>, LocalError> {
    let last = connections.map_or(LAST_DEFAULT, |range| range.start().saturating_sub(1)).max(FIRST + 1_000);
    let span = u32::from(last - FIRST) + 1;
    let first = process::id().wrapping_mul(STRIDE) % span;
    // Held until all are found, so that none is found twice.
    let mut held = Vec::new();
    for offset in 0..span {
        if held.len() == wanted {
            break;
        }
        let port = FIRST + u16::try_from((first + offset) % span).expect("it is within the range of ports");
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            held.push((port, listener));
        }
    }
    match held.len() == wanted {
        true => Ok(held.into_iter().map(|(port, _listener)| port).collect()),
        false => Err(LocalError::Ports { wanted }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_is_there_once_and_none_is_taken_for_connections() {
        let ports = free(6, Some(32_768..=60_999)).expect("free ports");
        assert!(ports.iter().all(|port| (FIRST..32_768).contains(port)), "{ports:?}");
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 6);
    }
}
