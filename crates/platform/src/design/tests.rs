//! Designs as they are read from TOML: what is accepted, and what a mistake says.

use std::num::NonZeroU32;

use super::*;
use crate::hardship::Hardship;

fn read(text: &str) -> Result<Design, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn a_design_reads_with_every_section() {
    let design = read(
        r#"
        name = "v0.3.0"
        topology = "chain"
        [payment]
        profile = "ladder"
        [admission]
        kind = "concurrency"
        limit = 64
        [backpressure]
        strategy = "bounded-queue"
        workers = 32
        queue = 16
        retry_after = "2s"
        "#,
    )
    .expect("valid");
    assert_eq!(design.payment, Profile::Ladder.payment());
    let admission = design.admission.expect("stated");
    assert_eq!(admission.limit, AdmissionLimit::Concurrency { limit: NonZeroU32::new(64).expect("64") });
    assert_eq!(admission.retry_after, RETRY_AFTER_DEFAULT);
    let backpressure = design.backpressure.expect("stated");
    assert_eq!((backpressure.workers.get(), backpressure.queue_max()), (32, Some(16)));
    assert_eq!(backpressure.retry_after, PositiveDuration::from_secs(2));
}

#[test]
fn what_is_stated_wins_over_the_profile() {
    let design = read("name='x'\n[payment]\nprofile='ladder'\nslots=8").expect("valid");
    assert_eq!(design.payment.slots.get(), 8);
    assert_eq!(design.payment.service_time, Profile::Ladder.payment().service_time);
}

#[test]
fn a_design_survives_being_written_and_read_again() {
    for kind in ADMISSIONS {
        for profile in ["ladder", "flaky", "flash-sale"] {
            let text = format!("name='x'\n[payment]\nprofile='{profile}'\n[admission]\n{kind}");
            let design = read(&text).expect("valid");
            let written = toml::to_string(&design).expect("writable");
            assert_eq!(read(&written).as_ref(), Ok(&design), "{written}");
        }
    }
}

/// Every kind of admission, with its defaults or with all of its keys.
const ADMISSIONS: &[&str] = &[
    "kind='concurrency'\nlimit=64",
    "kind='rate'\nrate_per_s=150\nburst=10",
    "kind='leaky-bucket'\nrate_per_s=150\ndepth=10",
    "kind='adaptive'\nalgorithm='gradient2'\nlimit=20\nlimit_min=5\nlimit_max=200",
    "kind='adaptive'\nalgorithm='vegas'\nlimit=20\nlimit_min=5\nlimit_max=200\nwindow='2s'",
    "kind='throttle'",
    "kind='throttle'\nk=1.5\nprobability_max=0.9\nwindow='30s'",
    "kind='fair-share'\nlimit=64",
    "kind='fair-share'\nalgorithm='aimd'\nlimit=64\nlimit_min=8\nlimit_max=64\nmemory='2s'\ncustomers_max=10",
    "kind='priority'\nlimit=64\nreserve_high=0.5\nreserve_normal=0.5",
];

/// Every strategy and every discipline.
const POOLS: &[(&str, Option<u32>)] = &[
    ("strategy='block'", None),
    ("strategy='block'\ndiscipline='deadline-aware'\ndeadline='500ms'", None),
    ("strategy='bounded-queue'\nqueue=16", Some(16)),
    (
        "strategy='bounded-queue'\nqueue=0\ndiscipline='earliest-deadline'\ndeadline='1s'\nservice_time='200ms'",
        Some(0),
    ),
    ("strategy='bounded-queue'\nqueue=16\ndiscipline='adaptive-lifo'", Some(16)),
    (
        "strategy='bounded-queue'\nqueue=16\ndiscipline='adaptive-lifo'\ntarget='20ms'\ninterval='50ms'\ndeadline='1s'",
        Some(16),
    ),
    ("strategy='bounded-queue'\nqueue=16\ndiscipline='bounded-wait'\nwait_max='80ms'", Some(16)),
    ("strategy='token-bucket'\nrate_per_s=150\nburst=10\nqueue=4", Some(4)),
    ("strategy='leaky-bucket'\nrate_per_s=150\ndepth=10\nqueue=4\ndiscipline='fifo'", Some(4)),
    ("strategy='credit'\nqueue=4", Some(4)),
    (
        "strategy='credit'\nqueue=4\ntarget='5ms'\ninterval='1s'\ncredits_initial=3\ncredits_min=2\ncredits_max=9",
        Some(4),
    ),
    ("strategy='priority'\nqueue=4", Some(4)),
];

