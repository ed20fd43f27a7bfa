//! Designs as they are read from TOML: what is accepted, and what a mistake says.

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
    assert_eq!((backpressure.workers.get(), backpressure.queue), (32, 16));
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
    for kind in ["kind='concurrency'\nlimit=64", "kind='rate'\nrate_per_s=150\nburst=10"] {
        for profile in ["ladder", "flaky", "flash-sale"] {
            let text = format!("name='x'\n[payment]\nprofile='{profile}'\n[admission]\n{kind}");
            let design = read(&text).expect("valid");
            let written = toml::to_string(&design).expect("writable");
            assert_eq!(read(&written).as_ref(), Ok(&design), "{written}");
        }
    }
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
