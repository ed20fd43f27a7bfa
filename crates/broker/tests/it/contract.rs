//! The contract of a broker, over the embedded one.

use std::sync::Arc;

use broker::{Client, DEFAULT_PORT, Options};
use domain::contract::{BrokerUnderTest, Pace};
use node::sim::HostOptions;

use crate::support::{BROKER, in_a_world, real, real_client};

fn under_test(client: Client) -> BrokerUnderTest {
    let client = Arc::new(client);
    BrokerUnderTest { broker: Arc::clone(&client) as _, letters: client, prefix: "t".to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_on_tcp_and_a_real_disk() {
    let directory = tempfile::tempdir().expect("a directory");
    let broker = real(directory.path(), Options::default()).await;
    let port = broker.port;
    // One client for each test: what one of them sends, no other one waits for.
    let make = async || under_test(Client::new(&real_client(), "127.0.0.1", port));
    domain::contract::broker(make, Pace::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_when_no_message_is_kept_in_memory() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options { bytes_in_memory_max: 0, ..Options::default() };
    let broker = real(directory.path(), options).await;
    let client = Client::new(&real_client(), "127.0.0.1", broker.port);
    let one = under_test(client);
    domain::contract::broker(async || one.clone(), Pace::default()).await;
    assert_eq!(broker.watch.facts().bytes_in_memory, 0);
}

#[test]
fn holds_in_a_simulated_world() {
    for seed in 1..=3 {
        in_a_world(seed, HostOptions::default(), async |world| {
            world.start(Options::default()).await.expect("a new disk");
            let make = async || under_test(Client::new(&world.client, BROKER, DEFAULT_PORT));
            domain::contract::broker(make, Pace::default()).await;
        });
    }
}
