//! A simulated disk: files of a host that outlive its processes, and lose what was not synced when the power fails.
//!
//! A write is seen at once and is safe only after a sync, which takes virtual time ([`HostOptions::sync_latency`]). The
//! engine above calls [`SimFile::sync`] as if it blocked; to model that it does, whoever lets others see the outcome
//! first awaits [`SimFile::synced`]. What is written after a sync was called therefore *happens* after that sync.
//!
//! * **The power fails**: what a completed sync covered is there. Of the writes that a sync in progress covers (and, when
//!   none is in progress, of those that none covers yet) any subset has reached the disk, some of them torn at sectors of
//!   512 bytes, as the host's random stream says. What comes after a sync that was not complete never happened.
//! * **The process is killed**: the system keeps what was written, and completes the sync in progress. What comes after
//!   that never happened. A file that an ended process holds can do nothing any more.
//! * **The disk is full**: what would make a file longer fails ([`SimWorld::set_disk_max`](super::SimWorld::set_disk_max)).
//!
//! A file is one array of bytes and a list of what may still be lost, each with what stood there before.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::Duration;

use rand::Rng as _;
use tokio::time::{Instant, sleep_until};

use super::host::HostState;
use super::world::{Shared, lock};
use crate::rng::Rng;

/// What is written at once or not at all.
const SECTOR_BYTES: usize = 512;

/// How much later than it says a disk that lies has made data durable: never, for a simulation.
const LIE: Duration = Duration::from_hours(1);

/// The disk of one host.
#[derive(Debug)]
pub(super) struct HostDisk {
    files: BTreeMap<String, File>,
    pub(super) bytes_max: u64,
    sync_latency: Duration,
    lies: bool,
    rng: Rng,
}

#[derive(Debug, Default)]
struct File {
    bytes: Vec<u8>,
    /// Syncs that are not complete, the first is in progress.
    syncs: VecDeque<Sync>,
    /// Changes that no sync covers yet.
    unsynced: Vec<Change>,
}

#[derive(Debug)]
struct Sync {
    changes: Vec<Change>,
    complete_at: Instant,
}

/// One change, with what it changed.
#[derive(Debug)]
enum Change {
    /// Bytes were written.
    Write { at: usize, before: Vec<u8>, after: Vec<u8> },
    /// The file got another length.
    Length { before: usize, cut_off: Vec<u8>, after: usize },
}

impl Change {
    fn place(&self) -> usize {
        match self {
            Self::Write { at, .. } => *at,
            // Lengths first: what is written into the new part needs it.
            Self::Length { .. } => 0,
        }
    }
}

impl File {
    fn write(&mut self, at: usize, data: &[u8]) {
        self.bytes[at..at + data.len()].copy_from_slice(data);
    }

    /// Takes a change back.
    fn undo(&mut self, change: &Change) {
        match change {
            Change::Write { at, before, .. } => self.write(*at, before),
            Change::Length { before, cut_off, .. } => {
                self.bytes.truncate(*before);
                self.bytes.extend_from_slice(cut_off);
                self.bytes.resize(*before, 0);
            }
        }
    }

    /// Forgets how to take back what is safe by now.
    fn settle(&mut self, now: Instant) {
        while self.syncs.front().is_some_and(|sync| sync.complete_at <= now) {
            self.syncs.pop_front();
        }
    }

    /// What was called while a sync was not complete has not happened.
    fn forget_what_never_happened(&mut self, now: Instant) {
        self.settle(now);
        if self.syncs.is_empty() {
            return;
        }
        let never = self.syncs.drain(1..).flat_map(|sync| sync.changes).chain(self.unsynced.drain(..));
        let never: Vec<_> = never.collect();
        never.iter().rev().for_each(|change| self.undo(change));
    }

    fn lose_power(&mut self, now: Instant, rng: &mut Rng) {
        self.forget_what_never_happened(now);
        let in_progress = self.syncs.drain(..).flat_map(|sync| sync.changes);
        let mut changes: Vec<_> = in_progress.chain(self.unsynced.drain(..)).collect();
        changes.iter().rev().for_each(|change| self.undo(change));
        // The engine may write in any order: what is drawn depends on the place alone.
        changes.sort_by_key(Change::place);
        // Sometimes all or nothing, else each for itself.
        let luck = rng.next_u64() % 4;
        for change in &changes {
            let fate = match luck {
                0 => Fate::Lost,
                1 => Fate::Whole,
                _ => Fate::drawn(rng),
            };
            self.redo(change, fate, rng);
        }
    }

    fn redo(&mut self, change: &Change, fate: Fate, rng: &mut Rng) {
        match (change, fate) {
            (_, Fate::Lost) => {}
            (Change::Length { after, .. }, _) => self.bytes.resize(*after, 0),
            (Change::Write { at, after, .. }, fate) => {
                for (sector, data) in after.chunks(SECTOR_BYTES).enumerate() {
                    let at = at + sector * SECTOR_BYTES;
                    if fate == Fate::Torn && rng.next_u64().is_multiple_of(2) {
                        continue;
                    }
                    // Its length may have been lost; then there is no place for it.
                    if at + data.len() <= self.bytes.len() {
                        self.write(at, data);
                    }
                }
            }
        }
    }
}

/// What becomes of a write that was not safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Lost,
    Whole,
    Torn,
}

impl Fate {
    fn drawn(rng: &mut Rng) -> Self {
        match rng.next_u64() % 3 {
            0 => Self::Lost,
            1 => Self::Whole,
            _ => Self::Torn,
        }
    }
}

