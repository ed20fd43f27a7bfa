//! One client host, one server host, 1 ms of network each way.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use evidence::facts::{Answer, Asked};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use load::{Ask, DriveOptions, Driven, Offset, Think, Users, drive, drive_users};
use node::Node;
use node::http::{Client, ClientOptions, ServerOptions, serve};
use node::sim::{HostOptions, Latency, SimWorld, Topology};

const PORT: u16 = 8080;
const MS: Duration = Duration::from_millis(1);

struct World {
    sim: SimWorld,
    client: Node,
}

impl World {
    /// A server that answers status `status` after `service_time`.
    async fn answering(status: u16, service_time: Duration) -> Self {
        let topology = Topology::new(Latency::constant(MS))
            .host("client", HostOptions::unlimited())
            .host("server", HostOptions::unlimited());
        let sim = SimWorld::new(1, topology);
        let server = sim.node("server").expect("it is in the topology");
        let listener = server.listen(PORT).await.expect("the port is free");
        let on = server.clone();
        let service = tower::service_fn(move |_request: Request<Incoming>| {
            let node = on.clone();
            async move {
                node.sleep(service_time).await;
                let mut response = Response::new(Full::new(Bytes::from_static(b"an answer")));
                *response.status_mut() = http::StatusCode::from_u16(status).expect("a good status");
                Ok::<_, Infallible>(response)
            }
        });
        server.spawn(serve(server.clone(), listener, service, ServerOptions::default()));
        Self { client: sim.node("client").expect("it is in the topology"), sim }
    }

    async fn drive(&self, times: impl IntoIterator<Item = Duration>, options: &DriveOptions) -> Driven {
        self.drive_with(ClientOptions::default(), times, options).await
    }

    async fn drive_with(
        &self,
        client: ClientOptions,
        times: impl IntoIterator<Item = Duration>,
        options: &DriveOptions,
    ) -> Driven {
        let client = Client::new(&self.client, client);
        drive(&self.client, client, times.into_iter(), ask, options).await
    }
}

fn ask(sequence: u64) -> Ask {
    let request = Request::post(format!("http://server:{PORT}/orders")).body(Bytes::from_static(b"an order"));
    Ask { order: format!("order-{sequence}"), request: request.expect("a good request") }
}

fn every_ten_ms(count: u32) -> impl Iterator<Item = Duration> {
    (0..count).map(|index| 10 * MS * index)
}

fn answers(driven: &Driven) -> Vec<Answer> {
    driven.asked.iter().map(|asked| asked.answer).collect()
}

#[tokio::test(start_paused = true)]
async fn writes_down_every_order_in_the_order_of_the_schedule() {
    let world = World::answering(200, 25 * MS).await;
    world.client.sleep(777 * MS).await;
    let driven = world.drive(every_ten_ms(3), &DriveOptions::default()).await;
    let expected: Vec<Asked> = (0..3)
        .map(|index| Asked {
            order: format!("order-{index}"),
            intended_us: index * 10_000,
            sent_us: Some(index * 10_000),
            done_us: driven.asked[index as usize].done_us,
            answer: Answer::Status(200),
        })
        .collect();
    assert_eq!(driven.asked, expected);
    for asked in &driven.asked {
        let latency_us = asked.done_us - asked.intended_us;
        assert!(
            (27_000..=31_000).contains(&latency_us),
            "25 ms of service and 2 to 6 ms of network, not {latency_us} µs"
        );
    }
    assert_eq!(driven.late_sends, 0);
}

