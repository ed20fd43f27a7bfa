//! Faults that an experiment writes itself.
//!
//! ```toml
//! [[fault]]
//! name = "slow-link"
//! at = "5s"
//! until = "10s"
//! kind = "latency"
//! a = "order-api"
//! b = "order-processor"
//! min = "80ms"
//! max = "120ms"
//! ```
//!
//! The file's shape is one flat table and not a tagged enum: serde buffers the content of a tagged
//! enum, and a buffered value has lost its line. Here an unknown key or an impossible value is an
//! error with its own line; a key that does not belong to the kind is one with the table's line.

use std::{borrow::Cow, fmt, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::{Action, Direction, FaultPlan, PlanError, Shift, Step};

/// A fault as people write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawFault")]
pub struct FaultFile {
    /// What the experiment calls it.
    pub name: String,
    /// When it begins, from the start of the load.
    #[serde(with = "humantime_serde")]
    pub at: Duration,
    /// When it ends.
    #[serde(with = "humantime_serde")]
    pub until: Duration,
    /// What it does.
    #[serde(flatten)]
    pub kind: FaultKind,
}

/// What a written fault does from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FaultKind {
    /// Payment is slower and fails more.
    Hardship {
        /// How many times slower, at least 1.
        slowdown: f64,
        /// The share of payments that fail, from 0 to 1; without it the payment's own.
        failure_rate: Option<f64>,
    },
    /// The host loses power and comes back.
    PowerOff {
        /// Which host.
        host: String,
    },
    /// The process dies and is started again.
    Kill {
        /// Which host.
        host: String,
    },
    /// Nothing gets through.
    Partition {
        /// One side.
        a: String,
        /// The other side.
        b: String,
        /// Which way; both unless said.
        direction: Direction,
    },
    /// What is sent is kept back, then delivered.
    Hold {
        /// One side.
        a: String,
        /// The other side.
        b: String,
    },
    /// The link is slow, each way.
    Latency {
        /// One side.
        a: String,
        /// The other side.
        b: String,
        /// At least.
        #[serde(with = "humantime_serde")]
        min: Duration,
        /// At most.
        #[serde(with = "humantime_serde")]
        max: Duration,
    },
    /// The host's wall clock jumps, and at the end jumps back by as much.
    ClockJump {
        /// Which host.
        host: String,
        /// How far, ahead or back.
        by: Shift,
    },
    /// Clients send some requests twice.
    Duplicates {
        /// The share of the requests, above 0 and at most 1.
        share: f64,
    },
}

impl FaultFile {
    /// The plan: one action that begins the disturbance at `at`, one that ends it at `until`.
    ///
    /// # Errors
    /// When it is nameless or would end before it starts.
    pub fn plan(&self) -> Result<FaultPlan, PlanError> {
        let (begin, end) = self.kind.actions();
        let steps = vec![Step { at: self.at, action: begin }, Step { at: self.until, action: end }];
        FaultPlan::new(&self.name, self.at, self.until, steps)
    }
}

impl FaultKind {
    /// The kind as it is written.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        let kind = match self {
            Self::Hardship { .. } => KindName::Hardship,
            Self::PowerOff { .. } => KindName::PowerOff,
            Self::Kill { .. } => KindName::Kill,
            Self::Partition { .. } => KindName::Partition,
            Self::Hold { .. } => KindName::Hold,
            Self::Latency { .. } => KindName::Latency,
            Self::ClockJump { .. } => KindName::ClockJump,
            Self::Duplicates { .. } => KindName::Duplicates,
        };
        kind.keys().0
    }

    fn actions(&self) -> (Action, Action) {
        match self.clone() {
            Self::Hardship { slowdown, failure_rate } => {
                (Action::Hardship { slowdown, failure_rate }, Action::EndHardship)
            }
            Self::PowerOff { host } => (Action::PowerOff { host: host.clone() }, Action::Restart { host }),
            Self::Kill { host } => (Action::Kill { host: host.clone() }, Action::Restart { host }),
            Self::Partition { a, b, direction } => {
                (Action::Partition { a: a.clone(), b: b.clone(), direction }, Action::Heal { a, b })
            }
            Self::Hold { a, b } => (Action::Hold { a: a.clone(), b: b.clone() }, Action::Release { a, b }),
            Self::Latency { a, b, min, max } => {
                (Action::Latency { a: a.clone(), b: b.clone(), min, max }, Action::EndLatency { a, b })
            }
            Self::ClockJump { host, by } => {
                (Action::ClockJump { host: host.clone(), by }, Action::ClockJump { host, by: by.reversed() })
            }
            Self::Duplicates { share } => (Action::Duplicates { share }, Action::EndDuplicates),
        }
    }
}

/// For people: what begins.
impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.actions().0.fmt(f)
    }
}

