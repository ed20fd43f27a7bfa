//! Which service listens where, and whether it can.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::anyhow;
use lab::serve::{Part, Places, Served, ServiceKind, process_list};

use crate::cli::UpArgs;
use crate::failure::Failure;

/// What `up` is going to start.
#[derive(Debug)]
pub(super) struct Plan {
    /// The design, as it was given: the services resolve it themselves.
    pub(super) design: String,
    /// What each is told beside its place: how many replicas there are, and where notices are posted.
    pub(super) more: Vec<OsString>,
    /// How long each may take to finish what it took on.
    pub(super) grace: Duration,
    /// How many connections each may have.
    pub(super) connections_max: usize,
    /// Where the services keep what they own.
    pub(super) places: Places,
    /// The services, the entrance first.
    pub(super) services: Vec<Planned>,
}

/// One service of a [`Plan`].
#[derive(Debug)]
pub(super) struct Planned {
    /// Its name; of a replica with its number.
    pub(super) name: String,
    /// Which process of which service it is, or the broker.
    pub(super) part: Part,
    /// Where it listens.
    pub(super) listen: SocketAddr,
    /// Where the others reach it.
    pub(super) reachable: SocketAddr,
    /// Where it is examined, if anywhere.
    pub(super) admin: Option<SocketAddr>,
}

impl Plan {
    pub(super) fn new(args: &UpArgs) -> Result<Self, Failure> {
        let design = crate::designs::resolve_scaled(&args.design, &args.replicas)?;
        let places = args.stores.places(&design.name)?;
        crate::designs::check_stores(&design, &places.store)?;
        let parts = process_list(&design, places.broker.is_own());
        let own_port = |served| match served {
            Served::Service(ServiceKind::OrderApi) => args.port_order_api,
            Served::Service(ServiceKind::OrderProcessor) => args.port_order_processor,
            Served::Service(ServiceKind::PaymentService) => args.port_payment_service,
            Served::Service(ServiceKind::NotificationService) => args.port_notification_service,
            Served::Broker => args.port_broker,
        };
        let services = offsets(&parts).into_iter().zip(parts).map(|(offset, part)| {
            // Replicas are neighbours, of a port of their own too.
            let port = match own_port(part.served()) {
                Some(port) => port.checked_add(offset_of(part)),
                None => args.base_port.checked_add(offset),
            };
            let port =
                port.ok_or_else(|| Failure::input(anyhow!("there is no port left for {}", part.name())))?;
            let admin = args.admin_base_port.map(|base| {
                let port = base.checked_add(offset);
                port.ok_or_else(|| Failure::input(anyhow!("there is no admin port left for {}", part.name())))
            });
            Ok(Planned {
                name: part.name(),
                part,
                listen: SocketAddr::new(args.bind, port),
                reachable: SocketAddr::new(reachable_at(args.bind), port),
                admin: admin.transpose()?.map(|port| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)),
            })
        });
        Ok(Self {
            design: args.design.clone(),
            more: more(args),
            grace: args.grace,
            connections_max: args.connections,
            places,
            services: services.collect::<Result<_, Failure>>()?,
        })
    }

    /// A port that is taken is said before anything is started. (Who takes it in between is caught later: the
    /// service that cannot listen stops, and so does everything.)
    pub(super) fn check_ports(&self) -> Result<(), Failure> {
        let mut owners = BTreeMap::new();
        for (name, address) in self.services.iter().flat_map(Planned::addresses) {
            let port = address.port();
            if let Some(other) = owners.insert(port, name) {
                return Err(Failure::input(anyhow!("{other} and {name} cannot both have port {port}")));
            }
            TcpListener::bind(address).map_err(|error| cannot_listen(name, address, error))?;
        }
        Ok(())
    }
}

impl Planned {
    fn addresses(&self) -> impl Iterator<Item = (&str, SocketAddr)> {
        std::iter::once(self.listen).chain(self.admin).map(|address| (self.name.as_str(), address))
    }
}

