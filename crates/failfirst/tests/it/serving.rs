//! `failfirst serve` as its operators meet it: asked to stop, full, examined, read in its logs.

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
        Self::start_with(more, Stdio::piped(), "info")
    }

    /// One that logs everything, into a file in this folder.
    fn start_logging(folder: &std::path::Path) -> Self {
        let log = fs::File::create(folder.join("log")).expect("created");
        Self::start_with(&[], log.into(), "trace")
    }

    fn start_with(more: &[&str], stderr: Stdio, level: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let design = folder.path().join("slow.toml");
        fs::write(&design, DESIGN).expect("written");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let process = Command::new(env!("CARGO_BIN_EXE_failfirst"))
            .args(["serve", "order-api", "--port", &port.to_string(), "--design"])
            .arg(&design)
            .arg("--data")
            .arg(folder.path().join("data"))
            .args(more)
            .env("FAILFIRST_LOG", level)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
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

    /// One exchange on a connection of its own.
    fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).expect("sent");
        rest(stream)
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

#[test]
fn a_request_is_named_in_its_log_lines_and_what_is_secret_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut service = Service::start_logging(folder.path());
    let order = format!(
        "POST /orders HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-request-id: req-77\r\nauthorization: Bearer s3cret-1\r\n\
         cookie: session=s3cret-2\r\nidempotency-key: s3cret-3\r\ncontent-length: {}\r\n\r\n{ORDER}",
        ORDER.len()
    );
    let told = service.ask(&order);
    assert!(told.starts_with("http/1.1 200") && told.contains("x-request-id: req-77"), "{told}");
    service.signal("-TERM");
    let status = service.process.wait().expect("it ended");
    assert_eq!(status.code(), Some(0));
    let log = fs::read_to_string(folder.path().join("log")).expect("written");
    assert!(!log.contains("s3cret"), "{log}");
    let of_the_order: Vec<_> = log.lines().filter(|line| line.contains("req-77")).collect();
    assert!(!of_the_order.is_empty(), "{log}");
    assert!(
        log.lines().all(|line| line.starts_with("{\"service\":")),
        "JSON lines where it is no terminal: {log}"
    );
}

#[test]
fn a_real_process_tells_what_it_uses_and_its_admin_port_is_for_this_machine_only() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let admin = free.local_addr().expect("bound").port();
    drop(free);
    let service = Service::start(&["--bind", "0.0.0.0", "--admin-port", &admin.to_string()]);
    let metrics = service.ask("GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    for name in [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
    ] {
        assert!(!cfg!(target_os = "linux") || metrics.contains(&format!("\n{name} ")), "{name}: {metrics}");
    }
    // 127.0.0.2 is this machine too, and reaches what is bound everywhere, but not what is bound to 127.0.0.1.
    if cfg!(target_os = "linux") {
        assert!(TcpStream::connect(("127.0.0.2", service.port)).is_ok());
        assert!(
            TcpStream::connect(("127.0.0.2", admin)).is_err(),
            "the admin port is bound to the loopback's own address"
        );
    }
    assert!(TcpStream::connect(("127.0.0.1", admin)).is_ok());
    service.signal("-KILL");
    assert_eq!(service.code(), None);
}
