//! The one collector: what all sides testify, joined into the facts of a run.
//!
//! Every world gathers the same testimony (the generator's log, each service's [`ServiceFacts`], sampled
//! gauges) by its own means and hands it over here, so that a simulated and a real run are judged by
//! the same rules. Services speak in times of the world; facts begin when the load does.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chaos::{Action, FaultPlan};
use domain::OrderState;
use evidence::facts::{
    Alert, Charged, Course, Dead, Facts, ProcessUse, ServiceGauges, Span, Stored, StoredState, Told,
};
use load::Driven;
use platform::{
    Hardship, ServiceFacts, ServiceKind,
    design::{Design, Topology},
};

/// What was gathered in a world.
#[derive(Clone, Debug)]
pub(crate) struct Testimony {
    /// From the load generator.
    pub(crate) driven: Driven,
    /// The orders that claimed a high priority.
    pub(crate) high_priority: BTreeSet<String>,
    /// From each service of each process, at the end.
    pub(crate) services: Vec<Witness>,
    /// From the customers: the notices that reached them.
    pub(crate) told: Vec<Told>,
    /// From the broker, where there is one: what was put aside, and what was published although nobody can read it.
    pub(crate) letters: Letters,
    /// The maximum of each gauge within each second since the load began, by service.
    pub(crate) per_second: BTreeMap<String, BTreeMap<String, Vec<u64>>>,
    /// What each process used within each second since the load began, by name; empty where they are simulated.
    pub(crate) processes: BTreeMap<String, ProcessUse>,
    /// When the load began, on the timeline of the services: a whole number of seconds.
    pub(crate) load_start: Duration,
    /// How long the load lasted.
    pub(crate) load_duration: Duration,
    /// When the run ended, from the start of the load.
    pub(crate) ended: Duration,
}

/// What a broker can testify at the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Letters {
    /// Messages that were put aside for good.
    pub(crate) dead: Vec<Dead>,
    /// How many were published although nobody can read them, by topic.
    pub(crate) poisoned: BTreeMap<String, u64>,
}

/// One service's testimony, and what tells it from the same service in another replica.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    /// `order-api`, `order-api-2`, …: its gauges are known by it, and whatever else it says is joined with what the
    /// other replicas say.
    pub(crate) name: String,
    /// What it says.
    pub(crate) facts: ServiceFacts,
}

/// Joins the testimony under a design and a fault plan into facts.
pub(crate) fn collect(testimony: Testimony, design: &Design, plan: &FaultPlan) -> Facts {
    let Testimony {
        driven,
        high_priority,
        services,
        told,
        letters,
        mut per_second,
        processes,
        load_start,
        load_duration,
        ended,
    } = testimony;
    let mut facts = Facts {
        asked: driven.asked,
        repeated: driven.repeated,
        told,
        dead: letters.dead,
        poisoned: letters.poisoned,
        high_priority,
        processes,
        late_sends: driven.late_sends,
        capacity: capacity(design, plan),
        fault_window_us: plan.window().map(|(start, end)| (micros(start), micros(end))),
        load_end_us: micros(load_duration),
        ended_us: micros(ended),
        background: (design.topology == Topology::Events).then(BTreeMap::new),
        ..Facts::default()
    };
    let start_us = micros(load_start);
    for Witness { name, facts: service } in services {
        let is_first = name == service.service.name();
        if let Some(courses) = &mut facts.background {
            note_courses(courses, &service, start_us);
        }
        facts.told.extend(service.notices.iter().map(|notice| Told { order: notice.order_id.to_string() }));
        let orders = service.orders.into_iter();
        facts.stored.extend(
            orders
                .map(|order| Stored { order: order.order_id.to_string(), state: stored_state(order.state) }),
        );
        facts.charged.extend(service.charges.into_iter().map(|charge| Charged {
            order: charge.order_id.to_string(),
            at_us: charge.at_us.saturating_sub(start_us),
            refunded: charge.refunded,
        }));
        for (order, calls) in service.calls.per_order {
            *facts.payment_calls.entry(order.to_string()).or_default() += calls;
        }
        for (second, calls) in service.calls.per_second {
            let second = second.saturating_sub(load_start.as_secs()) as usize;
            let bins = &mut facts.payment_calls_per_second;
            bins.resize(bins.len().max(second + 1), 0);
            bins[second] += calls;
        }
        facts.settled.completed += service.settled.completed;
        facts.settled.failed += service.settled.failed;
        facts.settled.refunded += service.settled.refunded;
        if let Some(alerts) = service.alerts {
            let told = alerts.into_iter().map(|alert| Alert {
                name: alert.name.as_str().to_owned(),
                about: alert.about.as_str().to_owned(),
                service: name.clone(),
                began_us: alert.began_us.saturating_sub(start_us),
                ended_us: alert.ended_us.map(|ended_us| ended_us.saturating_sub(start_us)),
                value: alert.value,
                threshold: alert.threshold,
            });
            facts.alerts.get_or_insert_default().extend(told);
        }
        facts.spans.extend(service.spans.into_iter().map(|span| Span {
            order: span.order_id.map(|order| order.to_string()),
            trace_id: span.trace_id,
            span_id: span.span_id,
            parent_id: span.parent_id,
            service: if is_first { span.service.name().into() } else { name.clone().into() },
            name: span.name,
            start_us: span.start_us.saturating_sub(start_us),
            end_us: span.end_us.saturating_sub(start_us),
            outcome: span.outcome,
            attempt: span.attempt,
        }));
        let gauges = ServiceGauges {
            max: service.gauges.into_iter().map(|(gauge, fact)| (gauge, fact.max)).collect(),
            bounds: service.bounds,
            per_second: per_second.remove(&name).unwrap_or_default(),
        };
        facts.services.insert(name, gauges);
    }
    // Who was seen and says nothing for itself: the broker.
    for (name, per_second) in per_second {
        let most = |values: &Vec<u64>| values.iter().copied().max().unwrap_or(0);
        let max = per_second.iter().map(|(gauge, values)| (gauge.clone(), most(values))).collect();
        facts.services.insert(name, ServiceGauges { max, per_second, ..ServiceGauges::default() });
    }
    facts
}

