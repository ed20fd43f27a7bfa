//! Customers: each sends an order under a key, and some ask again under the same key until they hear how it ended.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{interval, sleep, timeout};

/// How long a customer waits for one answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often a customer asks under one key.
const ASKS_MAX: u32 = 8;
/// Between two asks.
const PAUSE: Duration = Duration::from_millis(250);

/// One answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// What one customer heard under one key.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// `None` where the exchange broke or nobody answered in time.
    answers: Vec<Option<Answer>>,
}

impl Answered {
    /// The order that this customer was promised: with 200 that it is completed, with 202 that it will be dealt with.
    pub(super) fn promised(&self) -> Option<&str> {
        let kept = |answer: &&Answer| matches!(answer.status, 200 | 202);
        let body = self.answers.iter().flatten().find(kept).map(|answer| &answer.body)?;
        let id = body.split("\"order_id\":\"").nth(1).expect("an order has an id");
        Some(id.split('"').next().expect("a text ends"))
    }

    /// Every order that it was promised.
    pub(super) fn promised_ids(&self) -> impl Iterator<Item = String> {
        self.answers.iter().flatten().filter(|answer| matches!(answer.status, 200 | 202)).map(|answer| {
            let order: Value = serde_json::from_str(&answer.body).expect("an order is JSON");
            order["order_id"].as_str().expect("an order has an id").to_owned()
        })
    }

    /// Whether it was ever left without an answer.
    pub(super) fn broke(&self) -> bool {
        self.answers.iter().any(Option::is_none)
    }

    fn is_over(&self) -> bool {
        // Anything else may still become a success: refused, not reached, in work, unknown.
        matches!(self.answers.last(), Some(Some(Answer { status: 200 | 202 | 402 | 422, .. })))
    }
}

/// Orders that keep coming.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    driver: JoinHandle<Vec<Answered>>,
}

impl Load {
    /// An order every so often.
    pub(super) fn start(api: SocketAddr, every: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        #[expect(clippy::disallowed_methods, reason = "a real client beside real processes")]
        let driver = tokio::spawn(async move {
            let mut customers = JoinSet::new();
            let mut number = 0;
            let mut next = interval(every);
            while !stopped.load(Relaxed) {
                next.tick().await;
                customers.spawn(customer(api, number));
                number += 1;
            }
            customers.join_all().await
        });
        Self { stop, driver }
    }

    /// Lets no more come, and waits until each has heard or given up.
    pub(super) async fn finish(self) -> Vec<Answered> {
        self.stop.store(true, Relaxed);
        self.driver.await.expect("customers do not panic")
    }
}

async fn customer(api: SocketAddr, number: u32) -> Answered {
    // Every other leaves the choice of an id to the platform; every third insists.
    let id =
        if number.is_multiple_of(2) { format!("\"order_id\":\"mine-{number}\",") } else { String::new() };
    let asks = if number.is_multiple_of(3) { ASKS_MAX } else { 1 };
    let body = format!(
        "{{{id}\"customer_id\":\"c{}\",\"items\":[{{\"product_id\":\"PIZZA-1\",\"quantity\":1,\"price\":9.5}}]}}",
        number % 17
    );
    let request = format!(
        "POST /orders HTTP/1.1\r\nhost: x\r\nidempotency-key: \"key-{number}\"\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut answered = Answered::default();
    for ask in 0..asks {
        if ask > 0 {
            sleep(PAUSE).await;
        }
        let answer = timeout(PATIENCE, exchange(api, &request)).await;
        answered.answers.push(answer.ok().and_then(Result::ok));
        if answered.is_over() {
            break;
        }
    }
    answered
}

/// One request on a connection of its own, and the whole answer.
pub(super) async fn exchange(address: SocketAddr, request: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let broken = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let text = String::from_utf8(bytes).map_err(|_| broken())?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(broken)?;
    let announced =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    // An answer that was cut off is none.
    if announced.is_some_and(|length| length != body.len()) {
        return Err(broken());
    }
    Ok(Answer { status, body: body.to_owned() })
}
