//! The rules on made-up signals: no runtime, no service.

use super::watched::Observed;
use super::window::Counted;
use super::*;
use crate::design::{
    DependencyAlerts, ObjectiveAlerts, OrderAlerts, PositiveDuration, PositiveRate, Probability,
    SaturationAlerts, Traces,
};
use resilience::breaker::BreakerState;

const fn ms(ms: u64) -> PositiveDuration {
    PositiveDuration::from_millis(ms)
}

fn share(value: f64) -> Probability {
    Probability::new(value).expect("a share")
}

fn design() -> Observability {
    Observability {
        every: ms(100),
        window: ms(1_000),
        false_alarm: share(1e-9),
        pending_for: ms(100),
        resolve_after: ms(1_000),
        dependency: DependencyAlerts { slow: ms(600), slow_share: share(0.01), failed_share: share(0.05) },
        saturation: SaturationAlerts {
            busy_share: share(0.95),
            queue_wait: ms(50),
            sustained: ms(1_000),
            refused_share: share(0.01),
        },
        orders: OrderAlerts { slow: ms(1_000), slow_share: share(0.02) },
        objective: ObjectiveAlerts {
            good_share: share(0.99),
            latency: ms(2_000),
            burn_rate: PositiveRate::new(14.4).expect("a rate"),
            window: ms(6_000),
            short_window: ms(500),
        },
        traces: Traces { spans: std::num::NonZeroU32::MIN },
    }
}

