//! The services as child processes: started together, watched together, stopped one after the other.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use futures_util::future::select_all;
use lab::process::{Process, ServeCommand};

use super::plan::Plan;
use crate::failure::Failure;

/// How long a service may take to stop beyond its grace, before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// The running services, in the plan's order.
#[derive(Debug)]
pub(super) struct Children {
    running: Vec<Process>,
    grace: Duration,
}

impl Children {
    /// Starts every service. When one cannot be started, those before it are killed.
    pub(super) fn start(plan: &Plan) -> Result<Self, Failure> {
        let program =
            std::env::current_exe().context("cannot find this program itself").map_err(Failure::stopped)?;
        // Services call each other by their names; only clients know of replicas.
        let firsts = || plan.services.iter().filter(|other| other.part.replica() == 1);
        let peers = || firsts().map(|peer| (peer.name.clone(), peer.reachable));
        let grace = humantime::format_duration(plan.grace).to_string();
        let connections = plan.connections_max.to_string();
        let mut more = plan.more.clone();
        more.extend(["--grace", &grace, "--connections", &connections].map(Into::into));
        let mut running = Vec::new();
        for service in &plan.services {
            let command = ServeCommand {
                program: program.clone(),
                part: service.part,
                design: (&plan.design).into(),
                listen: service.listen,
                admin_port: service.admin.map(|admin| admin.port()),
                peers: peers().collect(),
                seed: 1,
                more: more.clone(),
                places: plan.places.clone(),
                log: None,
            };
            let name = &service.name;
            let process = command.start().with_context(|| format!("cannot start {name}"));
            running.push(process.map_err(Failure::stopped)?);
        }
        Ok(Self { running, grace: plan.grace })
    }

    /// The process ids, in the plan's order.
    pub(super) fn ids(&self) -> impl Iterator<Item = Option<u32>> {
        self.running.iter().map(Process::id)
    }

    /// Waits until a service stops although nobody asked it to. Cancel safe.
    pub(super) async fn first_to_stop(&mut self) -> Failure {
        let waits = self.running.iter_mut().map(|service| {
            Box::pin(async {
                let ended = service.wait().await;
                match ended {
                    Ok(status) => anyhow!("{} stopped: {status}", service.name()),
                    Err(error) => {
                        anyhow::Error::new(error).context(format!("{} is out of sight", service.name()))
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
            service.stop(self.grace + STOP_WITHIN).await;
        }
    }
}