/// How far from the base port each is: as without replicas, and further replicas after all of these.
fn offsets(parts: &[Part]) -> Vec<u16> {
    let is_first = |part: &Part| part.replica() <= 1;
    let mut first = 0..;
    let mut further = u16::try_from(parts.iter().filter(|part| is_first(part)).count()).unwrap_or(u16::MAX)..;
    let next = |part| if is_first(part) { first.next() } else { further.next() };
    parts.iter().map(next).map(|offset| offset.unwrap_or(u16::MAX)).collect()
}

/// What of the arguments is every process's business.
fn more(args: &UpArgs) -> Vec<OsString> {
    let replicas = args.replicas.iter().map(|replicas| ["--replicas".into(), replicas.to_string().into()]);
    let webhook = args.webhook.iter().map(|webhook| ["--webhook".into(), webhook.to_string().into()]);
    replicas.chain(webhook).flatten().collect()
}

/// How many replicas of the same service come before it.
fn offset_of(part: Part) -> u16 {
    u16::try_from(part.replica().saturating_sub(1)).unwrap_or(u16::MAX)
}

fn cannot_listen(name: &str, address: SocketAddr, error: io::Error) -> Failure {
    let port = address.port();
    if error.kind() == io::ErrorKind::AddrInUse {
        return Failure::input(anyhow!("port {port} for {name} is already in use")).help(format!(
            "stop the process that listens there, or choose other ports: --base-port {}, --port-{name} PORT, and \
             --admin-base-port for the admin ports",
            if port < 50_000 { port + 10_000 } else { port - 10_000 }
        ));
    }
    Failure::input(anyhow::Error::new(error).context(format!("{name} cannot listen on {address}")))
        .help("choose an address of this machine with --bind, and ports with --base-port")
}

/// A service that listens everywhere is reached on this machine itself.
fn reachable_at(bind: IpAddr) -> IpAddr {
    match bind {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lab::serve::{Process, StoreUrl};

    use super::{Part, Plan, Planned, ServiceKind, offsets, reachable_at};

    fn planned(name: &str, port: u16) -> Planned {
        let address = ([127, 0, 0, 1], port).into();
        let part = Part::Service(Process { kind: ServiceKind::OrderApi, replica: 1 });
        Planned { name: name.to_owned(), part, listen: address, reachable: address, admin: None }
    }

    #[test]
    fn a_taken_port_is_said_with_its_service_and_a_way_out() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = taken.local_addr().expect("bound").port();
        let plan = Plan {
            grace: Duration::ZERO,
            connections_max: 1,
            places: StoreUrl::Memory.into(),
            design: "any".to_owned(),
            more: Vec::new(),
            services: vec![planned("order-api", port)],
        };
        let said = plan.check_ports().expect_err("taken").to_string();
        assert!(said.contains(&format!("port {port} for order-api is already in use")), "{said}");
        assert!(said.contains("--base-port") && said.contains("--port-order-api"), "{said}");
    }

    #[test]
    fn two_services_cannot_share_a_port() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let plan = Plan {
            grace: Duration::ZERO,
            connections_max: 1,
            places: StoreUrl::Memory.into(),
            design: "any".to_owned(),
            more: Vec::new(),
            services: vec![planned("a", port), planned("b", port)],
        };
        assert!(plan.check_ports().expect_err("twice").to_string().contains("a and b cannot both have port"));
    }

    #[test]
    fn further_replicas_move_nobody_elses_port() {
        let part = |kind, replica| Part::Service(Process { kind, replica });
        let parts = [
            part(ServiceKind::OrderApi, 1),
            part(ServiceKind::OrderProcessor, 1),
            part(ServiceKind::OrderProcessor, 2),
            part(ServiceKind::OrderProcessor, 3),
            part(ServiceKind::PaymentService, 1),
            Part::Broker,
        ];
        assert_eq!(offsets(&parts), [0, 1, 4, 5, 2, 3]);
    }

    #[test]
    fn who_listens_everywhere_is_reached_here() {
        assert_eq!(reachable_at([0, 0, 0, 0].into()).to_string(), "127.0.0.1");
        assert_eq!(reachable_at([10, 0, 0, 7].into()).to_string(), "10.0.0.7");
    }
}
