//! A load as people write it: one flat struct with every field of every kind, and not a tagged enum, because
//! serde buffers those and loses the place of an error. So a wrong value is reported at its own line.

use std::num::NonZeroU32;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::{Load, RateStep, Spacing, Think};
use crate::quantity::{LoadError, Offset, Rate, Span};

impl<'de> Deserialize<'de> for Load {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Fields::deserialize(deserializer)?.into_load().map_err(D::Error::custom)
    }
}

/// Every field of every kind.
#[derive(Debug, Deserialize)]
#[serde(rename = "load", deny_unknown_fields)]
struct Fields {
    kind: Kind,
    duration: Option<Span>,
    spacing: Option<Spacing>,
    rate_per_s: Option<Rate>,
    from_per_s: Option<Rate>,
    to_per_s: Option<Rate>,
    base_per_s: Option<Rate>,
    peak_per_s: Option<Rate>,
    burst_start: Option<Offset>,
    burst_duration: Option<Span>,
    steps: Option<Vec<RateStep>>,
    users: Option<NonZeroU32>,
    spawn_per_s: Option<Rate>,
    think: Option<Think>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Constant,
    Ramp,
    Burst,
    Steps,
    Users,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Ramp => "ramp",
            Self::Burst => "burst",
            Self::Steps => "steps",
            Self::Users => "users",
        }
    }
}

impl Fields {
    /// Takes the fields that the kind needs, and refuses what is left over.
    fn into_load(mut self) -> Result<Load, LoadError> {
        let kind = self.kind.as_str();
        let spacing = match self.kind {
            // A closed loop has none; what is said all the same is left over.
            Kind::Users => Spacing::default(),
            _ => self.spacing.take().unwrap_or_default(),
        };
        let mut duration = self.duration.take();
        if let (Kind::Steps, Some(_)) = (self.kind, &duration) {
            return Err(LoadError::Surplus { kind, field: "duration" });
        }
        let mut duration = || take(&mut duration, kind, "duration");
        let load = match self.kind {
            Kind::Constant => Load::Constant {
                rate_per_s: take(&mut self.rate_per_s, kind, "rate_per_s")?,
                duration: duration()?,
                spacing,
            },
            Kind::Ramp => Load::Ramp {
                from_per_s: take(&mut self.from_per_s, kind, "from_per_s")?,
                to_per_s: take(&mut self.to_per_s, kind, "to_per_s")?,
                duration: duration()?,
                spacing,
            },
            Kind::Burst => Load::Burst {
                base_per_s: take(&mut self.base_per_s, kind, "base_per_s")?,
                peak_per_s: take(&mut self.peak_per_s, kind, "peak_per_s")?,
                burst_start: take(&mut self.burst_start, kind, "burst_start")?,
                burst_duration: take(&mut self.burst_duration, kind, "burst_duration")?,
                duration: duration()?,
                spacing,
            },
            Kind::Steps => Load::Steps { steps: take(&mut self.steps, kind, "steps")?, spacing },
            Kind::Users => Load::Users {
                users: take(&mut self.users, kind, "users")?,
                spawn_per_s: take(&mut self.spawn_per_s, kind, "spawn_per_s")?,
                think: take(&mut self.think, kind, "think")?,
                duration: duration()?,
            },
        };
        match self.left_over() {
            Some(field) => Err(LoadError::Surplus { kind, field }),
            None => load.checked(),
        }
    }

    fn left_over(&self) -> Option<&'static str> {
        let fields = [
            ("rate_per_s", self.rate_per_s.is_some()),
            ("from_per_s", self.from_per_s.is_some()),
            ("to_per_s", self.to_per_s.is_some()),
            ("base_per_s", self.base_per_s.is_some()),
            ("peak_per_s", self.peak_per_s.is_some()),
            ("burst_start", self.burst_start.is_some()),
            ("burst_duration", self.burst_duration.is_some()),
            ("steps", self.steps.is_some()),
            ("users", self.users.is_some()),
            ("spawn_per_s", self.spawn_per_s.is_some()),
            ("think", self.think.is_some()),
            ("spacing", self.spacing.is_some()),
        ];
        fields.into_iter().find_map(|(field, is_there)| is_there.then_some(field))
    }
}

fn take<T>(field: &mut Option<T>, kind: &'static str, name: &'static str) -> Result<T, LoadError> {
    field.take().ok_or(LoadError::Missing { kind, field: name })
}
