//! Orders that were accepted first and dealt with afterwards, and how many workers that takes.

use evidence::record::{Background, Cell, Goal, Record, Search, Trial};

use crate::format;
use crate::grid::Grid;
use crate::sections::{Entry, Number, Sheet, metric};
use crate::words::{self, Tone};

/// What [`fields`] are.
pub(crate) const HEADS: [&str; 8] =
    ["accepted", "within p99", "done p50", "done p99", "last done after", "backlog at most", "told", "ended"];

/// What both tables have to say, where there is anything.
pub(crate) fn sheets(record: &Record, grid: &Grid<'_>) -> Vec<Sheet> {
    let searches = record.searches.iter().map(|found| search(found, record.world != evidence::SIM));
    accepted(record, grid).into_iter().chain(searches).collect()
}

/// Event-driven cells: how fast orders were accepted, how many waited, when they were done.
fn accepted(record: &Record, grid: &Grid<'_>) -> Option<Sheet> {
    let lines: Vec<_> =
        record.cells.iter().filter_map(|cell| Some(line(grid, cell, cell.background.as_ref()?))).collect();
    (!lines.is_empty()).then(|| Sheet {
        title: "Accepted first, done afterwards".to_owned(),
        text: "Accepted is answered with 202, within so long; done is in a final state, from the moment at which the \
               order was meant to be sent. The backlog is what was accepted and is not done."
            .to_owned(),
        heads: ["cell"].into_iter().chain(HEADS).map(str::to_owned).collect(),
        groups: vec![lines],
        ..Sheet::default()
    })
}

fn line(grid: &Grid<'_>, cell: &Cell, background: &Background) -> Vec<Entry> {
    let seed = if grid.seeds.len() > 1 { format!(", seed {}", cell.seed) } else { String::new() };
    let name =
        format!("{}, {}, {}{seed}", cell.design, grid.load_name(&cell.load), words::under(&cell.fault));
    std::iter::once(Entry::plain(name)).chain(fields(cell, background)).collect()
}

/// What is said of a cell, in the order of [`HEADS`].
pub(crate) fn fields(cell: &Cell, background: &Background) -> [Entry; HEADS.len()] {
    let Background { accepted, completed, declined, failed, notified, .. } = *background;
    let open = accepted.saturating_sub(completed + declined + failed);
    let mut ended = format!("{} paid, {} declined", format::count(completed), format::count(declined));
    let put_aside = background.dead_letters;
    for (count, what) in [(failed, "given up"), (open, "still open"), (put_aside, "events put aside")] {
        if count > 0 {
            ended.push_str(&format!(", {} {what}", format::count(count)));
        }
    }
    let seconds = |seconds: Option<f64>| format::millis(seconds.map(|seconds| seconds * 1e3));
    [
        Entry::plain(format::percent(format::share(accepted, cell.offered))),
        Entry::plain(format::millis(cell.latency_ms.p99)),
        Entry::plain(format::millis(background.completion_ms.p50)),
        Entry::plain(format::millis(background.completion_ms.p99)),
        Entry::plain(seconds(background.last_done_s)),
        Entry::plain(format::count(background.backlog_max)),
        Entry::plain(format::count(notified)),
        Entry { text: ended, tone: (open > 0).then_some(Tone::Bad) },
    ]
}

