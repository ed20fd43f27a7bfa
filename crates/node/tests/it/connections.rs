//! How the server loop treats connections: quiet ones, too many of them, and all of them when it is to stop.

use node::http::{HEAD_BYTES_MAX, ServerOptions, serve};
use node::sim::SimWorld;
use node::{Gauge, Node, Stream, Task};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use crate::http::app;
use crate::support::{PORT, in_world, ms, node};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: b\r\n\r\n";

async fn start(world: &SimWorld, options: ServerOptions) -> (Node, Task<()>) {
    let b = node(world, "b");
    let listener = b.listen(PORT).await.expect("the port is free");
    let serving = b.spawn(serve(b.clone(), listener, app(), options));
    (b, serving)
}

async fn connect(world: &SimWorld) -> Stream {
    node(world, "a").connect("b", PORT).await.expect("b listens")
}

/// Everything until the other side closes.
async fn rest(stream: &mut Stream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("closed in good order");
    text
}

/// One answer of a connection that stays open: its head and the body `hello`.
async fn answer(stream: &mut Stream) -> String {
    let mut text = String::new();
    while !text.ends_with("hello") {
        let mut buffer = [0; 512];
        let read = stream.read(&mut buffer).await.expect("the connection stands");
        assert!(read > 0, "it was closed after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..read]).expect("ASCII"));
    }
    text
}

#[test]
fn a_head_that_takes_too_long_is_cut_off_however_many_bytes_trickle_in() {
    in_world(|world| async move {
        start(&world, ServerOptions::default()).await;
        let mut slow = connect(&world).await;
        let began = Instant::now();
        slow.write_all(b"GET / HTTP/1.1\r\n").await.expect("it stands");
        let trickle = async {
            while slow.write_all(b"x: y\r\n").await.is_ok() {
                tokio::time::sleep(ms(500)).await;
            }
        };
        tokio::time::timeout(ms(20_000), trickle).await.expect("it is closed");
        let took = began.elapsed();
        assert!((ms(10_000)..ms(11_500)).contains(&took), "{took:?}");
    });
}

#[test]
fn an_idle_connection_may_stay_longer_and_each_request_begins_anew() {
    in_world(|world| async move {
        start(&world, ServerOptions::default()).await;
        let mut stream = connect(&world).await;
        for _ in 0..3 {
            tokio::time::sleep(ms(60_000)).await;
            stream.write_all(GET).await.expect("it stands");
            assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"));
        }
        let idle = Instant::now();
        assert_eq!(rest(&mut stream).await, "");
        let took = idle.elapsed();
        assert!((ms(74_000)..=ms(75_010)).contains(&took), "{took:?}");
    });
}

#[test]
fn a_head_after_an_idle_time_has_only_the_time_of_a_head() {
    in_world(|world| async move {
        start(&world, ServerOptions::default()).await;
        let mut stream = connect(&world).await;
        stream.write_all(GET).await.expect("it stands");
        answer(&mut stream).await;
        tokio::time::sleep(ms(30_000)).await;
        let began = Instant::now();
        stream.write_all(b"GET /").await.expect("it stands");
        assert_eq!(rest(&mut stream).await, "", "closed without an answer");
        assert!((ms(10_000)..ms(10_100)).contains(&began.elapsed()), "{:?}", began.elapsed());
    });
}

#[test]
fn a_request_that_is_served_may_take_its_time() {
    in_world(|world| async move {
        start(&world, ServerOptions::default()).await;
        let mut stream = connect(&world).await;
        stream.write_all(b"GET /never HTTP/1.1\r\nhost: b\r\n\r\n").await.expect("it stands");
        let quiet = tokio::time::timeout(ms(600_000), stream.read(&mut [0; 16])).await;
        assert!(quiet.is_err(), "closed: {quiet:?}");
    });
}

#[test]
fn a_head_that_is_too_large_is_refused_as_such() {
    in_world(|world| async move {
        start(&world, ServerOptions::default()).await;
        let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
        let large = format!("x: {}\r\n", "y".repeat(HEAD_BYTES_MAX));
        for headers in [many, large] {
            let mut stream = connect(&world).await;
            let head = format!("GET / HTTP/1.1\r\nhost: b\r\n{headers}\r\n");
            // It may be told before it has sent everything.
            let _told = stream.write_all(head.as_bytes()).await;
            let mut status = [0; 12];
            stream.read_exact(&mut status).await.expect("an answer");
            assert_eq!(&status, b"HTTP/1.1 431");
        }
    });
}

#[test]
fn who_comes_beyond_the_limit_is_told_so_and_let_go() {
    in_world(|world| async move {
        let (connections, away) = (Gauge::new(), Gauge::new());
        let options = ServerOptions {
            connections: connections.clone(),
            connections_max: 2,
            turned_away_total: away.clone(),
            ..ServerOptions::default()
        };
        start(&world, options).await;
        let (first, _second) = (connect(&world).await, connect(&world).await);
        let mut third = connect(&world).await;
        third.write_all(GET).await.expect("it stands");
        let told = rest(&mut third).await;
        assert!(told.starts_with("HTTP/1.1 503") && told.contains("retry-after: 1"), "{told}");
        assert!(told.contains("connection: close"), "{told}");
        assert_eq!((connections.max(), away.now()), (2, 1));

        drop(first);
        tokio::time::sleep(ms(10)).await;
        let mut fourth = connect(&world).await;
        fourth.write_all(GET).await.expect("it stands");
        assert!(answer(&mut fourth).await.starts_with("HTTP/1.1 200"), "there is room again");
    });
}

#[test]
fn a_node_that_is_to_stop_accepts_nothing_and_finishes_what_it_has() {
    in_world(|world| async move {
        let (b, serving) = start(&world, ServerOptions::default()).await;
        let (mut busy, mut idle) = (connect(&world).await, connect(&world).await);
        busy.write_all(b"GET /slow HTTP/1.1\r\nhost: b\r\n\r\n").await.expect("it stands");
        tokio::time::sleep(ms(10)).await;

        b.stopping().begin();
        serving.await.expect("it returns");
        let refused = node(&world, "a").connect("b", PORT).await.expect_err("nobody listens");
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        assert_eq!(b.stopping().unfinished(), 2);

        idle.write_all(GET).await.expect("it stands for a moment");
        let told = rest(&mut idle).await.to_lowercase();
        assert!(told.starts_with("http/1.1 200") && told.contains("connection: close"), "{told}");
        let told = rest(&mut busy).await.to_lowercase();
        assert!(told.starts_with("http/1.1 200") && told.contains("connection: close"), "{told}");
        b.stopping().finished().await;
    });
}

#[test]
fn an_idle_connection_does_not_keep_a_node_from_stopping() {
    in_world(|world| async move {
        let (b, _serving) = start(&world, ServerOptions::default()).await;
        let mut idle = connect(&world).await;
        idle.write_all(GET).await.expect("it stands");
        answer(&mut idle).await;
        b.stopping().begin();
        let began = Instant::now();
        b.stopping().finished().await;
        assert!(began.elapsed() <= ms(510), "{:?}", began.elapsed());
        assert_eq!(rest(&mut idle).await, "", "closed in good order");
    });
}
