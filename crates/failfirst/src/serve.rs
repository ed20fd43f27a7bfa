//! `failfirst serve`: one service of a design in this process, or the broker between them.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use lab::process::die_with_parent;
use lab::serve::{
    Design, OpenStores, Places, ServeRealOptions, Served, ServiceKind, StoreUrl, process_list, serve_broker,
    serve_on,
};
use tokio::io::AsyncReadExt as _;

use crate::cli::{ServeArgs, data_directory};
use crate::failure::Failure;
use crate::signals;

/// How long closing the store may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);

/// Serves until it is told to stop, then finishes what was taken on; told again, it stops at once.
///
/// # Errors
///
/// When the design is wrong, or when a port cannot be used.
pub(crate) fn serve(args: &ServeArgs) -> Result<(), Failure> {
    let design = crate::designs::resolve_scaled(&args.design, &args.replicas)?;
    match args.service {
        Served::Service(kind) => check_part(kind, args.replica, &design)?,
        Served::Broker => check_broker(args.replica, &design)?,
    }
    let mut places = args.stores.places(&design.name)?;
    crate::designs::check_stores(&design, &places.store)?;
    places.store = of_replica(places.store, args.replica);
    let options = ServeRealOptions {
        replica: args.replica,
        bind: args.bind,
        port: args.port,
        admin_port: args.admin_port,
        connections_max: args.connections,
        grace: args.grace,
        peers: args.peers.iter().map(|peer| (peer.service.name().to_owned(), peer.address)).collect(),
        seed: args.seed,
        journalled_orders_max: args.journal,
        broker: places.broker.clone(),
        webhook: args.webhook.clone(),
        hardship: args.hardship,
    };
    if args.die_with_parent {
        die_with_parent();
    }
    let runtime =
        tokio::runtime::Runtime::new().context("cannot start the runtime").map_err(Failure::stopped)?;
    let outcome = runtime.block_on(async {
        let mut first = signals::interrupts().map_err(Failure::stopped)?;
        let mut second = signals::interrupts().map_err(Failure::stopped)?;
        let stop = async {
            tokio::select! {
                biased;
                () = first.next() => (),
                () = abandoned(args.stop_with_stdin) => (),
            }
        };
        let at_once = async {
            second.next().await;
            second.next().await;
        };
        match args.service {
            Served::Service(kind) => service(kind, design, &places, options, stop, at_once).await,
            Served::Broker => broker(&design, places, options, stop, at_once).await,
        }
    });
    // Connections that are still open, and the thread that reads standard input, are not waited for.
    runtime.shutdown_background();
    outcome
}

/// Whether the design has such a process.
fn check_part(kind: ServiceKind, replica: u32, design: &Design) -> Result<(), Failure> {
    if !design.topology.services().contains(&kind) {
        let reason =
            anyhow!("the design {} has no {kind}: its topology is {}", design.name, design.topology.as_str());
        return Err(Failure::input(reason));
    }
    let home = design.topology.home(kind);
    if home != kind {
        let reason = anyhow!("in the design {}, {kind} is a part of {home}", design.name);
        return Err(Failure::input(reason).help(format!("serve {home}: it runs all of them in one process")));
    }
    let replicas = design.replicas_of(kind);
    if replica > replicas {
        let reason =
            anyhow!("there is no replica {replica} of {kind}: the design {} has {replicas}", design.name);
        return Err(Failure::input(reason).help(
            "a design says how many there are with `replicas` or [scale], and --replicas instead of it",
        ));
    }
    Ok(())
}

/// Whether the design is joined by a broker, of which there is one.
fn check_broker(replica: u32, design: &Design) -> Result<(), Failure> {
    if !process_list(design, true).iter().any(|part| part.served() == Served::Broker) {
        let reason = anyhow!("the services of the design {} are joined by no broker", design.name);
        return Err(Failure::input(reason).help("`failfirst designs` lists those that are: events-…"));
    }
    if replica > 1 {
        return Err(Failure::input(anyhow!("there is one broker, and no replica {replica} of it")));
    }
    Ok(())
}

/// Serves a service on its stores.
async fn service(
    kind: ServiceKind,
    design: Design,
    places: &Places,
    options: ServeRealOptions,
    stop: impl Future<Output = ()>,
    at_once: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let stores = OpenStores::open(kind, &design, places).await.map_err(|error| {
        let advice = error.advice();
        Failure::input(error).help(advice)
    })?;
    let served = serve_on(stores.state(), kind, design, options, stop);
    let outcome = tokio::select! {
        biased;
        () = at_once => Err(told_twice()),
        served = served => served
            .with_context(|| format!("{kind} cannot listen"))
            .map_err(|error| Failure::input(error).help(OTHER_PORT)),
    };
    // Whatever was accepted is durable already; this spares the next start the recovery.
    if tokio::time::timeout(CLOSE_WITHIN, stores.close()).await.is_err() {
        tracing::warn!("the store does not close; it is recovered at the next start");
    }
    outcome
}

/// Serves the embedded broker on its file.
async fn broker(
    design: &Design,
    places: Places,
    options: ServeRealOptions,
    stop: impl Future<Output = ()>,
    at_once: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let directory = match places.store {
        StoreUrl::Redb(directory) => directory,
        // The services keep what they own elsewhere; what is on its way is kept here.
        _ => data_directory(&design.name),
    };
    tokio::select! {
        biased;
        () = at_once => Err(told_twice()),
        served = serve_broker(options, directory, stop) => served.map_err(|error| {
            let advice = error.advice();
            Failure::input(error).help(advice)
        }),
    }
}

/// What to do about a port that cannot be used.
const OTHER_PORT: &str = "choose another port with --port or --admin-port, or another address with --bind";

fn told_twice() -> Failure {
    Failure::stopped(anyhow!("told twice to stop: what was not finished is left as it is"))
}

/// Replicas share no files: from the second on each has a folder of its own in the directory.
fn of_replica(store: StoreUrl, replica: u32) -> StoreUrl {
    match store {
        StoreUrl::Redb(directory) if replica > 1 => {
            StoreUrl::Redb(directory.join(format!("replica-{replica}")))
        }
        store => store,
    }
}

/// Waits until nobody holds the other end of standard input; for ever when that does not matter.
async fn abandoned(matters: bool) {
    if !matters {
        std::future::pending::<()>().await;
    }
    let mut stdin = tokio::io::stdin();
    let mut ignored = [0; 64];
    while matches!(stdin.read(&mut ignored).await, Ok(1..)) {}
}
