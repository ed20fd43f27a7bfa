//! `failfirst dlq` on a platform that is up: what nobody can read is put aside, looked at, given out again, thrown away.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::failfirst;

/// Everything is joined by the embedded broker, and what it may do is a matter of its admin port.
const SERVED: [&str; 5] =
    ["order-api", "order-processor", "payment-service", "notification-service", "broker"];

/// How long anything here may take, however busy the machine is.
const WITHIN: Duration = Duration::from_secs(30);

/// A platform that is up in a folder, and stops when it is dropped.
struct Platform {
    up: Child,
    ports: Vec<u16>,
    broker_admin: u16,
    folder: tempfile::TempDir,
}

impl Platform {
    /// Starts it on free ports. Another process may take one in between: then once more with others.
    fn start() -> Self {
        (0..5).find_map(|_| Self::try_start()).expect("a free port was taken five times in a row")
    }

    fn try_start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let free = |_| TcpListener::bind("127.0.0.1:0").expect("a free port");
        let free: Vec<_> = (0..SERVED.len()).map(free).collect();
        let ports: Vec<_> = free.iter().map(|free| free.local_addr().expect("bound").port()).collect();
        let admin = consecutive(SERVED.len());
        drop(free);
        let mut command = Command::new(env!("CARGO_BIN_EXE_failfirst"));
        command.args(["up", "events-composed", "--data", "data", "--admin-base-port", &admin.to_string()]);
        for (served, port) in SERVED.iter().zip(&ports) {
            command.args([format!("--port-{served}"), port.to_string()]);
        }
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut up = command.spawn().expect("started");
        let mut lines = BufReader::new(up.stdout.take().expect("piped")).lines();
        let is_up = lines.any(|line| line.expect("UTF-8").starts_with("ctrl-c"));
        let broker_admin = admin + SERVED.len() as u16 - 1;
        let platform = Self { up, ports, broker_admin, folder };
        is_up.then_some(platform)
    }

    /// One exchange: the answer as it comes.
    fn ask(&self, port: u16, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let length = body.len();
        let head = "host: x\r\ncontent-type: application/json\r\nconnection: close";
        let request = format!("{method} {path} HTTP/1.1\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    }

    /// How many of the messages from now on are followed by one that nobody can read.
    fn poison(&self, share: u32) {
        let mischief = format!(r#"{{"duplicated":0,"reordered":0,"poisoned":{share}}}"#);
        let answer = self.ask(self.broker_admin, "PUT", "/mischief", &mischief);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// What `failfirst dlq` prints.
    fn dlq(&self, arguments: &[&str]) -> String {
        let broker = format!("embedded://127.0.0.1:{}", self.ports[4]);
        let mut command = failfirst(self.folder.path());
        let output = command.args(["dlq", "--broker", &broker]).args(arguments).assert().success();
        String::from_utf8(output.get_output().stdout.clone()).expect("UTF-8")
    }

    fn letters(&self) -> Vec<Value> {
        serde_json::from_str(&self.dlq(&["list", "--json"])).expect("JSON")
    }

    /// The letter of order-processor, as soon as there is one that is not `old`.
    fn letter_of_processor(&self, old: &str) -> Value {
        until("order-processor puts something aside", || {
            let mut letters = self.letters().into_iter();
            letters.find(|letter| letter["group"] == "order-processor" && id(letter) != old)
        })
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // In good order, so that no process is left; a platform that is gone already needs nothing.
        let _gone = Command::new("kill").args(["-INT", &self.up.id().to_string()]).status();
        let _gone = self.up.wait();
    }
}

/// The first of so many free ports in a row.
fn consecutive(many: usize) -> u16 {
    let span = u16::try_from(many).expect("a few");
    let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
    // Below those that the system gives to connections; where to begin differs from one process to the next.
    let begin = 12_000 + (std::process::id() % 1_900) as u16 * 10;
    let mut bases = (begin..31_000).step_by(10).chain((12_000..begin).step_by(10));
    bases.find(|base| (*base..*base + span).all(is_free)).expect("free ports")
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < WITHIN, "not within {WITHIN:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn id(letter: &Value) -> &str {
    letter["id"].as_str().expect("an id")
}

#[test]
fn what_nobody_can_read_is_put_aside_shown_given_out_again_and_thrown_away() {
    let platform = Platform::start();
    assert_eq!(platform.dlq(&["list"]), "no dead letters\n");
    platform.poison(1);
    let order =
        r#"{"order_id":"mine-1","customer_id":"c1","items":[{"product_id":"P","quantity":1,"price":1}]}"#;
    let answer = platform.ask(platform.ports[0], "POST", "/orders", order);
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let first = platform.letter_of_processor("");
    platform.poison(0);
    assert_eq!((&first["message"]["topic"], &first["message"]["key"]), (&"orders".into(), &"mine-1".into()));
    // The order itself is as well as ever.
    until("the customer is told", || {
        let order = platform.ask(platform.ports[0], "GET", "/orders/mine-1", "");
        order.contains("\"notified\"").then_some(())
    });

    let shown = platform.dlq(&["show", id(&first)]);
    let reason = first["reason"].as_str().expect("a reason");
    assert!(
        !reason.is_empty() && shown.contains(reason) && shown.contains("nothing that anybody knows"),
        "{shown}"
    );
    let listed = platform.dlq(&["list", "--topic", "orders"]);
    assert!(listed.contains(id(&first)) && listed.contains("order-processor"), "{listed}");

    assert_eq!(platform.dlq(&["replay", id(&first)]), "1 letter given out again\n");
    let again = platform.letter_of_processor(id(&first));
    assert_eq!(again["reason"], first["reason"], "the cause is not gone");
    assert!(platform.letters().iter().all(|letter| id(letter) != id(&first)), "it was given out");

    assert_eq!(platform.dlq(&["purge", id(&again)]), "1 letter thrown away\n");
    platform.dlq(&["purge", "--all"]);
    assert_eq!(platform.dlq(&["list"]), "no dead letters\n");
}
