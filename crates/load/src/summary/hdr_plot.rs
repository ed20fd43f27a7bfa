//! Quantiles in the form that HdrHistogram's plotter reads (`plotFiles.html` of that project), at vegeta's steps:
//! they get finer towards 1, as latencies get rarer.

use std::fmt::Write as _;

use super::Summary;

/// Where quantiles are taken: up to 0.5 in tenths; then each half of what is left, in parts of its own.
const STEPS: [f64; 74] = [
    0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.775, 0.8, 0.825, 0.85, 0.875, 0.8875, 0.9,
    0.9125, 0.925, 0.9375, 0.94375, 0.95, 0.95625, 0.9625, 0.96875, 0.971875, 0.975, 0.978125, 0.98125,
    0.984375, 0.985938, 0.9875, 0.989062, 0.990625, 0.992188, 0.992969, 0.99375, 0.994531, 0.995313,
    0.996094, 0.996484, 0.996875, 0.997266, 0.997656, 0.998047, 0.998242, 0.998437, 0.998633, 0.998828,
    0.999023, 0.999121, 0.999219, 0.999316, 0.999414, 0.999512, 0.999561, 0.999609, 0.999658, 0.999707,
    0.999756, 0.99978, 0.999805, 0.999829, 0.999854, 0.999878, 0.999902, 0.999927, 0.999951, 0.999969,
    0.999985, 0.999994, 0.999999, 1.0,
];

impl Summary {
    /// The quantiles of the latencies.
    #[must_use]
    pub fn hdr_plot(&self) -> String {
        let requests = self.requests() as f64;
        let rows: Vec<_> = STEPS
            .iter()
            .map(|step| {
                let value_ms = self.latencies.quantile(*step).as_secs_f64() * 1e3;
                let one_by = if *step < 1.0 { 1.0 / (1.0 - step) } else { 1e7 };
                [
                    format!("{value_ms:.6}"),
                    format!("{step:.6}"),
                    format!("{}", (step * requests + 0.5) as u64),
                    format!("{one_by:.6}"),
                ]
            })
            .collect();
        let titles = ["Value(ms)", "Percentile", "TotalCount", "1/(1-Percentile)"];
        let widths: Vec<_> = (0..3)
            .map(|column| {
                rows.iter().map(|row| row[column].len()).max().unwrap_or(0).max(titles[column].len()) + 2
            })
            .collect();
        let mut text = String::new();
        for row in std::iter::once(titles.map(str::to_owned)).chain(rows) {
            let [a, b, c, d] = row;
            let _infallible =
                writeln!(text, "{a:<w0$}{b:<w1$}{c:<w2$}{d}", w0 = widths[0], w1 = widths[1], w2 = widths[2]);
        }
        text
    }
}
