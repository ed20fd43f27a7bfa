//! Logs, on standard error: for people when it is a terminal, JSON lines when it is not.
//!
//! The services that `up` starts share one standard error, so each says its name in every line.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};

use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The variables that say what is logged, the first that is set: `info`, `platform=debug`, …
const VARIABLES: [&str; 2] = ["FAILFIRST_LOG", "RUST_LOG"];

/// Starts logging under a name; without a variable, from `level` on.
///
/// A variable that cannot be read as a filter is reported and ignored: a typo in it should stop nobody's run.
pub(crate) fn start(name: String, level: &str) {
    let wanted = VARIABLES.iter().find_map(|name| Some((name, std::env::var(name).ok()?)));
    let filter = match wanted {
        None => EnvFilter::new(level),
        Some((variable, text)) => EnvFilter::try_new(&text).unwrap_or_else(|error| {
            let _unsaid =
                writeln!(io::stderr(), "warning: {variable} is no log filter and is ignored: {error}");
            EnvFilter::new(level)
        }),
    };
    // A log that cannot be written, on a disk that is full, is no reason for anything to end: to say so on standard error
    // would panic where that is the log.
    let logs =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).log_internal_errors(false);
    let started = if io::stderr().is_terminal() {
        logs.compact().map_event_format(|lines| Named { name, lines, place: Place::Before }).try_init()
    } else {
        let json = logs.json().flatten_event(true).with_current_span(false);
        json.map_event_format(|lines| Named { name, lines, place: Place::FirstKey }).try_init()
    };
    // It fails only when a test of this process has started it already.
    drop(started);
}

/// Lines of another format with a name in each.
struct Named<F> {
    name: String,
    lines: F,
    place: Place,
}

/// Where the name stands in a line.
#[derive(Clone, Copy)]
enum Place {
    /// In front of it.
    Before,
    /// As the first key of its JSON object.
    FirstKey,
}

impl<S, N, F> FormatEvent<S, N> for Named<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        match self.place {
            Place::Before => {
                write!(writer, "{:<15} ", self.name)?;
                self.lines.format_event(ctx, writer, event)
            }
            Place::FirstKey => {
                let mut line = String::new();
                self.lines.format_event(ctx, Writer::new(&mut line), event)?;
                let keys = line.strip_prefix('{').unwrap_or(&line);
                write!(writer, "{{\"service\":\"{}\",{keys}", self.name)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};

    use super::{Named, Place};

    #[test]
    fn a_json_line_is_one_object_that_begins_with_the_name() {
        let mut file = tempfile::tempfile().expect("a file");
        let logs = tracing_subscriber::fmt().with_writer(file.try_clone().expect("the same file")).json();
        let named = |lines| Named { name: "order-api".to_owned(), lines, place: Place::FirstKey };
        tracing::subscriber::with_default(logs.flatten_event(true).map_event_format(named).finish(), || {
            tracing::info_span!("request", path = "/orders").in_scope(|| tracing::warn!(limit = 3, "full"));
        });
        let mut text = String::new();
        file.rewind().and_then(|()| file.read_to_string(&mut text)).expect("readable");
        assert!(text.starts_with("{\"service\":\"order-api\","), "{text}");
        let line: serde_json::Value = serde_json::from_str(&text).expect("one JSON object");
        assert_eq!((&line["message"], &line["limit"]), (&"full".into(), &3.into()));
        assert_eq!(line["spans"][0]["path"], "/orders");
    }
}
