//! What runs here and who waits for it: the one state behind all services of a layer.
//!
//! A key that is in flight here has a [`Flight`]; whoever leads it has a [`Lead`], and duplicates wait
//! with a [`Ticket`]. A lead is handed on as a value: into the channel of the next who waits, and when
//! that one is gone, dropping the channel drops the lead, which hands it on again. So it cannot get lost.
//! Senders are used and dropped after the lock is released, because they wake others.

mod lead;
mod leftovers;
mod ticket;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

pub(super) use lead::Lead;
use leftovers::Leftover;
use ticket::Ticket;

use super::key::{Fingerprint, Key};
use super::observer::{Event, IdempotencyObserver};
use super::records::{Answer, Claim, IdempotencyRecords, RecordsError};
use super::scheme::Identity;
use super::settings::{IdempotencySettings, Mode};

pub(super) struct Shared {
    table: Mutex<Table>,
    records: Arc<dyn IdempotencyRecords>,
    owner: u64,
    now: Box<dyn Fn() -> Duration + Send + Sync>,
    observer: Box<dyn IdempotencyObserver>,
}

struct Table {
    settings: IdempotencySettings,
    /// One per [`Lead`]: bounded by whatever bounds the calls that come in.
    flights: BTreeMap<Key, Flight>,
    /// Keys of dropped calls; `leftovers_max` of them.
    leftovers: BTreeMap<Key, Leftover>,
    /// Tickets, `waiting_max` of them.
    waiting: usize,
    next_claim: u64,
    next_ticket: u64,
}

struct Flight {
    fingerprint: Fingerprint,
    /// False while the records are asked, so long as nobody knows whether there is anything to run.
    running: bool,
    waiters: Waiters,
}

/// By ticket, so that the first come is the first to take over.
type Waiters = BTreeMap<u64, oneshot::Sender<News>>;

/// What a waiter hears.
enum News {
    Verdict(Verdict),
    Lead(Lead),
}

/// What is said to a call that does not run.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    Answer(Answer),
    InProgress { retry_after: Duration },
    Mismatch,
    Failed(RecordsError),
}

enum Entry {
    Lead(Lead),
    Wait(Ticket),
    Told(Verdict),
}

impl Shared {
    pub(super) fn new(
        settings: IdempotencySettings,
        records: Arc<dyn IdempotencyRecords>,
        owner: u64,
        now: Box<dyn Fn() -> Duration + Send + Sync>,
        observer: Box<dyn IdempotencyObserver>,
    ) -> Arc<Self> {
        let table = Table {
            settings,
            flights: BTreeMap::new(),
            leftovers: BTreeMap::new(),
            waiting: 0,
            next_claim: 0,
            next_ticket: 0,
        };
        Arc::new(Self { table: Mutex::new(table), records, owner, now, observer })
    }

