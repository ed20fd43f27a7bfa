//! How far a long run is: a bar on standard error when that is a terminal, nothing otherwise.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lab::runner::Progress;

/// How often the elapsed time moves while no cell is done.
const TICK: Duration = Duration::from_millis(250);

/// A bar over the cells of a run. Gone when dropped, so that the table stands alone.
#[derive(Debug)]
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Default for Bar {
    fn default() -> Self {
        Self::over("cells")
    }
}

impl Bar {
    /// A bar over something else than cells.
    pub(crate) fn over(what: &str) -> Self {
        let template = format!("{{elapsed:>4}} [{{bar:40}}] {{pos}}/{{len}} {what}  {{msg}}");
        let style =
            ProgressStyle::with_template(&template).expect("the template is right").progress_chars("=> ");
        Self { bar: ProgressBar::no_length().with_style(style) }
    }
}

impl Progress for Bar {
    fn started(&self, total: usize) {
        self.bar.set_length(total as u64);
        self.bar.enable_steady_tick(TICK);
    }

    fn cell_done(&self, label: &str) {
        self.bar.set_message(label.to_owned());
        self.bar.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