/// What a service knows of the courses of orders: when they were accepted and ended, and when their customers were told.
fn note_courses(courses: &mut BTreeMap<String, Course>, service: &ServiceFacts, start_us: u64) {
    for order in &service.orders {
        let course = courses.entry(order.order_id.to_string()).or_default();
        course.accepted_us = order.placed_at_us.saturating_sub(start_us);
        course.ended_us = order.state.is_final().then(|| order.updated_at_us.saturating_sub(start_us));
    }
    for notice in &service.notices {
        let course = courses.entry(notice.order_id.to_string()).or_default();
        let told_us = notice.at_us.saturating_sub(start_us);
        course.told_us = Some(course.told_us.map_or(told_us, |before| before.min(told_us)));
    }
}

/// What payment can do from each instant on. A charge keeps the time it drew when it began, so the true
/// change is a service time softer than these steps; capacity is defined by the model, not by the run.
fn capacity(design: &Design, plan: &FaultPlan) -> Vec<(u64, f64)> {
    let home = design.topology.home(ServiceKind::PaymentService);
    let replicas = design.processes().into_iter().filter(|process| process.kind == home);
    let mut up: BTreeMap<String, bool> = replicas.map(|process| (process.name(), true)).collect();
    let mut hardship = Hardship::default();
    let mut timeline = vec![(0, design.capacity_per_s(&hardship))];
    for step in plan.steps() {
        match &step.action {
            Action::Hardship { slowdown, failure_rate } => {
                hardship = Hardship { slowdown: *slowdown, failure_rate: *failure_rate };
            }
            Action::EndHardship => hardship = Hardship::default(),
            Action::PowerOff { host } | Action::Kill { host } if up.contains_key(host) => {
                up.insert(host.clone(), false);
            }
            Action::Restart { host } if up.contains_key(host) => _ = up.insert(host.clone(), true),
            _ => continue,
        }
        let running = up.values().filter(|is_up| **is_up).count();
        let capacity = design.payment.capacity_per_s(&hardship) * running as f64;
        match timeline.last_mut() {
            Some((at_us, last)) if *at_us == micros(step.at) => *last = capacity,
            _ => timeline.push((micros(step.at), capacity)),
        }
    }
    timeline
}

