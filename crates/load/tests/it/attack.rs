//! The attack engine in a simulated world: one server, 1 ms of network each way.

use std::convert::Infallible;
use std::io::Cursor;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use load::attack::{Attack, AttackError, AttackOptions, Pace, Source, WebOptions};
use load::hit::Hit;
use load::targets::{Defaults, TargetFormat, read, read_all};
use load::{Offset, Stop, Think, stop};
use node::Node;
use node::http::{ServerOptions, serve};
use node::sim::{HostOptions, Latency, SimWorld, Topology};
use tokio::sync::mpsc;

const MS: Duration = Duration::from_millis(1);

/// A client whose server answers `/moved` with a redirect to `/`, `/missing` with 404, and all else with 200 and the
/// method and path, after `service_time`.
async fn client(service_time: Duration) -> Node {
    let topology = Topology::new(Latency::constant(MS))
        .host("client", HostOptions::unlimited())
        .host("server", HostOptions::unlimited());
    let sim = SimWorld::new(1, topology);
    let server = sim.node("server").expect("it is in the topology");
    let listener = server.listen(80).await.expect("the port is free");
    let on = server.clone();
    let service = tower::service_fn(move |request: Request<Incoming>| {
        let node = on.clone();
        async move {
            node.sleep(service_time).await;
            let path = request.uri().path().to_owned();
            let body = format!("{} {path}", request.method());
            let builder = match path.as_str() {
                "/moved" => Response::builder().status(303).header("location", "/"),
                "/round" => Response::builder().status(302).header("location", "round"),
                "/missing" => Response::builder().status(404),
                _ => Response::builder(),
            };
            Ok::<_, Infallible>(builder.body(Full::new(Bytes::from(body))).expect("a good response"))
        }
    });
    server.spawn(serve(server.clone(), listener, service, ServerOptions::default()));
    sim.node("client").expect("it is in the topology")
}

fn targets(text: &str) -> Source {
    let all = read("t", Cursor::new(text.to_owned()), TargetFormat::Http, Defaults::default());
    Source::all(read_all("t", all).expect("good targets"))
}

fn options(pace: Pace) -> AttackOptions {
    AttackOptions { name: "a".to_owned(), pace, outstanding_max: 1_000, web: WebOptions::default() }
}

fn rate(per_s: f64, duration: Duration) -> Pace {
    Pace::Rate { per_s, duration: Some(duration) }
}

/// Attacks to the end; the hits by their number.
async fn attack(
    node: &Node,
    source: Source,
    options: AttackOptions,
    stop: Stop,
) -> (Vec<Hit>, Option<AttackError>) {
    let (sender, mut hits) = mpsc::channel(10_000);
    let outcome = Attack::new(node, source, options).expect("no TLS").run(stop, sender).await;
    let mut seen = Vec::new();
    hits.recv_many(&mut seen, 10_000).await;
    seen.sort_by_key(|hit| hit.seq);
    (seen, outcome.err())
}

#[tokio::test(start_paused = true)]
async fn targets_are_asked_in_turn_at_their_times() {
    let node = client(10 * MS).await;
    let source = targets("GET http://server/a\n\nPOST http://server/missing\n");
    let (hits, error) = attack(&node, source, options(rate(100.0, 40 * MS)), Stop::never()).await;
    assert!(error.is_none(), "{error:?}");
    let seen: Vec<_> =
        hits.iter().map(|hit| (hit.seq, hit.code, hit.error.as_str(), &hit.body[..])).collect();
    let (a, missing) = ((200, "", &b"GET /a"[..]), (404, "404 Not Found", &b"POST /missing"[..]));
    assert_eq!(
        seen,
        [
            (0, a.0, a.1, a.2),
            (1, missing.0, missing.1, missing.2),
            (2, a.0, a.1, a.2),
            (3, missing.0, missing.1, missing.2)
        ]
    );
    for (index, hit) in hits.iter().enumerate() {
        let offset_ns = hit.timestamp_ns - hits[0].timestamp_ns;
        assert_eq!(offset_ns, index as i64 * 10_000_000, "evenly spaced");
        assert!((12 * MS..=20 * MS).contains(&hit.latency), "{:?}", hit.latency);
        assert_eq!(
            (hit.attack.as_str(), hit.delay, hit.bytes_in),
            ("a", Some(Duration::ZERO), hit.body.len() as u64)
        );
        assert!(hit.headers.as_ref().is_some_and(|headers| headers.contains_key("Content-Length")));
    }
}

