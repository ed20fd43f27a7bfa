//! Loads: how often orders are asked for, as people write it.
//!
//! Deserialized by way of one flat struct with every field of every kind, and not as a tagged enum, because
//! serde buffers those and loses the place of an error: so a wrong value is reported at its own line.

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use evidence::record::LoadRecord;
use schemars::JsonSchema;

use crate::arrivals::{ARRIVALS_MAX, expected};
use crate::quantity::{LoadError, Offset, Rate, Span};

/// How often orders are asked for, in an open loop.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Load {
    /// The same rate throughout.
    Constant {
        /// Orders per second.
        rate_per_s: Rate,
        /// How long.
        duration: Span,
        /// How the orders are spaced.
        #[serde(default)]
        spacing: Spacing,
    },
    /// Rising or falling linearly.
    Ramp {
        /// Orders per second at the start.
        from_per_s: Rate,
        /// Orders per second at the end.
        to_per_s: Rate,
        /// How long.
        duration: Span,
        /// How the orders are spaced.
        #[serde(default)]
        spacing: Spacing,
    },
    /// A base rate with one plateau of another rate.
    Burst {
        /// Orders per second outside the burst.
        base_per_s: Rate,
        /// Orders per second within it.
        peak_per_s: Rate,
        /// When the burst begins, from the start of the load.
        burst_start: Offset,
        /// How long the burst is; it ends with the load at the latest.
        burst_duration: Span,
        /// How long the load is.
        duration: Span,
        /// How the orders are spaced.
        #[serde(default)]
        spacing: Spacing,
    },
}

/// How orders are spaced at a given rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// One after the other at the same distance.
    Even,
    /// Independently of each other, as customers come: the default.
    #[default]
    Poisson,
}

impl Spacing {
    /// The name in files and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Poisson => "poisson",
        }
    }
}

impl Load {
    /// The same rate throughout.
    ///
    /// # Errors
    /// When it would be more than [`ARRIVALS_MAX`] orders.
    pub fn constant(rate_per_s: Rate, duration: Span, spacing: Spacing) -> Result<Self, LoadError> {
        Self::Constant { rate_per_s, duration, spacing }.checked()
    }

    /// A load whose fields fit together.
    ///
    /// # Errors
    /// When it would be more than [`ARRIVALS_MAX`] orders, or a burst is not over when the load is.
    pub fn checked(self) -> Result<Self, LoadError> {
        if let Self::Burst { burst_start, burst_duration, duration, .. } = &self {
            let burst_end = burst_start.get() + burst_duration.get();
            if burst_end > duration.get() {
                return Err(LoadError::BurstBeyondLoad { burst_end, duration: duration.get() });
            }
        }
        let expected = expected(&self);
        if expected > ARRIVALS_MAX as f64 {
            return Err(LoadError::TooMany { expected: expected.round() as u64 });
        }
        Ok(self)
    }

    /// The same load for another time.
    ///
    /// # Errors
    /// As for [`Load::checked`].
    pub fn lasting(mut self, new: Span) -> Result<Self, LoadError> {
        let (Self::Constant { duration, .. } | Self::Ramp { duration, .. } | Self::Burst { duration, .. }) =
            &mut self;
        *duration = new;
        self.checked()
    }

    /// How long it lasts.
    #[must_use]
    pub const fn duration(&self) -> Span {
        let (Self::Constant { duration, .. } | Self::Ramp { duration, .. } | Self::Burst { duration, .. }) =
            self;
        *duration
    }

    /// How its orders are spaced.
    #[must_use]
    pub const fn spacing(&self) -> Spacing {
        let (Self::Constant { spacing, .. } | Self::Ramp { spacing, .. } | Self::Burst { spacing, .. }) =
            self;
        *spacing
    }

    /// The load as it stands in a run's record.
    #[must_use]
    pub fn record(&self) -> LoadRecord {
        let duration_s = self.duration().get().as_secs_f64();
        let spacing = self.spacing().as_str().to_owned();
        match self {
            Self::Constant { rate_per_s, .. } => {
                LoadRecord::Constant { rate_per_s: rate_per_s.per_s(), duration_s, spacing }
            }
            Self::Ramp { from_per_s, to_per_s, .. } => LoadRecord::Ramp {
                from_per_s: from_per_s.per_s(),
                to_per_s: to_per_s.per_s(),
                duration_s,
                spacing,
            },
            Self::Burst { base_per_s, peak_per_s, burst_start, burst_duration, .. } => LoadRecord::Burst {
                base_per_s: base_per_s.per_s(),
                peak_per_s: peak_per_s.per_s(),
                burst_s: [burst_start.get(), burst_start.get() + burst_duration.get()]
                    .map(|at| at.as_secs_f64()),
                duration_s,
                spacing,
            },
        }
    }
}

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
    duration: Span,
    #[serde(default)]
    spacing: Spacing,
    rate_per_s: Option<Rate>,
    from_per_s: Option<Rate>,
    to_per_s: Option<Rate>,
    base_per_s: Option<Rate>,
    peak_per_s: Option<Rate>,
    burst_start: Option<Offset>,
    burst_duration: Option<Span>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Constant,
    Ramp,
    Burst,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Ramp => "ramp",
            Self::Burst => "burst",
        }
    }
}

impl Fields {
    /// Takes the fields that the kind needs, and refuses what is left over.
    fn into_load(mut self) -> Result<Load, LoadError> {
        let (kind, duration, spacing) = (self.kind.as_str(), self.duration, self.spacing);
        let load = match self.kind {
            Kind::Constant => Load::Constant {
                rate_per_s: take(&mut self.rate_per_s, kind, "rate_per_s")?,
                duration,
                spacing,
            },
            Kind::Ramp => Load::Ramp {
                from_per_s: take(&mut self.from_per_s, kind, "from_per_s")?,
                to_per_s: take(&mut self.to_per_s, kind, "to_per_s")?,
                duration,
                spacing,
            },
            Kind::Burst => Load::Burst {
                base_per_s: take(&mut self.base_per_s, kind, "base_per_s")?,
                peak_per_s: take(&mut self.peak_per_s, kind, "peak_per_s")?,
                burst_start: take(&mut self.burst_start, kind, "burst_start")?,
                burst_duration: take(&mut self.burst_duration, kind, "burst_duration")?,
                duration,
                spacing,
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
        ];
        fields.into_iter().find_map(|(field, is_there)| is_there.then_some(field))
    }
}

fn take<T>(field: &mut Option<T>, kind: &'static str, name: &'static str) -> Result<T, LoadError> {
    field.take().ok_or(LoadError::Missing { kind, field: name })
}

#[cfg(test)]
mod tests;
