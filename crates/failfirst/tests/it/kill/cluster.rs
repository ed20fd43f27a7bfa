//! The services, and what carries their events, as processes that can be killed one by one and started again on what they
//! left.

use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use servers::until;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::client::exchange;
use super::ground::{BROKER, Ground};

/// The services of a chain, from the edge inwards.
pub(super) const CHAIN: &[&str] = &["order-api", "order-processor", "payment-service"];

/// Those that are joined by a broker, and the broker.
pub(super) const EVENTS: &[&str] =
    &[BROKER, "order-api", "order-processor", "payment-service", "notification-service"];

/// How long a service may take until it answers, however busy the machine is: a Kafka that was killed takes twelve seconds of
/// its own.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A platform of several processes.
pub(super) struct Cluster {
    design: String,
    pub(super) ground: Ground,
    data: TempDir,
    services: Vec<Process>,
}

struct Process {
    name: &'static str,
    address: SocketAddr,
    admin: SocketAddr,
    child: Option<Child>,
}

impl Cluster {
    pub(super) async fn start(design: &str, services: &[&'static str], ground: Ground) -> Self {
        let is_ours = |name: &&str| ground.server(name).is_none();
        let names: Vec<_> = services.iter().copied().filter(is_ours).collect();
        let process = |name: &&'static str| Process { name, address: free(), admin: free(), child: None };
        let data = tempfile::tempdir().expect("a folder");
        let processes = names.iter().map(process).collect();
        let mut cluster = Self { design: design.to_owned(), ground, data, services: processes };
        for name in names {
            cluster.restart(name).await;
        }
        cluster.until_ready().await;
        cluster
    }

    pub(super) fn address(&self, name: &str) -> SocketAddr {
        self.service(name).address
    }

    fn service(&self, name: &str) -> &Process {
        self.services.iter().find(|service| service.name == name).expect("one of them")
    }

    /// `kill -9`, whatever it is doing.
    pub(super) async fn kill(&mut self, name: &str) {
        if let Some(server) = self.ground.server(name) {
            return tokio::task::block_in_place(|| server.crash());
        }
        let service = self.services.iter_mut().find(|service| service.name == name).expect("one of them");
        let mut child = service.child.take().expect("it runs");
        child.kill().await.expect("a process that runs can be killed");
    }

    /// Asks it to stop (SIGTERM), and waits until it has.
    pub(super) async fn ask_to_stop(&mut self, name: &str) {
        let service = self.services.iter_mut().find(|service| service.name == name).expect("one of them");
        let mut child = service.child.take().expect("it runs");
        let id = child.id().expect("it runs").to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().await.expect("there is a kill");
        assert!(asked.success(), "{name} is not to be asked");
        let ended = timeout(READY_WITHIN, child.wait()).await.expect("it stops in time").expect("it is ours");
        assert!(ended.success(), "{name} stops in good order: {ended}");
    }

    /// A fresh process on what the killed one has left.
    pub(super) async fn restart(&mut self, name: &str) {
        if let Some(server) = self.ground.server(name) {
            return tokio::task::block_in_place(|| server.start());
        }
        // Nobody calls a further replica: it finds its work at the broker.
        let called = self.services.iter().filter(|service| part(service.name).1.is_none());
        let peers: Vec<_> = called.map(|service| format!("{}={}", service.name, service.address)).collect();
        let service = self.services.iter_mut().find(|service| service.name == name).expect("one of them");
        let mut command = Command::new(env!("CARGO_BIN_EXE_failfirst"));
        let (served, replica) = part(name);
        command.args(["serve", served, "--design", &self.design]);
        command.args(replica.iter().flat_map(|number| ["--replica", number]));
        command.args(["--port", &service.address.port().to_string()]);
        command.args(["--admin-port", &service.admin.port().to_string()]);
        // The broker of this program has a disk of its own, wherever the services keep what they own.
        match self.ground.store().filter(|_| name != BROKER) {
            Some(url) => command.env("FAILFIRST_STORE", url),
            None => command.arg("--data").arg(self.data.path()),
        };
        command.envs(self.ground.variables());
        for peer in &peers {
            command.args(["--peer", peer]);
        }
        // That a server which was killed is not there is no news.
        command.env("FAILFIRST_LOG", "error,adapters=off");
        command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        service.child = Some(command.spawn().expect("started"));
    }

    /// Waits until every service answers.
    pub(super) async fn until_ready(&self) {
        for service in &self.services {
            self.until_one_is_ready(service.name).await;
        }
    }

    /// Waits until one is ready.
    pub(super) async fn until_one_is_ready(&self, name: &str) {
        let began = Instant::now();
        loop {
            let answer = get(self.address(name), "/readyz").await;
            if matches!(answer, Some((200, _))) {
                return;
            }
            assert!(began.elapsed() < READY_WITHIN, "{name} does not get ready: {answer:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a process has dealt with an event of a topic, since it was started.
    pub(super) async fn until_it_has_dealt_with(&self, name: &str, topic: &str) {
        let count = format!("consumer_processing_seconds_count{{topic=\"{topic}\"");
        until(&format!("{name} deals with {topic}"), async || {
            let metrics = get(self.address(name), "/metrics").await;
            let metrics = metrics.map(|(_status, body)| body).unwrap_or_default();
            metrics.lines().any(|line| line.starts_with(&count) && !line.ends_with(" 0"))
        })
        .await;
    }

    /// What `failfirst dlq` prints.
    pub(super) async fn dlq(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_failfirst"));
        command.arg("dlq").args(arguments);
        if self.ground.server(BROKER).is_none() {
            command.env("FAILFIRST_BROKER", format!("embedded://{}", self.address(BROKER)));
        }
        let output = command.envs(self.ground.variables()).output().await.expect("started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Waits until payment executes nothing any more.
    pub(super) async fn until_payment_rests(&self, within: Duration) {
        let began = Instant::now();
        loop {
            let facts = self.facts("payment-service").await;
            let now = |gauge: &str| facts["gauges"][gauge]["now"].as_u64().expect("a gauge");
            if now("running") + now("waiting") == 0 {
                return;
            }
            assert!(began.elapsed() < within, "payment is still at work: {}", facts["gauges"]);
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// What a service's own store holds, once it can say so.
    pub(super) async fn facts(&self, name: &str) -> Value {
        let began = Instant::now();
        loop {
            let answer = get(self.service(name).admin, "/facts").await;
            if let Some((200, body)) = answer {
                return serde_json::from_str(&body).expect("facts are JSON");
            }
            assert!(began.elapsed() < READY_WITHIN, "{name} does not say what it holds: {answer:?}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// How order-api says that an order stands; `None` when it knows none.
    pub(super) async fn order_state(&self, order: &str) -> Option<String> {
        let path = format!("/orders/{order}");
        let (status, body) = get(self.address("order-api"), &path).await.expect("order-api answers");
        let order: Value = serde_json::from_str(&body).expect("JSON");
        (status == 200).then(|| order["state"].as_str().expect("a state").to_owned())
    }

    /// How many orders order-api has brought to their end; `None` while it does not answer.
    pub(super) async fn orders_ended(&self) -> Option<u64> {
        let (_status, body) = get(self.address("order-api"), "/stats").await?;
        let stats: Value = serde_json::from_str(&body).ok()?;
        ["completed", "declined", "failed"].iter().map(|state| stats["orders"][state].as_u64()).sum()
    }

    pub(super) async fn stop(mut self) {
        for service in &mut self.services {
            if let Some(child) = &mut service.child {
                child.kill().await.expect("it runs");
            }
        }
        self.ground.remove().await;
    }
}

/// The service and the number of a replica, which is called after both: `order-processor-2`.
fn part(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('-') {
        Some((served, number)) if number.parse::<u32>().is_ok() => (served, Some(number)),
        _ => (name, None),
    }
}

/// An address that is free now. Another process may take it in between: then the service does not get ready, and
/// says why.
fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound")
}

/// Status and body; `None` when nobody answers.
async fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let answer = timeout(Duration::from_secs(10), exchange(address, &request)).await.ok()?.ok()?;
    Some((answer.status, answer.body))
}
