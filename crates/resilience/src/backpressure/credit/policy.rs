//! How many credits there are: pure.

use std::time::Duration;

use thiserror::Error;

/// How the number of credits follows what calls waited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CreditSettings {
    /// A wait that does no harm; above zero. Default: 10 ms.
    pub target: Duration,
    /// How often the number is adjusted. Some service times: a change shows in the waits only after one.
    /// Default: 100 ms.
    pub interval: Duration,
    /// The number to begin with. Default: 16.
    pub initial: usize,
    /// The fewest credits, at least 1. Default: 1.
    pub min: usize,
    /// The most credits. Default: 1024.
    pub max: usize,
    /// So many more after an interval below the target. Default: 1.
    pub increase: usize,
    /// So much less, as a part of all, per target beyond the target. Default: 0.02.
    pub decrease: f64,
}

impl Default for CreditSettings {
    fn default() -> Self {
        Self {
            target: Duration::from_millis(10),
            interval: Duration::from_millis(100),
            initial: 16,
            min: 1,
            max: 1024,
            increase: 1,
            decrease: 0.02,
        }
    }
}

/// Settings that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidCredits {
    /// There would be no credit, or fewer than there must be.
    #[error("credits must stay between 1 or more and that or more, not between {min} and {max}")]
    Bounds {
        /// The fewest given.
        min: usize,
        /// The most given.
        max: usize,
    },
    /// Every wait would be too long.
    #[error("the target wait must be above zero")]
    Target,
    /// Not a part of anything.
    #[error("the decrease must be a number from 0 to 1")]
    Decrease,
}

/// The number of credits.
#[derive(Clone, Debug, PartialEq)]
pub struct CreditPolicy {
    settings: CreditSettings,
    /// Whole credits and what is on its way to one, so that small steps add up.
    total: f64,
    /// The longest wait of this interval; `None` while nothing came.
    longest: Option<Duration>,
    /// Whether half of the credits were out at some time of this interval.
    in_use: bool,
    interval_end: Option<Duration>,
}

impl CreditPolicy {
    /// The beginning.
    ///
    /// # Errors
    /// When the settings contradict themselves.
    pub fn new(settings: CreditSettings) -> Result<Self, InvalidCredits> {
        check(&settings)?;
        let total = in_double(settings.initial.clamp(settings.min, settings.max));
        Ok(Self { settings, total, longest: None, in_use: false, interval_end: None })
    }

    /// How many credits may be out.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the total is within bounds that fit"
    )]
    pub const fn total(&self) -> usize {
        self.total as usize
    }

    /// A call got its worker after waiting so long.
    pub fn waited(&mut self, now: Duration, wait: Duration) {
        self.advance(now);
        self.longest = self.longest.max(Some(wait));
    }

    /// So many credits are out.
    pub fn outstanding(&mut self, now: Duration, outstanding: usize) {
        self.advance(now);
        self.in_use |= outstanding.saturating_mul(2) >= self.total();
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &CreditSettings {
        &self.settings
    }

    /// Other settings from now on; the total moves into their bounds at once.
    ///
    /// # Errors
    /// When they contradict themselves; nothing is changed then.
    pub fn set_settings(&mut self, settings: CreditSettings) -> Result<(), InvalidCredits> {
        check(&settings)?;
        self.settings = settings;
        self.settle(self.total);
        Ok(())
    }

    /// Draws the balance of an interval that is over. An interval in which nothing came changes nothing.
    fn advance(&mut self, now: Duration) {
        let end = *self.interval_end.get_or_insert(now.saturating_add(self.settings.interval));
        if now < end {
            return;
        }
        self.interval_end = Some(now.saturating_add(self.settings.interval));
        let in_use = std::mem::take(&mut self.in_use);
        let Some(longest) = self.longest.take() else { return };
        let target_s = self.settings.target.as_secs_f64();
        if longest >= self.settings.target {
            let beyond = (longest.as_secs_f64() - target_s) / target_s;
            self.settle(self.total * (1.0 - self.settings.decrease * beyond).max(0.5));
        } else if in_use {
            self.settle(self.total + in_double(self.settings.increase));
        }
    }

    fn settle(&mut self, next: f64) {
        self.total = next.clamp(in_double(self.settings.min), in_double(self.settings.max));
    }
}

fn check(settings: &CreditSettings) -> Result<(), InvalidCredits> {
    let CreditSettings { min, max, target, decrease, .. } = *settings;
    if min == 0 || min > max {
        return Err(InvalidCredits::Bounds { min, max });
    }
    if target.is_zero() {
        return Err(InvalidCredits::Target);
    }
    if !(0.0..=1.0).contains(&decrease) {
        return Err(InvalidCredits::Decrease);
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "credits are far below 2^53")]
const fn in_double(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn policy(initial: usize) -> CreditPolicy {
        CreditPolicy::new(CreditSettings { initial, ..CreditSettings::default() }).expect("valid")
    }

    /// One interval in which all credits were out and the longest wait was this.
    fn interval(policy: &mut CreditPolicy, number: u64, wait_ms: u64) -> usize {
        policy.outstanding(ms(100 * number), policy.total());
        policy.waited(ms(100 * number + 50), ms(wait_ms));
        policy.waited(ms(100 * number + 60), ms(0));
        policy.outstanding(ms(100 * number + 100), 0);
        policy.total()
    }

    #[test]
    fn adds_below_the_target_and_multiplies_above_it() {
        let mut policy = policy(100);
        assert_eq!(interval(&mut policy, 0, 9), 101);
        // Twice the target: one target beyond, so a fiftieth less.
        assert_eq!(interval(&mut policy, 1, 20), 98);
        // A hundred times the target is no reason to take away more than half.
        assert_eq!(interval(&mut policy, 2, 1000), 49);
        assert_eq!((3..40).map(|n| interval(&mut policy, n, 1000)).last(), Some(1), "and never all");
    }

    #[test]
    fn credits_that_nobody_uses_do_not_become_more() {
        let mut policy = policy(100);
        for number in 0..10 {
            policy.outstanding(ms(100 * number), 49);
            policy.waited(ms(100 * number + 50), ms(0));
        }
        assert_eq!(policy.total(), 100);
        policy.outstanding(ms(100_000), 50);
        assert_eq!(policy.total(), 100, "nor does silence change anything");
    }

    #[test]
    fn settings_are_checked() {
        let with = |change: fn(&mut CreditSettings)| {
            let mut settings = CreditSettings::default();
            change(&mut settings);
            CreditPolicy::new(settings).err()
        };
        assert_eq!(with(|s| s.min = 0), Some(InvalidCredits::Bounds { min: 0, max: 1024 }));
        assert!(with(|s| (s.min, s.max) = (5, 4)).is_some());
        assert_eq!(with(|s| s.target = ms(0)), Some(InvalidCredits::Target));
        assert_eq!(with(|s| s.decrease = f64::NAN), Some(InvalidCredits::Decrease));
        assert_eq!(with(|s| s.initial = 0), None);
    }

    proptest! {
        #[test]
        fn the_total_stays_within_its_bounds(
            initial in 0..2000_usize,
            waits in prop::collection::vec((0..300_u64, 0..100_000_u64, 0..3000_usize), 0..200),
        ) {
            let mut policy = policy(initial);
            let mut now = Duration::ZERO;
            for (gap, wait, outstanding) in waits {
                let before = policy.total();
                now += ms(gap);
                policy.waited(now, ms(wait));
                policy.outstanding(now, outstanding);
                prop_assert!((1..=1024).contains(&policy.total()));
                prop_assert!(policy.total() <= before + 1 && policy.total() >= before / 2);
            }
        }
    }
}
