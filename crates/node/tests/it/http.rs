//! The server loop and the pooled client, simulated and real.

use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{Request, StatusCode};
use node::http::{CallError, Client, ClientOptions, Fate, ServerOptions, serve};
use node::sim::SimWorld;
use node::{Gauge, Node, RealOptions};
use tokio::time::Instant;

use crate::support::{PORT, in_world, ms, node};

pub(crate) fn app() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/slow", get(|| async { tokio::time::sleep(ms(50)).await }))
        .route("/echo", post(|body: Bytes| async move { body }))
        .route("/never", get(std::future::pending::<()>))
}

async fn start(on: &Node, port: u16) -> (Gauge, u16) {
    let connections = Gauge::new();
    let listener = on.listen(port).await.expect("the port is free");
    let port = listener.port().expect("it listens");
    let options = ServerOptions { connections: connections.clone(), ..ServerOptions::default() };
    let _serving = on.spawn(serve(on.clone(), listener, app(), options));
    (connections, port)
}

fn request(path: &str) -> Request<Bytes> {
    Request::get(format!("http://b:{PORT}{path}")).body(Bytes::new()).expect("a valid request")
}

/// Ten requests at the same instant, on connections of their own.
pub(crate) async fn time_of_ten_at_once(world: &SimWorld) -> Duration {
    let (a, b) = (node(world, "a"), node(world, "b"));
    start(&b, PORT).await;
    let client = Client::new(&a, ClientOptions::default());
    let began = Instant::now();
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            a.spawn(async move { client.send(request("/")).await.map(|answer| answer.status()) })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.expect("a lives").expect("answered"), StatusCode::OK);
    }
    began.elapsed()
}

/// Two calls at the same instant, in the other direction. Whether each was answered.
pub(crate) async fn two_calls_from_b_at_once(world: &SimWorld) -> [bool; 2] {
    let (a, b) = (node(world, "a"), node(world, "b"));
    start(&a, PORT).await;
    let client = Client::new(&b, ClientOptions::default());
    let call = || {
        let client = client.clone();
        let request = Request::get(format!("http://a:{PORT}/slow")).body(Bytes::new()).expect("valid");
        b.spawn(async move { client.send(request).await.is_ok() })
    };
    let (first, second) = (call(), call());
    [first.await.expect("b lives"), second.await.expect("b lives")]
}

#[test]
fn calls_one_after_the_other_share_one_connection() {
    in_world(|world| async move {
        let (connections, _) = start(&node(&world, "b"), PORT).await;
        let client = Client::new(&node(&world, "a"), ClientOptions::default());
        for _ in 0..5 {
            let answer = client.send(request("/")).await.expect("answered");
            assert_eq!(answer.body(), "hello");
            assert!(!answer.headers().contains_key("date"), "the real clock must not show");
        }
        assert_eq!(connections.max(), 1);
    });
}

#[test]
fn calls_at_once_take_a_connection_each() {
    in_world(|world| async move {
        let (connections, _) = start(&node(&world, "b"), PORT).await;
        let a = node(&world, "a");
        let client = Client::new(&a, ClientOptions::default());
        let calls: Vec<_> = (0..8)
            .map(|_| {
                let client = client.clone();
                a.spawn(async move { client.send(request("/slow")).await.is_ok() })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await, Ok(true));
        }
        assert_eq!(connections.max(), 8);
    });
}

#[test]
fn a_call_tells_whether_it_may_have_had_an_effect() {
    in_world(|world| async move {
        let client = Client::new(&node(&world, "a"), ClientOptions::default());
        let refused = client.send(request("/")).await.expect_err("nobody listens yet");
        assert!(matches!(refused, CallError::Connect(_)), "{refused:?}");
        assert_eq!(refused.fate(), Fate::NotSent);

        start(&node(&world, "b"), PORT).await;
        let a = node(&world, "a");
        let call = a.spawn(async move { client.send(request("/never")).await });
        tokio::time::sleep(ms(100)).await;
        world.kill("b").expect("b exists");
        let reset = call.await.expect("a lives").expect_err("b died");
        assert!(matches!(reset, CallError::Reset { .. }), "{reset:?}");
        assert_eq!(reset.fate(), Fate::Unknown);
    });
}

#[test]
fn an_answer_beyond_the_bound_is_refused() {
    in_world(|world| async move {
        start(&node(&world, "b"), PORT).await;
        let options = ClientOptions { response_bytes_max: 10, ..ClientOptions::default() };
        let client = Client::new(&node(&world, "a"), options);
        let request = Request::post(format!("http://b:{PORT}/echo")).body(Bytes::from_static(&[b'x'; 11]));
        let error = client.send(request.expect("valid")).await.expect_err("too long");
        assert!(matches!(error, CallError::TooLarge { limit: 10 }), "{error:?}");
    });
}

#[test]
fn a_pooled_connection_to_a_process_that_is_gone_is_reset_not_reused_in_silence() {
    in_world(|world| async move {
        start(&node(&world, "b"), PORT).await;
        let client = Client::new(&node(&world, "a"), ClientOptions::default());
        client.send(request("/")).await.expect("answered");
        world.power_off("b").expect("b exists");
        let waiting = node(&world, "a").spawn({
            let client = client.clone();
            async move { client.send(request("/")).await }
        });
        tokio::time::sleep(ms(1_000)).await;
        world.restart("b").expect("b exists");
        start(&node(&world, "b"), PORT).await;
        let error = waiting.await.expect("a lives").expect_err("the old process knew the connection");
        assert_eq!(error.fate(), Fate::Unknown, "{error:?}");
        client.send(request("/")).await.expect("a fresh connection works");
    });
}

#[test]
fn two_runs_of_one_seed_take_the_same_course() {
    let run = || {
        in_world(|world| async move {
            let latency = node::sim::Latency::uniform(ms(1), ms(30)).expect("in order");
            world.set_latency("a", "b", latency).expect("both exist");
            let (a, b) = (node(&world, "a"), node(&world, "b"));
            start(&b, PORT).await;
            let client = Client::new(&a, ClientOptions::default());
            let calls: Vec<_> = (0..50)
                .map(|i| {
                    let (client, a) = (client.clone(), a.clone());
                    a.clone().spawn(async move {
                        a.sleep(ms(i % 7)).await;
                        client.send(request("/slow")).await.map(|_| a.elapsed()).ok()
                    })
                })
                .collect();
            let mut times = Vec::new();
            for call in calls {
                times.push(call.await);
            }
            times
        })
    };
    assert_eq!(run(), run());
}

#[tokio::test]
async fn the_same_server_and_client_speak_real_tcp() {
    let server = Node::real(RealOptions { name: "b".into(), ..RealOptions::default() });
    let (connections, port) = start(&server, 0).await;
    let peers = [("b".to_owned(), ([127, 0, 0, 1], port).into())].into();
    let caller = Node::real(RealOptions { name: "a".into(), peers, ..RealOptions::default() });
    let client = Client::new(&caller, ClientOptions::default());
    let answer = client.send(request("/")).await.expect("answered");
    assert_eq!(answer.body(), "hello");
    assert!(answer.headers().contains_key("date"), "a real server has a clock");
    assert_eq!(connections.max(), 1);
    let taken = server.listen(port).await.expect_err("the port is taken");
    assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
}
