//! Asks a service whether it is alive, or ready: one small HTTP exchange, which is not worth a client.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long to wait before asking again.
const AGAIN_AFTER: Duration = Duration::from_millis(25);

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// How a good answer begins.
const GOOD: &[u8] = b"HTTP/1.1 200 ";

/// Asks `/livez` until the answer is 200. Never returns otherwise: the caller has a deadline. Cancel safe.
pub async fn until_alive(address: SocketAddr) {
    until("/livez", address).await;
}

/// The same with `/readyz`: it has what it needs, a broker for example.
pub(crate) async fn until_ready(address: SocketAddr) {
    until("/readyz", address).await;
}

async fn until(path: &str, address: SocketAddr) {
    while !matches!(tokio::time::timeout(ANSWER_WITHIN, is_so(path, address)).await, Ok(Ok(true))) {
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

async fn is_so(path: &str, address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut start = [0; GOOD.len()];
    stream.read_exact(&mut start).await?;
    Ok(start == GOOD)
}
