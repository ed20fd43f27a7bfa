//! `failfirst serve`, asked to stop: what was taken on is finished, the rest is refused, and the exit is 0.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A whole platform in one process, whose payments take longer than it takes to be asked to stop.
const DESIGN: &str = "name = 'slow'\ntopology = 'monolith'\n\n\
    [payment]\nslots = 4\nservice_time = { kind = 'constant', value = '1500ms' }\n";

const ORDER: &str =
    r#"{"order_id":"mine-1","customer_id":"c1","items":[{"product_id":"P","quantity":1,"price":1}]}"#;

struct Service {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Service {
    fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let design = folder.path().join("slow.toml");
        fs::write(&design, DESIGN).expect("written");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let process = Command::new(env!("CARGO_BIN_EXE_failfirst"))
            .args(["serve", "order-api", "--port", &port.to_string(), "--design"])
            .arg(&design)
            .args(more)
            .env("FAILFIRST_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let service = Self { process, port, _folder: folder };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "it never listened");
            std::thread::sleep(Duration::from_millis(20));
        }
        service
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).expect("it listens")
    }

    /// An order that is in work when this returns.
    fn order_in_work(&self) -> TcpStream {
        let mut order = self.connect();
        order.write_all(post(ORDER).as_bytes()).expect("sent");
        self.until_in_work();
        order
    }

    /// Asks on connections of its own until the order is in work: whatever connected before is accepted then.
    fn until_in_work(&self) {
        let began = Instant::now();
        loop {
            let mut asking = self.connect();
            let get = "GET /orders/mine-1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
            asking.write_all(get.as_bytes()).expect("sent");
            let mut text = String::new();
            asking.read_to_string(&mut text).expect("answered");
            if text.contains("\"paying\"") {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "{text}");
        }
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill is there").success());
    }

    /// Waits until it has said so.
    fn said(&mut self, words: &str) {
        let stderr = self.process.stderr.take().expect("piped");
        let mut lines = BufReader::new(stderr).lines();
        let found = lines.by_ref().map(|line| line.expect("UTF-8")).find(|line| line.contains(words));
        assert!(found.is_some(), "it never said {words:?}");
        // Whatever else it says has somewhere to go.
        std::thread::spawn(move || lines.for_each(drop));
    }

    fn code(mut self) -> Option<i32> {
        self.process.wait().expect("it ended").code()
    }
}

fn post(body: &str) -> String {
    format!("POST /orders HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("closed in good order");
    text.to_lowercase()
}

#[test]
fn what_was_accepted_is_finished_and_what_comes_later_is_refused() {
    let mut service = Service::start(&[]);
    let order = service.order_in_work();
    let (mut late, mut probe) = (service.connect(), service.connect());
    // Both are accepted by now: somebody answers on a connection that was made after them.
    service.until_in_work();
    service.signal("-TERM");
    service.said("stopping");
    late.write_all(post(&ORDER.replace("mine-1", "late-1")).as_bytes()).expect("sent");
    probe.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
    let told = rest(late);
    assert!(told.starts_with("http/1.1 503") && told.contains("/problems/shutting-down"), "{told}");
    assert!(told.contains("retry-after: 1") && told.contains("connection: close"), "{told}");
    let told = rest(probe);
    assert!(told.starts_with("http/1.1 503") && told.contains("/problems/not-ready"), "{told}");
    assert!(TcpStream::connect(("127.0.0.1", service.port)).is_err(), "it listens no more");
    let told = rest(order);
    assert!(told.starts_with("http/1.1 200") && told.contains("connection: close"), "{told}");
    assert!(told.contains("\"completed\""), "{told}");
    assert_eq!(service.code(), Some(0));
}

#[test]
fn what_takes_longer_than_the_grace_is_left_as_it_is() {
    let service = Service::start(&["--grace", "100ms"]);
    let mut order = service.order_in_work();
    service.signal("-INT");
    assert_eq!(service.code(), Some(0));
    let mut text = String::new();
    let cut = order.read_to_string(&mut text);
    assert!(cut.is_err() || text.is_empty(), "{text}");
}

#[test]
fn told_twice_it_stops_at_once() {
    let mut service = Service::start(&["--grace", "60s"]);
    let _order = service.order_in_work();
    service.signal("-TERM");
    service.said("stopping");
    service.signal("-TERM");
    assert_eq!(service.code(), Some(1));
}

#[test]
fn beyond_its_connections_it_answers_503_with_a_problem() {
    let service = Service::start(&["--connections", "1"]);
    // Connections of the start may still be on their way out.
    let began = Instant::now();
    loop {
        let mut first = service.connect();
        first.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
        let mut status = [0; 12];
        first.read_exact(&mut status).expect("an answer");
        if &status == b"HTTP/1.1 200" {
            let told = rest(service.connect());
            assert!(
                told.starts_with("http/1.1 503") && told.contains("/problems/too-many-connections"),
                "{told}"
            );
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "no room for one");
    }
    service.signal("-KILL");
    assert_eq!(service.code(), None);
}
