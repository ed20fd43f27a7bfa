//! What can be said on the command line, and nothing of what it does.
//!
//! It lies in the library so that tests can parse every command that the documents show. A value that cannot be
//! meant is refused here, by clap, with exit code 2 and before anything is created.

mod dlq;
mod flags;
mod load;
pub(crate) mod stores;
mod values;
mod verify;

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use lab::serve::{Hardship, Process, Served, Webhook};

pub use self::dlq::{ChosenArgs, DlqArgs, DlqCommand, DlqFilterArgs};
pub use self::flags::arguments;
pub use self::load::{AttackArgs, EncodeArgs, PlotArgs, ReportArgs, ReportKind, ThinkTime};
pub(crate) use self::stores::data_directory;
pub use self::stores::{Secret, StoreArgs};
pub use self::values::{FaultNumbers, PeerAddress, ReplicasOf, Seeds, Shared};
use self::values::{connections, duration, hardship, rate};
pub use self::verify::{ReplayArgs, VerifyArgs};

/// Breaks an order platform on purpose, lets its reliability be earned one constraint at a time, proves each step.
#[derive(Debug, Parser)]
#[command(name = "failfirst", version, arg_required_else_help = true, infer_long_args = false)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run every design under every load and fault of the ladder, and compare.
    Ladder(ExperimentArgs),
    /// Run an experiment file, with the same options as the ladder.
    Run(RunArgs),
    /// Show two records side by side, with what changed.
    Compare(CompareArgs),
    /// List, show and compare designs.
    Designs(DesignsArgs),
    /// Run designs under random schedules of faults and check every invariant; exit with 1 when one is broken.
    Verify(VerifyArgs),
    /// Run a schedule of `verify`, or a cell of an experiment, again and look at what happened.
    Replay(ReplayArgs),
    /// Start all services of a design as real processes; ctrl-c stops them.
    Up(UpArgs),
    /// Run one service of a design in this process.
    Serve(ServeArgs),
    /// Look at dead letters, give them out again, or throw them away.
    Dlq(DlqArgs),
    /// Send load over HTTP and write down what came of every request. Flags and formats are vegeta's (docs/load.md).
    Attack(Box<AttackArgs>),
    /// Report on result files, or compare them.
    Report(ReportArgs),
    /// Draw result files as one HTML page.
    Plot(PlotArgs),
    /// Convert result files between JSON and CSV.
    Encode(EncodeArgs),
    /// Ask for orders as a plan on standard input says: the load of a local cell, started by it.
    #[command(hide = true)]
    Drive,
}

/// `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The experiment: a TOML file with designs, loads, faults and expectations.
    #[arg(value_name = "EXPERIMENT.toml")]
    pub file: PathBuf,
    /// The same options as for the ladder.
    #[command(flatten)]
    pub experiment: ExperimentArgs,
}

/// The options of an experiment. What is not given is as the experiment file says.
#[derive(Debug, Args)]
pub struct ExperimentArgs {
    /// Where it happens; `sim` unless the experiment says otherwise.
    #[arg(long, value_enum)]
    pub world: Option<World>,
    /// Do not run the same cells simulated as well: with `--world local` they are, to stand beside the real ones.
    #[arg(long)]
    pub without_sim: bool,
    /// The seed: the same seed gives the same record, byte for byte (but for `wall_s`). Default 1.
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    pub seed: Option<u64>,
    /// Run with each of these seeds and report the spread, for example `1..10` (both included).
    #[arg(long, value_name = "FIRST..LAST")]
    pub seeds: Option<Seeds>,
    /// Orders per second, for example `50,1000`. Each replaces the rate of the experiment's constant loads.
    #[arg(long, value_name = "RATE,…", value_delimiter = ',', value_parser = rate, allow_hyphen_values = true)]
    pub rates: Vec<f64>,
    /// Only these loads of the experiment, where they have names.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub loads: Vec<String>,
    /// How long orders keep coming, for example `20s`; a load in steps keeps their shares.
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true)]
    pub duration: Option<Duration>,
    /// Designs by name or file, for example `v0.1.0,v0.3.0`.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub designs: Vec<String>,
    /// Faults by name, for example `none,blackout`.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub faults: Vec<String>,
    /// Where the record and the report are written; by default `out/<experiment>`, and `out/<experiment>-local` for
    /// the local world.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Check the experiment's expectations and the invariants; exit with 1 when one does not hold.
    #[arg(long)]
    pub check: bool,
    /// Print the record on standard output instead of the table.
    #[arg(long)]
    pub json: bool,
    /// How many simulated cells run at once; by default as many as there are cores. Changes no result. Real cells share
    /// the machine and run one after the other.
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

