//! How a command can end other than well, and the exit code of each.
//!
//! | code | means |
//! |---|---|
//! | 0 | fine |
//! | 1 | an expectation or an invariant failed, or a service of `up` stopped by itself |
//! | 2 | wrong usage or input: nothing was run |

use std::fmt;
use std::process::ExitCode;

/// Why the program does not end with 0.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An expectation or an invariant does not hold. Already said, with the numbers.
    NotAsExpected,
    /// What was asked for cannot be done as asked.
    Input(Complaint),
    /// Something that was running stopped.
    Stopped(Complaint),
}

/// An error for people: what is wrong, why, and what to do about it.
#[derive(Debug)]
pub(crate) struct Complaint {
    error: anyhow::Error,
    help: Option<String>,
}

impl Failure {
    /// Wrong input, without advice.
    pub(crate) fn input(error: impl Into<anyhow::Error>) -> Self {
        Self::Input(Complaint { error: error.into(), help: None })
    }

    /// Something that was running stopped.
    pub(crate) fn stopped(error: impl Into<anyhow::Error>) -> Self {
        Self::Stopped(Complaint { error: error.into(), help: None })
    }

    /// Adds what to do about it.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        if let Self::Input(complaint) | Self::Stopped(complaint) = &mut self {
            complaint.help = Some(help.into());
        }
        self
    }

    /// The exit code.
    #[must_use]
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::NotAsExpected | Self::Stopped(_) => ExitCode::from(1),
            Self::Input(_) => ExitCode::from(2),
        }
    }
}

/// The whole chain on one line, then the advice. Empty when everything was said.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsExpected => Ok(()),
            Self::Input(Complaint { error, help }) | Self::Stopped(Complaint { error, help }) => {
                write!(f, "error: {error:#}")?;
                match help {
                    Some(help) => write!(f, "\n  help: {help}"),
                    None => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    use super::Failure;

    #[test]
    fn the_chain_is_said_once_and_the_advice_follows() {
        let cause: Result<(), _> = Err(anyhow!("no such file"));
        let error = cause.context("cannot read a.json").expect_err("an error");
        let failure = Failure::input(error).help("run `failfirst ladder` first");
        assert_eq!(
            failure.to_string(),
            "error: cannot read a.json: no such file\n  help: run `failfirst ladder` first"
        );
    }
}
