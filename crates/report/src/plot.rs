//! Attacks over time, as one HTML page that opens without a network: latency, rate, errors and quantiles, with
//! several runs laid over each other.
//!
//! It is drawn from neutral numbers ([`Run`]), because this crate knows no result file. The page keeps to the rules of
//! the other one ([`html`](crate::html())): nothing is fetched, text is escaped, and without JavaScript the reports
//! remain.

use std::collections::BTreeMap;

use maud::{DOCTYPE, PreEscaped, html as markup};
use serde::Serialize;

use crate::html::{POLICY, STYLE, plotly};

/// The latencies that are drawn over time, as shares of the requests that were no slower.
pub const SHARES: [f64; 4] = [0.5, 0.9, 0.99, 1.0];

const SCRIPT: &str = include_str!("plot/plot.js");
const OWN_STYLE: &str = include_str!("plot/plot.css");

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub struct Plot {
    /// The page's title.
    pub title: String,
    /// The runs, each with a colour of its own.
    pub runs: Vec<Run>,
}

/// One run: numbers per bin, all of the same length.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Run {
    /// Its name, for example the file's.
    pub name: String,
    /// How wide a bin is, in seconds.
    pub bin_s: f64,
    /// When each bin begins, in seconds from the first.
    pub at_s: Vec<f64>,
    /// Requests sent.
    pub sent_per_s: Vec<f64>,
    /// Requests that succeeded, by the time of their sending.
    pub succeeded_per_s: Vec<f64>,
    /// Requests that were not sent.
    pub not_sent_per_s: Vec<f64>,
    /// For each of [`SHARES`] the latency in milliseconds; `None` where nothing was sent.
    pub latency_ms: [Vec<Option<f64>>; SHARES.len()],
    /// Failures by what they were.
    pub errors_per_s: BTreeMap<String, Vec<f64>>,
    /// Shares of all requests, ascending, with the latency in milliseconds that they did not exceed.
    pub quantiles: Vec<(f64, f64)>,
    /// From when on latencies are measured, in words.
    pub measured_from: String,
    /// The run's report as text.
    pub report: String,
}

/// Shares at which a curve of quantiles of so many requests has something to show: ever closer to 1, until less than
/// one request is left.
#[must_use]
pub fn quantile_steps(requests: u64) -> Vec<f64> {
    /// Points for each factor of ten.
    const PER_DECADE: i32 = 20;
    let decades = (requests.max(1) as f64).log10().ceil().clamp(1.0, 7.0) as i32;
    (0..=decades * PER_DECADE)
        .map(|step| 1.0 - 10_f64.powf(-f64::from(step) / f64::from(PER_DECADE)))
        .collect()
}

/// The page.
#[must_use]
pub fn html(plot: &Plot) -> String {
    let data = serde_json::to_string(&plot.runs).expect("keys are text, and memory takes every write");
    // "</script>" inside a file's name must not end the element.
    let data = data.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let charts = [
        ("latency", "Latency over time"),
        ("rate", "Requests per second"),
        ("errors", "Failures per second"),
        ("quantiles", "Latency by quantile"),
    ];
    let document = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (plot.title) }
                style { (PreEscaped(STYLE)) (PreEscaped(OWN_STYLE)) }
            }
            body {
                header {
                    h1 { (plot.title) }
                    p.run { "Drag to look closer, double click to see everything again, click a name to hide it." }
                }
                main {
                    div.plots {
                        @for (id, title) in charts {
                            section aria-labelledby={ (id) "-title" } {
                                h2 id={ (id) "-title" } { (title) }
                                div.plot id=(id) {}
                            }
                        }
                    }
                    @for (index, run) in plot.runs.iter().enumerate() {
                        section.report {
                            h2 { span class={ "chip d" (index % 9) } {} (run.name) }
                            p.soft { "Latencies are measured from the " (run.measured_from) "." }
                            pre { (run.report) }
                        }
                    }
                }
                script type="application/json" id="runs" { (PreEscaped(data)) }
                (PreEscaped(plotly()))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    document.into_string()
}

#[cfg(test)]
mod tests {
    use super::{Plot, Run, html, quantile_steps};

    #[test]
    fn the_page_is_whole_fetches_nothing_and_escapes_names() {
        let run = Run { name: "</script><b>.json".to_owned(), report: "a < b".to_owned(), ..Run::default() };
        let page = html(&Plot { title: "A & B".to_owned(), runs: vec![run] });
        assert!(page.contains("<title>A &amp; B</title>") && page.contains("a &lt; b"), "text is escaped");
        assert!(!page.contains("</script><b>"), "a name ends no element");
        let own = page.replace(&super::plotly(), "");
        assert!(own.contains("default-src 'none'"), "the policy forbids to fetch anything");
        for reference in ["http:", "https:", "src=", "@import", "<link"] {
            assert!(!own.contains(reference), "{reference} in the page");
        }
        for id in ["latency", "rate", "errors", "quantiles"] {
            assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }

    #[test]
    fn steps_go_on_until_less_than_one_request_is_left() {
        let steps = quantile_steps(1_000);
        assert!(steps.is_sorted() && steps[0] == 0.0);
        assert!((steps[steps.len() - 1] - 0.999).abs() < 1e-9, "{steps:?}");
        assert_eq!(quantile_steps(0).len(), 21);
    }
}
