//! The alerts of a scene: when the platform itself noticed what, and at which number.

use evidence::record::{AlertRecord, Cell};
use maud::{Markup, html};

use super::matrix::chip;
use crate::format;

/// The alerts of every design that watches for any, folded.
pub(super) fn alerts(cells: &[(usize, &Cell)]) -> Markup {
    html! {
        @for (design, cell) in cells.iter().filter(|(_, cell)| cell.alerts_total.is_some()) {
            @let total = cell.alerts_total.unwrap_or(0);
            details.alerts {
                summary {
                    (chip(*design)) (cell.design) ": "
                    strong { (told(cell, total)) }
                }
                @if !cell.alerts.is_empty() {
                    div.wide {
                        table.numbers {
                            thead {
                                tr {
                                    th scope="col" { "began" } th scope="col" { "ended" } th.words scope="col" { "alert" }
                                    th.words scope="col" { "about" } th.words scope="col" { "raised by" }
                                    th scope="col" { "found" } th scope="col" { "too much from" }
                                }
                            }
                            tbody {
                                @for alert in &cell.alerts {
                                    tr {
                                        td { (format::number(alert.at_s)) " s" }
                                        td { (ended(alert)) }
                                        td.words { (alert.name) }
                                        td.words { (alert.about) }
                                        td.words { (alert.service) }
                                        td { (measured(alert, alert.value)) }
                                        td { (measured(alert, alert.threshold)) }
                                    }
                                }
                            }
                        }
                    }
                    @if total > cell.alerts.len() as u64 {
                        p.soft { "The first " (cell.alerts.len()) " of " (format::count(total)) "." }
                    }
                }
            }
        }
    }
}

fn told(cell: &Cell, total: u64) -> String {
    let alerts = match total {
        0 => "no alert".to_owned(),
        total => format::counted(total, "alert", "alerts"),
    };
    match (cell.fault_window_s, cell.detection_s) {
        (None, _) => alerts,
        (Some(_), Some(seconds)) => {
            format!("{alerts}; the fault is detected after {} s", format::number(seconds))
        }
        (Some(_), None) => format!("{alerts}; the fault is not detected"),
    }
}

fn ended(alert: &AlertRecord) -> String {
    alert.ended_s.map_or_else(|| "still on".to_owned(), |ended_s| format!("{} s", format::number(ended_s)))
}

/// A value in the unit of its alert: most are shares.
fn measured(alert: &AlertRecord, value: f64) -> String {
    match alert.name.as_str() {
        "breaker-open" => format::NOTHING.to_owned(),
        "queue-wait" => format::millis(Some(value * 1_000.0)),
        "objective-burn" => format!("{} ×", format::number(value)),
        _ => format::percent(Some(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn alert(name: &str, value: f64, ended_s: Option<f64>) -> AlertRecord {
        AlertRecord {
            name: name.to_owned(),
            about: "dependency".to_owned(),
            service: "order-processor".to_owned(),
            at_s: 5.9,
            ended_s,
            value,
            threshold: 0.05,
        }
    }

    #[test]
    fn each_alert_is_told_with_its_times_and_in_its_unit() {
        let mut cell = sample::cell("v0.8.0", "brownout", 100.0);
        cell.alerts = vec![alert("dependency-slow", 0.4068, Some(12.1)), alert("queue-wait", 0.1029, None)];
        cell.alerts_total = Some(3);
        cell.detection_s = Some(0.9);
        let page = alerts(&[(0, &cell)]).into_string();
        for text in [
            "3 alerts; the fault is detected after 0.9 s",
            "<td>5.9 s</td><td>12.1 s</td>",
            "41 %",
            "still on",
            "103 ms",
            "The first 2 of 3.",
        ] {
            assert!(page.contains(text), "{text} is missing in {page}");
        }
    }

    #[test]
    fn who_does_not_watch_is_not_told_of_and_who_sees_nothing_is() {
        let blind = sample::cell("v0.7.0", "none", 100.0);
        let mut calm = sample::cell("v0.8.0", "none", 100.0);
        calm.alerts_total = Some(0);
        let page = alerts(&[(0, &blind), (1, &calm)]).into_string();
        assert!(page.contains("no alert") && !page.contains("v0.7.0"), "{page}");
    }
}
