//! The load of an experiment: one shape, and for the constant one several rates, each a cell of its own.

use std::time::Duration;

use load::{Load, Spacing};
use platform::design::{PositiveDuration, PositiveRate};
use schemars::JsonSchema;
use serde::Deserialize;

/// Orders that one cell may ask for. A typo in a rate or a duration shall be a message and not an hour.
pub const ORDERS_MAX: f64 = 5e6;

/// How long a client waits unless the experiment says otherwise.
const CLIENT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// What is asked of every design.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadPlan {
    /// How the rate moves.
    pub shape: LoadShape,
    /// How long orders keep coming.
    pub duration: Duration,
    /// How they are spread within a second.
    pub spacing: Spacing,
    /// How long a client waits for its answer.
    pub client_timeout: Duration,
}

/// How the rate moves over the duration. Rates are orders per second.
#[derive(Clone, Debug, PartialEq)]
pub enum LoadShape {
    /// The same throughout; each rate is a load of its own.
    Constant {
        /// The rates, no two the same.
        rates: Vec<f64>,
    },
    /// From one rate to another, linearly.
    Ramp {
        /// At the start.
        from_per_s: f64,
        /// At the end.
        to_per_s: f64,
    },
    /// A base rate with one higher plateau.
    Burst {
        /// Outside the burst.
        base_per_s: f64,
        /// Within it.
        peak_per_s: f64,
        /// When it starts.
        burst_start: Duration,
        /// How long it lasts.
        burst_duration: Duration,
    },
}

impl LoadPlan {
    /// Every load of the plan, in the order of its rates.
    #[must_use]
    pub fn loads(&self) -> Vec<Load> {
        let Self { duration, spacing, .. } = *self;
        match &self.shape {
            LoadShape::Constant { rates } => {
                rates.iter().map(|&rate_per_s| Load::Constant { rate_per_s, duration, spacing }).collect()
            }
            LoadShape::Ramp { from_per_s, to_per_s } => {
                vec![Load::Ramp { from_per_s: *from_per_s, to_per_s: *to_per_s, duration, spacing }]
            }
            LoadShape::Burst { base_per_s, peak_per_s, burst_start, burst_duration } => vec![Load::Burst {
                base_per_s: *base_per_s,
                peak_per_s: *peak_per_s,
                burst_start: *burst_start,
                burst_duration: *burst_duration,
                duration,
                spacing,
            }],
        }
    }

    /// What makes the plan impossible as a whole, if anything does.
    pub(super) fn fault(&self) -> Option<String> {
        let seconds = self.duration.as_secs_f64();
        if let LoadShape::Constant { rates } = &self.shape {
            if rates.is_empty() {
                return Some("a constant load needs a rate".to_owned());
            }
            if let Some((index, rate)) = rates.iter().enumerate().find(|(index, rate)| rates[..*index].contains(rate))
            {
                return Some(format!("the rate {rate} is there twice, the second time in place {}", index + 1));
            }
        }
        if let LoadShape::Burst { burst_start, burst_duration, .. } = &self.shape {
            if *burst_start + *burst_duration > self.duration {
                return Some("the burst must end before the load does".to_owned());
            }
        }
        let most = match &self.shape {
            LoadShape::Constant { rates } => rates.iter().copied().fold(0.0, f64::max) * seconds,
            LoadShape::Ramp { from_per_s, to_per_s } => f64::midpoint(*from_per_s, *to_per_s) * seconds,
            LoadShape::Burst { base_per_s, peak_per_s, burst_duration, .. } => {
                base_per_s * seconds + (peak_per_s - base_per_s) * burst_duration.as_secs_f64()
            }
        };
        (most > ORDERS_MAX).then(|| {
            format!("the load asks for {most:.0} orders in one cell, at most {ORDERS_MAX:.0} are possible")
        })
    }
}

/// The `[load]` section as people write it.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawLoad")]
pub(super) struct LoadFile(LoadPlan);

impl From<LoadFile> for LoadPlan {
    fn from(file: LoadFile) -> Self {
        file.0
    }
}

/// The `[load]` section, before its keys were held against its kind.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Load")]
pub(super) struct RawLoad {
    /// How the rate moves.
    kind: Kind,
    /// For `constant`: orders per second, each a load of its own.
    rates: Option<Vec<PositiveRate>>,
    /// For `ramp`: orders per second at the start.
    from_per_s: Option<PositiveRate>,
    /// For `ramp`: orders per second at the end.
    to_per_s: Option<PositiveRate>,
    /// For `burst`: orders per second outside the burst.
    base_per_s: Option<PositiveRate>,
    /// For `burst`: orders per second within it.
    peak_per_s: Option<PositiveRate>,
    /// For `burst`: when it starts.
    burst_start: Option<PositiveDuration>,
    /// For `burst`: how long it lasts.
    burst_duration: Option<PositiveDuration>,
    /// How long orders keep coming.
    duration: PositiveDuration,
    /// How they are spread; `poisson` unless said.
    #[serde(default)]
    spacing: SpacingName,
    /// How long a client waits for its answer; 30 s unless said.
    client_timeout: Option<PositiveDuration>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Constant,
    Ramp,
    Burst,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum SpacingName {
    Even,
    #[default]
    Poisson,
}

impl TryFrom<RawLoad> for LoadFile {
    type Error = String;

    fn try_from(raw: RawLoad) -> Result<Self, String> {
        let rate = PositiveRate::per_s;
        let given = (
            &raw.rates,
            (raw.from_per_s, raw.to_per_s),
            (raw.base_per_s, raw.peak_per_s, raw.burst_start, raw.burst_duration),
        );
        let shape = match (raw.kind, given) {
            (Kind::Constant, (Some(rates), (None, None), (None, None, None, None))) => {
                LoadShape::Constant { rates: rates.iter().copied().map(rate).collect() }
            }
            (Kind::Constant, _) => return Err("a constant load takes `rates` and no other rate".to_owned()),
            (Kind::Ramp, (None, (Some(from), Some(to)), (None, None, None, None))) => {
                LoadShape::Ramp { from_per_s: rate(from), to_per_s: rate(to) }
            }
            (Kind::Ramp, _) => {
                return Err("a ramp takes `from_per_s` and `to_per_s` and no other rate".to_owned());
            }
            (Kind::Burst, (None, (None, None), (Some(base), Some(peak), Some(start), Some(lasts)))) => {
                LoadShape::Burst {
                    base_per_s: rate(base),
                    peak_per_s: rate(peak),
                    burst_start: start.get(),
                    burst_duration: lasts.get(),
                }
            }
            (Kind::Burst, _) => {
                let keys = "`base_per_s`, `peak_per_s`, `burst_start` and `burst_duration`";
                return Err(format!("a burst takes {keys} and no other rate"));
            }
        };
        let plan = LoadPlan {
            shape,
            duration: raw.duration.get(),
            spacing: match raw.spacing {
                SpacingName::Even => Spacing::Even,
                SpacingName::Poisson => Spacing::Poisson,
            },
            client_timeout: raw.client_timeout.map_or(CLIENT_TIMEOUT_DEFAULT, PositiveDuration::get),
        };
        match plan.fault() {
            Some(reason) => Err(reason),
            None => Ok(Self(plan)),
        }
    }
}
