//! Detection: did the platform itself notice, and how soon?
//!
//! Seconds from the start of a fault to the first alert of the platform's own that *begins* after it and names
//! latency or the dependency. An alert that was on already detects nothing, and one about saturation or about the
//! objective says that something is wrong, not what: under overload it is on whatever the fault.

use crate::facts::{Alert, Facts};
use crate::record::AlertRecord;
use crate::rounding;

/// How many alerts a cell lists; all of them are counted.
const LISTED_MAX: usize = 40;

/// What an alert must be about to detect a fault.
const DETECTING: [&str; 2] = ["dependency", "latency"];

/// Seconds from the start of the fault to the first alert that detects it.
pub(crate) fn detection_s(facts: &Facts) -> Option<f64> {
    let (start_us, _) = facts.fault_window_us?;
    let detects = |alert: &&Alert| DETECTING.contains(&alert.about.as_str()) && alert.began_us > start_us;
    let first_us = facts.alerts.iter().flatten().filter(detects).map(|alert| alert.began_us).min()?;
    Some(rounding::seconds(first_us - start_us))
}

/// The first alerts in the order in which they began, and how many there were; `None` when nobody watched.
pub(crate) fn alerts(facts: &Facts) -> (Vec<AlertRecord>, Option<u64>) {
    let Some(alerts) = &facts.alerts else { return (Vec::new(), None) };
    let mut sorted: Vec<&Alert> = alerts.iter().collect();
    sorted.sort_by_key(|alert| (alert.began_us, &alert.service, &alert.name));
    let listed = sorted.into_iter().take(LISTED_MAX).map(|alert| AlertRecord {
        name: alert.name.clone(),
        about: alert.about.clone(),
        service: alert.service.clone(),
        at_s: rounding::seconds(alert.began_us),
        ended_s: alert.ended_us.map(rounding::seconds),
        value: rounding::ratio(alert.value),
        threshold: rounding::ratio(alert.threshold),
    });
    (listed.collect(), Some(alerts.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000;

    fn alert(about: &str, began_us: u64) -> Alert {
        Alert {
            name: format!("about-{about}"),
            about: about.to_owned(),
            service: "order-processor".to_owned(),
            began_us,
            ended_us: Some(began_us + S),
            value: 0.123_456,
            threshold: 0.1,
        }
    }

    fn facts(alerts: Vec<Alert>) -> Facts {
        Facts { alerts: Some(alerts), fault_window_us: Some((5 * S, 10 * S)), ..Facts::default() }
    }

    #[test]
    fn the_first_that_begins_after_the_start_and_names_the_cause_counts() {
        let on_before = alert("dependency", 4 * S);
        let too_vague = [alert("saturation", 5 * S + 1), alert("objective", 5 * S + 2)];
        let found = [alert("latency", 6 * S), alert("dependency", 5 * S + 900_000)];
        let all = [vec![on_before], too_vague.into(), found.into()].concat();
        assert_eq!(detection_s(&facts(all)), Some(0.9));
    }

    #[test]
    fn without_a_fault_or_an_alert_there_is_none() {
        assert_eq!(detection_s(&facts(vec![])), None);
        assert_eq!(
            detection_s(&facts(vec![alert("dependency", 5 * S)])),
            None,
            "it began with it, not after it"
        );
        let calm = Facts { fault_window_us: None, ..facts(vec![alert("latency", 6 * S)]) };
        assert_eq!(detection_s(&calm), None);
        assert_eq!(detection_s(&Facts { alerts: None, ..facts(vec![]) }), None);
    }

    #[test]
    fn a_cell_lists_the_first_and_counts_all() {
        let many = (0..100).rev().map(|i| alert("latency", i * S)).collect();
        let (listed, total) = alerts(&facts(many));
        assert_eq!((listed.len(), total), (LISTED_MAX, Some(100)));
        assert_eq!((listed[1].at_s, listed[1].ended_s, listed[1].value), (1.0, Some(2.0), 0.1235));
        assert_eq!(alerts(&Facts::default()), (vec![], None), "nobody watched");
    }
}
