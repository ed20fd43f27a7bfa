//! Every fault moves something, and moves it the way TCP would.

use std::io::ErrorKind;

use tokio::time::Instant;

use crate::support::{PORT, connected, expect, in_world, ms, node, read_within, send};

#[test]
fn what_a_partition_stalls_goes_on_at_the_next_retransmission() {
    in_world(|world| async move {
        let (mut a, mut b) = connected(&world).await;
        world.partition("a", "b").expect("both exist");
        let cut = Instant::now();
        send(&mut a, b"first ").await;
        tokio::time::sleep(ms(900)).await;
        send(&mut a, b"second").await;
        tokio::time::sleep(ms(100)).await;
        world.heal("a", "b").expect("both exist");
        expect(&mut b, b"first second").await;
        // Retransmissions are due after 200, 600, 1400 ms: the first after the healing at 1000 is the third.
        assert_eq!(cut.elapsed(), ms(1_401));
    });
}

#[test]
fn bytes_in_flight_when_the_link_is_cut_are_lost_and_repeated() {
    in_world(|world| async move {
        let (mut a, mut b) = connected(&world).await;
        send(&mut a, b"half way").await;
        world.cut("a", "b").expect("both exist");
        assert!(read_within(&mut b, ms(50)).await.is_none());
        world.open("a", "b").expect("both exist");
        expect(&mut b, b"half way").await;
    });
}

#[test]
fn a_one_way_cut_leaves_the_other_direction_alone() {
    in_world(|world| async move {
        let (mut a, mut b) = connected(&world).await;
        world.cut("a", "b").expect("both exist");
        send(&mut b, b"this way works").await;
        expect(&mut a, b"this way works").await;
        send(&mut a, b"this way does not").await;
        assert!(read_within(&mut b, ms(60_000)).await.is_none());
    });
}

#[test]
fn a_held_link_hands_everything_on_when_it_is_released() {
    in_world(|world| async move {
        let (mut a, mut b) = connected(&world).await;
        world.hold("a", "b").expect("both exist");
        send(&mut a, b"kept").await;
        assert!(read_within(&mut b, ms(5_000)).await.is_none());
        world.open("a", "b").expect("both exist");
        let released = Instant::now();
        expect(&mut b, b"kept").await;
        assert_eq!(released.elapsed(), ms(1), "no back-off after a hold");
    });
}

#[test]
fn a_connection_attempt_is_held_like_anything_else() {
    in_world(|world| async move {
        let (a, mut listener) = (node(&world, "a"), node(&world, "b").listen(PORT).await.expect("free"));
        for (from, to) in [("a", "b"), ("b", "a")] {
            world.hold(from, to).expect("both exist");
            let connecting = a.spawn({
                let a = a.clone();
                async move { a.connect("b", PORT).await.is_ok() }
            });
            tokio::time::sleep(ms(1_500)).await;
            world.open(from, to).expect("both exist");
            let released = Instant::now();
            assert_eq!(connecting.await, Ok(true));
            assert!(released.elapsed() <= ms(2), "held on the way from {from} to {to}");
            drop(listener.accept().await);
        }
    });
}

#[test]
fn what_a_closed_stream_could_not_deliver_is_gone_with_the_power() {
    in_world(|world| async move {
        let (mut a, mut b) = connected(&world).await;
        world.partition("a", "b").expect("both exist");
        send(&mut a, b"never delivered").await;
        drop(a);
        world.power_off("a").expect("a exists");
        world.heal("a", "b").expect("both exist");
        assert!(read_within(&mut b, ms(60_000)).await.is_none());
    });
}

#[test]
fn a_reset_that_is_under_way_when_the_link_is_cut_is_lost() {
    in_world(|world| async move {
        let (mut a, _b) = connected(&world).await;
        world.kill("b").expect("b exists");
        world.partition("a", "b").expect("both exist");
        assert!(read_within(&mut a, ms(10_000)).await.is_none());
    });
}