/// Where a run happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum World {
    /// Simulated network, hosts and time: deterministic, and faster than real time.
    Sim,
    /// Real processes of this machine, on real TCP and in real time, one cell after the other (see docs/local.md).
    Local,
}

/// `compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The record to compare with.
    #[arg(value_name = "A.json")]
    pub a: PathBuf,
    /// The record that may differ.
    #[arg(value_name = "B.json")]
    pub b: PathBuf,
    /// Print the comparison as JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// `designs`.
#[derive(Debug, Args)]
pub struct DesignsArgs {
    /// What to do with them; lists them by default.
    #[command(subcommand)]
    pub command: Option<DesignsCommand>,
    /// Print JSON instead of text. The keys are stable: some may be added, none is renamed or removed.
    ///
    /// list: an array of {name, title, lesson, extends}, each after the one it builds upon.
    ///
    /// show: {design, title, lesson, extends, origins}; `design` is complete, with defaults and profiles filled in,
    /// and `origins` has for each section that a file states {file, comment}.
    ///
    /// diff: {from, to, added, removed, changed}; `added` and `removed` are section → key → value, `changed` is
    /// section → key → {from, to}; values are written as in TOML, and null where there is none.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What can be done with designs.
#[derive(Debug, Subcommand)]
pub enum DesignsCommand {
    /// Every design with what it adds.
    List,
    /// One design, complete.
    Show {
        /// The design's name, or a TOML file.
        #[arg(value_name = "DESIGN")]
        design: String,
    },
    /// What one design has and the other has not.
    Diff {
        /// The design to start from.
        #[arg(value_name = "A")]
        a: String,
        /// The design to arrive at.
        #[arg(value_name = "B")]
        b: String,
    },
    /// Writes a page for each design of the ladder, from the ladder's record.
    Pages(PagesArgs),
}

/// What `failfirst designs pages` takes.
#[derive(Debug, clap::Args)]
pub struct PagesArgs {
    /// The record, as `failfirst ladder` or `run` writes it.
    #[arg(long, value_name = "FILE", default_value = "out/ladder/ladder.json")]
    pub record: PathBuf,
    /// The experiment that the record is of; the ladder when not given.
    #[arg(long, value_name = "EXPERIMENT.toml")]
    pub experiment: Option<PathBuf>,
    /// Where the pages are.
    #[arg(long, value_name = "DIR", default_value = "docs/designs")]
    pub out: PathBuf,
    /// Write nothing; exit with 1 when a page is not what the record says.
    #[arg(long)]
    pub check: bool,
}

/// `up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// The design's name, or a TOML file.
    #[arg(value_name = "DESIGN")]
    pub design: String,
    /// The address to listen on.
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// The first of the ports: order-api gets it, order-processor the next, payment-service the one after, then
    /// notification-service and the broker where there are such; further replicas have the ports after these.
    #[arg(long, value_name = "PORT", default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..=65_533))]
    pub base_port: u16,
    /// order-api's port.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port_order_api: Option<u16>,
    /// order-processor's port.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port_order_processor: Option<u16>,
    /// payment-service's port.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port_payment_service: Option<u16>,
    /// notification-service's port, in designs that have one.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port_notification_service: Option<u16>,
    /// The embedded broker's port, in designs that have one.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port_broker: Option<u16>,
    /// How many processes share the work of a service that consumes events, for example `order-processor=3`; as the
    /// design says when not given.
    #[arg(long, value_name = "SERVICE=N")]
    pub replicas: Vec<ReplicasOf>,
    /// Where each notice to a customer is posted as JSON, for example `http://127.0.0.1:9000/notices`; nowhere when not
    /// given.
    #[arg(long, value_name = "URL")]
    pub webhook: Option<Webhook>,
    /// How many connections a service may have at once; whoever comes beyond is answered 503 and let go.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = connections)]
    pub connections: usize,
    /// How long it may take to finish what was taken on, once asked to stop. Asked again, it stops at once.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub grace: Duration,
    /// The first of the admin ports, on this machine only; none when not given. payment-service's takes a
    /// hardship (`curl -X PUT http://127.0.0.1:9082/hardship -d '{"slowdown":5}'`), the broker's a mischief (docs/broker.md).
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..=65_533))]
    pub admin_base_port: Option<u16>,
    /// Where services keep what they own.
    #[command(flatten)]
    pub stores: StoreArgs,
}

