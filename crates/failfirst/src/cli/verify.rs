//! `verify` and `replay`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values::{FaultNumbers, Seeds, duration, rate, schedules};

/// `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The design, by name or file. May be given several times, or as a list.
    #[arg(long = "design", value_name = "DESIGN", required = true, value_delimiter = ',')]
    pub designs: Vec<String>,
    /// How many schedules (`1000` means the seeds 1 to 1000), or which seeds (`7..9`, both included).
    #[arg(long, value_name = "N or FIRST..LAST", default_value = "100", value_parser = schedules)]
    pub seeds: Seeds,
    /// Where `verify.json` is written; `out/verify` by default.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print the campaign as JSON instead of the table.
    #[arg(long)]
    pub json: bool,
    /// How many schedules run at once; by default as many as there are cores. Changes no result.
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

/// `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The design, by name or file.
    #[arg(long, value_name = "DESIGN")]
    pub design: String,
    /// The seed: of the schedule, or of the cell.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Say what happened to this order, moment by moment. Without an order: which ones are worth it.
    #[arg(long, value_name = "ORDER", num_args = 0..=1)]
    pub timeline: Option<Option<String>>,
    /// Only these faults of the schedule, by number; `none` for none of them.
    #[arg(long, value_name = "1,3", conflicts_with_all = ["drop", "experiment"])]
    pub only: Option<FaultNumbers>,
    /// All faults of the schedule but these, by number.
    #[arg(long, value_name = "2,5", conflicts_with = "experiment")]
    pub drop: Option<FaultNumbers>,
    /// One order-processor, where the schedule has several, and without the faults of the others.
    #[arg(long, conflicts_with = "experiment")]
    pub alone: bool,
    /// A load that lasts so long, for example `1500ms`.
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true)]
    pub duration: Option<Duration>,
    /// Replay a cell of this experiment and not a schedule: `ladder`, or a file.
    #[arg(long, value_name = "EXPERIMENT")]
    pub experiment: Option<PathBuf>,
    /// The cell's fault.
    #[arg(long, value_name = "NAME", requires = "experiment")]
    pub fault: Option<String>,
    /// The cell's rate, in orders per second.
    #[arg(long, value_name = "RATE", value_parser = rate, requires = "experiment", allow_hyphen_values = true)]
    pub rate: Option<f64>,
    /// The cell's load, where the experiment names its loads.
    #[arg(long, value_name = "NAME", requires = "experiment", conflicts_with = "rate")]
    pub load: Option<String>,
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
}
