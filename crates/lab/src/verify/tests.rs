//! A campaign finds what it should, says so in the same bytes each time, and its commands find it again.

use std::num::NonZeroUsize;

use super::{
    replay::{self, Part},
    *,
};
use crate::runner::Silent;

fn options(design: &str, seeds: RangeInclusive<u64>) -> VerifyOptions {
    VerifyOptions::new(vec![design.to_owned()], seeds)
}

fn run_campaign(options: &VerifyOptions) -> Campaign {
    verify(options, &Silent).expect("a campaign")
}

#[test]
fn the_naive_design_is_caught_and_the_same_seeds_give_the_same_bytes() {
    let campaign = run_campaign(&options("v0.1.0", 1..=8));
    let one_at_a_time = VerifyOptions { threads: NonZeroUsize::MIN, ..options("v0.1.0", 1..=8) };
    assert_eq!(campaign.to_json(), run_campaign(&one_at_a_time).to_json());
    let [design] = &campaign.designs[..] else { panic!("one design") };
    assert_eq!(design.schedules, 8);
    assert!(design.broken[&Invariant::Stuck] > 0, "dead processes leave stuck orders: {:?}", design.broken);
    assert!(design.coverage.orders > 100 && design.coverage.charges > 50, "{:?}", design.coverage);
    assert_eq!(
        design.findings.len().min(MINIMISED_MAX),
        design.findings.iter().filter_map(|f| f.minimised.as_ref()).count()
    );
    assert_ne!(design.digest, run_campaign(&options("v0.1.0", 2..=9)).designs[0].digest);

    let finding = &design.findings[0];
    let again = replay::schedule("v0.1.0", finding.seed, &Part::default()).expect("a replay");
    assert_eq!(again.violations, finding.violations, "a replay is the same run");
    let least = finding.minimised.as_ref().expect("the first is made smaller");
    assert!(least.schedule.faults.len() <= finding.schedule.faults.len());
    assert!(least.replay.contains(" --timeline o-"), "{}", least.replay);
}

#[test]
fn a_replay_names_orders_to_look_at_and_tells_what_happened_to_them() {
    let seed = run_campaign(&options("v0.1.0", 1..=4)).designs[0].findings[0].seed;
    let replay = replay::schedule("v0.1.0", seed, &Part::default()).expect("a replay");
    let interesting = replay.interesting();
    let first = &interesting[0];
    assert!(replay.violations[0].named.contains(&first.order), "the worst comes first: {first:?}");
    let moments = replay.timeline(&first.order).expect("an order that is known");
    assert!(moments.is_sorted_by_key(|moment| moment.at_us));
    assert!(moments.iter().any(|moment| moment.place == "client" && moment.what == "asks"));
    assert!(moments.iter().any(|moment| moment.what == "stores the order"));
    assert_eq!(replay.timeline("o-none"), None);
}

#[test]
fn one_order_processor_is_enough_for_a_replay_that_is_asked_for() {
    let subject = Subject::new("events-naive").expect("a design");
    let mut shared = (1..).map(|seed| subject.schedule(seed)).filter(|it| it.order_processors.get() == 3);
    let whole =
        shared.find(|it| it.clone().alone().faults.len() < it.faults.len()).expect("theirs break too");
    let alone = whole.clone().alone();
    assert!(!command(&subject, &whole).contains(" --alone"));
    let said = command(&subject, &alone);
    assert!(said.contains(" --alone") && said.contains(" --only "), "{said}");

    let again = |part: &Part| replay::schedule("events-naive", whole.seed, part).expect("a replay");
    let part = Part { only: Some(alone.numbers()), alone: true, ..Part::default() };
    let replayed = again(&part);
    assert_eq!(replayed.schedule, alone.record());
    let found = keep(run(&subject, &alone, &Wiring::on_disks).expect("a run"), &alone).violations;
    assert_eq!(replayed.violations, found, "the same run");
    assert_eq!(again(&Part::default()).schedule, whole.record());
}

#[test]
fn what_cannot_be_replayed_is_refused() {
    let refused = |part: Part| replay::schedule("v0.1.0", 1, &part).expect_err("refused").to_string();
    let last = Subject::new("v0.1.0").expect("a design").schedule(1).faults.len();
    let known: Vec<_> = (1..=last).map(|number| number.to_string()).collect();
    assert_eq!(
        refused(Part { only: Some([99].into()), ..Part::default() }),
        format!("no fault \"99\", expected one of {}", known.join(", "))
    );
    assert!(
        refused(Part { duration: Some(std::time::Duration::ZERO), ..Part::default() }).contains("duration")
    );
    let twice = VerifyOptions::new(vec!["v0.1.0".to_owned(), "v0.1.0".to_owned()], 1..=1);
    assert_eq!(verify(&twice, &Silent).expect_err("refused").to_string(), "the design v0.1.0 is there twice");
}

#[test]
fn what_nobody_can_read_is_put_aside_with_its_reason_by_every_group_and_everything_else_is_done() {
    let subject = Subject::new("events-composed").expect("a design");
    let mut poisoned = 0;
    for seed in 1..=6 {
        let drawn = subject.schedule(seed);
        let events = chaos::FaultKind::Events { duplicated: 0.3, reordered: 0.3, poisoned: 0.3 };
        let whole = std::time::Duration::from_secs(9);
        let fault = chaos::FaultFile {
            name: "1".to_owned(),
            at: std::time::Duration::ZERO,
            until: whole,
            kind: events,
        };
        let facts =
            run(&subject, &Schedule { faults: vec![fault], ..drawn }, &Wiring::on_disks).expect("a run");
        assert_eq!(violations(&facts), [], "seed {seed}");
        for (topic, groups) in [("orders", 1), ("payments", 2), ("notices", 1)] {
            let published = facts.poisoned.get(topic).copied().unwrap_or_default();
            let aside =
                facts.dead.iter().filter(|dead| dead.topic == topic && dead.event.starts_with("poison-"));
            assert_eq!(aside.clone().count() as u64, groups * published, "seed {seed}, {topic}");
            assert!(
                aside.clone().all(|dead| dead.reason.contains("no event")),
                "{:?}",
                aside.collect::<Vec<_>>()
            );
            poisoned += published;
        }
        let others: Vec<_> = facts.dead.iter().filter(|dead| !dead.event.starts_with("poison-")).collect();
        assert!(others.is_empty(), "seed {seed}: {others:?}");
    }
    assert!(poisoned > 20, "{poisoned} messages were poison");
}

#[test]
fn what_the_naive_events_do_wrong_is_found() {
    let campaign = run_campaign(&options("events-naive", 1..=12));
    let broken = &campaign.designs[0].broken;
    assert!(broken[&Invariant::DoubleCharged] > 0 && broken[&Invariant::Stuck] > 0, "{broken:?}");
}