#[tokio::test(start_paused = true)]
async fn latency_runs_from_the_intended_send_and_the_delay_says_how_late_it_was() {
    let node = client(10 * MS).await;
    // The simulated clock ticks in milliseconds: every second send is half a millisecond late.
    let (hits, _) =
        attack(&node, targets("GET http://server/"), options(rate(2_000.0, 3 * MS)), Stop::never()).await;
    let delays: Vec<_> = hits.iter().map(|hit| hit.delay.map(|delay| delay.as_micros())).collect();
    assert_eq!(delays, [Some(0), Some(500), Some(0), Some(500), Some(0), Some(500)]);
    assert!(hits.iter().all(|hit| hit.latency_from_send() + hit.delay.unwrap_or_default() == hit.latency));
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_place_is_a_hit_that_was_never_sent() {
    let node = client(Duration::from_secs(1)).await;
    let options = AttackOptions { outstanding_max: 2, ..options(rate(100.0, 50 * MS)) };
    let (hits, _) = attack(&node, targets("GET http://server/"), options, Stop::never()).await;
    let dropped: Vec<_> = hits.iter().map(Hit::was_dropped).collect();
    assert_eq!(dropped, [false, false, true, true, true]);
    assert_eq!(hits[2].error, "not sent: 2 requests were without an answer");
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_times_out_and_a_missing_server_is_named() {
    let node = client(Duration::from_secs(5)).await;
    let web = WebOptions { timeout: 100 * MS, ..WebOptions::default() };
    let options = AttackOptions { web, ..options(rate(100.0, 20 * MS)) };
    let source = targets("GET http://server/\n\nGET http://server:81/");
    let (hits, _) = attack(&node, source, options, Stop::never()).await;
    assert_eq!((hits[0].code, hits[0].error.as_str()), (0, "timeout: no answer within 100ms"));
    assert!(hits[1].error.starts_with("connect: "), "{}", hits[1].error);
}

#[tokio::test(start_paused = true)]
async fn redirects_are_followed_as_far_as_wanted() {
    let node = client(MS).await;
    let source = "POST http://server/moved\n\nGET http://server/round\n";
    let (hits, _) = attack(&node, targets(source), options(rate(100.0, 20 * MS)), Stop::never()).await;
    assert_eq!((hits[0].code, &hits[0].body[..]), (200, &b"GET /"[..]));
    assert_eq!((hits[1].code, hits[1].error.as_str()), (0, "stopped after 10 redirects"));
    let web = WebOptions { redirects_max: None, ..WebOptions::default() };
    let as_is = AttackOptions { web, ..options(rate(100.0, 10 * MS)) };
    let (hits, _) = attack(&node, targets(source), as_is, Stop::never()).await;
    assert_eq!((hits[0].code, hits[0].error.as_str()), (303, ""));
}

#[tokio::test(start_paused = true)]
async fn users_wait_for_their_answers_and_think() {
    let node = client(100 * MS).await;
    let [min, max] = [50, 50].map(|ms| Offset::new(ms * MS).expect("a good offset"));
    let pace = Pace::Users {
        users: 2,
        spawn_per_s: 10.0,
        think: Think { min, max },
        duration: Some(Duration::from_secs(1)),
    };
    let (hits, _) = attack(&node, targets("GET http://server/"), options(pace), Stop::never()).await;
    assert!((12..=14).contains(&hits.len()), "two users, about 155 ms each time: {}", hits.len());
    assert!(hits.iter().all(|hit| hit.delay == Some(Duration::ZERO) && hit.code == 200));
}

#[tokio::test(start_paused = true)]
async fn a_first_stop_waits_for_what_is_under_way_and_a_second_gives_it_up() {
    for (gives_up, expected) in [(false, (200, "")), (true, (0, "stopped before the answer came"))] {
        let node = client(Duration::from_secs(2)).await;
        let (stopper, stopped) = stop();
        let clock = node.clone();
        node.spawn(async move {
            clock.sleep(35 * MS).await;
            stopper.sending();
            clock.sleep(100 * MS).await;
            if gives_up {
                stopper.waiting();
            }
        });
        let pace = Pace::Rate { per_s: 100.0, duration: None };
        let (hits, _) = attack(&node, targets("GET http://server/"), options(pace), stopped).await;
        let seen: Vec<_> = hits.iter().map(|hit| (hit.code, hit.error.as_str())).collect();
        assert_eq!(seen, [expected; 4]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lazy_attack_ends_with_its_targets_or_their_first_error() {
    let node = client(MS).await;
    let lazy = |text: &str| {
        Source::lazy(read("t", Cursor::new(text.to_owned()), TargetFormat::Http, Defaults::default()))
    };
    let pace = rate(100.0, Duration::from_secs(1));
    let good = lazy("GET http://server/\n\nGET http://server/b\n");
    // Whether a machine has root certificates is not what is tested.
    let web = WebOptions { insecure: true, ..WebOptions::default() };
    let options = AttackOptions { web, ..options(pace) };
    let (hits, error) = attack(&node, good, options.clone(), Stop::never()).await;
    assert_eq!((hits.len(), error.is_none()), (2, true));
    let (hits, error) =
        attack(&node, lazy("GET http://server/\n\nGET nowhere\n"), options, Stop::never()).await;
    assert_eq!(hits.len(), 1);
    assert!(error.expect("the second is wrong").to_string().starts_with("t:3: `nowhere` is no URL"));
}
