//! Connections beyond the limit: answered with a fixed text, without reading a request, and let go.
//!
//! To accept and answer is kinder than to leave them in the backlog: whoever waits there learns nothing until his
//! own timeout, and a load balancer takes the silence for a slow service instead of a full one. It costs a
//! descriptor for a moment, so at most [`LEAVING_MAX`] are let go in good order; beyond that they are closed on
//! the spot.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::gauge::Gauge;
use crate::node::Node;
use crate::stream::Stream;

/// How many may be on their way out at once.
const LEAVING_MAX: u64 = 256;

/// How long one may take to leave.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

/// How much of its request is read and thrown away, so that it is not reset before it has read the answer.
const READ_BYTES_MAX: u64 = 64 * 1024;

/// Answers `text` and closes; `leaving` counts those that are on their way out.
pub(super) fn turn_away(node: &Node, mut stream: Stream, text: &Bytes, leaving: &Gauge) {
    if leaving.now() >= LEAVING_MAX {
        return;
    }
    let (counted, text) = (leaving.enter(), text.clone());
    node.spawn(async move {
        let leave = async {
            stream.write_all(&text).await?;
            stream.shutdown().await?;
            tokio::io::copy(&mut stream.take(READ_BYTES_MAX), &mut tokio::io::sink()).await
        };
        // It has heard why or does not listen: gone either way.
        let _left = tokio::time::timeout(LEAVE_WITHIN, leave).await;
        drop(counted);
    });
}
