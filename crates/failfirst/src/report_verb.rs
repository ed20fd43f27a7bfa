//! `failfirst report`, `encode` and `plot`: what is made of result files. (`report` is the name of the crate that
//! writes the laboratory's reports.)

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, stdout};

use anyhow::anyhow;
use lab::load::hit::Hit;
use lab::load::series::Series;
use lab::load::summary::{Buckets, Summary, compare};
use report::plot::{Plot, Run};
use tokio::time::Instant;

use crate::cli::{EncodeArgs, PlotArgs, ReportArgs, ReportKind};
use crate::failure::Failure;
use crate::results::{self, Sink};

/// The most targets with a report of their own; the rest is one more.
const TARGETS_MAX: usize = 1_000;

/// Clears a terminal, so that a report that is written again and again stays in its place.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// What was seen in one file.
#[derive(Default)]
struct Seen {
    summary: Summary,
    buckets: Option<Buckets>,
    targets: BTreeMap<String, (Summary, Option<Buckets>)>,
}

impl Seen {
    fn add(&mut self, hit: &Hit, empty: Option<&Buckets>, per_target: bool) {
        self.summary.add(hit);
        let counts = !hit.was_dropped();
        if let Some(buckets) = self.buckets.as_mut().filter(|_| counts) {
            buckets.add(hit.latency);
        }
        if !per_target {
            return;
        }
        let name = format!("{} {}", hit.method, hit.url);
        let full = self.targets.len() >= TARGETS_MAX && !self.targets.contains_key(&name);
        let name = if full { "(other targets)".to_owned() } else { name };
        let (summary, buckets) =
            self.targets.entry(name).or_insert_with(|| (Summary::default(), empty.cloned()));
        summary.add(hit);
        if let Some(buckets) = buckets.as_mut().filter(|_| counts) {
            buckets.add(hit.latency);
        }
    }
}

/// Reads result files and writes a report.
///
/// # Errors
/// When a file or an expression is wrong, or a threshold does not hold.
pub(crate) fn report(args: &ReportArgs) -> Result<(), Failure> {
    let buckets = match &args.kind {
        ReportKind::Hist(Some(buckets)) => Some(buckets.clone()),
        _ => args.buckets.clone(),
    };
    if matches!(args.kind, ReportKind::Hist(_)) && buckets.is_none() {
        return Err(
            Failure::input(anyhow!("a histogram needs buckets")).help("write --type 'hist[0,10ms,100ms]'")
        );
    }
    let inputs = results::open(&args.files)?;
    let mut all: Vec<(String, Seen)> = Vec::new();
    let mut written = Instant::now();
    for (name, hits) in inputs {
        if all.is_empty() || !args.merge {
            all.push((name, Seen { buckets: buckets.clone(), ..Seen::default() }));
        }
        for hit in hits {
            let hit = hit.map_err(results::unreadable)?;
            let (_, seen) = all.last_mut().expect("the file was pushed");
            seen.add(&hit, buckets.as_ref(), args.per_target);
            if !args.every.is_zero() && written.elapsed() >= args.every {
                write(args, &all, true)?;
                written = Instant::now();
            }
        }
    }
    write(args, &all, false)?;
    let summaries: Vec<_> = all.iter().map(|(name, seen)| (name.clone(), &seen.summary)).collect();
    results::judge(&args.threshold, &summaries)
}

fn write(args: &ReportArgs, all: &[(String, Seen)], again: bool) -> Result<(), Failure> {
    let mut text = text(args, all);
    if again && args.output == "stdout" && stdout().is_terminal() {
        text.insert_str(0, CLEAR);
    }
    results::write_text(&args.output, &text)
}

fn text(args: &ReportArgs, all: &[(String, Seen)]) -> String {
    if args.kind == ReportKind::Json {
        let mut files = all.iter().map(|(name, seen)| (name, json(seen, args.per_target)));
        let value = match all {
            [_] => files.next().map_or_else(Default::default, |(_, report)| report),
            _ => files
                .map(|(name, report)| serde_json::json!({"file": name, "report": report}))
                .collect::<Vec<_>>()
                .into(),
        };
        return format!("{value}\n");
    }
    if args.kind == ReportKind::Text && all.len() > 1 && !args.per_target {
        let files: Vec<_> = all.iter().map(|(name, seen)| (name.clone(), seen.summary.clone())).collect();
        return compare::text(&files);
    }
    let mut parts = Vec::new();
    for (name, seen) in all {
        let of_file = if all.len() > 1 { format!("{name}: ") } else { String::new() };
        if args.per_target {
            for (target, (summary, buckets)) in &seen.targets {
                parts.push(format!("{of_file}{target}\n{}", one(&args.kind, summary, buckets.as_ref())));
            }
        } else {
            let title = if all.len() > 1 { format!("{name}\n") } else { String::new() };
            parts.push(format!("{title}{}", one(&args.kind, &seen.summary, seen.buckets.as_ref())));
        }
    }
    parts.join("\n")
}

