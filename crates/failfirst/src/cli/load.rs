//! `attack`, `report`, `plot` and `encode`: the load tool, with vegeta's flags and some of its own.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{ArgAction, Args};
use lab::load::hit::HitFormat;
use lab::load::summary::Buckets;
use lab::load::targets::TargetFormat;
use lab::load::threshold::Threshold;
use lab::load::{AttackRate, Ramp, parse_duration};

/// `attack`.
#[derive(Debug, Args)]
pub struct AttackArgs {
    /// A file of targets, or `stdin`.
    #[arg(long, value_name = "FILE", default_value = "stdin")]
    pub targets: String,
    /// The format of the targets: `http` (METHOD URL, header lines, @body-file) or `json` (one object a line).
    #[arg(long, value_name = "FORMAT", default_value = "http")]
    pub format: TargetFormat,
    /// Requests per time, evenly spaced; 0 is as fast as -max-workers allow [default: 50/1s].
    #[arg(long, value_name = "N/TIME", conflicts_with_all = ["ramp", "users"])]
    pub rate: Option<AttackRate>,
    /// Several rates, one after the other: `30s@50,1m@50..200,30s@200`. `1m@..200` goes on from the rate before.
    #[arg(long, alias = "stages", value_name = "TIME@RATE,…", conflicts_with_all = ["duration", "users"])]
    pub ramp: Option<Ramp>,
    /// So many users, each of whom waits for the answer and thinks before the next request (a closed loop).
    #[arg(long, value_name = "N")]
    pub users: Option<NonZeroU32>,
    /// How many users join per second; all at once by default.
    #[arg(long, value_name = "N", requires = "users", value_parser = super::values::rate)]
    pub spawn_rate: Option<f64>,
    /// How long users think: `200ms`, or between two times, `100ms..500ms` [default: 0s].
    #[arg(long, value_name = "TIME[..TIME]", requires = "users")]
    pub think: Option<ThinkTime>,
    /// How long requests are sent; 0 is until ctrl-c.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration)]
    pub duration: Duration,
    /// How long an answer may take, from the actual send.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    pub timeout: Duration,
    /// Understood and without effect: a request has a task of its own, there are no workers to begin with.
    #[arg(long, value_name = "N", hide = true)]
    pub workers: Option<u64>,
    /// How many requests may be without an answer at once; what finds no place is not sent, and counted
    /// [default: 65536].
    #[arg(long, value_name = "N")]
    pub max_workers: Option<NonZeroUsize>,
    /// A header of every request, for example `Authorization: Bearer x`. Can be repeated.
    #[arg(long, value_name = "NAME: VALUE")]
    pub header: Vec<String>,
    /// The body of every request that has none of its own.
    #[arg(long, value_name = "FILE")]
    pub body: Option<PathBuf>,
    /// The attack's name in the results.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub name: String,
    /// Read targets when they are needed, each once, and end with them.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub lazy: bool,
    /// Where results go: a file, or `stdout`. On a terminal a report is shown instead.
    #[arg(long, value_name = "FILE", default_value = "stdout")]
    pub output: String,
    /// The format of the results: `json` lines or `csv`; by default what the output's name ends with, or json.
    #[arg(long, value_name = "FORMAT")]
    pub encode: Option<HitFormat>,
    /// Take any certificate.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub insecure: bool,
    /// Use connections again.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true)]
    pub keepalive: bool,
    /// How many idle connections are kept per host.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub connections: usize,
    /// How many requests may have a connection at once; no bound by default.
    #[arg(long, value_name = "N")]
    pub max_connections: Option<NonZeroUsize>,
    /// How many redirects are followed; -1: none, a redirect is an answer.
    #[arg(long, value_name = "N", default_value_t = 10, allow_hyphen_values = true, value_parser = clap::value_parser!(i64).range(-1..=1_000))]
    pub redirects: i64,
    /// How many bytes of an answer's body are kept in the results; -1 is as many as there are, up to 1 MiB.
    #[arg(long, value_name = "BYTES", default_value_t = -1, allow_hyphen_values = true, value_parser = clap::value_parser!(i64).range(-1..))]
    pub max_body: i64,
    /// What has to be true in the end, for example `p(95)<200ms` or `success>0.99`; exit with 1 when it is not. Can
    /// be repeated.
    #[arg(long, value_name = "METRIC<VALUE")]
    pub threshold: Vec<Threshold>,
}

/// `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Result files, JSON or CSV; standard input when there is none. Several are compared.
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
    /// `text`, `json`, `hist[0,10ms,…]` or `hdrplot`.
    #[arg(long = "type", value_name = "TYPE", default_value = "text")]
    pub kind: ReportKind,
    /// The buckets of a histogram, also in a report as JSON.
    #[arg(long, value_name = "[TIME,…]")]
    pub buckets: Option<Buckets>,
    /// Write a report at every such interval while results are read.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration)]
    pub every: Duration,
    /// Where the report goes: a file, or `stdout`.
    #[arg(long, value_name = "FILE", default_value = "stdout")]
    pub output: String,
    /// A report for every method and URL.
    #[arg(long)]
    pub per_target: bool,
    /// One report over all files, as vegeta does, instead of a comparison.
    #[arg(long)]
    pub merge: bool,
    /// What has to be true of each file, for example `p(95)<200ms`; exit with 1 when it is not. Can be repeated.
    #[arg(long, value_name = "METRIC<VALUE")]
    pub threshold: Vec<Threshold>,
}

/// `plot`.
#[derive(Debug, Args)]
pub struct PlotArgs {
    /// Result files, JSON or CSV; standard input when there is none. Several are laid over each other.
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
    /// The page's title.
    #[arg(long, value_name = "TEXT", default_value = "Failfirst attack")]
    pub title: String,
    /// Where the page goes: a file, or `stdout`.
    #[arg(long, value_name = "FILE", default_value = "stdout")]
    pub output: String,
}

/// `encode`.
#[derive(Debug, Args)]
pub struct EncodeArgs {
    /// Result files, JSON or CSV; standard input when there is none.
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
    /// The format to write: `json` or `csv`.
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    pub to: HitFormat,
    /// Where results go: a file, or `stdout`.
    #[arg(long, value_name = "FILE", default_value = "stdout")]
    pub output: String,
}

/// What a report looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// Rows for people.
    Text,
    /// One object.
    Json,
    /// Latencies in buckets, where they are given with the type.
    Hist(Option<Buckets>),
    /// Quantiles for HdrHistogram's plotter.
    HdrPlot,
}

impl FromStr for ReportKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "hdrplot" => Ok(Self::HdrPlot),
            "hist" => Ok(Self::Hist(None)),
            _ => match text.strip_prefix("hist") {
                Some(buckets) => buckets
                    .parse()
                    .map(|buckets| Self::Hist(Some(buckets)))
                    .map_err(|error| format!("{error}")),
                None => Err("a report is text, json, hist[0,10ms,…] or hdrplot".to_owned()),
            },
        }
    }
}

/// How long users think: at least and at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThinkTime(pub Duration, pub Duration);

impl FromStr for ThinkTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let time = |text| parse_duration(text).map_err(|error| format!("{error}"));
        let (min, max) = (time(min)?, time(max)?);
        if min > max {
            return Err("write the shorter time first, for example 100ms..500ms".to_owned());
        }
        Ok(Self(min, max))
    }
}
