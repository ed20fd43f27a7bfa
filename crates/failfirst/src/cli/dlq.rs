//! `dlq`.

use clap::{Args, Subcommand};
use lab::dead_letters::DeadLetterFilter;
use lab::serve::{BrokerUrl, Places};

use super::stores::{Secret, broker_of};
use crate::failure::Failure;

/// `dlq`.
#[derive(Debug, Args)]
pub struct DlqArgs {
    /// The broker: `embedded://` (on this machine, at its usual port), `embedded://IP:PORT`, `nats://…` or `kafka://…`.
    #[arg(long, global = true, value_name = "URL", env = Places::BROKER, hide_env_values = true)]
    pub broker: Option<Secret>,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do with them.
    #[command(subcommand)]
    pub command: DlqCommand,
}

/// What can be done with dead letters.
#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// The letters, oldest first, each with its reason.
    List {
        /// Which.
        #[command(flatten)]
        filter: DlqFilterArgs,
        /// How many at most.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// One letter: its message, its reason, and the attempts that failed.
    Show {
        /// The letter's id.
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Give letters out again as if for the first time: when the cause is gone.
    Replay(ChosenArgs),
    /// Throw letters away.
    Purge(ChosenArgs),
}

/// Letters that something is done with.
#[derive(Clone, Debug, Args)]
pub struct ChosenArgs {
    /// The letters' ids.
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub ids: Vec<String>,
    /// All letters that the filter takes.
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,
    /// Which, with `--all`.
    #[command(flatten)]
    pub filter: DlqFilterArgs,
}

/// Which letters are meant.
#[derive(Clone, Debug, Default, Args)]
pub struct DlqFilterArgs {
    /// Only those of this topic, for example `orders`.
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<String>,
    /// Only those that this group has put aside, for example `order-processor`.
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
}

impl DlqFilterArgs {
    /// As brokers take it.
    pub(crate) fn meant(&self) -> DeadLetterFilter {
        DeadLetterFilter { topic: self.topic.clone(), group: self.group.clone() }
    }
}

impl DlqArgs {
    /// The broker that is meant.
    ///
    /// # Errors
    /// When the URL is none. It is not repeated.
    pub(crate) fn broker(&self) -> Result<BrokerUrl, Failure> {
        broker_of(self.broker.as_ref())
    }
}