#[test]
fn every_strategy_and_discipline_reads_and_survives_being_written() {
    for (pool, queue_max) in POOLS {
        let text = format!("name='x'\n[payment]\nprofile='ladder'\n[backpressure]\nworkers=32\n{pool}");
        let design = read(&text).expect(pool);
        assert_eq!(design.backpressure.as_ref().expect("stated").queue_max(), *queue_max, "{pool}");
        let written = toml::to_string(&design).expect("writable");
        assert_eq!(read(&written).as_ref(), Ok(&design), "{written}");
    }
}

#[test]
fn keys_that_do_not_belong_together_are_refused_with_what_would() {
    let cases = [
        (
            "[admission]\nkind='rate'\nrate_per_s=5",
            "takes `rate_per_s` and `burst`, and if you like `shared`: `burst` is missing",
        ),
        ("[admission]\nkind='throttle'\nlimit=5", "it has no `limit`"),
        ("[admission]\nkind='priority'\nlimit=5\nlimit_min=1", "it has no `limit_min`"),
        ("[admission]\nkind='fair-share'\nlimit=5\nalgorithm='aimd'", "`limit_min` is missing"),
        (
            "[admission]\nkind='adaptive'\nalgorithm='aimd'\nlimit=5\nlimit_min=6\nlimit_max=9",
            "limit is 5, which is not within limit_min, 6, and limit_max, 9",
        ),
        (
            "[admission]\nkind='priority'\nlimit=5\nreserve_high=0.9\nreserve_normal=0.2",
            "more than 1 together",
        ),
        ("[admission]\nkind='throttle'\nk=0.5", "no multiplier"),
        (
            "[backpressure]\nstrategy='block'\nworkers=1\nqueue=1",
            "strategy \"block\" takes nothing more, and if you like `discipline`: it has no `queue`",
        ),
        ("[backpressure]\nstrategy='bounded-queue'\nworkers=1", "`queue` is missing"),
        (
            "[backpressure]\nstrategy='credit'\nworkers=1\nqueue=1\ndiscipline='fifo'",
            "it has no `discipline`",
        ),
        (
            "[backpressure]\nstrategy='credit'\nworkers=1\nqueue=1\ncredits_initial=5\ncredits_max=4",
            "credits_initial is 5, which is not within credits_min, 1, and credits_max, 4",
        ),
        ("[backpressure]\nstrategy='token-bucket'\nworkers=1\nqueue=1\ndepth=1", "`rate_per_s` is missing"),
        (
            "[backpressure]\nstrategy='block'\nworkers=1\ndiscipline='deadline-aware'",
            "strategy \"block\" and discipline \"deadline-aware\" takes `deadline`, and if you like `discipline` and `service_time`: `deadline` is missing",
        ),
        (
            "[backpressure]\nstrategy='block'\nworkers=1\ndiscipline='adaptive-lifo'\nservice_time='1s'",
            "a `service_time` but no `deadline`",
        ),
        ("[backpressure]\nstrategy='block'\nworkers=1\ndiscipline='bounded-wait'", "`wait_max` is missing"),
    ];
    for (section, reason) in cases {
        let error = read(&format!("name='x'\n[payment]\nprofile='ladder'\n{section}")).expect_err(section);
        // The section's own line, or that of the value.
        assert!(error.contains("line 4,") || error.contains("line 6,"), "{section}\n→ {error}");
        assert!(error.contains(reason), "{section}\n→ {error}");
    }
}

#[test]
fn a_topology_says_which_processes_there_are() {
    let monolith = read("name='x'\ntopology='monolith'\n[payment]\nprofile='flaky'").expect("valid").topology;
    assert_eq!((monolith.as_str(), monolith.processes()), ("monolith", &[ServiceKind::OrderApi][..]));
    assert_eq!(monolith.home(ServiceKind::PaymentService), ServiceKind::OrderApi);
    assert_eq!(Topology::Chain.processes(), &ServiceKind::ALL[..3]);
    assert_eq!(Topology::Events.processes(), ServiceKind::ALL);
    assert_eq!(Topology::Chain.home(ServiceKind::PaymentService), ServiceKind::PaymentService);
}

