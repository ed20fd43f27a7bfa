//! Where the servers are, and what to do without them.
//!
//! A test that has no server says so in one line and is over. Where a skipped test would go unnoticed (in CI) the
//! variable `FAILFIRST_REQUIRE_SERVICES=1` makes it fail.

use node::{Node, RealOptions};

/// The value of a variable that names a server; `None` when the test is to be skipped.
pub(crate) fn server(variable: &str) -> Option<String> {
    if let Ok(url) = std::env::var(variable) {
        return Some(url);
    }
    let is_required = std::env::var("FAILFIRST_REQUIRE_SERVICES").is_ok_and(|value| value == "1");
    assert!(!is_required, "{variable} is not set, and FAILFIRST_REQUIRE_SERVICES=1 does without no server");
    eprintln!("skipped: {variable} is not set (eval \"$(scripts/dev-services start)\")");
    None
}

/// A node on this machine.
pub(crate) fn node() -> Node {
    Node::real(RealOptions { name: "test".to_owned(), ..RealOptions::default() })
}

/// A name that nobody else uses, in this run or another one.
pub(crate) fn fresh_name(what: &str) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{what}_{}_{}_{number}", std::process::id(), node().elapsed().as_millis())
}
