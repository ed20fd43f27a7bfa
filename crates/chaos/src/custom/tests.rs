//! What people write as a fault, well and badly.

use proptest::prelude::*;

use super::*;

fn parse(body: &str) -> Result<FaultFile, toml::de::Error> {
    toml::from_str(&format!("name = 'f'\nat = '5s'\nuntil = '10s'\n{body}"))
}

fn reason(body: &str) -> String {
    parse(body).unwrap_err().message().to_owned()
}

#[test]
fn each_kind_begins_and_ends_what_it_does() {
    let written = [
        "kind = 'hardship'\nslowdown = 5\nfailure_rate = 0.5",
        "kind = 'power-off'\nhost = 'x'",
        "kind = 'kill'\nhost = 'x'",
        "kind = 'partition'\na = 'x'\nb = 'y'\ndirection = 'a-to-b'",
        "kind = 'hold'\na = 'x'\nb = 'y'",
        "kind = 'latency'\na = 'x'\nb = 'y'\nmin = '1ms'\nmax = '2ms'",
        "kind = 'clock-jump'\nhost = 'x'\nby = '-1h'",
        "kind = 'duplicates'\nshare = 0.5",
    ];
    for body in written {
        let plan = parse(body).unwrap().plan().unwrap();
        assert_eq!(plan.window(), Some((Duration::from_secs(5), Duration::from_secs(10))), "{body}");
        let [begin, end] = plan.steps() else { panic!("two steps: {body}") };
        assert_ne!(begin.action, end.action, "{body}");
        assert_eq!(begin.action.hosts(), end.action.hosts(), "{body}");
        let kind = parse(body).unwrap().kind;
        assert!(body.starts_with(&format!("kind = '{}'", kind.name())), "{body}");
        assert_eq!(kind.to_string(), begin.action.to_string());
    }
}

#[test]
fn a_key_of_another_kind_is_refused() {
    assert_eq!(
        reason("kind = 'kill'\nhost = 'x'\nslowdown = 2"),
        "a kill fault has no key `slowdown`, only host"
    );
}

#[test]
fn a_missing_key_is_named() {
    assert_eq!(
        reason("kind = 'latency'\na = 'x'\nb = 'y'\nmin = '1ms'"),
        "a latency fault needs the key `max`"
    );
    assert_eq!(reason("kind = 'clock-jump'\nhost = 'x'"), "a clock-jump fault needs the key `by`");
    assert_eq!(reason("kind = 'duplicates'"), "a duplicates fault needs the key `share`");
    assert_eq!(reason("kind = 'power-off'"), "a power-off fault needs the key `host`");
}

#[test]
fn an_unknown_key_or_kind_or_value_is_refused_at_its_own_place() {
    assert!(reason("kind = 'kill'\nhots = 'x'").starts_with("unknown field `hots`"));
    assert!(reason("kind = 'explode'").starts_with("unknown variant `explode`"));
    assert_eq!(reason("kind = 'hardship'\nslowdown = 0.5"), "a slowdown is at least 1, not 0.5");
    assert_eq!(reason("kind = 'hardship'\nslowdown = nan"), "a slowdown is at least 1, not NaN");
    assert_eq!(
        reason("kind = 'hardship'\nslowdown = 2\nfailure_rate = 1.5"),
        "a share lies between 0 and 1, not 1.5"
    );
    assert_eq!(
        reason("kind = 'clock-jump'\nhost = 'x'\nby = 'soon'"),
        "`soon` is no jump of a clock: write +30s or -1h"
    );
    assert_eq!(reason("kind = 'duplicates'\nshare = 0"), "a share of 0 duplicates nothing");
    let at = parse("kind = 'hardship'\nslowdown = 0.5").unwrap_err().span().unwrap().start;
    assert_eq!(at, "name = 'f'\nat = '5s'\nuntil = '10s'\nkind = 'hardship'\nslowdown = ".len());
}

#[test]
fn a_fault_that_ends_before_it_starts_is_refused() {
    let error =
        toml::from_str::<FaultFile>("name='f'\nat='9s'\nuntil='3s'\nkind='kill'\nhost='x'").unwrap_err();
    assert_eq!(error.message(), "the fault must start before it ends, not from 9s until 3s");
}

#[test]
fn a_written_fault_reads_back_as_the_same() {
    for body in [
        "kind = 'latency'\na = 'x'\nb = 'y'\nmin = '1ms'\nmax = '2ms'",
        "kind = 'clock-jump'\nhost = 'x'\nby = '-1h 1s'",
        "kind = 'duplicates'\nshare = 0.25",
    ] {
        let fault = parse(body).unwrap();
        assert_eq!(toml::from_str::<FaultFile>(&toml::to_string(&fault).unwrap()).unwrap(), fault);
    }
}

#[test]
fn several_faults_are_one_plan_and_none_disturbs_nothing() {
    let fault = |at: u64, until: u64, body: &str| FaultFile {
        at: Duration::from_secs(at),
        until: Duration::from_secs(until),
        ..parse(body).unwrap()
    };
    let kill = fault(3, 9, "kind = 'kill'\nhost = 'x'");
    let twice = fault(1, 4, "kind = 'duplicates'\nshare = 1");
    let plan = FaultPlan::of("both", &[kill, twice]).unwrap();
    assert_eq!(plan.window(), Some((Duration::from_secs(1), Duration::from_secs(9))));
    assert_eq!(plan.steps().iter().map(|step| step.at.as_secs()).collect::<Vec<_>>(), [1, 3, 4, 9]);
    assert_eq!(FaultPlan::of("nothing", &[]), Ok(FaultPlan::undisturbed("nothing")));
    assert_eq!(FaultPlan::of("", &[]), Err(PlanError::Nameless));
}

proptest! {
    #[test]
    fn a_plan_is_made_exactly_of_windows_that_start_before_they_end(at in 0_u64..100, until in 0_u64..100) {
        let file = FaultFile {
            name: "f".to_owned(),
            at: Duration::from_millis(at),
            until: Duration::from_millis(until),
            kind: FaultKind::Kill { host: "x".to_owned() },
        };
        let plan = file.plan();
        prop_assert_eq!(plan.is_ok(), at < until);
        if let Ok(plan) = plan {
            prop_assert!(plan.steps().is_sorted_by_key(|step| step.at));
        }
    }
}
