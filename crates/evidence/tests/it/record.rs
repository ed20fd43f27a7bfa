//! The record of a small run, as it stands in `ladder.json`.

use evidence::assess;
use evidence::facts::{Answer, Asked, Charged, Facts, ServiceGauges, Stored, StoredState};
use evidence::record::{Record, SCHEMA};

use crate::meta;

const S: u64 = 1_000_000;

/// Two orders a second for 20 s. Nobody is served from 5 s to 10 s; one order of that time is charged late,
/// and stuck.
fn facts() -> Facts {
    let mut facts = Facts {
        capacity: vec![(0, 152.0), (5 * S, 0.0), (10 * S, 152.0)],
        fault_window_us: Some((5 * S, 10 * S)),
        load_end_us: 20 * S,
        ended_us: 23 * S,
        late_sends: 1,
        payment_calls_per_second: [vec![2; 5], vec![20; 5], vec![2; 10]].concat(),
        ..Facts::default()
    };
    for index in 0..40_u64 {
        let order = format!("order-{index:02}");
        let intended_us = index * S / 2;
        let (latency_us, answer) = match index {
            10 => (3_000_000, Answer::TimedOut),
            11 => (1_500, Answer::Reset),
            12..20 => (2_500, Answer::Status(503)),
            _ => (200_000 + index * 1_000, Answer::Status(200)),
        };
        let done_us = intended_us + latency_us;
        match answer {
            Answer::Status(200) => {
                facts.stored.push(Stored { order: order.clone(), state: StoredState::Completed });
                facts.charged.push(Charged { order: order.clone(), at_us: done_us - 1_000, refunded: false });
                facts.payment_calls.insert(order.clone(), 1);
            }
            Answer::TimedOut => {
                facts.stored.push(Stored { order: order.clone(), state: StoredState::Paying });
                facts.charged.push(Charged { order: order.clone(), at_us: done_us + 1_000, refunded: false });
                facts.payment_calls.insert(order.clone(), 100);
            }
            _ => {}
        }
        facts.asked.push(Asked { order, intended_us, sent_us: Some(intended_us), done_us, answer });
    }
    let gauges = |max: &[(&str, u64)], bounds: &[(&str, u64)]| ServiceGauges {
        max: max.iter().map(|&(gauge, max)| (gauge.to_owned(), max)).collect(),
        bounds: bounds.iter().map(|&(gauge, bound)| (gauge.to_owned(), bound)).collect(),
        per_second: max.iter().map(|&(gauge, max)| (gauge.to_owned(), vec![max; 3])).collect(),
    };
    let api = gauges(&[("in_flight", 3), ("connections", 4)], &[("in_flight", 64)]);
    facts.services.insert("order-api".into(), api);
    facts.services.insert("payment-service".into(), gauges(&[("running", 2), ("waiting", 1)], &[]));
    facts
}

fn record() -> Record {
    Record {
        schema: SCHEMA,
        experiment: "ladder".into(),
        world: "sim".into(),
        seed: 7,
        wall_s: 0.25,
        warnings: vec![],
        not_modelled: vec![],
        sections: vec![],
        searches: vec![],
        cells: vec![assess(meta(), &facts())],
    }
}

#[test]
fn reads_as_the_design_says() {
    insta::assert_snapshot!(record().to_json());
}

#[test]
fn comes_back_from_its_json_unchanged() {
    let record = record();
    assert_eq!(Record::from_json(&record.to_json()).expect("it is our own"), record);
}
