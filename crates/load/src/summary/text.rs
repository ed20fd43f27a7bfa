//! The report that people read, with vegeta's rows in vegeta's places; ours stand between them and the errors.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Durations, Summary};
use crate::duration::{format_duration, rounded};

impl Summary {
    /// The report as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut row = |name: &str, unit: &str, values: String| {
            let _infallible = writeln!(text, "{name:<14}{unit:<34}{values}");
        };
        let latencies = &self.latencies;
        row(
            "Requests",
            "[total, rate, throughput]",
            format!("{}, {:.2}, {:.2}", self.requests(), self.rate(), self.throughput()),
        );
        row(
            "Duration",
            "[total, attack, wait]",
            durations([self.attack_time() + self.wait(), self.attack_time(), self.wait()]),
        );
        row("Latencies", "[min, mean, 50, 90, 95, 99, max]", seven(latencies));
        row("Bytes In", "[total, mean]", self.bytes(self.bytes_in));
        row("Bytes Out", "[total, mean]", self.bytes(self.bytes_out));
        row("Success", "[ratio]", format!("{:.2}%", self.success().unwrap_or(0.0) * 100.0));
        let codes = self.codes.iter().map(|(code, count)| format!("{code}:{count}  "));
        row("Status Codes", "[code:count]", codes.collect());
        if self.is_from_intended() {
            row("From Send", "[min, mean, 50, 90, 95, 99, max]", seven(&self.latencies_from_send));
            let delays = &self.delays;
            let shown = durations([delays.mean(), delays.quantile(0.5), delays.quantile(0.99), delays.max()]);
            row("Send Delay", "[mean, 50, 99, max, late]", format!("{shown}, {}", self.late));
        }
        if self.is_from_intended() || self.dropped > 0 {
            row("Not Sent", "[total]", self.dropped.to_string());
        }
        row("Measured", "[latencies from]", self.measured_from().to_owned());
        text.push_str("Error Set:\n");
        for error in &self.errors {
            let _infallible = writeln!(text, "{error}");
        }
        if self.errors_beyond > 0 {
            let _infallible = writeln!(text, "… and {} more, of other kinds", self.errors_beyond);
        }
        text
    }

    fn bytes(&self, total: u64) -> String {
        let mean = if self.requests() == 0 { 0.0 } else { total as f64 / self.requests() as f64 };
        format!("{total}, {mean:.2}")
    }
}

fn seven(latencies: &Durations) -> String {
    durations([
        latencies.min(),
        latencies.mean(),
        latencies.quantile(0.5),
        latencies.quantile(0.9),
        latencies.quantile(0.95),
        latencies.quantile(0.99),
        latencies.max(),
    ])
}

fn durations<const N: usize>(all: [Duration; N]) -> String {
    all.map(|duration| format_duration(rounded(duration))).join(", ")
}
