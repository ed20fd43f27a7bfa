//! What happened to one order, from what every side testifies.

use std::{collections::BTreeSet, time::Duration};

use chaos::FaultPlan;
use domain::OrderState;
use evidence::{
    facts::{Answer, Asked, Span},
    timeline::{FAULT, Moment},
};
use platform::{ChargeFact, OrderFact};

use crate::collector::{Testimony, Witness};

const CLIENT: &str = "client";

/// What was done to the platform, in time.
pub(super) fn faults(plan: &FaultPlan) -> Vec<Moment> {
    let moment = |step: &chaos::Step| Moment {
        at_us: micros(step.at),
        place: FAULT.to_owned(),
        what: step.action.to_string(),
    };
    plan.steps().iter().map(moment).collect()
}

/// An order's moments with the faults up to the last of them; `None` when nobody knows the order.
pub(super) fn of(
    order: &str,
    testimony: &Testimony,
    spans: &[Span],
    plan: &FaultPlan,
) -> Option<Vec<Moment>> {
    let mut moments = Vec::new();
    let sent = |asked: &&Asked| asked.order == order;
    for asked in testimony.driven.asked.iter().filter(sent) {
        moments.extend(exchange(asked, "asks", "is answered"));
    }
    for asked in testimony.driven.repeated.iter().filter(sent) {
        moments.extend(exchange(asked, "asks the same again", "is answered the second time"));
    }
    for witness in &testimony.services {
        moments.extend(of_service(order, witness, testimony.load_start));
    }
    moments.extend(hops(order, spans));
    let last_us = moments.iter().map(|moment| moment.at_us).max()?;
    moments.extend(faults(plan).into_iter().filter(|fault| fault.at_us <= last_us));
    moments.sort_by_key(|moment| moment.at_us);
    Some(moments)
}

/// What the services did for the order, hop by hop: every span of the traces in which it is named.
fn hops(order: &str, spans: &[Span]) -> Vec<Moment> {
    let is_its = |span: &&Span| span.order.as_deref() == Some(order);
    let traces: BTreeSet<_> = spans.iter().filter(is_its).map(|span| span.trace_id).collect();
    let of_it = spans.iter().filter(|span| is_its(span) || traces.contains(&span.trace_id));
    let hop = |span: &Span| {
        let attempt = span.attempt.map(|attempt| format!(", attempt {attempt}")).unwrap_or_default();
        let took_ms = span.end_us.saturating_sub(span.start_us) as f64 / 1e3;
        Moment {
            at_us: i64::try_from(span.start_us).unwrap_or(i64::MAX),
            place: span.service.to_string(),
            what: format!("{}{attempt}: {} after {took_ms} ms", span.name, span.outcome),
        }
    };
    of_it.map(hop).collect()
}

fn exchange(asked: &Asked, asks: &str, is_answered: &str) -> Vec<Moment> {
    let moment = |at_us: u64, what: String| Moment {
        at_us: i64::try_from(at_us).unwrap_or(i64::MAX),
        place: CLIENT.to_owned(),
        what,
    };
    let Some(sent_us) = asked.sent_us else {
        return vec![moment(asked.intended_us, "could not ask: too many were waiting".to_owned())];
    };
    let answer = match asked.answer {
        Answer::Status(status) => format!("{is_answered}: {status}"),
        Answer::TimedOut => "gives up waiting".to_owned(),
        Answer::ConnectFailed => "finds nobody to ask".to_owned(),
        Answer::Reset => "sees the connection reset".to_owned(),
        Answer::Broken | Answer::NotSent => "gets something that is no answer".to_owned(),
    };
    vec![moment(sent_us, asks.to_owned()), moment(asked.done_us, answer)]
}

/// What a service knows. Its times begin with the world, an order's with the load.
fn of_service(order: &str, witness: &Witness, load_start: Duration) -> Vec<Moment> {
    let Witness { name, facts: service } = witness;
    let moment = |at_us: u64, what: String| Moment {
        at_us: i64::try_from(at_us).unwrap_or(i64::MAX) - micros(load_start),
        place: name.clone(),
        what,
    };
    let mut moments = Vec::new();
    for fact in service.orders.iter().filter(|fact| fact.order_id.as_str() == order) {
        moments.push(moment(fact.placed_at_us, "stores the order".to_owned()));
        moments.push(moment(fact.updated_at_us, stands(fact)));
    }
    for ChargeFact { at_us, refunded_at_us, .. } in
        service.charges.iter().filter(|charge| charge.order_id.as_str() == order)
    {
        moments.push(moment(*at_us, "charges: the money moves".to_owned()));
        if let Some(refunded_us) = refunded_at_us {
            moments.push(moment(*refunded_us, "refunds: the money is given back".to_owned()));
        }
    }
    let calls = service.calls.per_order.iter().find(|(id, _)| id.as_str() == order);
    if let Some((_, calls)) = calls {
        // The journal counts calls without their times; the last thing known of the order comes after them.
        let last = moments.iter().map(|moment| moment.at_us).max().unwrap_or_default();
        let what = format!("called payment {calls} times in all");
        moments.push(Moment { at_us: last, place: name.clone(), what });
    }
    moments
}

fn stands(fact: &OrderFact) -> String {
    let state = fact.state.as_str();
    let reason = fact.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    match fact.state {
        OrderState::Placed | OrderState::Paying => format!("left it {state}{reason}: it never moved again"),
        OrderState::Completed | OrderState::Declined | OrderState::Failed => {
            format!("ends it as {state}{reason}")
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
