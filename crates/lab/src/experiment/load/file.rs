//! Loads as people write them.

use std::{num::NonZeroU32, time::Duration};

use ::load::{Balance, Load, LoadError, Offset, Rate, RateStep, Spacing, Span, Think};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::{LoadPlan, NamedLoad, constants};

/// How long a client waits unless the experiment says otherwise.
const CLIENT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// A share between 0 and 1, both excluded: of none or of all, nothing could be compared.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "f64")]
pub struct Share(#[schemars(range(min = 0, max = 1))] f64);

impl Share {
    /// The share.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Share {
    type Error = String;

    fn try_from(share: f64) -> Result<Self, String> {
        if share > 0.0 && share < 1.0 {
            Ok(Self(share))
        } else {
            Err(format!("a share is between 0 and 1, not {share}"))
        }
    }
}

/// One `[load]`, or several `[[load]]`.
#[derive(Clone, Debug)]
pub(in crate::experiment) struct LoadsFile(LoadPlan);

impl From<LoadsFile> for LoadPlan {
    fn from(file: LoadsFile) -> Self {
        file.0
    }
}

/// By a visitor and not as an untagged enum, which would lose the place of an error.
impl<'de> Deserialize<'de> for LoadsFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = LoadsFile;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a [load] or several [[load]]")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<LoadsFile, A::Error> {
                let LoadFile(loads) = LoadFile::deserialize(MapAccessDeserializer::new(map))?;
                Ok(LoadsFile(LoadPlan { loads }))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<LoadsFile, A::Error> {
                let mut loads: Vec<NamedLoad> = Vec::new();
                while let Some(LoadFile(more)) = seq.next_element()? {
                    if let Some(reason) = more.iter().find_map(|load| conflict(load, &loads)) {
                        return Err(serde::de::Error::custom(reason));
                    }
                    loads.extend(more);
                }
                if loads.is_empty() {
                    return Err(serde::de::Error::custom("an experiment needs a load"));
                }
                Ok(LoadsFile(LoadPlan { loads }))
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}

/// Of several loads each has a name, and none is there twice under another.
fn conflict(load: &NamedLoad, before: &[NamedLoad]) -> Option<String> {
    let Some(name) = &load.name else {
        return Some("each of several loads needs a `name`".to_owned());
    };
    if before.iter().any(|other| other.name == load.name) {
        return Some(format!("the load {name} is there twice"));
    }
    let twin = before.iter().find(|other| other.record() == load.record())?;
    let other = twin.name.as_deref().unwrap_or_default();
    Some(format!("the loads {other} and {name} ask for the same"))
}

/// One load section, of which a constant one with several rates is several.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawLoad")]
pub(in crate::experiment) struct LoadFile(Vec<NamedLoad>);

/// The schema of `load`.
#[derive(JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "ExperimentLoads")]
#[expect(dead_code, reason = "only its schema is used")]
pub(in crate::experiment) enum LoadSchema {
    /// One load.
    One(Box<RawLoad>),
    /// Several, each with a name.
    Many(Vec<RawLoad>),
}

/// A load section, before its keys were held against its kind.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ExperimentLoad")]
pub(in crate::experiment) struct RawLoad {
    /// Its name; each of several loads needs one.
    name: Option<String>,
    /// How the rate moves.
    kind: Kind,
    /// For `constant`: orders per second, each a load of its own.
    rates: Option<Vec<Rate>>,
    /// For `ramp`: orders per second at the start.
    from_per_s: Option<Rate>,
    /// For `ramp`: orders per second at the end.
    to_per_s: Option<Rate>,
    /// For `burst`: orders per second outside the burst.
    base_per_s: Option<Rate>,
    /// For `burst`: orders per second within it.
    peak_per_s: Option<Rate>,
    /// For `burst`: when it starts.
    burst_start: Option<Offset>,
    /// For `burst`: how long it lasts.
    burst_duration: Option<Span>,
    /// For `steps`: one rate after the other.
    steps: Option<Vec<RateStep>>,
    /// For `users`: how many.
    users: Option<NonZeroU32>,
    /// For `users`: how many join per second.
    spawn_per_s: Option<Rate>,
    /// For `users`: how long each thinks between an answer and the next order.
    think: Option<Think>,
    /// How long orders keep coming; steps have their own.
    duration: Option<Span>,
    /// How they are spread; `poisson` unless said.
    spacing: Option<Spacing>,
    /// How long a client waits for its answer; 30 s unless said.
    client_timeout: Option<Span>,
    /// The share of orders that say `"priority": "high"`; none claims a priority unless said.
    high_priority_share: Option<Share>,
    /// How clients choose among the replicas of a design that has several; `random` unless said.
    balance: Option<Balance>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Constant,
    Ramp,
    Burst,
    Steps,
    Users,
}

impl TryFrom<RawLoad> for LoadFile {
    type Error = String;

    fn try_from(raw: RawLoad) -> Result<Self, String> {
        let (name, high_priority_share) = (raw.name.clone(), raw.high_priority_share);
        if name.as_ref().is_some_and(|name| !is_plain(name)) {
            return Err("a load's name is made of letters, digits, `.`, `-`, `_` and `%`".to_owned());
        }
        let client_timeout = raw.client_timeout.map_or(CLIENT_TIMEOUT_DEFAULT, Span::get);
        let balance = raw.balance.unwrap_or_default();
        let loads = raw.loads()?;
        if name.is_some() && loads.len() > 1 {
            return Err("a load with a name has one rate".to_owned());
        }
        let named =
            |load| NamedLoad { name: name.clone(), load, client_timeout, high_priority_share, balance };
        Ok(Self(loads.into_iter().map(named).collect()))
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '%');
    !name.is_empty() && name.chars().all(plain)
}

impl RawLoad {
    /// The keys that say how the rate moves, by kind: those of another kind must not be there.
    fn keys(&self) -> [(&'static str, bool); 5] {
        let ramp = self.from_per_s.is_some() || self.to_per_s.is_some();
        let burst = self.base_per_s.is_some()
            || self.peak_per_s.is_some()
            || self.burst_start.is_some()
            || self.burst_duration.is_some();
        let users = self.users.is_some() || self.spawn_per_s.is_some() || self.think.is_some();
        [
            ("constant", self.rates.is_some()),
            ("ramp", ramp),
            ("burst", burst),
            ("steps", self.steps.is_some()),
            ("users", users),
        ]
    }

    fn loads(self) -> Result<Vec<Load>, String> {
        let (kind, takes) = match self.kind {
            Kind::Constant => ("constant", "a constant load takes `rates` and no other rate"),
            Kind::Ramp => ("ramp", "a ramp takes `from_per_s` and `to_per_s` and no other rate"),
            Kind::Burst => (
                "burst",
                "a burst takes `base_per_s`, `peak_per_s`, `burst_start` and `burst_duration` and no other rate",
            ),
            Kind::Steps => ("steps", "a load in steps takes `steps` and no other rate"),
            Kind::Users => {
                ("users", "a load of users takes `users`, `spawn_per_s` and `think` and no other rate")
            }
        };
        if self.keys().iter().any(|(other, is_there)| *is_there && *other != kind) {
            return Err(takes.to_owned());
        }
        let load = self.load(takes)?;
        let checked = |load: Load| load.checked().map_err(|error: LoadError| error.to_string());
        load.into_iter().map(checked).collect()
    }

    fn load(self, takes: &str) -> Result<Vec<Load>, String> {
        let missing = || takes.to_owned();
        if matches!(self.kind, Kind::Steps) && self.duration.is_some() {
            return Err("a load in steps takes no `duration`: each step has one".to_owned());
        }
        if matches!(self.kind, Kind::Users) && self.spacing.is_some() {
            return Err("a load of users takes no `spacing`: their answers space their orders".to_owned());
        }
        let spacing = self.spacing.unwrap_or_default();
        let duration = || self.duration.ok_or_else(|| "missing field `duration`".to_owned());
        let one = match self.kind {
            Kind::Constant => {
                let rates = self.rates.as_ref().ok_or_else(missing)?;
                return constants(rates, duration()?, spacing).map_err(|error| error.to_string());
            }
            Kind::Ramp => Load::Ramp {
                from_per_s: self.from_per_s.ok_or_else(missing)?,
                to_per_s: self.to_per_s.ok_or_else(missing)?,
                duration: duration()?,
                spacing,
            },
            Kind::Burst => Load::Burst {
                base_per_s: self.base_per_s.ok_or_else(missing)?,
                peak_per_s: self.peak_per_s.ok_or_else(missing)?,
                burst_start: self.burst_start.ok_or_else(missing)?,
                burst_duration: self.burst_duration.ok_or_else(missing)?,
                duration: duration()?,
                spacing,
            },
            Kind::Steps => Load::Steps { steps: self.steps.clone().ok_or_else(missing)?, spacing },
            Kind::Users => Load::Users {
                users: self.users.ok_or_else(missing)?,
                spawn_per_s: self.spawn_per_s.ok_or_else(missing)?,
                think: self.think.ok_or_else(missing)?,
                duration: duration()?,
            },
        };
        Ok(vec![one])
    }
}
