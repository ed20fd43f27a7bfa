//! The services as child processes. None outlives this one, however it ends: each watches its standard input, a
//! pipe that this process holds, and stops when it closes.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use futures_util::future::select_all;
use tokio::process::{Child, ChildStdin, Command};

use super::plan::{Plan, Planned};
use crate::cli::stores;
use crate::failure::Failure;

/// How long a service may take to stop beyond its grace, before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// The running services, in the plan's order.
#[derive(Debug)]
pub(super) struct Children {
    running: Vec<Running>,
    grace: Duration,
}

#[derive(Debug)]
struct Running {
    name: String,
    process: Child,
    /// Held apart from `process`, which would close it as soon as it is waited for.
    lifeline: Option<ChildStdin>,
}

impl Children {
    /// Starts every service. When one cannot be started, those before it are killed.
    pub(super) fn start(plan: &Plan) -> Result<Self, Failure> {
        let program =
            std::env::current_exe().context("cannot find this program itself").map_err(Failure::stopped)?;
        let mut running = Vec::new();
        for service in &plan.services {
            let mut command = Command::new(&program);
            let kind = service.process.kind.name();
            command.args(["serve", kind, "--design", &plan.design, "--stop-with-stdin"]);
            if service.process.replica > 1 {
                command.args(["--replica", &service.process.replica.to_string()]);
            }
            command.args([
                "--bind",
                &service.listen.ip().to_string(),
                "--port",
                &service.listen.port().to_string(),
            ]);
            command.args(["--grace", &humantime::format_duration(plan.grace).to_string()]);
            command.args(["--connections", &plan.connections_max.to_string()]);
            // Not as arguments: everybody on this machine may read those, and there may be passwords in them.
            command.env(stores::STORE, plan.places.store.expose());
            let shared = [
                (stores::IDEMPOTENCY, &plan.places.idempotency),
                (stores::RATE_LIMIT, &plan.places.rate_limit),
            ];
            for (variable, url) in shared {
                if let Some(url) = url {
                    command.env(variable, url.expose());
                }
            }
            if let Some(admin) = service.admin {
                command.args(["--admin-port", &admin.port().to_string()]);
            }
            // Services call each other by their names; only clients know of replicas.
            for Planned { name, reachable, .. } in
                plan.services.iter().filter(|other| other.process.replica == 1)
            {
                command.args(["--peer", &format!("{name}={reachable}")]);
            }
            command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true);
            // Ctrl-c goes to this process alone, which then stops the services in good order.
            #[cfg(unix)]
            command.process_group(0);
            let mut process = command
                .spawn()
                .with_context(|| format!("cannot start {}", service.name))
                .map_err(Failure::stopped)?;
            let lifeline = process.stdin.take();
            running.push(Running { name: service.name.clone(), process, lifeline });
        }
        Ok(Self { running, grace: plan.grace })
    }

    /// The process ids, in the plan's order.
    pub(super) fn ids(&self) -> impl Iterator<Item = Option<u32>> {
        self.running.iter().map(|service| service.process.id())
    }

    /// Waits until a service stops although nobody asked it to. Cancel safe.
    pub(super) async fn first_to_stop(&mut self) -> Failure {
        let waits = self.running.iter_mut().map(|service| {
            Box::pin(async {
                match service.process.wait().await {
                    Ok(status) => anyhow!("{} stopped: {status}", service.name),
                    Err(error) => {
                        anyhow::Error::new(error).context(format!("{} is out of sight", service.name))
                    }
                }
            })
        });
        let (stopped, _, _) = select_all(waits).await;
        Failure::stopped(stopped).help("its own words are above; the other services were stopped as well")
    }

    /// Stops the services, the entrance first, so that each still has behind it what it needs to finish its work:
    /// by closing its standard input, and by force when it takes longer than its grace and [`STOP_WITHIN`].
    /// Dropping the future kills what still runs.
    pub(super) async fn stop(mut self) {
        for service in &mut self.running {
            service.lifeline = None;
            if tokio::time::timeout(self.grace + STOP_WITHIN, service.process.wait()).await.is_err() {
                // An error says that it is gone already.
                let _gone = service.process.kill().await;
            }
        }
    }
}
