//! `failfirst serve` with servers behind it: replicas that share them, and one whose database is not there.

#![expect(clippy::disallowed_methods, reason = "a real process is waited for in real time")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A whole platform in one process, whose replicas let three orders in together, and then one in a quarter of an hour.
const DESIGN: &str = "name = 'replica'\ntopology = 'monolith'\n\n\
    [payment]\nslots = 4\nservice_time = { kind = 'constant', value = '1ms' }\n\n\
    [admission]\nkind = 'rate'\nrate_per_s = 0.001\nburst = 3\nshared = true\n\n\
    [idempotency]\n";

struct Replica {
    process: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Replica {
    fn start(places: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let design = folder.path().join("replica.toml");
        fs::write(&design, DESIGN).expect("written");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let log = fs::File::create(folder.path().join("log")).expect("created");
        let process = Command::new(env!("CARGO_BIN_EXE_failfirst"))
            .args(["serve", "order-api", "--port", &port.to_string(), "--design"])
            .arg(&design)
            .envs(places.iter().copied())
            .env("FAILFIRST_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("started");
        let replica = Self { process, port, folder };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "it never listened: {}", replica.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        replica
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).expect("it can be read")
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("answered");
        text
    }

    fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"))
    }

    fn order(&self, key: &str) -> String {
        let body = r#"{"customer_id":"c1","items":[{"product_id":"P","quantity":1,"price":1}]}"#;
        self.ask(&format!(
            "POST /orders HTTP/1.1\r\nhost: x\r\nconnection: close\r\nidempotency-key: {key}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // An error says that it is gone already.
        let _gone = self.process.kill();
        let _code = self.process.wait();
    }
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// The value of a variable that names a server; `None` when the test is to be skipped.
fn server(variable: &str) -> Option<String> {
    if let Ok(url) = std::env::var(variable) {
        return Some(url);
    }
    let is_required = std::env::var("FAILFIRST_REQUIRE_SERVICES").is_ok_and(|value| value == "1");
    assert!(!is_required, "{variable} is not set, and FAILFIRST_REQUIRE_SERVICES=1 does without no server");
    eprintln!("skipped: {variable} is not set (eval \"$(scripts/dev-services start)\")");
    None
}

/// A Redis database without anything in it.
fn emptied(redis: &str) -> String {
    let address = redis.strip_prefix("redis://").expect("a URL");
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(b"SELECT 9\r\nFLUSHDB\r\nQUIT\r\n").expect("sent");
    let mut said = String::new();
    stream.read_to_string(&mut said).expect("answered");
    assert_eq!(said, "+OK\r\n".repeat(3));
    format!("{redis}/9")
}

#[test]
fn replicas_share_orders_keys_and_a_rate() {
    let (Some(postgres), Some(redis)) = (server("FAILFIRST_TEST_POSTGRES"), server("FAILFIRST_TEST_REDIS"))
    else {
        return;
    };
    let redis = emptied(&redis);
    let places = [("FAILFIRST_STORE", &*postgres), ("FAILFIRST_IDEMPOTENCY", &*redis)];
    let [one, other] = [Replica::start(&places), Replica::start(&places)];
    let key = format!("key-{}", std::process::id());
    let first = one.order(&key);
    assert!(first.starts_with("HTTP/1.1 200"), "{first}\n{}", one.log());
    let again = other.order(&key);
    assert!(again.starts_with("HTTP/1.1 200"), "{again}\n{}", other.log());
    assert_eq!(body(&again), body(&first), "the other replica knows the key, and its answer");
    let (_, id) = body(&first).split_once("\"order_id\":\"").expect("an order");
    let id = &id[..id.find('"').expect("the id ends")];
    let shown = other.get(&format!("/orders/{id}"));
    assert!(shown.starts_with("HTTP/1.1 200") && shown.contains("\"completed\""), "{shown}");
    let third = other.order(&format!("{key}-another"));
    assert!(third.starts_with("HTTP/1.1 200"), "the last of three: {third}");
    for replica in [&one, &other] {
        let refused = replica.order(&format!("{key}-more"));
        assert!(refused.starts_with("HTTP/1.1 429") && refused.contains("/problems/rate-limit"), "{refused}");
    }
}

#[test]
fn a_database_that_is_not_there_is_waited_for_and_its_password_not_told() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    let url = format!("postgres://me:sesame@127.0.0.1:{port}/shop");
    let replica = Replica::start(&[("FAILFIRST_STORE", &url)]);
    let refused = replica.order("key");
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(
        refused.contains("/problems/store-unavailable") && refused.to_lowercase().contains("retry-after"),
        "{refused}"
    );
    let log = replica.log();
    assert!(log.contains("the database is not there"), "{log}");
    assert!(!log.contains("sesame") && !refused.contains("sesame"), "{log}\n{refused}");
    assert!(replica.get("/livez").starts_with("HTTP/1.1 200"), "it lives");
}

#[test]
fn redis_that_is_not_there_costs_the_keys_and_not_the_rate() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    let url = format!("redis://:sesame@127.0.0.1:{port}");
    let replica = Replica::start(&[("FAILFIRST_STORE", "memory://"), ("FAILFIRST_RATE_LIMIT", &url)]);
    for number in 0..3 {
        let placed = replica.order(&format!("key-{number}"));
        assert!(placed.starts_with("HTTP/1.1 200"), "by a bucket of its own: {placed}");
    }
    assert!(replica.order("key-3").starts_with("HTTP/1.1 429"), "which is no larger");
    let metrics = replica.get("/metrics");
    assert!(metrics.contains("shared_rate_decided_alone_total 4"), "{metrics}");
    let replica = Replica::start(&[("FAILFIRST_STORE", "memory://"), ("FAILFIRST_IDEMPOTENCY", &url)]);
    let refused = replica.order("key");
    assert!(
        refused.starts_with("HTTP/1.1 503") && refused.contains("/problems/store-unavailable"),
        "{refused}"
    );
    assert!(!replica.log().contains("sesame"));
}
