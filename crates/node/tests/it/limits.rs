//! Descriptors, accept backlogs and processors run out.

use std::time::Duration;

use node::sim::HostOptions;
use tokio::time::Instant;

use crate::support::{PORT, in_world, in_world_of, ms, node};

#[test]
fn without_descriptors_nothing_is_accepted_until_one_comes_free() {
    let two = HostOptions { descriptors_max: 2, ..HostOptions::default() };
    in_world_of(two, |world| async move {
        let (a, b) = (node(&world, "a"), node(&world, "b"));
        let mut listener = b.listen(PORT).await.expect("the first descriptor");
        let _first = a.connect("b", PORT).await.expect("b listens");
        let accepted = listener.accept().await;
        let _second = a.connect("b", PORT).await.expect("the backlog has room");
        assert!(tokio::time::timeout(ms(1_000), listener.accept()).await.is_err(), "no descriptor is left");
        drop(accepted);
        assert!(tokio::time::timeout(ms(1_000), listener.accept()).await.is_ok());
        assert_eq!(world.descriptors("b").expect("b exists").max(), 2);
    });
}

#[test]
fn connecting_waits_for_a_descriptor_and_fails_after_a_minute() {
    let one = HostOptions { descriptors_max: 1, ..HostOptions::default() };
    in_world_of(one, |world| async move {
        let (a, b) = (node(&world, "a"), node(&world, "b"));
        let mut listener = a.listen(PORT).await.expect("a has plenty");
        let held = b.connect("a", PORT).await.expect("the only descriptor");
        let began = Instant::now();
        let error = b.connect("a", PORT).await.expect_err("none comes free");
        assert_eq!((error.raw_os_error(), began.elapsed()), (Some(24), ms(60_000)));
        let waiting = b.spawn({
            let b = b.clone();
            async move { b.connect("a", PORT).await.is_ok() }
        });
        drop((held, listener.accept().await));
        assert_eq!(waiting.await, Ok(true));
    });
}

#[test]
fn a_call_without_a_descriptor_waits_for_a_pooled_connection() {
    let one = HostOptions { descriptors_max: 1, ..HostOptions::default() };
    in_world_of(one, |world| async move {
        assert_eq!(crate::http::two_calls_from_b_at_once(&world).await, [true, true]);
    });
}

#[test]
fn an_abandoned_attempt_gives_its_descriptor_back() {
    in_world(|world| async move {
        world.power_off("b").expect("b exists");
        let a = node(&world, "a");
        assert!(tokio::time::timeout(ms(50), a.connect("b", PORT)).await.is_err());
        assert_eq!(world.descriptors("a").expect("a exists").now(), 0);
    });
}

#[test]
fn an_attempt_that_finds_the_backlog_full_is_repeated() {
    let narrow = HostOptions { accept_backlog_max: 1, ..HostOptions::default() };
    in_world_of(narrow, |world| async move {
        let (a, b) = (node(&world, "a"), node(&world, "b"));
        let mut listener = b.listen(PORT).await.expect("free");
        let _first = a.connect("b", PORT).await.expect("fits");
        let began = Instant::now();
        let second = a.spawn({
            let a = a.clone();
            async move { a.connect("b", PORT).await.map(drop) }
        });
        tokio::time::sleep(ms(500)).await;
        let _accepted = listener.accept().await;
        second.await.expect("a lives").expect("the second attempt fits");
        assert_eq!(began.elapsed(), ms(1_002));
    });
}

#[test]
fn a_host_that_is_given_more_work_than_it_can_do_falls_behind() {
    let slow = HostOptions {
        cores: 1,
        refusal_cost: Duration::from_millis(2),
        request_cost: Duration::from_millis(10),
        ..HostOptions::default()
    };
    in_world_of(slow, |world| async move {
        let took = crate::http::time_of_ten_at_once(&world).await;
        assert!(took >= ms(100) && took < ms(115), "ten requests of 10 ms each on one core took {took:?}");
    });
}

#[test]
fn the_documentation_lists_exactly_what_is_not_modelled() {
    let page = include_str!("../../../../docs/simulation.md");
    let listed: Vec<&str> = page
        .split("## What is not modelled")
        .nth(1)
        .and_then(|section| section.split("The same list").next())
        .expect("the section is there")
        .lines()
        .filter_map(|line| line.strip_prefix("* "))
        .collect();
    assert_eq!(listed, node::sim::NOT_MODELLED);
}
