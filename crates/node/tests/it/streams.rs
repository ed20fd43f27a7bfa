//! Streams when nothing is wrong.

use std::io::ErrorKind;

use node::sim::Latency;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::support::{connected, expect, in_world, ms, node, read_within, send};

#[test]
fn connecting_takes_a_round_trip_and_bytes_half_of_one() {
    in_world(|world| async move {
        world.set_latency("a", "b", Latency::constant(ms(7))).expect("both exist");
        let began = Instant::now();
        let (mut a, mut b) = connected(&world).await;
        assert_eq!(began.elapsed(), ms(8));
        send(&mut a, b"order").await;
        expect(&mut b, b"order").await;
        assert_eq!(began.elapsed(), ms(15));
        send(&mut b, b"done").await;
        expect(&mut a, b"done").await;
        assert_eq!(began.elapsed(), ms(16));
    });
}

#[test]
fn bytes_arrive_in_order_whatever_the_latency_of_each() {
    in_world(|world| async move {
        let latency = Latency::uniform(ms(1), ms(40)).expect("in order");
        world.set_latency("a", "b", latency).expect("both exist");
        let (mut a, mut b) = connected(&world).await;
        for byte in 0..=255u8 {
            send(&mut a, &[byte]).await;
        }
        expect(&mut b, &(0..=255u8).collect::<Vec<_>>()).await;
    });
}

#[test]
fn a_sender_waits_when_nobody_reads() {
    in_world(|world| async move {
        let (mut a, mut b) = connected(&world).await;
        let million = vec![7; 1_000_000];
        let writing = tokio::time::timeout(ms(1_000), a.write_all(&million)).await;
        assert!(writing.is_err(), "a bounded pipe cannot have taken a million bytes");
        let mut read = vec![0; 60_000];
        b.read_exact(&mut read).await.expect("that much was sent");
        let more = tokio::time::timeout(ms(1_000), a.write(&million)).await;
        assert!(more.is_ok(), "there is room again");
    });
}

#[test]
fn a_closed_stream_ends_and_later_bytes_are_answered_with_a_reset() {
    in_world(|world| async move {
        let (mut a, b) = connected(&world).await;
        drop(b);
        assert!(matches!(read_within(&mut a, ms(10)).await, Some(Ok(0))));
        send(&mut a, b"anyone?").await;
        tokio::time::sleep(ms(2)).await;
        let error = a.write_all(b"hello?").await.expect_err("b has closed");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn closing_with_unread_bytes_resets_the_connection() {
    in_world(|world| async move {
        let (mut a, b) = connected(&world).await;
        send(&mut a, b"never read").await;
        tokio::time::sleep(ms(5)).await;
        drop(b);
        let told = read_within(&mut a, ms(5)).await.expect("a is told");
        assert_eq!(told.expect_err("by a reset, not by a clean end").kind(), ErrorKind::ConnectionReset);
        assert!(a.write_all(b"more").await.is_err());
    });
}

#[test]
fn half_a_connection_can_be_closed() {
    in_world(|world| async move {
        let (mut a, mut b) = connected(&world).await;
        send(&mut a, b"last words").await;
        a.shutdown().await.expect("the connection stands");
        expect(&mut b, b"last words").await;
        assert!(matches!(read_within(&mut b, ms(10)).await, Some(Ok(0))));
        send(&mut b, b"heard").await;
        expect(&mut a, b"heard").await;
    });
}

#[test]
fn a_port_can_be_taken_once_and_is_free_again_afterwards() {
    in_world(|world| async move {
        let b = node(&world, "b");
        let listener = b.listen(9).await.expect("free");
        assert_eq!(b.listen(9).await.expect_err("taken").kind(), ErrorKind::AddrInUse);
        let mut waiting = node(&world, "a").connect("b", 9).await.expect("it listens");
        drop(listener);
        let told = read_within(&mut waiting, ms(5)).await.expect("nobody will accept it");
        assert_eq!(told.expect_err("by a reset").kind(), ErrorKind::ConnectionReset);
        assert!(b.listen(9).await.is_ok());
    });
}

#[test]
fn an_unknown_name_and_a_closed_port_say_what_is_wrong() {
    in_world(|world| async move {
        let a = node(&world, "a");
        let unknown = a.connect("c", 80).await.expect_err("there is no c");
        assert_eq!(unknown.to_string(), "no host is called `c`");
        assert_eq!(a.connect("b", 80).await.expect_err("closed").kind(), ErrorKind::ConnectionRefused);
        assert_eq!(world.kill("d").expect_err("no d").to_string(), "no host is called `d` (there are: a, b)");
    });
}
