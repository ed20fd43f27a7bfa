//! The right to run a key here, and the duty to say what became of it.

use std::mem;
use std::sync::Arc;

use super::leftovers::{Kept, Leftover};
use super::{News, Shared, Verdict};
use crate::idempotency::key::{Fingerprint, Key};
use crate::idempotency::observer::Event;
use crate::idempotency::records::{Answer, Ask, Beginning, Claim, Completion, RecordsError};
use crate::idempotency::scheme::Keep;
use crate::idempotency::settings::OnDrop;

/// There is one per key at a time. Dropping it at any stage leaves nothing stuck: see [`Stage`].
pub(in crate::idempotency) struct Lead {
    shared: Arc<Shared>,
    key: Key,
    fingerprint: Fingerprint,
    claim: Claim,
    /// Set when the claim is that of a dropped call, to what that one was about.
    inherited: Option<Fingerprint>,
    stage: Stage,
}

/// How far it is, and so what dropping it means.
enum Stage {
    /// The records are asked; perhaps with an answer that a dropped call could not store, to be stored
    /// first. Dropped: the next who waits asks, under the same claim.
    Beginning(Option<Kept>),
    /// Dropped: as the settings say.
    Running,
    /// The answer is being stored. Dropped: those who wait get it, and it is stored later.
    Keeping(Kept),
    /// The key is being freed. Dropped: as in `Beginning`.
    Leaving,
    /// Everything is said.
    Done,
}

impl Lead {
    pub(super) const fn new(
        shared: Arc<Shared>,
        key: Key,
        fingerprint: Fingerprint,
        claim: Claim,
        inherited: Option<Fingerprint>,
        kept: Option<Kept>,
    ) -> Self {
        Self { shared, key, fingerprint, claim, inherited, stage: Stage::Beginning(kept) }
    }

    /// Asks the records. Otherwise everybody who waits hears the same verdict.
    pub(super) async fn begin(&mut self) -> Result<(), Verdict> {
        let said = match self.store_first().await {
            Ok(()) => self.ask().await,
            Err(error) => Err(error),
        };
        let (verdict, remains) = match said {
            Ok(Beginning::Begun) => {
                self.stage = Stage::Running;
                self.shared.runs(&self.key);
                return Ok(());
            }
            Ok(Beginning::Completed(answer)) => (Verdict::Answer(answer), false),
            Ok(Beginning::InFlight { until }) => {
                let left = until.saturating_sub((self.shared.now)());
                let retry_after = self.shared.settings().retry_after.min(left);
                (Verdict::InProgress { retry_after }, false)
            }
            // What the dropped call began still stands in the records.
            Ok(Beginning::Mismatch) => (Verdict::Mismatch, self.inherited.is_some()),
            // Nobody knows whether it was begun.
            Err(error) => (Verdict::Failed(error), true),
        };
        let kept = self.finish();
        self.shared.close(&self.key, remains.then(|| self.leftover(kept)), &verdict);
        Err(verdict)
    }

    /// Stores what a dropped call had no time to. If it comes too late, asking will tell.
    async fn store_first(&mut self) -> Result<(), RecordsError> {
        if let Stage::Beginning(Some(kept)) = &self.stage {
            let Kept { answer, until } = kept.clone();
            self.shared.records.complete(&self.key, self.claim, &answer, until).await?;
            self.stage = Stage::Beginning(None);
        }
        Ok(())
    }

    async fn ask(&self) -> Result<Beginning, RecordsError> {
        let now = (self.shared.now)();
        let lease_until = now.saturating_add(self.shared.settings().lease);
        let (key, fingerprint, claim) = (self.key.clone(), self.fingerprint, self.claim);
        self.shared.records.begin(&Ask { key, fingerprint, claim, now, lease_until }).await
    }

    /// The call is over. Never fails: the caller gets its result, whatever the records say.
    pub(in crate::idempotency) async fn end(mut self, keep: Keep) {
        match keep {
            Keep::Store(answer) => self.keep(answer).await,
            Keep::Share(answer) => {
                self.shared.answer(&self.key, &answer);
                self.leave().await;
            }
            Keep::Forget => self.leave().await,
        }
    }

