//! `failfirst up`: real processes on real ports, and none of them left behind, however it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

const SERVICES: [&str; 3] = ["order-api", "order-processor", "payment-service"];

/// A platform that is up.
struct Platform {
    up: Child,
    /// Held by `up` and by every service: it ends when the last of them does.
    stderr: ChildStderr,
    ports: [u16; 3],
    /// Of the services, in their order.
    processes: Vec<String>,
}

impl Platform {
    /// Starts a design on free ports. Another process may take one in between: then once more with others.
    fn start(design: &str) -> Self {
        for _ in 0..5 {
            match Self::try_start(design) {
                Ok(platform) => return platform,
                Err(said) => assert!(said.contains("in use"), "{said}"),
            }
        }
        panic!("five times in a row a free port was taken");
    }

    fn try_start(design: &str) -> Result<Self, String> {
        let free = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let ports = free.map(|listener| listener.local_addr().expect("bound").port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_failfirst"));
        let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("up-{}", ports[0]));
        command.args(["up", design, "--data"]).arg(&data);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (service, port) in SERVICES.iter().zip(ports) {
            command.args([format!("--port-{service}"), port.to_string()]);
        }
        let mut up = command.spawn().expect("started");
        let mut stderr = up.stderr.take().expect("piped");
        let mut processes = Vec::new();
        for line in BufReader::new(up.stdout.take().expect("piped")).lines() {
            let line = line.expect("UTF-8");
            if SERVICES.iter().any(|service| line.trim_start().starts_with(service)) {
                processes.push(line.split_whitespace().last().expect("a process id").to_owned());
            }
            if line.starts_with("ctrl-c") {
                return Ok(Self { up, stderr, ports, processes });
            }
        }
        let mut said = String::new();
        stderr.read_to_string(&mut said).expect("UTF-8");
        up.wait().expect("it ended");
        Err(said)
    }

    /// One exchange with order-api: status, head and body.
    fn ask(&self, request: &str) -> (String, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[0])).expect("it listens");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        (head.to_lowercase(), body.to_owned())
    }

    /// Waits until `up` and every service has ended; what they said, and how `up` ended.
    fn ended(mut self) -> (ExitStatus, String) {
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).expect("UTF-8");
        let status = self.up.wait().expect("it ended");
        for port in self.ports {
            TcpListener::bind(("127.0.0.1", port)).unwrap_or_else(|error| panic!("port {port}: {error}"));
        }
        (status, said)
    }
}

/// Sends a signal, as a terminal or a supervisor would.
fn signal(signal: &str, process: &str) {
    assert!(Command::new("kill").args([signal, process]).status().expect("kill is there").success());
}

#[test]
fn an_order_is_paid_and_ctrl_c_stops_everything() {
    let platform = Platform::start("v0.3.0");
    let order = r#"{"order_id":"mine-1","customer_id":"c1","items":[{"product_id":"PIZZA-1","quantity":2,"price":9.50}]}"#;
    let (head, body) = platform.ask(&format!(
        "POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{order}",
        order.len()
    ));
    assert!(head.starts_with("http/1.1 200"), "{head}\n{body}");
    assert!(head.contains("location: /orders/mine-1"), "{head}");
    let (head, body) = platform.ask("GET /orders/mine-1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(head.starts_with("http/1.1 200"), "{head}\n{body}");
    assert!(body.contains("mine-1") && body.contains("completed"), "{body}");

    assert_eq!(platform.processes.len(), 3);
    signal("-INT", &platform.up.id().to_string());
    let (status, said) = platform.ended();
    assert_eq!(status.code(), Some(0), "{said}");
}

#[test]
fn a_service_that_stops_is_named_and_takes_the_others_along() {
    let platform = Platform::start("v0.1.0");
    signal("-KILL", &platform.processes[2]);
    let (status, said) = platform.ended();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("error: payment-service stopped: signal: 9"), "{said}");
}

#[test]
fn no_service_outlives_an_up_that_is_killed() {
    let platform = Platform::start("v0.1.0");
    signal("-KILL", &platform.up.id().to_string());
    let (status, said) = platform.ended();
    assert_eq!(status.code(), None, "{said}");
}