const fn stored_state(state: OrderState) -> StoredState {
    match state {
        OrderState::Placed => StoredState::Placed,
        OrderState::Paying => StoredState::Paying,
        OrderState::Completed => StoredState::Completed,
        OrderState::Declined => StoredState::Declined,
        OrderState::Failed => StoredState::Failed,
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use chaos::{PAYMENT_HOST, Step, named};
    use platform::design::{Profile, Replicas, Topology};
    use platform::{CallJournal, GaugeFact, SettledFact};

    use super::*;

    fn timeline(topology: Topology, plan: &FaultPlan) -> Vec<(u64, f64)> {
        let rounded = |(at_us, per_s): (u64, f64)| (at_us, (per_s * 1e6).round() / 1e6);
        let design = Design { topology, ..Design::naive("test", Profile::Ladder.payment()) };
        capacity(&design, plan).into_iter().map(rounded).collect()
    }

    #[test]
    fn capacity_falls_with_the_fault_and_comes_back_with_its_end() {
        let chain = |fault: &str| timeline(Topology::Chain, &named(fault).expect("a named fault"));
        assert_eq!(chain("none"), [(0, 152.0)]);
        assert_eq!(chain("brownout"), [(0, 152.0), (5_000_000, 16.0), (10_000_000, 152.0)]);
        assert_eq!(chain("blackout"), [(0, 152.0), (5_000_000, 0.0), (10_000_000, 152.0)]);
    }

    #[test]
    fn payment_is_down_with_the_process_that_it_runs_in() {
        let host = || ServiceKind::OrderApi.name().to_owned();
        let step = |s, action| Step { at: Duration::from_secs(s), action };
        let steps = vec![step(5, Action::Kill { host: host() }), step(6, Action::Restart { host: host() })];
        let plan = FaultPlan::new("crash", Duration::from_secs(5), Duration::from_secs(6), steps);
        let plan = plan.expect("in order");
        let down = [(0, 152.0), (5_000_000, 0.0), (6_000_000, 152.0)];
        assert_eq!(timeline(Topology::Monolith, &plan), down);
        assert_eq!(timeline(Topology::Chain, &plan), [(0, 152.0)]);
    }

    #[test]
    fn a_fault_at_one_replica_takes_its_share_of_the_capacity() {
        let step = |s, action| Step { at: Duration::from_secs(s), action };
        let host = || "order-api-2".to_owned();
        let steps = vec![step(5, Action::Kill { host: host() }), step(6, Action::Restart { host: host() })];
        let plan = FaultPlan::new("crash", Duration::from_secs(5), Duration::from_secs(6), steps);
        let design = Design {
            topology: Topology::Monolith,
            replicas: Replicas::new(2).expect("two"),
            ..Design::naive("test", Profile::Ladder.payment())
        };
        let timeline = capacity(&design, &plan.expect("in order"));
        let rounded: Vec<_> = timeline.into_iter().map(|(_, per_s)| per_s.round()).collect();
        assert_eq!(rounded, [304.0, 152.0, 304.0]);
    }

    #[test]
    fn what_replicas_say_is_joined_and_their_gauges_stay_apart() {
        let facts = |kind, running| {
            let gauge = GaugeFact { now: 0, max: running };
            let calls = CallJournal { per_second: [(1, running)].into(), ..CallJournal::default() };
            ServiceFacts {
                service: kind,
                orders: vec![],
                charges: vec![],
                notices: vec![],
                calls,
                settled: SettledFact { completed: 1, ..SettledFact::default() },
                gauges: [("running".to_owned(), gauge)].into(),
                bounds: BTreeMap::new(),
                alerts: None,
                spans: vec![],
            }
        };
        let witness = |name: &str, running| Witness {
            name: name.to_owned(),
            facts: facts(ServiceKind::PaymentService, running),
        };
        let testimony = Testimony {
            driven: Driven::default(),
            high_priority: BTreeSet::new(),
            services: vec![witness("payment-service", 3), witness("payment-service-2", 1)],
            told: vec![],
            letters: Letters::default(),
            processes: BTreeMap::new(),
            per_second: BTreeMap::new(),
            load_start: Duration::from_secs(1),
            load_duration: Duration::from_secs(1),
            ended: Duration::from_secs(1),
        };
        let design = Design::naive("test", Profile::Ladder.payment());
        let facts = collect(testimony, &design, &named("none").expect("a named fault"));
        assert_eq!((facts.settled.completed, facts.payment_calls_per_second), (2, vec![4]));
        let gauges: Vec<_> =
            facts.services.iter().map(|(name, gauges)| (name.as_str(), gauges.max["running"])).collect();
        assert_eq!(gauges, [("payment-service", 3), ("payment-service-2", 1)]);
    }

    #[test]
    fn the_blackout_takes_the_power_of_the_payment_service() {
        assert_eq!(PAYMENT_HOST, ServiceKind::PaymentService.name());
    }
}
