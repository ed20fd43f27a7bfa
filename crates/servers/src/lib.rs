//! For tests: where the servers of `scripts/dev-services` are, and what to do without them.
//!
//! A test that has no server says so in one line and is over. Where a skipped test would go unnoticed (in CI) the
//! variable `FAILFIRST_REQUIRE_SERVICES=1` makes it fail.
//!
//! A test shares a server only under a name of its own ([`fresh_name`], [`Database`]), so that several may run at the same
//! time; one that kills a server has it to itself ([`OwnServer`]). Nothing here is part of what is shipped.

mod database;

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

pub use database::Database;

/// The value of a variable that names a server; `None` when the test is to be skipped.
///
/// # Panics
/// Without it, where servers are required.
#[must_use]
pub fn server(variable: &str) -> Option<String> {
    if let Ok(url) = std::env::var(variable) {
        return Some(url);
    }
    let is_required = std::env::var("FAILFIRST_REQUIRE_SERVICES").is_ok_and(|value| value == "1");
    assert!(!is_required, "{variable} is not set, and FAILFIRST_REQUIRE_SERVICES=1 does without no server");
    eprintln!("skipped: {variable} is not set (eval \"$(scripts/dev-services start)\")");
    None
}

/// The same of a server that is tested in another way as well, so that it may be missing anywhere.
#[must_use]
pub fn optional_server(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok();
    if url.is_none() {
        eprintln!("skipped: {variable} is not set (eval \"$(scripts/dev-services start)\")");
    }
    url
}

/// A name that nobody else uses, in this run or another one.
///
/// # Panics
/// Before 1970.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "runs of the past had other times")]
pub fn fresh_name(what: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = std::time::SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than that");
    format!("{what}_{}_{}_{number}", std::process::id(), now.as_millis())
}

/// What the script starts.
const SERVICES: [&str; 4] = ["postgres", "redis", "nats", "kafka"];

/// A server of one test's own, which it may kill. What it kept goes with it.
#[derive(Debug)]
pub struct OwnServer {
    name: &'static str,
    folder: tempfile::TempDir,
    port: u16,
}

impl OwnServer {
    /// One that does not run yet: one of those that the script knows.
    ///
    /// # Panics
    /// Without a folder or a free port.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, folder: tempfile::tempdir().expect("a folder"), port: lasting_port() }
    }

    /// Where it is going to be.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Starts it, on the data that it left, and waits until it listens.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(&self) {
        self.run(&["start"]);
    }

    /// Kills every process of it.
    ///
    /// # Panics
    /// When it does not run.
    pub fn crash(&self) {
        self.run(&["crash", self.name]);
    }

    fn run(&self, arguments: &[&str]) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/dev-services");
        let others: Vec<_> = SERVICES.into_iter().filter(|name| *name != self.name).collect();
        let port = format!("FAILFIRST_{}_PORT", self.name.to_uppercase());
        let output = std::process::Command::new(script)
            .args(arguments)
            .env("FAILFIRST_SERVICES_DIR", self.folder.path())
            .env("FAILFIRST_SKIP", others.join(","))
            .env(port, self.port.to_string())
            .output()
            .expect("the script can be run");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.run(&["stop"]);
    }
}

/// A port that is free and, unlike those that the kernel hands out, is not given to some client's end of a connection
/// while the server that has it is down: below 32,768, where Linux begins.
fn lasting_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 1_000).expect("below a thousand") * 12;
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut ports =
        std::iter::repeat_with(|| 20_000 + (first + NEXT.fetch_add(2, Ordering::Relaxed)) % 12_000);
    ports.by_ref().take(6_000).find(is_free).expect("a free port")
}

/// Asks again until it is so, for up to a minute.
///
/// # Panics
/// When it is not so by then.
///
/// # Cancel safety
/// As what is asked.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let patience = tokio::time::Instant::now() + Duration::from_secs(60);
    while !is_so().await {
        assert!(tokio::time::Instant::now() < patience, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
