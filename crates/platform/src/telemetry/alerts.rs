//! Alerts: what the platform notices by itself, before its clients tell it.
//!
//! Each service that runs under a design with `[observability]` evaluates its own rules at a fixed interval, on
//! its own clock: [`signals`] are what its layers reported since the last evaluation, [`rules`] say when that is
//! too much, an [`alarm`] gives it a delay at both ends, and the [`AlertLog`] remembers what began and ended.
//! Everything but the loop is pure, and the loop is one task of the service's node, so that a run with the same
//! seed raises the same alerts.
//!
//! Failure looks like this: a process that dies takes its alarms with it, and its alerts end when it is started
//! again; while it is dead it notices nothing, and those who call it do.

mod alarm;
mod log;
mod rules;
mod share;
mod signals;
mod watched;
mod window;

use node::Node;
use serde::{Deserialize, Serialize};

use self::alarm::{Alarm, Change};
pub(crate) use self::log::AlertLog;
pub use self::log::{ALERTS_MAX, AlertFact};
use self::rules::{Rule, rules};
pub(crate) use self::signals::{CallWatch, OrderEnd, Sample, Signals, Ticket};
use super::{IN_FLIGHT, RUNNING, Telemetry};
use crate::design::Observability;
use crate::kind::ServiceKind;

/// The alerts that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertName {
    /// Unusually many calls to the service behind take too long, answered or not.
    DependencySlow,
    /// Unusually many calls to the service behind fail.
    DependencyFailing,
    /// The breaker does not let everything through.
    BreakerOpen,
    /// Unusually many orders take too long.
    OrdersSlow,
    /// Unusually many orders are refused for want of a place.
    Refusals,
    /// Nearly every worker (at payment: slot) is busy.
    PlacesBusy,
    /// Orders wait long for a worker.
    QueueWait,
    /// What clients were promised is broken too often.
    ObjectiveBurn,
}

impl AlertName {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::DependencySlow,
        Self::DependencyFailing,
        Self::BreakerOpen,
        Self::OrdersSlow,
        Self::Refusals,
        Self::PlacesBusy,
        Self::QueueWait,
        Self::ObjectiveBurn,
    ];

    /// The name as metrics, logs and records spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DependencySlow => "dependency-slow",
            Self::DependencyFailing => "dependency-failing",
            Self::BreakerOpen => "breaker-open",
            Self::OrdersSlow => "orders-slow",
            Self::Refusals => "refusals",
            Self::PlacesBusy => "places-busy",
            Self::QueueWait => "queue-wait",
            Self::ObjectiveBurn => "objective-burn",
        }
    }
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// The service that is called.
    Dependency,
    /// How long orders take.
    Latency,
    /// More is asked than can be done.
    Saturation,
    /// Clients feel it.
    Objective,
}

impl About {
    /// The word as metrics, logs and records spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dependency => "dependency",
            Self::Latency => "latency",
            Self::Saturation => "saturation",
            Self::Objective => "objective",
        }
    }
}

/// The rules of one process and their alarms.
#[derive(Debug)]
struct Engine {
    rules: Vec<(Rule, Alarm)>,
}

impl Engine {
    fn new(kind: ServiceKind, design: &Observability) -> Self {
        let resolve_after_us = rules::micros(design.resolve_after);
        let armed = |rule: Rule| {
            let alarm = Alarm::new(rule.pending_for_us, resolve_after_us);
            (rule, alarm)
        };
        Self { rules: rules(kind, design).into_iter().map(armed).collect() }
    }

    /// Evaluates every rule and writes down what began and what ended.
    fn evaluate(&mut self, sample: &Sample, log: &mut AlertLog) {
        for (rule, alarm) in &mut self.rules {
            let finding = rule.evaluate(sample);
            match alarm.update(sample.now_us, finding.holds) {
                Change::Stays => {}
                Change::Begins => log.begin(rule.name, sample.now_us, finding.value, finding.threshold),
                Change::Ends => log.end(rule.name, sample.now_us),
            }
        }
    }
}

/// Evaluates a service's rules for as long as its process lives.
pub(crate) fn watch(node: &Node, design: &Observability, telemetry: &Telemetry) {
    let mut engine = Engine::new(telemetry.kind(), design);
    let (every, telemetry, clock) = (design.every.get(), telemetry.clone(), node.clone());
    node.spawn(async move {
        loop {
            clock.sleep(every).await;
            let sample = telemetry.sample();
            telemetry.with_alerts(|log| engine.evaluate(&sample, log));
        }
    });
}

impl Telemetry {
    /// What the rules look at, now.
    fn sample(&self) -> Sample {
        let busy = match self.kind() {
            ServiceKind::OrderApi | ServiceKind::OrderProcessor | ServiceKind::NotificationService => {
                IN_FLIGHT
            }
            ServiceKind::PaymentService => RUNNING,
        };
        Sample {
            busy: self.gauge(busy).now(),
            places: self.bounds().get(busy).copied(),
            breaker: self.shared.layers.breaker(),
            ..self.signals().take()
        }
    }
}

#[cfg(test)]
mod tests;
