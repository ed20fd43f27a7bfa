//! Whatever dies, is away, or comes twice: with everything switched on, what was accepted is done once.

use domain::broker::Broker as _;
use node::draw::uniform;
use node::named_rng;
use platform::ServiceKind::{NotificationService, OrderApi, OrderProcessor, PaymentService};

use super::support::{COMPOSED, Joined, NAIVE, joined};
use crate::support::sleep_ms;

const SEEDS: u64 = 8;

const ORDERS: usize = 60;

/// Places orders while one thing after the other goes wrong; returns those that were accepted.
async fn hard_times(joined: &Joined, seed: u64) -> Vec<String> {
    let mut rng = named_rng(seed, "hard times");
    let mut accepted = Vec::new();
    for n in 0..ORDERS {
        let id = format!("o-{n}");
        let placing = joined.platform.place_in_background(&id);
        sleep_ms(uniform(&mut rng, 0.0, 120.0) as u64).await;
        match uniform(&mut rng, 0.0, 12.0) as u32 {
            0 => joined.kill_and_restart(OrderProcessor).await,
            1 => joined.kill_and_restart(NotificationService).await,
            2 => joined.kill_and_restart(OrderApi).await,
            3 => joined.kill_and_restart(PaymentService).await,
            4 => {
                joined.broker.set_away(true);
                sleep_ms(uniform(&mut rng, 100.0, 8_000.0) as u64).await;
                joined.broker.set_away(false);
            }
            5 => {
                let again = joined.seen().await;
                joined.broker.publish(again).await.expect("it is there");
            }
            6 => joined.publish("orders", &format!("poison-{n}"), "garbage").await,
            _ => {}
        }
        if let Ok(Some(answer)) =
            tokio::time::timeout(std::time::Duration::from_secs(20), placing).await.map(Result::ok)
            && answer.status == 202
        {
            accepted.push(id);
        }
    }
    accepted
}

/// What became of accepted orders that should not have.
async fn violations(joined: &Joined, accepted: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for id in accepted {
        let order = joined.platform.get(&format!("/orders/{id}")).await.json;
        let state = order["state"].as_str().unwrap_or("gone");
        let charges = usize::from(state == "completed");
        let told = (joined.charges(id).await, joined.notices(id).await, order["notified"] == true);
        if !["completed", "declined", "failed"].contains(&state) || told != (charges, 1, true) {
            found.push(format!("{order}: {told:?}"));
        }
    }
    found
}

const PAYMENT: &str = "failure_rate = 0.1\ndecline_rate = 0.1\n";

#[test]
fn what_was_accepted_is_done_once_whatever_dies_is_away_or_comes_twice() {
    let mut total = 0;
    for seed in 0..SEEDS {
        total += joined(&format!("{PAYMENT}{COMPOSED}"), async |joined| {
            let accepted = hard_times(&joined, seed).await;
            joined.settle().await;
            assert_eq!(violations(&joined, &accepted).await, Vec::<String>::new(), "seed {seed}");
            let garbage =
                joined.letters().await.into_iter().filter(|letter| letter.message.payload == b"garbage");
            let reasons: Vec<_> = garbage.map(|letter| letter.reason).collect();
            assert!(
                reasons.iter().all(|reason| reason.starts_with("no event: ")),
                "seed {seed}: {reasons:?}"
            );
            accepted.len()
        });
    }
    assert!(total > SEEDS as usize * ORDERS / 2, "{total} were accepted at all");
}

#[test]
fn the_same_hard_times_lose_and_double_what_a_naive_platform_accepted() {
    let found = joined(&format!("{PAYMENT}{NAIVE}"), async |joined| {
        let accepted = hard_times(&joined, 0).await;
        joined.settle().await;
        violations(&joined, &accepted).await
    });
    assert!(found.len() > 3, "{found:?}");
    let doubled = found.iter().any(|order| order.contains("completed") && order.contains("(2, 2,"));
    let lost = found.iter().any(|order| order.contains("\"placed\""));
    assert!(doubled && lost, "{found:#?}");
}