    async fn keep(&mut self, answer: Answer) {
        let until = (self.shared.now)().saturating_add(self.shared.settings().keep);
        self.stage = Stage::Keeping(Kept { answer: answer.clone(), until });
        let said = self.shared.records.complete(&self.key, self.claim, &answer, until).await;
        let kept = self.finish();
        let (event, leftover) = match said {
            Ok(Completion::Stored) => (Event::Stored, None),
            Ok(Completion::Lost) => (Event::Lost, None),
            Err(_) => (Event::RecordsFailed, Some(self.leftover(kept))),
        };
        self.shared.event(event);
        self.shared.close(&self.key, leftover, &Verdict::Answer(answer));
    }

    /// Nothing is stored: the next who waits runs, or the key is freed.
    async fn leave(&mut self) {
        self.stage = Stage::Leaving;
        self.shared.event(Event::Abandoned);
        let leftover = match self.shared.records.abandon(&self.key, self.claim).await {
            Ok(_) => None,
            Err(_) => {
                self.shared.event(Event::RecordsFailed);
                Some(self.leftover(None))
            }
        };
        self.finish();
        self.pass_on(None, leftover);
    }

    /// Instead of running: tells the records what a dropped call could not. The verdict if they fail.
    pub(super) async fn settle(mut self) -> Option<Verdict> {
        let told = match self.store_first_or_abandon().await {
            Ok(()) => None,
            Err(error) => Some(Verdict::Failed(error)),
        };
        let kept = self.finish();
        let leftover = told.is_some().then(|| self.leftover(kept.clone()));
        self.pass_on(if told.is_some() { kept } else { None }, leftover);
        told
    }

    async fn store_first_or_abandon(&mut self) -> Result<(), RecordsError> {
        if matches!(self.stage, Stage::Beginning(Some(_))) {
            return self.store_first().await;
        }
        self.shared.records.abandon(&self.key, self.claim).await.map(drop)
    }

    fn finish(&mut self) -> Option<Kept> {
        match mem::replace(&mut self.stage, Stage::Done) {
            Stage::Beginning(kept) => kept,
            Stage::Keeping(kept) => Some(kept),
            Stage::Running | Stage::Leaving | Stage::Done => None,
        }
    }

    fn leftover(&self, kept: Option<Kept>) -> Leftover {
        Leftover { claim: self.claim, fingerprint: self.inherited.unwrap_or(self.fingerprint), kept }
    }

    /// The next who waits leads; if there is none, `leftover` remains.
    fn pass_on(&self, kept: Option<Kept>, leftover: Option<Leftover>) {
        if let Some(next) = self.shared.next(&self.key, leftover) {
            let (shared, key) = (Arc::clone(&self.shared), self.key.clone());
            let lead = Self::new(shared, key, self.fingerprint, self.claim, self.inherited, kept);
            // If the other is gone, the lead that comes back is dropped here and goes on by itself.
            drop(next.send(News::Lead(lead)));
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        match mem::replace(&mut self.stage, Stage::Done) {
            Stage::Done => {}
            Stage::Beginning(kept) => self.pass_on(kept.clone(), Some(self.leftover(kept))),
            Stage::Leaving => self.pass_on(None, Some(self.leftover(None))),
            Stage::Running => {
                self.shared.event(Event::Dropped);
                let settings = self.shared.settings();
                match settings.on_drop {
                    OnDrop::Release => self.pass_on(None, Some(self.leftover(None))),
                    OnDrop::Hold => {
                        let verdict = Verdict::InProgress { retry_after: settings.retry_after };
                        self.shared.close(&self.key, None, &verdict);
                    }
                }
            }
            Stage::Keeping(kept) => {
                self.shared.event(Event::Dropped);
                let verdict = Verdict::Answer(kept.answer.clone());
                self.shared.close(&self.key, Some(self.leftover(Some(kept))), &verdict);
            }
        }
    }
}
