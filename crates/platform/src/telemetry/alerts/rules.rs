//! The rules: what is looked at, at which service, and when it is too much.
//!
//! They look at signals that lead: how many calls are *overdue* rather than how slow answers were, how busy
//! workers are rather than how many orders failed. Which alert is about what decides who is asked: an alert
//! about the dependency or about latency says that something is wrong with what we call, one about saturation
//! that more is asked of us than we can do, one about the objective that clients feel it.

use resilience::breaker::BreakerState;

use super::share;
use super::signals::Sample;
use super::window::{Counted, Window};
use super::{About, AlertName};
use crate::design::Observability;
use crate::kind::ServiceKind;

/// What a rule found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Finding {
    /// Whether it is too much.
    pub(super) holds: bool,
    /// What was found: a share, a multiple, or seconds.
    pub(super) value: f64,
    /// What is too much, in the same unit.
    pub(super) threshold: f64,
}

const NOTHING: Finding = Finding { holds: false, value: 0.0, threshold: 0.0 };

/// One rule at work: what it is called, what it is about, and how long it must hold.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: AlertName,
    pub(super) pending_for_us: u64,
    condition: Condition,
}

#[derive(Debug)]
enum Condition {
    /// A share that is unusual.
    Share {
        of: fn(&Sample) -> Counted,
        also: fn(&Sample) -> u64,
        usual: f64,
        false_alarm: f64,
        window: Window,
    },
    /// Busy places ÷ places.
    Busy { threshold: f64 },
    /// The mean wait for a place, in seconds.
    Wait { threshold_s: f64, window: Window },
    /// The breaker does not let everything through.
    Breaker,
    /// The budget of the objective is used up too fast, over both windows.
    Burn { budget: f64, burn_rate: f64, long: Window, short: Window },
}

/// Every rule of a service.
pub(super) fn rules(kind: ServiceKind, design: &Observability) -> Vec<Rule> {
    let (saturation, dependency) = (&design.saturation, &design.dependency);
    let sustained_us = micros(saturation.sustained);
    let share = |name, of, also, usual: crate::design::Probability| Rule {
        name,
        pending_for_us: micros(design.pending_for),
        condition: Condition::Share {
            of,
            also,
            usual: usual.get(),
            false_alarm: design.false_alarm.get(),
            window: Window::over(design.evaluations(design.window)),
        },
    };
    let busy = Rule {
        name: AlertName::PlacesBusy,
        pending_for_us: sustained_us,
        condition: Condition::Busy { threshold: saturation.busy_share.get() },
    };
    let refusals = || share(AlertName::Refusals, |sample| sample.refused, |_| 0, saturation.refused_share);
    match kind {
        ServiceKind::OrderApi => vec![
            share(AlertName::OrdersSlow, |s| s.orders.judged, |s| s.orders.overdue, design.orders.slow_share),
            refusals(),
            busy,
            burn(design),
        ],
        ServiceKind::OrderProcessor => vec![
            share(AlertName::DependencySlow, |s| s.calls.judged, |s| s.calls.overdue, dependency.slow_share),
            share(AlertName::DependencyFailing, |s| s.calls.ended, |_| 0, dependency.failed_share),
            Rule { name: AlertName::BreakerOpen, pending_for_us: 0, condition: Condition::Breaker },
            refusals(),
            busy,
            Rule {
                name: AlertName::QueueWait,
                pending_for_us: sustained_us,
                condition: Condition::Wait {
                    threshold_s: saturation.queue_wait.get().as_secs_f64(),
                    window: Window::over(design.evaluations(design.window)),
                },
            },
        ],
        ServiceKind::PaymentService | ServiceKind::NotificationService => vec![busy],
    }
}

fn burn(design: &Observability) -> Rule {
    let objective = &design.objective;
    Rule {
        name: AlertName::ObjectiveBurn,
        pending_for_us: 0,
        condition: Condition::Burn {
            budget: 1.0 - objective.good_share.get(),
            burn_rate: objective.burn_rate.per_s(),
            long: Window::over(design.evaluations(objective.window)),
            short: Window::over(design.evaluations(objective.short_window)),
        },
    }
}

impl Rule {
    /// Looks at what happened since the last evaluation.
    pub(super) fn evaluate(&mut self, sample: &Sample) -> Finding {
        match &mut self.condition {
            Condition::Share { of, also, usual, false_alarm, window } => {
                let sum = window.push(of(sample));
                // What is overdue for longer than the window is bad for as long as it is.
                let also = also(sample);
                let (bad, all) = (sum.bad + also, sum.all + also);
                let holds = share::is_unusual(bad, all, *usual, *false_alarm);
                // Only what is told is worth the search for it.
                let threshold = if holds { share::unusual_from(all, *usual, *false_alarm) } else { 1.0 };
                Finding { holds, value: ratio(bad, all), threshold }
            }
            Condition::Busy { threshold } => {
                let Some(places) = sample.places else { return NOTHING };
                let value = ratio(sample.busy, places);
                Finding { holds: value >= *threshold, value, threshold: *threshold }
            }
            Condition::Wait { threshold_s, window } => {
                let sum = window.push(sample.waits);
                // `bad` is the time that all of them waited together, in µs.
                let value = if sum.all == 0 { 0.0 } else { sum.bad as f64 / sum.all as f64 / 1e6 };
                Finding { holds: value >= *threshold_s, value, threshold: *threshold_s }
            }
            Condition::Breaker => {
                let holds = sample.breaker.is_some_and(|state| {
                    matches!(state, BreakerState::Open | BreakerState::HalfOpen | BreakerState::ForcedOpen)
                });
                Finding { holds, value: f64::from(u8::from(holds)), threshold: 1.0 }
            }
            Condition::Burn { budget, burn_rate, long, short } => {
                let share = |sum: Counted| ratio(sum.bad, sum.all) / *budget;
                let (long, short) = (share(long.push(sample.kept)), share(short.push(sample.kept)));
                let value = long.min(short);
                Finding { holds: value >= *burn_rate, value, threshold: *burn_rate }
            }
        }
    }
}

impl AlertName {
    /// What an alert of this name is about.
    #[must_use]
    pub const fn about(self) -> About {
        match self {
            Self::DependencySlow | Self::DependencyFailing | Self::BreakerOpen => About::Dependency,
            Self::OrdersSlow => About::Latency,
            Self::Refusals | Self::PlacesBusy | Self::QueueWait => About::Saturation,
            Self::ObjectiveBurn => About::Objective,
        }
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

pub(super) fn micros(duration: crate::design::PositiveDuration) -> u64 {
    u64::try_from(duration.get().as_micros()).unwrap_or(u64::MAX)
}