    /// The table is whole after every statement, so a panic elsewhere in a holder (an observer's) does no harm.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn settings(&self) -> IdempotencySettings {
        self.lock().settings
    }

    pub(super) fn set_settings(&self, settings: IdempotencySettings) {
        self.lock().settings = settings;
    }

    pub(super) fn in_flight(&self) -> usize {
        self.lock().flights.len()
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting
    }

    pub(super) fn event(&self, event: Event) {
        self.observer.event(event);
    }

    /// The right to run, or what to say instead. Waits where it has to.
    pub(super) async fn lead(self: &Arc<Self>, identity: Identity) -> Result<Lead, Verdict> {
        let (mut lead, event) = match self.enter(identity) {
            Entry::Lead(lead) => (lead, Event::Began),
            Entry::Told(verdict) => return Err(verdict),
            Entry::Wait(ticket) => {
                self.event(Event::Joined);
                match ticket.news().await {
                    News::Lead(lead) => (lead, Event::TookOver),
                    News::Verdict(verdict) => return Err(verdict),
                }
            }
        };
        lead.begin().await?;
        self.event(event);
        Ok(lead)
    }

    fn enter(self: &Arc<Self>, Identity { key, fingerprint }: Identity) -> Entry {
        let mut table = self.lock();
        let table = &mut *table;
        let settings = table.settings;
        let in_progress = Entry::Told(Verdict::InProgress { retry_after: settings.retry_after });
        let Some(flight) = table.flights.get_mut(&key) else {
            let leftover = table.leftovers.remove(&key);
            return Entry::Lead(self.open(table, key, fingerprint, leftover));
        };
        if flight.fingerprint != fingerprint {
            // While the records are being asked, nobody knows yet which of the two the key stands for.
            return if flight.running { Entry::Told(Verdict::Mismatch) } else { in_progress };
        }
        if (flight.running && settings.mode == Mode::Reject) || table.waiting >= settings.waiting_max {
            return in_progress;
        }
        let number = table.next_ticket;
        table.next_ticket += 1;
        table.waiting += 1;
        self.observer.waiting(table.waiting);
        let (sender, receiver) = oneshot::channel();
        flight.waiters.insert(number, sender);
        Entry::Wait(Ticket::new(Arc::clone(self), key, number, receiver))
    }

    /// A new flight, under the claim of the one that was dropped before, if there was one.
    fn open(
        self: &Arc<Self>,
        table: &mut Table,
        key: Key,
        fingerprint: Fingerprint,
        leftover: Option<Leftover>,
    ) -> Lead {
        let flight = Flight { fingerprint, running: false, waiters: Waiters::new() };
        table.flights.insert(key.clone(), flight);
        self.observer.in_flight(table.flights.len());
        let (claim, inherited, kept) = match leftover {
            Some(Leftover { claim, fingerprint, kept }) => (claim, Some(fingerprint), kept),
            None => {
                let number = table.next_claim;
                table.next_claim += 1;
                (Claim { owner: self.owner, number }, None, None)
            }
        };
        Lead::new(Arc::clone(self), key, fingerprint, claim, inherited, kept)
    }

    /// The call runs now. Where duplicates are refused, those who waited to hear whether it would are told.
    fn runs(&self, key: &Key) {
        let mut table = self.lock();
        let IdempotencySettings { mode, retry_after, .. } = table.settings;
        let Some(flight) = table.flights.get_mut(key) else { return };
        flight.running = true;
        let refused = match mode {
            Mode::Reject => std::mem::take(&mut flight.waiters),
            Mode::Join => Waiters::new(),
        };
        drop(table);
        tell(refused, &Verdict::InProgress { retry_after });
    }

    /// Those who wait are answered; the flight goes on, for those who come from now on.
    fn answer(&self, key: &Key, answer: &Answer) {
        let mut table = self.lock();
        let Some(flight) = table.flights.get_mut(key) else { return };
        let waiters = std::mem::take(&mut flight.waiters);
        drop(table);
        tell(waiters, &Verdict::Answer(answer.clone()));
    }

    /// The flight is over, and everybody in it hears the same.
    fn close(&self, key: &Key, leftover: Option<Leftover>, verdict: &Verdict) {
        let mut table = self.lock();
        let flight = table.flights.remove(key);
        self.observer.in_flight(table.flights.len());
        if let Some(leftover) = leftover {
            table.remember(key, leftover);
        }
        drop(table);
        if let Some(flight) = flight {
            tell(flight.waiters, verdict);
        }
    }

    /// The next who waits; when nobody does, the flight is over and `leftover` remains.
    fn next(&self, key: &Key, leftover: Option<Leftover>) -> Option<oneshot::Sender<News>> {
        let mut table = self.lock();
        if let Some(flight) = table.flights.get_mut(key)
            && let Some((_, next)) = flight.waiters.pop_first()
        {
            flight.running = false;
            return Some(next);
        }
        table.flights.remove(key);
        self.observer.in_flight(table.flights.len());
        if let Some(leftover) = leftover {
            table.remember(key, leftover);
        }
        None
    }
}

fn tell(waiters: Waiters, verdict: &Verdict) {
    for sender in waiters.into_values() {
        // Whoever is not there any more need not know.
        let _gone = sender.send(News::Verdict(verdict.clone()));
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.lock();
        let mut f = f.debug_struct("Shared");
        f.field("settings", &table.settings).field("records", &self.records);
        f.field("in_flight", &table.flights.len()).field("waiting", &table.waiting);
        f.finish_non_exhaustive()
    }
}
