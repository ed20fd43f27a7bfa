//! A plan is walked at its times, and no further than its first error.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Mutex,
    time::Duration,
};

use chaos::{Action, ChaosError, Target, inject, named};
use node::{Node, RealOptions};
use tokio::time::Instant;

/// Writes down what is done to it, and refuses from the given action on.
#[derive(Debug)]
struct Notebook {
    began: Instant,
    done: Mutex<Vec<(u64, Action)>>,
    accepts: usize,
}

impl Notebook {
    fn new(accepts: usize) -> Self {
        Self { began: Instant::now(), done: Mutex::default(), accepts }
    }
}

impl Target for Notebook {
    async fn apply(&self, action: &Action) -> Result<(), ChaosError> {
        let mut done = self.done.lock().expect("no panic while it is held");
        if done.len() == self.accepts {
            return Err(ChaosError::Unsupported { action: action.to_string() });
        }
        done.push((self.began.elapsed().as_millis() as u64, action.clone()));
        Ok(())
    }
}

fn node() -> Node {
    Node::real(RealOptions {
        name: "lab".to_owned(),
        bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
        ..Default::default()
    })
}

#[tokio::test(start_paused = true)]
async fn each_step_is_applied_at_its_time() {
    let target = Notebook::new(2);
    inject(&node(), &named("blackout").expect("a named fault"), &target).await.expect("both are accepted");
    let payment = "payment-service".to_owned();
    assert_eq!(
        target.done.into_inner().expect("no panic"),
        [(5_000, Action::PowerOff { host: payment.clone() }), (10_000, Action::Restart { host: payment }),]
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_error_ends_the_walk() {
    let target = Notebook::new(1);
    let error = inject(&node(), &named("brownout").expect("a named fault"), &target).await.unwrap_err();
    assert_eq!(error.to_string(), "not possible in this world: payment as before");
    assert_eq!(target.began.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn no_fault_takes_no_time() {
    let target = Notebook::new(0);
    inject(&node(), &named("none").expect("a named fault"), &target).await.expect("nothing to refuse");
    assert_eq!(target.began.elapsed(), Duration::ZERO);
}
