//! The line on the terminal while an attack goes on: what happened since it was last drawn.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lab::load::hit::Hit;
use lab::load::summary::Summary;
use lab::load::{format_duration, rounded};
use lab::node::Gauge;
use tokio::time::{Instant, Interval, MissedTickBehavior};

/// How often it is drawn.
const EVERY: Duration = Duration::from_millis(500);

/// A line on standard error, if that is a terminal.
#[derive(Debug)]
pub(super) struct Live {
    bar: ProgressBar,
    under_way: Gauge,
    ticks: Interval,
    since: Instant,
    window: Summary,
    dropped: u64,
}

impl Live {
    /// Must be called within a runtime.
    pub(super) fn new(under_way: Gauge) -> Self {
        let style = ProgressStyle::with_template("{elapsed:>4}  {msg}").expect("the template is right");
        let bar = ProgressBar::new_spinner().with_style(style);
        let mut ticks = tokio::time::interval_at(Instant::now() + EVERY, EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { bar, under_way, ticks, since: Instant::now(), window: Summary::default(), dropped: 0 }
    }

    pub(super) async fn tick(&mut self) {
        self.ticks.tick().await;
    }

    pub(super) fn add(&mut self, hit: &Hit) {
        if !self.bar.is_hidden() {
            self.window.add(hit);
        }
    }

    pub(super) fn draw(&mut self) {
        if self.bar.is_hidden() {
            return;
        }
        let window = std::mem::take(&mut self.window);
        let rate = window.requests() as f64 / self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
        self.dropped += window.dropped;
        let success = window.success().map_or("–".to_owned(), |share| format!("{:.1} %", share * 100.0));
        let at = |share| format_duration(rounded(window.latencies.quantile(share)));
        self.bar.set_message(format!(
            "{rate:.0}/s  under way {}  success {success}  p50 {}  p99 {}  not sent {}",
            self.under_way.now(),
            at(0.5),
            at(0.99),
            self.dropped
        ));
        self.bar.tick();
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