impl HostDisk {
    pub(super) fn new(sync_latency: Duration, lies: bool, rng: Rng) -> Self {
        Self { files: BTreeMap::new(), bytes_max: u64::MAX, sync_latency, lies, rng }
    }

    pub(super) fn end_process(&mut self, state: HostState, now: Instant) {
        for file in self.files.values_mut() {
            match state {
                HostState::Running => {}
                // Where a sync returned too early, what came after it did happen, and the system has it.
                HostState::Killed if self.lies => {}
                HostState::Killed => file.forget_what_never_happened(now),
                HostState::PoweredOff => file.lose_power(now, &mut self.rng),
            }
        }
    }

    fn used(&self) -> u64 {
        self.files.values().map(|file| file.bytes.len() as u64).sum()
    }

    fn file(&mut self, name: &str) -> &mut File {
        self.files.entry(name.to_owned()).or_default()
    }

    fn write(&mut self, name: &str, at: u64, data: &[u8]) -> io::Result<()> {
        let at = usize::try_from(at).map_err(|_| out_of_bounds())?;
        let end = at.checked_add(data.len()).ok_or_else(out_of_bounds)?;
        if end > self.file(name).bytes.len() {
            self.set_len(name, end as u64)?;
        }
        let file = self.file(name);
        let change = Change::Write { at, before: file.bytes[at..end].to_vec(), after: data.to_vec() };
        file.write(at, data);
        file.unsynced.push(change);
        Ok(())
    }

    fn set_len(&mut self, name: &str, length: u64) -> io::Result<()> {
        let free = self.bytes_max.saturating_sub(self.used());
        let file = self.file(name);
        let (before, after) = (file.bytes.len(), usize::try_from(length).map_err(|_| out_of_bounds())?);
        if after > before && (after - before) as u64 > free {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on device"));
        }
        let cut_off = file.bytes.get(after..).unwrap_or_default().to_vec();
        file.bytes.resize(after, 0);
        file.unsynced.push(Change::Length { before, cut_off, after });
        Ok(())
    }

    fn sync(&mut self, name: &str, now: Instant) {
        let (latency, lies) = (self.sync_latency, self.lies);
        let file = self.file(name);
        file.settle(now);
        let changes = std::mem::take(&mut file.unsynced);
        let complete_at = match file.syncs.back() {
            _ if lies => now + LIE,
            Some(before) => before.complete_at + latency,
            None => now + latency,
        };
        file.syncs.push_back(Sync { changes, complete_at });
    }
}

fn out_of_bounds() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "beyond what a file can have")
}

/// A file of a simulated host, in the hands of one of its processes. See the module.
#[derive(Clone, Debug)]
pub struct SimFile {
    world: Shared,
    host: usize,
    incarnation: u64,
    name: String,
}

impl SimFile {
    /// Opens a file of a host's running process.
    pub(super) fn open(world: &Shared, host: usize, name: &str) -> io::Result<Self> {
        let incarnation = lock(world).hosts[host].incarnation;
        let file = Self { world: world.clone(), host, incarnation, name: name.to_owned() };
        file.on_disk(|_, _| Ok(()))?;
        Ok(file)
    }

    fn on_disk<T>(&self, act: impl FnOnce(&mut HostDisk, &str) -> io::Result<T>) -> io::Result<T> {
        let mut world = lock(&self.world);
        let host = &mut world.hosts[self.host];
        if host.state != HostState::Running || host.incarnation != self.incarnation {
            return Err(io::Error::other("the process that opened this file has ended"));
        }
        act(&mut host.disk, &self.name)
    }

    /// How long the file is.
    ///
    /// # Errors
    /// When the process that opened it has ended.
    pub fn len(&self) -> io::Result<u64> {
        self.on_disk(|disk, name| Ok(disk.file(name).bytes.len() as u64))
    }

    /// Whether there is nothing in it.
    ///
    /// # Errors
    /// When the process that opened it has ended.
    pub fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads all of `out` from an offset.
    ///
    /// # Errors
    /// When the file ends before that, or the process that opened it has ended.
    pub fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        self.on_disk(|disk, name| {
            let at = usize::try_from(at).map_err(|_| out_of_bounds())?;
            let bytes = disk.file(name).bytes.get(at..at.saturating_add(out.len()));
            out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    /// Writes at an offset; the file grows when it has to.
    ///
    /// # Errors
    /// When the disk is full, or the process that opened it has ended.
    pub fn write(&self, at: u64, data: &[u8]) -> io::Result<()> {
        self.on_disk(|disk, name| disk.write(name, at, data))
    }

    /// Gives the file a length; what is new is zero.
    ///
    /// # Errors
    /// When the disk is full, or the process that opened it has ended.
    pub fn set_len(&self, length: u64) -> io::Result<()> {
        self.on_disk(|disk, name| disk.set_len(name, length))
    }

    /// Begins to make everything durable that was written so far. It is when [`SimFile::synced`] returns.
    ///
    /// # Errors
    /// When the process that opened it has ended.
    pub fn sync(&self) -> io::Result<()> {
        let now = Instant::now();
        self.on_disk(|disk, name| {
            disk.sync(name, now);
            Ok(())
        })
    }

    /// Returns when every sync that was called is complete, or so the disk says.
    pub async fn synced(&self) {
        let said = {
            let mut world = lock(&self.world);
            let disk = &mut world.hosts[self.host].disk;
            let early = if disk.lies { LIE.saturating_sub(disk.sync_latency) } else { Duration::ZERO };
            disk.file(&self.name).syncs.back().map(|sync| sync.complete_at - early)
        };
        if let Some(said) = said {
            sleep_until(said).await;
        }
    }
}