/// Evaluates a service's rules every 100 ms on one sample after the other, and tells what began when, in ms.
fn run(
    kind: ServiceKind,
    samples: impl Iterator<Item = Sample>,
) -> (Vec<(&'static str, u64)>, Vec<AlertFact>) {
    let mut engine = Engine::new(kind, &design());
    let mut log = AlertLog::default();
    for (i, sample) in samples.enumerate() {
        engine.evaluate(&Sample { now_us: i as u64 * 100_000, ..sample }, &mut log);
    }
    let facts = log.facts();
    (facts.iter().map(|alert| (alert.name.as_str(), alert.began_us / 1_000)).collect(), facts)
}

/// Ten calls in 100 ms, of which so many are slow or fail.
fn calls(slow: u64, failed: u64) -> Sample {
    let calls = Observed {
        judged: Counted { all: 10, bad: slow },
        ended: Counted { all: 10, bad: failed },
        ..Observed::default()
    };
    Sample { calls, ..Sample::default() }
}

#[test]
fn what_is_usual_of_a_dependency_is_no_alert() {
    // One in 20 fails, one in 100 is slow.
    let samples = (0..1_000).map(|i| calls(u64::from(i % 10 == 0), u64::from(i % 2 == 0)));
    assert_eq!(run(ServiceKind::OrderProcessor, samples).0, []);
}

#[test]
fn a_dependency_that_becomes_slow_is_noticed_within_a_few_evaluations_and_so_is_the_end_of_it() {
    let samples = (0..60).map(|i| calls(if (20..30).contains(&i) { 8 } else { 0 }, 0));
    let (began, facts) = run(ServiceKind::OrderProcessor, samples);
    assert_eq!(began, [("dependency-slow", 2_200)]);
    let alert = &facts[0];
    assert_eq!(alert.about, About::Dependency);
    assert!(alert.value > alert.threshold && alert.threshold > 0.01, "{alert:?}");
    let ended_ms = alert.ended_us.expect("it ends") / 1_000;
    assert!(
        (4_000..5_000).contains(&ended_ms),
        "a window and the delay after the last slow call: {ended_ms}"
    );
}

#[test]
fn a_dependency_that_fails_half_of_the_time_is_noticed() {
    let samples = (0..40).map(|i| calls(0, if i >= 20 { 5 } else { 0 }));
    let (began, _) = run(ServiceKind::OrderProcessor, samples);
    assert_eq!(began, [("dependency-failing", 2_500)]);
}

#[test]
fn a_dependency_that_is_silent_for_ever_stays_an_alert() {
    // 32 calls became overdue within a window, and nothing else ever happens.
    let silent = |i: u64| {
        let judged = if (20..28).contains(&i) { 4 } else { 0 };
        let overdue = if i >= 38 { 32 } else { 0 };
        let calls = Observed { judged: Counted { all: judged, bad: judged }, overdue, ..Observed::default() };
        Sample { calls, ..Sample::default() }
    };
    let (began, facts) = run(ServiceKind::OrderProcessor, (0..600).map(silent));
    assert_eq!(began.len(), 1, "{began:?}");
    assert_eq!(facts[0].ended_us, None);
}

#[test]
fn an_open_breaker_is_an_alert_at_once_and_a_closed_one_is_none() {
    let breaker = |i: usize| match i {
        10 => BreakerState::Open,
        11 => BreakerState::HalfOpen,
        _ => BreakerState::Closed,
    };
    let samples = (0..40).map(|i| Sample { breaker: Some(breaker(i)), ..Sample::default() });
    let (began, facts) = run(ServiceKind::OrderProcessor, samples);
    assert_eq!(began, [("breaker-open", 1_000)]);
    assert_eq!(facts[0].ended_us, Some(2_200_000));
}

#[test]
fn busy_workers_are_an_alert_only_when_they_stay_so() {
    let busy = |busy| Sample { busy, places: Some(32), ..Sample::default() };
    let now_and_then = (0..100).map(|i| busy(if i % 5 == 0 { 20 } else { 32 }));
    assert_eq!(run(ServiceKind::PaymentService, now_and_then).0, []);
    let always = (0..100).map(|i| busy(if i < 5 { 20 } else { 31 }));
    assert_eq!(run(ServiceKind::PaymentService, always).0, [("places-busy", 1_500)]);
    let unbounded = (0..100).map(|_| Sample { busy: 9_000, ..Sample::default() });
    assert_eq!(run(ServiceKind::PaymentService, unbounded).0, []);
}

#[test]
fn waiting_for_a_worker_is_told_by_its_mean() {
    let waited = |us: u64| Sample { waits: Counted { all: 10, bad: 10 * us }, ..Sample::default() };
    assert_eq!(run(ServiceKind::OrderProcessor, (0..100).map(|_| waited(40_000))).0, []);
    let (began, facts) = run(ServiceKind::OrderProcessor, (0..100).map(|_| waited(60_000)));
    assert_eq!(began, [("queue-wait", 1_000)]);
    assert!((facts[0].value - 0.06).abs() < 1e-9, "in seconds: {:?}", facts[0]);
}

#[test]
fn refusals_and_slow_orders_are_told_at_the_door() {
    let refused = (0..30).map(|i| Sample {
        refused: Counted { all: 10, bad: if i >= 10 { 3 } else { 0 } },
        ..Sample::default()
    });
    let (began, facts) = run(ServiceKind::OrderApi, refused);
    assert_eq!((began, facts[0].about), (vec![("refusals", 1_500)], About::Saturation));
    let slow = (0..30).map(|i| {
        let judged = Counted { all: 10, bad: if i >= 10 { 5 } else { 0 } };
        Sample { orders: Observed { judged, ..Observed::default() }, ..Sample::default() }
    });
    let (began, facts) = run(ServiceKind::OrderApi, slow);
    assert_eq!((began, facts[0].about), (vec![("orders-slow", 1_400)], About::Latency));
}

#[test]
fn the_objective_burns_only_when_both_windows_say_so() {
    let kept = |bad| Sample { kept: Counted { all: 10, bad }, ..Sample::default() };
    // All orders are bad for half a second: a fifth of the short window's patience, but 8 % of the long one.
    let short = (0..200).map(|i| kept(if (100..105).contains(&i) { 10 } else { 0 }));
    assert_eq!(run(ServiceKind::OrderApi, short).0, []);
    // From the ninth bad tenth of a second on the long window has 15 %.
    let long = (0..200).map(|i| kept(if i >= 100 { 10 } else { 0 }));
    let (began, facts) = run(ServiceKind::OrderApi, long);
    assert_eq!((began, facts[0].about), (vec![("objective-burn", 10_800)], About::Objective));
    assert!(facts[0].value >= 14.4, "{:?}", facts[0]);
}
