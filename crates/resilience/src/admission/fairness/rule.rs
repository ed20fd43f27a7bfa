//! The rule: who is inside, what they want, and how far each may go.

use std::collections::BTreeMap;
use std::time::Duration;

use super::share::{Share, max_min};
use crate::admission::adaptive::{AdaptiveLimit, Began};
use crate::admission::guard::{Outcome, Rule};
use crate::refusal::{Reason, Refusal};

/// How tenants are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FairSettings {
    /// The most tenants told apart; beyond them a common account. Default: 1024.
    pub keys_max: usize,
    /// How long it counts what somebody wanted (and up to twice as long). Some service times; longer keeps
    /// places free for tenants who have gone, shorter forgets who comes in bursts. Default: 1 s.
    pub memory: Duration,
}

impl Default for FairSettings {
    fn default() -> Self {
        Self { keys_max: 1024, memory: Duration::from_secs(1) }
    }
}

/// Shares a limit out among tenants. See the module.
#[derive(Clone, Debug)]
pub struct FairShare<K> {
    limit: AdaptiveLimit,
    settings: FairSettings,
    retry_after: Duration,
    tenants: BTreeMap<K, Tenant>,
    /// Those for whom there was no room among the tenants.
    others: Tenant,
    /// The number of the running memory.
    memory: u128,
    plan: Option<Plan>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tenant {
    in_flight: usize,
    wanted: usize,
    wanted_before: usize,
    seen: Duration,
}

impl Tenant {
    fn wants(&self) -> usize {
        self.wanted.max(self.wanted_before).max(self.in_flight)
    }
}

/// The shares as last worked out; dropped when anything that they depend on changes.
#[derive(Clone, Copy, Debug)]
struct Plan {
    limit: usize,
    share: Share,
    /// Tenants with more than `share.places` calls inside.
    above: usize,
}

/// What an admitted call carries: whose it is, `None` for the common account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FairPass<K> {
    key: Option<K>,
    began: Began,
}

impl<K: Ord + Clone> FairShare<K> {
    /// The refused are told to come back after `retry_after`.
    #[must_use]
    pub const fn new(limit: AdaptiveLimit, settings: FairSettings, retry_after: Duration) -> Self {
        let others = Tenant { in_flight: 0, wanted: 0, wanted_before: 0, seen: Duration::ZERO };
        let tenants = BTreeMap::new();
        Self { limit, settings, retry_after, tenants, others, memory: 0, plan: None }
    }

    /// Calls of a tenant that are inside.
    #[must_use]
    pub fn in_flight_of(&self, key: &K) -> usize {
        self.tenants.get(key).map_or(0, |tenant| tenant.in_flight)
    }

    /// How many tenants are told apart at the moment.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.tenants.len()
    }

    /// The limit with its state.
    #[must_use]
    pub const fn limit(&self) -> &AdaptiveLimit {
        &self.limit
    }

    /// Another limit from now on. Calls that are inside stay.
    pub fn set_limit(&mut self, limit: AdaptiveLimit) {
        self.limit = limit;
    }

    /// Other settings from now on. Tenants beyond a lowered `keys_max` are forgotten as they leave.
    pub const fn set_settings(&mut self, settings: FairSettings) {
        self.settings = settings;
    }

    fn tenant_mut(&mut self, key: Option<&K>) -> &mut Tenant {
        match key {
            Some(key) => self.tenants.get_mut(key).expect("a tenant with calls inside is not forgotten"),
            None => &mut self.others,
        }
    }

    /// Once per memory: what was wanted becomes what was wanted before, and who left is forgotten.
    fn forget(&mut self, now: Duration) {
        let memory = now.as_nanos() / self.settings.memory.as_nanos().max(1);
        let passed = memory.saturating_sub(self.memory);
        if passed == 0 {
            return;
        }
        self.memory = memory;
        self.plan = None;
        for tenant in self.tenants.values_mut().chain([&mut self.others]) {
            tenant.wanted_before = if passed == 1 { tenant.wanted } else { 0 };
            tenant.wanted = tenant.in_flight;
        }
        self.tenants.retain(|_, tenant| tenant.wants() > 0);
    }

    /// Makes sure that a tenant has an account of its own; false when it has to share the common one.
    fn open_account(&mut self, key: &K) -> bool {
        if self.tenants.contains_key(key) {
            return true;
        }
        if self.tenants.len() >= self.settings.keys_max {
            let idle = self.tenants.iter().filter(|(_, tenant)| tenant.in_flight == 0);
            let Some((oldest, _)) = idle.min_by_key(|(_, tenant)| tenant.seen) else { return false };
            let oldest = oldest.clone();
            self.tenants.remove(&oldest);
            self.plan = None;
            // Still too many, after the bound was lowered: one goes per newcomer, and none comes.
            if self.tenants.len() >= self.settings.keys_max {
                return false;
            }
        }
        self.tenants.insert(key.clone(), Tenant::default());
        true
    }

    /// Whether one who has so many calls inside may have one more.
    fn allows(&mut self, in_flight: usize) -> bool {
        let limit = self.limit.limit();
        let plan = match self.plan {
            Some(plan) if plan.limit == limit => plan,
            _ => self.work_out(limit),
        };
        self.plan = Some(plan);
        in_flight < plan.share.places || (in_flight == plan.share.places && plan.above < plan.share.extra)
    }

    /// For tests: the next decision works everything out anew.
    #[cfg(test)]
    pub(super) const fn forget_plan(&mut self) {
        self.plan = None;
    }

    fn work_out(&self, limit: usize) -> Plan {
        let all = || self.tenants.values().chain([&self.others]);
        let mut wanted: Vec<_> = all().map(Tenant::wants).filter(|wants| *wants > 0).collect();
        let share = max_min(limit, &mut wanted);
        let above = all().filter(|tenant| tenant.in_flight > share.places).count();
        Plan { limit, share, above }
    }
}

impl<K: Ord + Clone> Rule for FairShare<K> {
    type Tag = K;
    type Pass = FairPass<K>;

    fn admit(&mut self, now: Duration, in_flight: usize, tag: K) -> Result<FairPass<K>, Refusal> {
        self.forget(now);
        let key = self.open_account(&tag).then_some(tag);
        let tenant = self.tenant_mut(key.as_ref());
        tenant.seen = now;
        let (inside, wanted_before) = (tenant.in_flight, tenant.wants());
        tenant.wanted = tenant.wanted.max(inside + 1);
        if tenant.wants() != wanted_before {
            self.plan = None;
        }
        if in_flight >= self.limit.limit() {
            return Err(Refusal { reason: Reason::ConcurrencyLimit, retry_after: self.retry_after });
        }
        if !self.allows(inside) {
            return Err(Refusal { reason: Reason::FairShare, retry_after: self.retry_after });
        }
        self.tenant_mut(key.as_ref()).in_flight += 1;
        if let Some(plan) = &mut self.plan
            && inside == plan.share.places
        {
            plan.above += 1;
        }
        Ok(FairPass { key, began: Began::new(now, in_flight + 1) })
    }

    fn end(&mut self, now: Duration, _: usize, pass: FairPass<K>, outcome: Outcome) {
        pass.began.end(now, outcome, &mut self.limit);
        let tenant = self.tenant_mut(pass.key.as_ref());
        tenant.in_flight -= 1;
        let left = tenant.in_flight;
        if let Some(plan) = &mut self.plan
            && left == plan.share.places
        {
            plan.above -= 1;
        }
    }

    fn limit(&self) -> Option<usize> {
        Some(self.limit.limit())
    }
}