/// What was tried, and from where on it was enough. Beside real cells it has to be said where it was tried.
fn search(search: &Search, beside_real: bool) -> Sheet {
    let mut heads = vec!["workers".to_owned()];
    heads.extend(search.goals.iter().map(in_words));
    heads.push("enough".to_owned());
    let line = |trial: &Trial| {
        let values = search.goals.iter().zip(&trial.values).map(|(goal, value)| Entry {
            text: metric::text(&goal.metric, &Number::Value(*value)),
            tone: (!goal.is_met_by(*value)).then_some(Tone::Bad),
        });
        let verdict = match trial.is_met {
            true => Entry { text: "yes".to_owned(), tone: Some(Tone::Good) },
            false => Entry::plain("no"),
        };
        let workers = Entry::plain(format::count(trial.workers.into()));
        std::iter::once(workers).chain(values).chain([verdict]).collect()
    };
    let [from, to] = search.between;
    let found = match search.needed {
        Some(1) => "One worker is enough.".to_owned(),
        Some(needed) if needed == from => format!("{needed} workers are enough; fewer were not tried."),
        Some(needed) => format!("It takes {needed} workers: {} are too few.", needed - 1),
        None => format!("{to} workers are not enough; more were not tried."),
    };
    Sheet {
        title: search.title.clone(),
        text: format!(
            "{}{} under {}, from {from} to {to} workers, each with a payment slot of its own; the span is halved until \
             the least that meets every goal is known.",
            if beside_real { "Simulated, unlike the cells of this report: " } else { "" },
            search.design,
            search.load
        ),
        heads,
        groups: vec![search.trials.iter().map(line).collect()],
        findings: vec![found],
        ..Sheet::default()
    }
}

fn in_words(goal: &Goal) -> String {
    let bounds = [("≤", goal.at_most), ("≥", goal.at_least)];
    let bounds = bounds.into_iter().filter_map(|(sign, bound)| {
        let bound = metric::text(&goal.metric, &Number::Value(Some(bound?)));
        Some(format!("{sign} {bound}"))
    });
    format!("{} {}", metric::title(&goal.metric), bounds.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn texts(sheet: &Sheet) -> Vec<Vec<&str>> {
        let lines = sheet.groups.iter().flatten();
        lines.map(|line| line.iter().map(|entry| entry.text.as_str()).collect()).collect()
    }

    #[test]
    fn there_is_nothing_to_say_of_orders_that_are_answered_when_they_are_done() {
        let record = sample::record(vec![sample::cell("a", "none", 50.0)]);
        assert!(sheets(&record, &Grid::new(&record)).is_empty());
    }

    #[test]
    fn what_is_still_open_stands_out() {
        let background = Background { accepted: 900, completed: 800, declined: 40, ..Background::default() };
        let cell = Cell { background: Some(background), ..sample::cell("a", "none", 50.0) };
        let record = sample::record(vec![cell]);
        let sheet = &sheets(&record, &Grid::new(&record))[0];
        let ended = sheet.groups[0][0].last().expect("a line has fields");
        assert_eq!(
            (ended.text.as_str(), ended.tone),
            ("800 paid, 40 declined, 60 still open", Some(Tone::Bad))
        );
        assert_eq!(texts(sheet)[0][1], "90 %");
    }

    #[test]
    fn a_search_says_what_is_enough_and_shows_what_was_tried() {
        let goal = Goal { metric: "success_ratio".to_owned(), at_most: None, at_least: Some(0.99) };
        let trial = |workers, value, is_met| Trial { workers, values: vec![Some(value)], is_met };
        let mut wanted = Search {
            title: "How many?".to_owned(),
            design: "a".to_owned(),
            load: "b".to_owned(),
            between: [1, 4],
            goals: vec![goal],
            needed: Some(3),
            trials: vec![trial(2, 0.5, false), trial(3, 0.99, true), trial(4, 1.0, true)],
        };
        let sheet = search(&wanted, false);
        assert_eq!(sheet.findings, ["It takes 3 workers: 2 are too few."]);
        assert_eq!(sheet.heads, ["workers", "success ≥ 99 %", "enough"]);
        assert_eq!(texts(&sheet)[0], ["2", "50 %", "no"]);
        wanted.needed = None;
        assert_eq!(search(&wanted, false).findings, ["4 workers are not enough; more were not tried."]);
        assert!(
            search(&wanted, true).text.starts_with("Simulated, unlike the cells of this report: a under b,")
        );
    }
}
