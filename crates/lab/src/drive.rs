//! The load of a local cell as a process of its own, so that what it costs to ask is not paid by who is asked.
//!
//! The plan comes as one line of JSON on standard input, which then stays open as the lifeline; what became of the load
//! goes as JSON to standard output, once. The orders, their times and the generator are those of the simulated world,
//! from the same seed; only the node differs.

use std::{io, net::SocketAddr, time::Duration};

use ::load::{Balance, DriveOptions, Driven, Duplicates, Load};
use evidence::facts::Asked;
use node::{Node, RealOptions};
use serde::{Deserialize, Serialize};

use crate::{
    experiment::Share,
    world::{CLIENTS, ask, targets_of},
};

/// What the generator is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DrivePlan {
    /// Where order-api listens, each replica by its name.
    pub(crate) entrances: Vec<(String, SocketAddr)>,
    /// How clients choose among them.
    pub(crate) balance: Balance,
    pub(crate) load: Load,
    pub(crate) high_priority_share: Option<f64>,
    pub(crate) client_timeout: Duration,
    pub(crate) seed: u64,
    /// When the load begins, on the timeline that all real nodes share.
    pub(crate) start: Duration,
    /// From when on, after the start of the load, which share of the requests is sent twice.
    pub(crate) duplicates: Vec<(Duration, f64)>,
}

/// What became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DriveReport {
    asked: Vec<Asked>,
    late_sends: u64,
    repeated: Vec<Asked>,
}

impl From<DriveReport> for Driven {
    fn from(report: DriveReport) -> Self {
        let DriveReport { asked, late_sends, repeated } = report;
        Self { asked, late_sends, repeated }
    }
}

/// Asks for orders as planned, and says what became of them as JSON.
///
/// Needs a tokio runtime with its time and network drivers enabled.
///
/// # Errors
/// When the load should have begun already: every order would be late.
///
/// # Cancel safety
/// Dropping the future forgets what was seen.
pub async fn drive(plan: DrivePlan) -> io::Result<String> {
    // A descriptor for each order under way; where not even the hard limit is enough, that was said before.
    let _as_many_as_there_are = node::raise_descriptors();
    let clients = Node::real(RealOptions {
        name: CLIENTS.to_owned(),
        peers: plan.entrances.iter().cloned().collect(),
        seed: plan.seed,
        ..RealOptions::default()
    });
    let early = plan
        .start
        .checked_sub(clients.elapsed())
        .ok_or_else(|| io::Error::other("the generator came too late: the load should have begun already"))?;
    clients.sleep(early).await;
    let duplicates = Duplicates::default();
    let change = async {
        let start = clients.now();
        for (at, share) in &plan.duplicates {
            clients.sleep((start + *at).saturating_duration_since(clients.now())).await;
            duplicates.set(*share);
        }
        std::future::pending::<()>().await;
    };
    let names = plan.entrances.iter().map(|(name, _)| name.clone());
    let options = DriveOptions {
        client_timeout: plan.client_timeout,
        duplicates: duplicates.clone(),
        targets: targets_of(names, plan.balance, clients.rng("balance")),
        ..DriveOptions::default()
    };
    let share = plan.high_priority_share.and_then(|share| Share::try_from(share).ok());
    let driven = tokio::select! {
        biased;
        () = change => unreachable!("it is pending after the last change"),
        driven = ask(&clients, &plan.load, share, &options) => driven,
    };
    let Driven { asked, late_sends, repeated } = driven;
    Ok(serde_json::to_string(&DriveReport { asked, late_sends, repeated }).expect("plain data"))
}

#[cfg(test)]
mod tests {
    use ::load::{Rate, Spacing, Span};

    use super::*;

    #[test]
    fn a_plan_crosses_to_the_other_process_as_one_line() {
        let rate = Rate::new(0.5).expect("a rate");
        let span = Span::new(Duration::from_millis(1_500)).expect("a span");
        let plan = DrivePlan {
            entrances: vec![("order-api".to_owned(), ([127, 0, 0, 1], 1).into())],
            balance: Balance::default(),
            load: Load::constant(rate, span, Spacing::Even).expect("a load"),
            high_priority_share: Some(0.05),
            client_timeout: Duration::from_secs(30),
            seed: 7,
            start: Duration::from_micros(1_700_000_000_000_001),
            duplicates: vec![(Duration::from_secs(1), 0.5)],
        };
        let line = serde_json::to_string(&plan).expect("plain data");
        assert!(!line.contains('\n'));
        let read: DrivePlan = serde_json::from_str(&line).expect("what was written");
        assert_eq!((read.load, read.start, read.duplicates), (plan.load, plan.start, plan.duplicates));
    }

    #[tokio::test(start_paused = true)]
    async fn a_generator_that_comes_too_late_says_so() {
        let plan = r#"{"entrances":[["order-api","127.0.0.1:1"]],"balance":"random","load":{"kind":"constant","rate_per_s":1,"duration":"1s"},
            "high_priority_share":null,"client_timeout":{"secs":1,"nanos":0},"seed":1,
            "start":{"secs":1,"nanos":0},"duplicates":[]}"#;
        let plan = serde_json::from_str(plan).expect("a plan");
        assert!(drive(plan).await.expect_err("1970").to_string().contains("too late"));
    }
}