/// `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// `order-api`, `order-processor`, `payment-service`, `notification-service`, or the `broker` between them.
    #[arg(value_name = "SERVICE")]
    pub service: Served,
    /// The design's name, or a TOML file.
    #[arg(long, value_name = "DESIGN")]
    pub design: String,
    /// The address to listen on.
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// The port; the service's own default (8080 to 8083, the broker 8084) when not given.
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// A port for whoever examines the service, on this machine only: `/facts`, `/gauges`, for payment-service
    /// `/hardship` and for the broker `/mischief`. None when not given.
    #[arg(long, value_name = "PORT")]
    pub admin_port: Option<u16>,
    /// Which replica this is, of a design that has several of the service.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub replica: u32,
    /// How many processes share the work of a service, for example `order-processor=3`, where that is not as the design
    /// says: the same for every process of a platform.
    #[arg(long, value_name = "SERVICE=N")]
    pub replicas: Vec<ReplicasOf>,
    /// Where each notice to a customer is posted as JSON, for example `http://127.0.0.1:9000/notices`; nowhere when not
    /// given.
    #[arg(long, value_name = "URL")]
    pub webhook: Option<Webhook>,
    /// The seed of the service's random streams.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How many connections a service may have at once; whoever comes beyond is answered 503 and let go.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = connections)]
    pub connections: usize,
    /// How long it may take to finish what was taken on, once asked to stop. Asked again, it stops at once.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub grace: Duration,
    /// Where another service is, for example `payment-service=10.0.0.3:8082`; on this machine at its default
    /// port when not given.
    #[arg(long = "peer", value_name = "SERVICE=ADDRESS")]
    pub peers: Vec<PeerAddress>,
    /// Where services keep what they own.
    #[command(flatten)]
    pub stores: StoreArgs,
    /// Stop when standard input closes: the process that started this one is gone.
    #[arg(long, hide = true)]
    pub stop_with_stdin: bool,
    /// Of how many orders it is counted one by one how often they tried to be paid, for `/facts`. Each is remembered as
    /// long as the process.
    #[arg(long, hide = true, value_name = "N", default_value_t = 0)]
    pub journal: usize,
    /// What payment suffers until the admin port is told otherwise, as `PUT /hardship` takes it.
    #[arg(long, hide = true, value_name = "JSON", default_value = "{}", value_parser = hardship)]
    pub hardship: Hardship,
    /// Be killed with the process that started this one, even while standing still.
    #[arg(long, hide = true)]
    pub die_with_parent: bool,
}

impl ServeArgs {
    /// What the process is called, here and by the others.
    pub(crate) fn process_name(&self) -> String {
        match self.service {
            Served::Service(kind) => Process { kind, replica: self.replica }.name(),
            Served::Broker => self.service.name().to_owned(),
        }
    }
}
