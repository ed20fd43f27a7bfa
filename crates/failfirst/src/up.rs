//! `failfirst up`: all services of a design as real processes of this machine.
//!
//! Each service is this same program as `failfirst serve …`, so that one can be killed, stopped or starved alone, as
//! in production. This process only watches: it says when all of them answer, and stops all of them when it is
//! interrupted or when one of them stops by itself.

mod children;
mod plan;

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::anyhow;
use lab::process::until_alive;

use self::children::Children;
use self::plan::Plan;
use crate::cli::UpArgs;
use crate::failure::Failure;
use crate::{output, signals};

/// How long the services may take until all of them answer.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Starts the services and watches them until it is interrupted.
///
/// # Errors
///
/// When the design or a port cannot be used, or when a service stops by itself.
pub(crate) fn up(args: &UpArgs) -> Result<(), Failure> {
    let plan = Plan::new(args)?;
    plan.check_ports()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::stopped(anyhow::Error::new(error).context("cannot start the runtime")))?;
    runtime.block_on(watch(&plan))
}

async fn watch(plan: &Plan) -> Result<(), Failure> {
    // Before anything is started: from here on an interrupt stops the children too.
    let mut interrupts = signals::interrupts().map_err(Failure::stopped)?;
    let mut children = Children::start(plan)?;
    let greeting = greeting(plan, &children);
    let ready = async {
        all_alive(plan).await?;
        output::print(&greeting)?;
        std::future::pending().await
    };
    let outcome = tokio::select! {
        biased;
        () = interrupts.next() => Ok(()),
        stopped = children.first_to_stop() => Err(stopped),
        failed = ready => failed,
    };
    tokio::select! {
        biased;
        () = interrupts.next() => Err(Failure::stopped(anyhow!("told twice to stop: the services were killed"))),
        () = children.stop() => outcome,
    }
}

async fn all_alive(plan: &Plan) -> Result<(), Failure> {
    let alive = async {
        for service in &plan.services {
            until_alive(service.reachable).await;
        }
    };
    tokio::time::timeout(READY_WITHIN, alive).await.map_err(|_| {
        Failure::stopped(anyhow!("the services did not answer within {} s", READY_WITHIN.as_secs()))
    })
}

/// How wide the column of names is at least.
const NAME_WIDTH: usize = 17;

fn greeting(plan: &Plan, children: &Children) -> String {
    let width = plan.services.iter().map(|service| service.name.len()).fold(NAME_WIDTH, usize::max);
    let mut text =
        format!("Design {} is up.\n\n  {:<width$} {:<31} process\n", plan.design, "service", "address");
    for (service, id) in plan.services.iter().zip(children.ids()) {
        let address = format!("http://{}", service.reachable);
        let id = id.map(|id| id.to_string()).unwrap_or_default();
        let _infallible = writeln!(text, "  {:<width$} {address:<31} {id}", service.name);
    }
    let api = plan.services[0].reachable;
    let _infallible = write!(
        text,
        "\nPlace an order and look at it:\n\n  curl -i http://{api}/orders -d '{EXAMPLE}'\n  curl -s http://{api}/stats\n\n\
         ctrl-c stops all of them, the entrance first, each when it has finished what it took on.\n"
    );
    text
}

/// An order as its customer would send it.
const EXAMPLE: &str = r#"{"customer_id":"c1","items":[{"product_id":"PIZZA-1","quantity":2,"price":9.50}]}"#;
