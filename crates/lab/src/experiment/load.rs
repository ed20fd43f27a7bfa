//! The `[load]` of an experiment: one shape; a constant one with several rates is several loads.

use std::time::Duration;

use ::load::{Load, LoadError, Offset, Rate, Spacing, Span};
use schemars::JsonSchema;
use serde::Deserialize;

use super::UsageError;

/// How long a client waits unless the experiment says otherwise.
const CLIENT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// What is asked of every design.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadPlan {
    /// The loads, each a cell of its own. At least one, no two the same.
    pub loads: Vec<Load>,
    /// How long a client waits for its answer.
    pub client_timeout: Duration,
}

impl LoadPlan {
    /// The rates of the constant loads, in orders per second; none when the load is another.
    #[must_use]
    pub fn rates(&self) -> Vec<f64> {
        let rate = |load: &Load| match load {
            Load::Constant { rate_per_s, .. } => Some(rate_per_s.per_s()),
            Load::Ramp { .. } | Load::Burst { .. } => None,
        };
        self.loads.iter().filter_map(rate).collect()
    }

    /// The same load at other rates.
    pub(super) fn at(&mut self, rates: &[f64]) -> Result<(), UsageError> {
        let Some(first @ Load::Constant { .. }) = self.loads.first() else {
            return Err(UsageError::NotConstant);
        };
        let (duration, spacing) = (first.duration(), first.spacing());
        let rates = rates.iter().map(|&rate| Rate::new(rate)).collect::<Result<Vec<_>, _>>()?;
        self.loads = constants(&rates, duration, spacing)?;
        Ok(())
    }

    /// The same loads for another time.
    pub(super) fn lasting(&mut self, duration: Duration) -> Result<(), UsageError> {
        let duration = Span::new(duration)?;
        for load in &mut self.loads {
            *load = load.clone().lasting(duration)?;
        }
        Ok(())
    }
}

/// One constant load for each rate.
fn constants(rates: &[Rate], duration: Span, spacing: Spacing) -> Result<Vec<Load>, UsageError> {
    if rates.is_empty() {
        return Err(UsageError::Nothing { what: "rate" });
    }
    if let Some((_, twice)) = rates.iter().enumerate().find(|(index, rate)| rates[..*index].contains(rate)) {
        return Err(UsageError::Twice { what: "rate", name: twice.per_s().to_string() });
    }
    let load = |rate: &Rate| Ok(Load::constant(*rate, duration, spacing)?);
    rates.iter().map(load).collect()
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
#[schemars(rename = "ExperimentLoad")]
pub(super) struct RawLoad {
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
    /// How long orders keep coming.
    duration: Span,
    /// How they are spread; `poisson` unless said.
    #[serde(default)]
    spacing: Spacing,
    /// How long a client waits for its answer; 30 s unless said.
    client_timeout: Option<Span>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Constant,
    Ramp,
    Burst,
}

impl TryFrom<RawLoad> for LoadFile {
    type Error = String;

    fn try_from(raw: RawLoad) -> Result<Self, String> {
        let RawLoad { duration, spacing, .. } = raw;
        let given = (
            &raw.rates,
            (raw.from_per_s, raw.to_per_s),
            (raw.base_per_s, raw.peak_per_s, raw.burst_start, raw.burst_duration),
        );
        let one =
            |load: Load| load.checked().map(|load| vec![load]).map_err(|error: LoadError| error.to_string());
        let loads = match (raw.kind, given) {
            (Kind::Constant, (Some(rates), (None, None), (None, None, None, None))) => {
                constants(rates, duration, spacing).map_err(|error| error.to_string())?
            }
            (Kind::Constant, _) => return Err("a constant load takes `rates` and no other rate".to_owned()),
            (Kind::Ramp, (None, (Some(from_per_s), Some(to_per_s)), (None, None, None, None))) => {
                one(Load::Ramp { from_per_s, to_per_s, duration, spacing })?
            }
            (Kind::Ramp, _) => {
                return Err("a ramp takes `from_per_s` and `to_per_s` and no other rate".to_owned());
            }
            (
                Kind::Burst,
                (
                    None,
                    (None, None),
                    (Some(base_per_s), Some(peak_per_s), Some(burst_start), Some(burst_duration)),
                ),
            ) => one(Load::Burst { base_per_s, peak_per_s, burst_start, burst_duration, duration, spacing })?,
            (Kind::Burst, _) => {
                let keys = "`base_per_s`, `peak_per_s`, `burst_start` and `burst_duration`";
                return Err(format!("a burst takes {keys} and no other rate"));
            }
        };
        let client_timeout = raw.client_timeout.map_or(CLIENT_TIMEOUT_DEFAULT, Span::get);
        Ok(Self(LoadPlan { loads, client_timeout }))
    }
}
