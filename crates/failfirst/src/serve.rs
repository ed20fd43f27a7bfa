//! `failfirst serve`: one service of a design in this process.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use lab::process::die_with_parent;
use lab::serve::{OpenStores, ServeRealOptions, StoreUrl, serve_on};
use tokio::io::AsyncReadExt as _;

use crate::cli::ServeArgs;
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
    let design = crate::designs::resolve(&args.design)?;
    let home = design.topology.home(args.service);
    if home != args.service {
        let reason = anyhow!("in the design {}, {} is a part of {home}", design.name, args.service);
        return Err(Failure::input(reason).help(format!("serve {home}: it runs all of them in one process")));
    }
    let replicas = design.replicas_of(args.service);
    if args.replica > replicas {
        let reason = anyhow!(
            "there is no replica {} of {}: the design {} has {replicas}",
            args.replica,
            args.service,
            design.name
        );
        return Err(Failure::input(reason).help("a design says how many there are with `replicas`"));
    }
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
    };
    let mut places = args.stores.places(&design.name)?;
    places.store = of_replica(places.store, args.replica);
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
        let stores = OpenStores::open(args.service, &design, &places).await.map_err(|error| {
            let advice = error.advice();
            Failure::input(error).help(advice)
        })?;
        let served = serve_on(stores.state(), args.service, design, options, stop);
        let outcome = tokio::select! {
            biased;
            () = at_once => Err(Failure::stopped(anyhow!("told twice to stop: what was not finished is left as it is"))),
            served = served => served
                .with_context(|| format!("{} cannot listen", args.service))
                .map_err(|error| Failure::input(error).help("choose another port with --port, or another address with --bind")),
        };
        // Whatever was accepted is durable already; this spares the next start the recovery.
        if tokio::time::timeout(CLOSE_WITHIN, stores.close()).await.is_err() {
            tracing::warn!("the store does not close; it is recovered at the next start");
        }
        outcome
    });
    // Connections that are still open, and the thread that reads standard input, are not waited for.
    runtime.shutdown_background();
    outcome
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
