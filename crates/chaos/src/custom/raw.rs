//! The flat table that people write, and how it is held against its kind.

use std::{borrow::Cow, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de::Error};

use super::{FaultFile, FaultKind};
use crate::{Direction, Shift};

/// The flat table, before its keys were held against its kind. Its schema is what people write by.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFault {
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
    /// For `events`: the share that is published twice; none unless said.
    #[serde(default, deserialize_with = "share")]
    duplicated: Option<f64>,
    /// For `events`: the share that others overtake; none unless said.
    #[serde(default, deserialize_with = "share")]
    reordered: Option<f64>,
    /// For `events`: the share that is followed by a message that nobody can read; none unless said.
    #[serde(default, deserialize_with = "share")]
    poisoned: Option<f64>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum KindName {
    Hardship,
    PowerOff,
    Kill,
    Partition,
    Hold,
    Latency,
    ClockJump,
    Duplicates,
    Events,
}

impl KindName {
    /// The kind as it is written, with the keys that belong to it.
    pub(super) const fn keys(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Hardship => ("hardship", &["slowdown", "failure_rate"]),
            Self::PowerOff => ("power-off", &["host"]),
            Self::Kill => ("kill", &["host"]),
            Self::Partition => ("partition", &["a", "b", "direction"]),
            Self::Hold => ("hold", &["a", "b"]),
            Self::Latency => ("latency", &["a", "b", "min", "max"]),
            Self::ClockJump => ("clock-jump", &["host", "by"]),
            Self::Duplicates => ("duplicates", &["share"]),
            Self::Events => ("events", &["duplicated", "reordered", "poisoned"]),
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
            ("duplicated", self.duplicated.is_some()),
            ("reordered", self.reordered.is_some()),
            ("poisoned", self.poisoned.is_some()),
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
            KindName::Events => {
                let shares = [raw.duplicated, raw.reordered, raw.poisoned];
                let [duplicated, reordered, poisoned] = shares.map(Option::unwrap_or_default);
                if shares.into_iter().flatten().all(|share| share == 0.0) {
                    return Err(
                        "an events fault needs one of the shares `duplicated`, `reordered` and `poisoned`"
                            .to_owned(),
                    );
                }
                FaultKind::Events { duplicated, reordered, poisoned }
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
