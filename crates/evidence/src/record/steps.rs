//! What a load in steps leaves, step by step, and whether the platform came back from its peak.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PhaseLatencyMs;

/// One step of a load in steps. Orders belong to the step of their intended send time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Orders per second that were asked for.
    pub rate_per_s: f64,
    /// When it begins, in seconds.
    pub from_s: f64,
    /// When it ends, in seconds.
    pub to_s: f64,
    /// Orders of the step.
    pub offered: u64,
    /// Of those, answered with success within the SLO, per second.
    pub goodput_per_s: f64,
    /// Goodput ÷ what was possible.
    pub goodput_ratio: Option<f64>,
    /// The same of the step's second half, when what the step changed has had time to show.
    pub late_goodput_ratio: Option<f64>,
    /// 2xx answers given within the step, however late, per second.
    pub throughput_per_s: f64,
    /// Payment calls made for the orders of the step ÷ those of them that made at least one.
    pub attempts_per_order: Option<f64>,
    /// Payment calls made within the step, whoever they were for, per second.
    pub calls_per_s: f64,
    /// Orders in work or waiting at the service where most are, in the step's first second.
    pub backlog_start: u64,
    /// The same in its last second.
    pub backlog_end: u64,
    /// Of the step's successes, however late.
    pub latency_ms: PhaseLatencyMs,
}

/// The platform before and after a peak, at the same load: has it come back, and if not, why?
///
/// After Bronson and others, *Metastable Failures in Distributed Systems* (HotOS 2021): a trigger pushes the
/// system into a state that its own sustaining effect keeps alive when the trigger is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metastability {
    /// What it is.
    pub verdict: Stability,
    /// The load before the trigger and after it, in orders per second.
    pub base_per_s: f64,
    /// The load of the trigger.
    pub trigger_per_s: f64,
    /// Goodput per second before the trigger.
    pub goodput_before_per_s: f64,
    /// Goodput per second after it, at the same load.
    pub goodput_after_per_s: f64,
    /// 2xx answers per second after it, however late: far above goodput means work for nobody.
    pub throughput_after_per_s: f64,
    /// Attempts per order before the trigger.
    pub attempts_before: Option<f64>,
    /// Payment calls per second after the trigger ÷ orders offered per second: what sustains a failure.
    pub calls_per_order_after: Option<f64>,
    /// The backlog when the load had just come back to the base, and at the end of that step.
    pub backlog_after: [u64; 2],
    /// How far the load had to fall until goodput was back, in orders per second; null when it never was.
    pub recovered_at_per_s: Option<f64>,
    /// Goodput ÷ what was possible in the last step at the base load.
    pub goodput_ratio_at_last: Option<f64>,
}

/// The state of a platform after a trigger, at the load from before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stability {
    /// Goodput is back at the load at which it was before.
    Recovered,
    /// It is not back yet, but more is answered than comes in, and the backlog shrinks by itself at that load.
    Draining,
    /// It is not back, and no work is done that would bring it back: the failure keeps itself alive.
    Metastable,
}