fn one(kind: &ReportKind, summary: &Summary, buckets: Option<&Buckets>) -> String {
    match kind {
        ReportKind::HdrPlot => summary.hdr_plot(),
        ReportKind::Hist(_) => buckets.map(Buckets::text).unwrap_or_default(),
        ReportKind::Text | ReportKind::Json => summary.text(),
    }
}

fn json(seen: &Seen, per_target: bool) -> serde_json::Value {
    let mut report = seen.summary.json(seen.buckets.as_ref());
    if per_target {
        let targets = seen.targets.iter();
        let targets =
            targets.map(|(name, (summary, buckets))| (name.clone(), summary.json(buckets.as_ref())));
        report["targets"] = targets.collect::<serde_json::Map<_, _>>().into();
    }
    report
}

/// Writes the hits of all files in one format.
///
/// # Errors
/// When a file is wrong, or nothing can be written.
pub(crate) fn encode(args: &EncodeArgs) -> Result<(), Failure> {
    let inputs = results::open(&args.files)?;
    let mut sink = Sink::open(&args.output, args.to, false)?;
    for (_, hits) in inputs {
        for hit in hits {
            sink.write(&hit.map_err(results::unreadable)?)?;
        }
    }
    sink.finish()
}

/// Draws the files over time, as one page.
///
/// # Errors
/// When a file is wrong, or the page cannot be written.
pub(crate) fn plot(args: &PlotArgs) -> Result<(), Failure> {
    let mut runs = Vec::new();
    for (name, hits) in results::open(&args.files)? {
        let (mut series, mut summary) = (Series::default(), Summary::default());
        for hit in hits {
            let hit = hit.map_err(results::unreadable)?;
            series.add(&hit);
            summary.add(&hit);
        }
        runs.push(run(name, &series, &summary));
    }
    let page = report::plot::html(&Plot { title: args.title.clone(), runs });
    results::write_text(&args.output, &page)
}

fn run(name: String, series: &Series, summary: &Summary) -> Run {
    let width_s = series.width().as_secs_f64();
    let ms = |duration: std::time::Duration| duration.as_secs_f64() * 1e3;
    let mut run = Run {
        name,
        bin_s: width_s,
        measured_from: summary.measured_from().to_owned(),
        report: summary.text(),
        ..Run::default()
    };
    let bins: Vec<_> = series.bins().map(|(at, bin)| (at, bin.map(|bin| &bin.asked))).collect();
    for (at, bin) in &bins {
        run.at_s.push(at.as_secs_f64());
        let per_s = |count: u64| count as f64 / width_s;
        run.sent_per_s.push(per_s(bin.map_or(0, Summary::requests)));
        run.succeeded_per_s.push(per_s(bin.map_or(0, |bin| bin.succeeded)));
        run.not_sent_per_s.push(per_s(bin.map_or(0, |bin| bin.dropped)));
        let answered = bin.filter(|bin| bin.requests() > 0);
        let quantile = |share| answered.map(|bin| ms(bin.latencies.quantile(share)));
        for (line, share) in run.latency_ms.iter_mut().zip(report::plot::SHARES) {
            line.push(quantile(share));
        }
    }
    let failures = summary.codes.keys().copied().filter(|code| !(200..400).contains(code));
    for code in failures {
        let name = if code == 0 { "no answer".to_owned() } else { code.to_string() };
        let counts =
            bins.iter().map(|(_, bin)| bin.and_then(|bin| bin.codes.get(&code)).copied().unwrap_or(0));
        run.errors_per_s.insert(name, counts.map(|count| count as f64 / width_s).collect());
    }
    if summary.requests() > 0 {
        let steps = report::plot::quantile_steps(summary.requests());
        run.quantiles =
            steps.into_iter().map(|share| (share, ms(summary.latencies.quantile(share)))).collect();
    }
    run
}