/// The flat table, before its keys were held against its kind. Its schema is what people write by.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawFault {
    /// What the experiment calls it.
    name: String,
    /// When it begins, from the start of the load, for example `5s`.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    at: Duration,
    /// When it ends.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    until: Duration,
    /// What it does.
    kind: KindName,
    /// For `power-off`, `kill` and `clock-jump`: the host.
    host: Option<String>,
    /// For `partition`, `hold` and `latency`: one side.
    a: Option<String>,
    /// For `partition`, `hold` and `latency`: the other side.
    b: Option<String>,
    /// For `partition`: which way is blocked; both unless said.
    direction: Option<Direction>,
    /// For `hardship`: how many times slower payment is, at least 1.
    #[serde(default, deserialize_with = "slowdown")]
    slowdown: Option<f64>,
    /// For `hardship`: the share of payments that fail; without it the payment's own.
    #[serde(default, deserialize_with = "share")]
    failure_rate: Option<f64>,
    /// For `latency`: at least so long, for example `80ms`.
    #[serde(default, with = "humantime_serde")]
    #[schemars(with = "Option<String>")]
    min: Option<Duration>,
    /// For `latency`: at most so long.
    #[serde(default, with = "humantime_serde")]
    #[schemars(with = "Option<String>")]
    max: Option<Duration>,
    /// For `clock-jump`: how far the host's wall clock jumps at `at`, for example `+30s` or `-1h`; at `until` it
    /// jumps back by as much.
    by: Option<Shift>,
    /// For `duplicates`: the share of requests that clients send twice, above 0 and at most 1.
    #[serde(default, deserialize_with = "share")]
    share: Option<f64>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum KindName {
    Hardship,
    PowerOff,
    Kill,
    Partition,
    Hold,
    Latency,
    ClockJump,
    Duplicates,
}

impl KindName {
    /// The kind as it is written, with the keys that belong to it.
    const fn keys(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Hardship => ("hardship", &["slowdown", "failure_rate"]),
            Self::PowerOff => ("power-off", &["host"]),
            Self::Kill => ("kill", &["host"]),
            Self::Partition => ("partition", &["a", "b", "direction"]),
            Self::Hold => ("hold", &["a", "b"]),
            Self::Latency => ("latency", &["a", "b", "min", "max"]),
            Self::ClockJump => ("clock-jump", &["host", "by"]),
            Self::Duplicates => ("duplicates", &["share"]),
        }
    }
}

/// The schema is the written table's, not the parsed one's.
impl JsonSchema for FaultFile {
    fn schema_name() -> Cow<'static, str> {
        "Fault".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        RawFault::json_schema(generator)
    }
}

impl RawFault {
    fn foreign_key(&self) -> Option<&'static str> {
        let (_, keys) = self.kind.keys();
        let present = [
            ("host", self.host.is_some()),
            ("a", self.a.is_some()),
            ("b", self.b.is_some()),
            ("direction", self.direction.is_some()),
            ("slowdown", self.slowdown.is_some()),
            ("failure_rate", self.failure_rate.is_some()),
            ("min", self.min.is_some()),
            ("max", self.max.is_some()),
            ("by", self.by.is_some()),
            ("share", self.share.is_some()),
        ];
        present.into_iter().find_map(|(key, is_there)| (is_there && !keys.contains(&key)).then_some(key))
    }
}

impl TryFrom<RawFault> for FaultFile {
    type Error = String;

    fn try_from(raw: RawFault) -> Result<Self, String> {
        let (kind_name, keys) = raw.kind.keys();
        if let Some(key) = raw.foreign_key() {
            return Err(format!("a {kind_name} fault has no key `{key}`, only {}", keys.join(", ")));
        }
        let missing = |key: &str| format!("a {kind_name} fault needs the key `{key}`");
        let a = || raw.a.clone().ok_or_else(|| missing("a"));
        let b = || raw.b.clone().ok_or_else(|| missing("b"));
        let host = || raw.host.clone().ok_or_else(|| missing("host"));
        let kind = match raw.kind {
            KindName::Hardship => FaultKind::Hardship {
                slowdown: raw.slowdown.ok_or_else(|| missing("slowdown"))?,
                failure_rate: raw.failure_rate,
            },
            KindName::PowerOff => FaultKind::PowerOff { host: host()? },
            KindName::Kill => FaultKind::Kill { host: host()? },
            KindName::Partition => {
                FaultKind::Partition { a: a()?, b: b()?, direction: raw.direction.unwrap_or_default() }
            }
            KindName::Hold => FaultKind::Hold { a: a()?, b: b()? },
            KindName::Latency => {
                let min = raw.min.ok_or_else(|| missing("min"))?;
                let max = raw.max.ok_or_else(|| missing("max"))?;
                if min > max {
                    return Err(format!("`min` ({min:?}) is more than `max` ({max:?})"));
                }
                FaultKind::Latency { a: a()?, b: b()?, min, max }
            }
            KindName::ClockJump => {
                FaultKind::ClockJump { host: host()?, by: raw.by.ok_or_else(|| missing("by"))? }
            }
            KindName::Duplicates => {
                let share = raw.share.ok_or_else(|| missing("share"))?;
                if share == 0.0 {
                    return Err("a share of 0 duplicates nothing".to_owned());
                }
                FaultKind::Duplicates { share }
            }
        };
        let file = Self { name: raw.name, at: raw.at, until: raw.until, kind };
        file.plan().map_err(|error| error.to_string())?;
        Ok(file)
    }
}

fn slowdown<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let value = f64::deserialize(deserializer)?;
    if !(value.is_finite() && value >= 1.0) {
        return Err(D::Error::custom(format!("a slowdown is at least 1, not {value}")));
    }
    Ok(Some(value))
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let value = f64::deserialize(deserializer)?;
    if !(0.0..=1.0).contains(&value) {
        return Err(D::Error::custom(format!("a share lies between 0 and 1, not {value}")));
    }
    Ok(Some(value))
}

#[cfg(test)]
mod tests;