#[test]
fn a_killed_process_resets_its_peers_and_refuses_new_ones() {
    in_world(|world| async move {
        let (mut a, _b) = connected(&world).await;
        world.kill("b").expect("b exists");
        let told = read_within(&mut a, ms(10)).await.expect("a is told at once");
        assert_eq!(told.expect_err("by a reset").kind(), ErrorKind::ConnectionReset);
        let refused = node(&world, "a").connect("b", PORT).await.expect_err("nobody listens");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_silent_power_off_leaves_a_waiting_peer_waiting_for_ever() {
    in_world(|world| async move {
        let (mut a, mut b) = connected(&world).await;
        send(&mut a, b"request").await;
        expect(&mut b, b"request").await;
        world.power_off("b").expect("b exists");
        assert!(read_within(&mut a, ms(60_000)).await.is_none());
        world.restart("b").expect("b exists");
        assert!(read_within(&mut a, ms(3_600_000)).await.is_none(), "nobody tells a peer that only waits");
    });
}

#[test]
fn a_peer_that_sends_during_a_power_cut_is_reset_once_the_host_is_back() {
    in_world(|world| async move {
        let (mut a, _b) = connected(&world).await;
        world.power_off("b").expect("b exists");
        send(&mut a, b"into the dark").await;
        let sent = Instant::now();
        assert!(read_within(&mut a, ms(5_000)).await.is_none());
        world.restart("b").expect("b exists");
        let told = read_within(&mut a, ms(10_000)).await.expect("told when the retransmission arrives");
        assert_eq!(told.expect_err("by a reset").kind(), ErrorKind::ConnectionReset);
        assert_eq!(sent.elapsed(), ms(6_202), "the retransmission after 6.2 s, and a round trip");
    });
}

#[test]
fn connecting_to_a_host_without_power_succeeds_when_it_is_back() {
    in_world(|world| async move {
        world.power_off("b").expect("b exists");
        let a = node(&world, "a");
        let began = Instant::now();
        let connecting = a.spawn({
            let a = a.clone();
            async move { a.connect("b", PORT).await.map(drop) }
        });
        tokio::time::sleep(ms(2_500)).await;
        world.restart("b").expect("b exists");
        let _listener = node(&world, "b").listen(PORT).await.expect("a fresh process has no listeners");
        connecting.await.expect("a lives").expect("b is back");
        assert_eq!(began.elapsed(), ms(3_002), "attempts go out after 0, 1 and 3 s");
    });
}

#[test]
fn a_connection_attempt_that_nobody_answers_gives_up_after_two_minutes() {
    in_world(|world| async move {
        world.partition("a", "b").expect("both exist");
        let began = Instant::now();
        let error = node(&world, "a").connect("b", PORT).await.expect_err("cut off");
        assert_eq!((error.kind(), began.elapsed()), (ErrorKind::TimedOut, ms(127_000)));
    });
}

#[test]
fn tasks_end_with_their_host_and_a_fresh_process_starts_empty() {
    in_world(|world| async move {
        let b = node(&world, "b");
        let beats = node::Gauge::new();
        let counted = beats.clone();
        let beating = b.spawn(async move {
            for beat in 1.. {
                tokio::time::sleep(ms(10)).await;
                counted.set(beat);
            }
        });
        tokio::time::sleep(ms(35)).await;
        world.kill("b").expect("b exists");
        assert_eq!(beating.await, Err(node::Stopped));
        assert_eq!(b.spawn(async {}).await, Err(node::Stopped), "nothing runs on a dead host");
        tokio::time::sleep(ms(100)).await;
        assert_eq!(beats.now(), 3, "no task outlives its host");
        world.restart("b").expect("b exists");
        assert_eq!(b.spawn(async { 7 }).await, Ok(7));
        assert!(world.is_running("b").expect("b exists"));
    });
}

#[test]
fn a_held_link_keeps_a_reset_back_too() {
    in_world(|world| async move {
        let (mut a, _b) = connected(&world).await;
        world.hold("b", "a").expect("both exist");
        world.kill("b").expect("b exists");
        assert!(read_within(&mut a, ms(5_000)).await.is_none());
        world.open("b", "a").expect("both exist");
        assert!(read_within(&mut a, ms(10)).await.expect("now a is told").is_err());
    });
}

#[test]
fn what_was_sent_into_a_cut_to_a_process_that_then_died_is_answered_by_a_reset() {
    in_world(|world| async move {
        let (mut a, _b) = connected(&world).await;
        world.partition("a", "b").expect("both exist");
        send(&mut a, b"into the cut").await;
        world.kill("b").expect("b exists");
        world.heal("a", "b").expect("both exist");
        assert!(read_within(&mut a, ms(1_000)).await.expect("its retransmission finds nobody").is_err());
    });
}

#[test]
fn a_kill_behind_a_cut_link_tells_nobody_until_they_send() {
    in_world(|world| async move {
        let (mut a, _b) = connected(&world).await;
        world.partition("a", "b").expect("both exist");
        world.kill("b").expect("b exists");
        world.heal("a", "b").expect("both exist");
        assert!(read_within(&mut a, ms(60_000)).await.is_none(), "the reset was lost on the cut link");
        send(&mut a, b"hello").await;
        let told = read_within(&mut a, ms(10)).await.expect("now the machine answers");
        assert!(told.is_err());
    });
}

#[test]
fn a_wall_clock_jumps_alone() {
    in_world(|world| async move {
        let (a, b) = (node(&world, "a"), node(&world, "b"));
        let (now, elapsed, right) = (a.now(), a.elapsed(), a.wall_clock());
        world.jump_clock("a", -3_600_000_000).expect("it exists");
        assert_eq!(a.wall_clock() + ms(3_600_000), right);
        assert_eq!((a.now(), a.elapsed(), b.wall_clock()), (now, elapsed, right), "nothing else moved");
        world.jump_clock("a", 3_600_500_000).expect("it exists");
        world.kill("a").expect("it exists");
        world.restart("a").expect("it exists");
        assert_eq!(a.wall_clock(), right + ms(500), "jumps add up and outlive the process");
        world.jump_clock("a", i64::MIN).expect("it exists");
        assert_eq!(a.wall_clock(), ms(0), "no clock stands before 1970");
    });
}