#[tokio::test(start_paused = true)]
async fn an_open_loop_does_not_wait_for_answers() {
    let world = World::answering(200, Duration::from_secs(5)).await;
    let driven = world.drive(every_ten_ms(100), &DriveOptions::default()).await;
    let last_sent_us = driven.asked[99].sent_us.expect("it was sent");
    assert!(last_sent_us < driven.asked[0].done_us);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_answer() {
    let world = World::answering(429, Duration::ZERO).await;
    let driven = world.drive(every_ten_ms(2), &DriveOptions::default()).await;
    assert_eq!(answers(&driven), [Answer::Status(429); 2]);
}

#[tokio::test(start_paused = true)]
async fn a_clients_patience_runs_from_the_actual_send() {
    let world = World::answering(200, Duration::from_secs(60)).await;
    let options = DriveOptions { client_timeout: 100 * MS, ..DriveOptions::default() };
    // The simulated clock ticks in milliseconds, so the second order leaves half a millisecond late.
    let driven = world.drive([Duration::ZERO, Duration::from_micros(500)], &options).await;
    let times: Vec<_> = driven.asked.iter().map(|asked| (asked.sent_us, asked.done_us)).collect();
    assert_eq!(answers(&driven), [Answer::TimedOut; 2]);
    assert_eq!(times, [(Some(0), 100_000), (Some(1_000), 101_000)]);
}

#[tokio::test(start_paused = true)]
async fn late_sends_are_counted() {
    let world = World::answering(200, Duration::ZERO).await;
    let options = DriveOptions { late_after: Duration::from_micros(300), ..DriveOptions::default() };
    let times = [0, 1_000, 1_500, 2_900].map(Duration::from_micros);
    assert_eq!(world.drive(times, &options).await.late_sends, 1, "only the third leaves 0.5 ms late");
}

#[tokio::test(start_paused = true)]
async fn beyond_the_bound_sends_are_dropped_and_recorded() {
    let world = World::answering(200, 35 * MS).await;
    let options = DriveOptions { outstanding_max: 2, ..DriveOptions::default() };
    let driven = world.drive(every_ten_ms(6), &options).await;
    let (ok, dropped) = (Answer::Status(200), Answer::NotSent);
    assert_eq!(answers(&driven), [ok, ok, dropped, dropped, ok, ok]);
    let third = &driven.asked[2];
    assert_eq!((third.order.as_str(), third.sent_us, third.done_us), ("order-2", None, third.intended_us));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_there_refuses_the_connection() {
    let world = World::answering(200, Duration::ZERO).await;
    world.sim.kill("server").expect("it is in the topology");
    let driven = world.drive(every_ten_ms(1), &DriveOptions::default()).await;
    assert_eq!(answers(&driven), [Answer::ConnectFailed]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_dies_resets_what_it_had_accepted() {
    let world = World::answering(200, Duration::from_secs(1)).await;
    let (sim, client) = (world.sim.clone(), world.client.clone());
    world.client.spawn(async move {
        client.sleep(500 * MS).await;
        sim.kill("server").expect("it is in the topology");
    });
    let driven = world.drive(every_ten_ms(1), &DriveOptions::default()).await;
    assert_eq!(answers(&driven), [Answer::Reset]);
    assert!(driven.asked[0].done_us < 510_000);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_is_broken() {
    let world = World::answering(200, Duration::ZERO).await;
    let client = ClientOptions { response_bytes_max: 4, ..ClientOptions::default() };
    let driven = world.drive_with(client, every_ten_ms(1), &DriveOptions::default()).await;
    assert_eq!(answers(&driven), [Answer::Broken]);
}

#[test]
fn the_same_seed_gives_the_same_facts() {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let world = World::answering(200, 30 * MS).await;
            let load = load::Load::constant(
                load::Rate::new(500.0).expect("a good rate"),
                load::Span::new(2_000 * MS).expect("a good span"),
                load::Spacing::Poisson,
            );
            let times = load::arrivals(&load.expect("a good load"), world.client.rng("arrivals"));
            world.drive(times, &DriveOptions::default()).await
        })
    };
    let first = run();
    assert!(first.asked.len() > 800);
    assert_eq!(first, run());
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_the_same_request_again_and_no_outcome() {
    let world = World::answering(200, 25 * MS).await;
    let options = DriveOptions::default();
    options.duplicates.set(1.0);
    let driven = world.drive(every_ten_ms(3), &options).await;
    assert_eq!(driven.asked.len(), 3);
    assert_eq!(driven.repeated.len(), 3);
    for (asked, again) in driven.asked.iter().zip(&driven.repeated) {
        assert_eq!((&asked.order, again.answer), (&again.order, Answer::Status(200)));
        let later_us = again.sent_us.expect("it was sent") - asked.sent_us.expect("it was sent");
        assert!((1_000..=500_000).contains(&later_us), "{later_us} µs");
    }
    assert_eq!(driven.late_sends, 0);
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_without_room_is_not_sent_and_costs_no_order_its_place() {
    let world = World::answering(200, 35 * MS).await;
    let options = DriveOptions { outstanding_max: 1, ..DriveOptions::default() };
    options.duplicates.set(1.0);
    let driven = world.drive([Duration::ZERO], &options).await;
    assert_eq!((answers(&driven), driven.repeated), (vec![Answer::Status(200)], vec![]));
}

fn users(users: u32, think_ms: [u64; 2]) -> Users {
    let [min, max] = think_ms.map(|ms| Offset::new(Duration::from_millis(ms)).expect("a good offset"));
    Users { users, spawn_per_s: 10.0, think: Think { min, max }, duration: Duration::from_secs(2) }
}

#[tokio::test(start_paused = true)]
async fn a_user_waits_for_the_answer_and_thinks_before_the_next_order() {
    let world = World::answering(200, 300 * MS).await;
    let client = Client::new(&world.client, ClientOptions::default());
    let driven =
        drive_users(&world.client, client, &users(1, [100, 200]), ask, &DriveOptions::default()).await;
    assert!((4..=5).contains(&driven.asked.len()), "{} orders in 2 s", driven.asked.len());
    for pair in driven.asked.windows(2) {
        let thought_us = pair[1].intended_us - pair[0].done_us;
        assert!((100_000..=201_000).contains(&thought_us), "{thought_us} µs");
    }
    assert_eq!(answers(&driven), vec![Answer::Status(200); driven.asked.len()]);
}

#[tokio::test(start_paused = true)]
async fn users_join_one_after_the_other_and_none_orders_after_the_end() {
    let world = World::answering(200, Duration::from_secs(5)).await;
    let client = Client::new(&world.client, ClientOptions::default());
    let driven = drive_users(&world.client, client, &users(100, [0, 0]), ask, &DriveOptions::default()).await;
    let sent: Vec<_> = driven.asked.iter().map(|asked| asked.intended_us / 1000).collect();
    assert_eq!(sent, (0..20).map(|index| index * 100).collect::<Vec<_>>(), "ten join per second, for two");
}
