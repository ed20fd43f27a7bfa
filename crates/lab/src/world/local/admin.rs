//! What is asked of a process's admin port: the one way to its knowledge, to payment's hardship and to the broker's
//! mischief.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use broker::Mischief;
use bytes::Bytes;
use http::{Method, Request, header::CONTENT_TYPE};
use node::{Node, RealOptions, http as calls};
use platform::{Hardship, ServiceFacts, ServiceKind, design::Topology};
use serde::de::DeserializeOwned;

use super::{error::AdminError, hosts::READY_WITHIN};
use crate::{
    serve::{BROKER, Part},
    world::groups,
};

/// How long all that a service knows may take to come: a long run has many orders.
const FACTS_WITHIN: Duration = Duration::from_secs(60);
/// How large it may be.
const FACTS_BYTES_MAX: usize = 2 * 1024 * 1024 * 1024;
/// How long gauges may take to come: within the second that they are about.
const GAUGES_WITHIN: Duration = Duration::from_millis(800);
/// How long payment may take to heed a hardship, and the broker to do mischief.
const HEEDED_WITHIN: Duration = Duration::from_secs(2);
/// How long to wait until one is told again that was just started and does not listen yet.
const HEED_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// The name under which the node knows the address.
const NAME: &str = "admin";

/// The gauges of each part of a process, by part and gauge.
pub(super) type Gauges = BTreeMap<String, BTreeMap<String, u64>>;

/// One process's admin port.
#[derive(Debug)]
pub(super) struct Admin {
    client: calls::Client,
    node: Node,
    /// The services in the process, and where each has its routes.
    parts: Vec<(ServiceKind, String)>,
    part: Part,
    is_monolith: bool,
}

impl Admin {
    pub(super) fn new(address: SocketAddr, part: Part, topology: Topology) -> Self {
        let is_monolith = matches!(topology, Topology::Monolith);
        let parts = match (part, is_monolith) {
            // No orders, no charges: how far its groups are behind is a matter of its gauges.
            (Part::Broker, _) => Vec::new(),
            (Part::Service(_), true) => {
                topology.services().iter().map(|part| (*part, format!("/{part}"))).collect()
            }
            (Part::Service(process), false) => vec![(process.kind, String::new())],
        };
        let peers = BTreeMap::from([(NAME.to_owned(), address)]);
        let node = Node::real(RealOptions { name: "lab".to_owned(), peers, ..RealOptions::default() });
        let options =
            calls::ClientOptions { response_bytes_max: FACTS_BYTES_MAX, ..calls::ClientOptions::default() };
        Self { client: calls::Client::new(&node, options), node, parts, part, is_monolith }
    }

    /// The services in the process.
    pub(super) fn parts(&self) -> impl Iterator<Item = ServiceKind> {
        self.parts.iter().map(|(part, _)| *part)
    }

    /// Everything that each part knows.
    pub(super) async fn facts(&self, within: Duration) -> Result<Vec<ServiceFacts>, AdminError> {
        match self.is_monolith {
            _ if self.parts.is_empty() => Ok(Vec::new()),
            true => self.get("/facts", within).await,
            false => Ok(vec![self.get("/facts", within).await?]),
        }
    }

    /// The same at the end of a run, when there is time.
    pub(super) async fn final_facts(&self) -> Result<Vec<ServiceFacts>, AdminError> {
        self.facts(FACTS_WITHIN).await
    }

    /// The maximum of each gauge since the last such question.
    pub(super) async fn gauges(&self) -> Result<Gauges, AdminError> {
        let mut all = Gauges::new();
        let Part::Service(process) = self.part else {
            let facts = self.get("/facts", GAUGES_WITHIN).await?;
            return Ok([(BROKER.to_owned(), groups::gauges(&facts))].into());
        };
        for (part, prefix) in &self.parts {
            all.insert(process.part(*part), self.get(&format!("{prefix}/gauges"), GAUGES_WITHIN).await?);
        }
        Ok(all)
    }

    /// Makes payment suffer, or well again.
    pub(super) async fn set_hardship(&self, hardship: &Hardship) -> Result<(), AdminError> {
        let payment = self.parts.iter().find(|(part, _)| *part == ServiceKind::PaymentService);
        let (_, prefix) = payment.expect("asked only of the process that payment is in");
        self.heeded(&format!("{prefix}/hardship"), serde_json::to_vec(hardship)?.into()).await
    }

    /// What goes wrong with messages at the broker from now on.
    pub(super) async fn set_mischief(&self, mischief: &Mischief) -> Result<(), AdminError> {
        self.heeded("/mischief", serde_json::to_vec(mischief)?.into()).await
    }

    /// How many messages that nobody can read this process of the broker has published, by topic.
    pub(super) async fn poisoned(&self, within: Duration) -> Result<BTreeMap<String, u64>, AdminError> {
        self.get("/poisoned", within).await
    }

    /// Tells it what holds from now on. Who was just started may not listen yet, for [`READY_WITHIN`] at most.
    async fn heeded(&self, path: &str, body: Bytes) -> Result<(), AdminError> {
        let until = self.node.now() + READY_WITHIN;
        loop {
            match self.call(Method::PUT, path, body.clone(), HEEDED_WITHIN).await {
                Err(AdminError::Call(_)) if self.node.now() < until => {
                    self.node.sleep(HEED_AGAIN_AFTER).await;
                }
                told => return told.map(drop),
            }
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, within: Duration) -> Result<T, AdminError> {
        Ok(serde_json::from_slice(&self.call(Method::GET, path, Bytes::new(), within).await?)?)
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        within: Duration,
    ) -> Result<Bytes, AdminError> {
        let request = || {
            Request::builder()
                .method(method.clone())
                .uri(format!("http://{NAME}{path}"))
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone())
                .expect("a fixed address is a valid request")
        };
        let twice = async {
            // A kept connection may be to a process that is gone; everything asked here may be asked again.
            match self.client.send(request()).await {
                Err(_stale) => {
                    self.node.sleep(Duration::from_millis(5)).await;
                    self.client.send(request()).await
                }
                answered => answered,
            }
        };
        let answer =
            tokio::time::timeout(within, twice).await.map_err(|_| AdminError::Late(within.as_millis()))??;
        match answer.status().as_u16() {
            200 => Ok(answer.into_body()),
            status => Err(AdminError::Status(status)),
        }
    }
}
