//! The one who writes to the log's files. On a real host that is a thread, because syncing blocks, and nothing else is
//! done there: whoever has a record written goes on where it is, beside those who wait for it.

use std::io;

use node::Node;
use tokio::sync::{mpsc, oneshot};

use super::file::LogFile;

/// How much longer a file becomes at once, at least and at most.
const ROOM_BYTES_MIN: u64 = 64 << 10;
const ROOM_BYTES_MAX: u64 = 4 << 20;

/// A record on its way into a file.
#[derive(Debug)]
struct Piece {
    file: usize,
    at: u64,
    record: Vec<u8>,
    written: oneshot::Sender<(Vec<u8>, io::Result<()>)>,
}

/// Whoever may have records written. When it goes, the files are closed.
#[derive(Debug)]
pub(super) struct Hand(mpsc::Sender<Piece>);

impl Hand {
    /// Takes the files into a hand of their own.
    pub(super) fn take(node: &Node, name: &str, files: [LogFile; 2], lengths: [u64; 2]) -> io::Result<Self> {
        // One record at a time.
        let (pieces, received) = mpsc::channel(1);
        node.spawn_dedicated(name, Files { files, lengths }.serve(received))?;
        Ok(Self(pieces))
    }

    /// Writes a record at a place in a file, and returns when it is durable. The record's memory is given back, empty or
    /// not.
    pub(super) async fn write(&self, file: usize, at: u64, record: &mut Vec<u8>) -> io::Result<()> {
        let (written, outcome) = oneshot::channel();
        let piece = Piece { file, at, record: std::mem::take(record), written };
        self.0.send(piece).await.map_err(|_gone| gone())?;
        let (back, outcome) = outcome.await.map_err(|_gone| gone())?;
        *record = back;
        outcome
    }
}

fn gone() -> io::Error {
    io::Error::other("the thread that writes the log has ended")
}

#[derive(Debug)]
struct Files {
    files: [LogFile; 2],
    lengths: [u64; 2],
}

impl Files {
    async fn serve(mut self, mut pieces: mpsc::Receiver<Piece>) {
        while let Some(Piece { file, at, record, written }) = pieces.recv().await {
            let outcome = self.write(file, at, &record).await;
            // Whoever does not wait any more has ended.
            let _gone = written.send((record, outcome));
        }
    }

    async fn write(&mut self, file: usize, at: u64, record: &[u8]) -> io::Result<()> {
        self.make_room(file, at + record.len() as u64);
        let file = &self.files[file];
        file.write(at, record)?;
        file.sync()?;
        file.synced().await;
        Ok(())
    }

    /// Makes a file longer before it has to be: one that grows costs each sync another write, of its length. As much
    /// again as there is, within bounds.
    fn make_room(&mut self, file: usize, end: u64) {
        let length = self.lengths[file];
        if end <= length {
            return;
        }
        let more = length.clamp(ROOM_BYTES_MIN, ROOM_BYTES_MAX);
        let longer = end.next_multiple_of(ROOM_BYTES_MIN).max(length + more);
        // Where there is no room for that much there may be for the record: that is what counts.
        if self.files[file].lengthen(length, longer).is_ok() {
            self.lengths[file] = longer;
        }
    }
}
