//! Everything that is wrong with a server, and is not the service's fault.

use std::time::Duration;

use adapters::nats::{Nats, NatsSettings, NatsUrl};
use domain::Effect;
use domain::broker::{Broker, BrokerError, Layout};

use super::{declared, fresh, message, remove, small, url};
use crate::services::{fresh_name, node};

fn open(url: &str, settings: NatsSettings) -> Nats {
    let url: NatsUrl = url.parse().expect("a URL");
    Nats::open(&node(), &url, &fresh_name("test"), settings).expect("a prefix")
}

fn is_unavailable_without_effect(error: &BrokerError) -> bool {
    matches!(error, BrokerError::Unavailable { effect: Effect::None, .. })
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_without_the_password() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = nobody.local_addr().expect("bound").port();
    drop(nobody);
    let broker = open(&format!("nats://me:sesame@127.0.0.1:{port}"), NatsSettings::default());
    for error in [
        broker.check().await.expect_err("it is not there"),
        broker.declare(&[Layout::new("orders", &[])]).await.expect_err("it is not there"),
        broker.publish(vec![message("e-1")]).await.expect_err("it is not there"),
        broker.lag("orders", "kitchen").await.expect_err("it is not there"),
    ] {
        assert!(is_unavailable_without_effect(&error) && error.is_retryable(), "{error}");
        let said = error.to_string();
        assert!(said.contains(&port.to_string()) && !said.contains("sesame"), "{said}");
    }
    assert!(!format!("{broker:?}").contains("sesame"));
}

#[tokio::test]
async fn a_host_that_never_answers_costs_a_timeout() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("bound").port();
    let settings = NatsSettings { connect_timeout: Duration::from_millis(200), ..NatsSettings::default() };
    let broker = open(&format!("nats://me:sesame@127.0.0.1:{port}"), settings);
    let error = broker.check().await.expect_err("it is silent");
    assert!(is_unavailable_without_effect(&error), "{error}");
    assert!(error.to_string().contains("reached") && !error.to_string().contains("sesame"), "{error}");
}

#[tokio::test]
async fn wrong_credentials_are_said_without_the_password() {
    let Some(url) = url() else { return };
    let broker = open(&url.expose().replace("failfirst:failfirst@", "failfirst:sesame@"), small());
    let error = broker.check().await.expect_err("it is refused");
    assert!(is_unavailable_without_effect(&error), "{error}");
    let said = error.to_string();
    assert!(said.contains("authorization violation") && !said.contains("sesame"), "{said}");
}

#[tokio::test]
async fn a_topic_that_is_full_refuses_and_loses_nothing() {
    let Some(url) = url() else { return };
    let prefix = fresh_name("test");
    let tiny = NatsSettings { topic_bytes_max: 64 << 10, ..small() };
    let broker = Nats::open(&node(), &url, &prefix, tiny).expect("a prefix");
    declared(&broker).await;
    let mut taken = 0;
    let refused = loop {
        let mut message = message(&format!("e-{taken}"));
        message.payload = vec![0; 8 << 10];
        match broker.publish(vec![message]).await {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 9, "8 KiB each, and 64 KiB is the bound");
    };
    assert!(is_unavailable_without_effect(&refused), "{refused}");
    assert!(refused.to_string().contains("maximum bytes exceeded"), "{refused}");
    let lag = broker.lag("orders", "kitchen").await.expect("the group is there");
    assert_eq!(lag.total(), taken, "what was taken is there");
    remove(&url, &prefix).await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_with_the_bound() {
    let Some(url) = url() else { return };
    let (broker, prefix) = fresh(&url);
    declared(&broker).await;
    let mut large = message("e-1");
    large.payload = vec![0; 1 << 20];
    let error = broker.publish(vec![message("e-0"), large]).await.expect_err("it is too large");
    assert!(matches!(error, BrokerError::TooLarge { bytes_max, .. } if bytes_max < 1 << 20), "{error}");
    let lag = broker.lag("orders", "kitchen").await.expect("the group is there");
    assert_eq!(lag.total(), 0, "and none of that call was published");
    remove(&url, &prefix).await;
}