#[test]
fn replicas_are_processes_with_numbers_and_add_up_to_a_capacity() {
    let two = "name='x'\ntopology='monolith'\nreplicas=2\n[payment]\nprofile='ladder'";
    let two = read(two).expect("valid");
    let names: Vec<_> = two.processes().into_iter().map(Process::name).collect();
    assert_eq!(names, ["order-api", "order-api-2"]);
    assert_eq!(two.processes()[1].part(ServiceKind::PaymentService), "payment-service-2");
    assert!((two.capacity_per_s(&Hardship::default()) - 304.0).abs() < 1e-9);
    let one = read("name='x'\n[payment]\nprofile='ladder'").expect("valid");
    assert_eq!(one.processes().len(), 3);
    assert!(!toml::to_string(&one).expect("plain TOML").contains("replicas"), "one is not worth saying");
    let chain = Design { replicas: two.replicas, ..one };
    let reason = chain.check_replicas().expect_err("nobody would choose");
    assert!(reason.contains("monolith"), "{reason}");
}

#[test]
fn a_mistake_names_its_line_and_its_reason() {
    let payment = "name='x'\n[payment]\n";
    let ladder = "name='x'\n[payment]\nprofile='ladder'\n";
    let cases: &[(String, usize, &str)] = &[
        (format!("{payment}slots=0\nservice_time={{kind='constant',value='1s'}}"), 3, "nonzero"),
        (format!("{payment}slots=1\nservice_time={{kind='constant',value='0s'}}"), 4, "above zero"),
        (format!("{payment}slots=1\nservice_time={{kind='constant',value='soon'}}"), 4, "no duration"),
        (format!("{payment}slots=1\nservice_time={{kind='uniform',min='2s',max='1s'}}"), 4, "above max"),
        (format!("{payment}slots=1\nservice_time={{kind='constant',mean='1s'}}"), 4, "unknown field"),
        (format!("{payment}slots=1\nservice_time={{kind='gamma',mean='1s'}}"), 4, "unknown variant"),
        (format!("{payment}slots=1"), 2, "must state its `service_time`"),
        (format!("{ladder}failure_rate=1.5"), 4, "no probability"),
        (format!("{ladder}failure_rte=0.5"), 4, "unknown field"),
        (format!("{ladder}[admission]\nkind='concurrency'\nlimit=0"), 6, "nonzero"),
        (format!("{ladder}[admission]\nkind='concurrency'"), 4, "takes `limit`"),
        (format!("{ladder}[admission]\nkind='rate'\nrate_per_s=0\nburst=1"), 6, "no rate"),
        (format!("{ladder}[admission]\nkind='rate'\nrate_per_s=5"), 4, "takes `rate_per_s` and `burst`"),
        (format!("{ladder}[backpressure]\nstrategy='unbounded'\nworkers=1\nqueue=1"), 5, "unknown variant"),
        (
            format!("{ladder}[backpressure]\nstrategy='bounded-queue'\nworkers=1\nqueue=-1"),
            7,
            "invalid value",
        ),
        ("name='x'\nreplicas=0\n[payment]\nprofile='ladder'".to_owned(), 2, "between 1 and 16"),
        ("name='x'\nreplicas=17\n[payment]\nprofile='ladder'".to_owned(), 2, "between 1 and 16"),
        ("name='x'\ntopology='ring'\n[payment]\nprofile='ladder'".to_owned(), 2, "unknown variant"),
    ];
    for (text, line, reason) in cases {
        let error = read(text).expect_err(text);
        assert!(error.contains(&format!("line {line},")), "{text}\n→ {error}");
        assert!(error.contains(reason), "{text}\n→ {error}");
    }
}

#[test]
fn capacity_follows_the_hardship() {
    let ladder = Profile::Ladder.payment();
    let brownout = Hardship { slowdown: 5.0, failure_rate: Some(0.5) };
    assert!((ladder.capacity_per_s(&Hardship::default()) - 152.0).abs() < 1e-9);
    assert!((ladder.capacity_per_s(&brownout) - 16.0).abs() < 1e-9);
}

#[test]
fn sampled_service_times_have_the_declared_mean() {
    let mut rng = node::named_rng(1, "service-time");
    let exponential = ServiceTime::Exponential { mean: PositiveDuration::from_millis(100) };
    for time in [Profile::Ladder.payment().service_time, Profile::Flaky.payment().service_time, exponential] {
        let total: f64 = (0..100_000).map(|_| time.sample(&mut rng).as_secs_f64()).sum();
        let mean_s = time.mean().as_secs_f64();
        assert!((total / 1e5 / mean_s - 1.0).abs() < 0.01, "{time:?}: {total}");
    }
}

#[test]
fn the_schema_knows_the_ranges_and_refuses_unknown_fields() {
    let schema = schemars::schema_for!(Design).to_value();
    assert_eq!(schema["additionalProperties"], false);
    let text = schema.to_string();
    for word in ["\"maximum\":1", "flash-sale", "log-normal", "bounded-queue", "rate_per_s"] {
        assert!(text.contains(word), "{word} is missing in {text}");
    }
}
