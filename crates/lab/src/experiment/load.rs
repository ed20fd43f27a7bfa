//! The loads of an experiment: `[load]`, or several `[[load]]` with a name each. A constant one with several
//! rates is several loads.

mod file;

use std::time::Duration;

use ::load::{Balance, Load, Rate, Spacing, Span};

use evidence::record::LoadRecord;

pub use file::Share;
pub(super) use file::{LoadSchema, LoadsFile};

use super::UsageError;

/// What is asked of every design.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadPlan {
    /// The loads, each a cell of its own. At least one, no two the same.
    pub loads: Vec<NamedLoad>,
}

/// One load, and its clients.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedLoad {
    /// Its name, where the experiment gives it one.
    pub name: Option<String>,
    /// How often orders are asked for.
    pub load: Load,
    /// How long a client waits for its answer.
    pub client_timeout: Duration,
    /// The share of orders that claim a high priority; `None` when orders claim none.
    pub high_priority_share: Option<Share>,
    /// How clients choose among replicas.
    pub balance: Balance,
}

impl NamedLoad {
    /// The load as it stands in a run's record.
    #[must_use]
    pub fn record(&self) -> LoadRecord {
        let mut record = self.load.record();
        if let LoadRecord::Users { balance, .. } = &mut record {
            *balance = (self.balance != Balance::default()).then(|| self.balance.as_str().to_owned());
        }
        record
    }
}

impl LoadPlan {
    /// The rates of the constant loads, in orders per second; none when the loads are others.
    #[must_use]
    pub fn rates(&self) -> Vec<f64> {
        let rate = |named: &NamedLoad| match named.load {
            Load::Constant { rate_per_s, .. } => Some(rate_per_s.per_s()),
            Load::Ramp { .. } | Load::Burst { .. } | Load::Steps { .. } | Load::Users { .. } => None,
        };
        self.loads.iter().filter_map(rate).collect()
    }

    /// The names of those that have one.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.loads.iter().filter_map(|named| named.name.clone()).collect()
    }

    /// The same load at other rates.
    pub(super) fn at(&mut self, rates: &[f64]) -> Result<(), UsageError> {
        if !self.names().is_empty() {
            return Err(UsageError::NamedLoads { names: self.names() });
        }
        let Some(NamedLoad { load: Load::Constant { duration, spacing, .. }, .. }) = self.loads.first()
        else {
            return Err(UsageError::NotConstant);
        };
        let rates = rates.iter().map(|&rate| Rate::new(rate)).collect::<Result<Vec<_>, _>>()?;
        let loads = constants(&rates, *duration, *spacing)?;
        let first = &self.loads[0];
        self.loads = loads.into_iter().map(|load| NamedLoad { load, ..first.clone() }).collect();
        Ok(())
    }

    /// Only the loads of these names.
    pub(super) fn only(&mut self, names: &[String]) -> Result<(), UsageError> {
        let known = self.names();
        if names.is_empty() {
            return Err(UsageError::Nothing { what: "load" });
        }
        if let Some(name) = names.iter().find(|name| !known.contains(name)) {
            return Err(UsageError::UnknownLoad { name: name.clone(), known });
        }
        if let Some((_, twice)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            return Err(UsageError::Twice { what: "load", name: twice.clone() });
        }
        self.loads.retain(|named| named.name.as_ref().is_some_and(|name| names.contains(name)));
        Ok(())
    }

    /// The same loads for another time.
    pub(super) fn lasting(&mut self, duration: Duration) -> Result<(), UsageError> {
        let duration = Span::new(duration)?;
        for named in &mut self.loads {
            named.load = named.load.clone().lasting(duration)?;
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
