//! `failfirst designs pages`: one page per design of a ladder, written from a record.
//!
//! Nothing on a page is typed by hand but what stands in the design's own file: the constraint is its
//! section with its comments, what is expected are the experiment's expectations, what was observed is the
//! record. With `--check` the pages are only compared, so that they cannot go stale unnoticed.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use lab::designs::{self, Summary};
use lab::evidence::{Verdict, record::Record};
use lab::experiment::{Experiment, check};

use crate::cli::PagesArgs;
use crate::compare::read;
use crate::designs::wrong;
use crate::failure::Failure;
use crate::output;

/// Writes the pages, or compares them.
///
/// # Errors
///
/// When the record cannot be read or is not of the experiment, a page cannot be written, or, with `--check`, a
/// page is not what the record says.
pub(crate) fn pages(args: &PagesArgs) -> Result<(), Failure> {
    let record = read(&args.record)?;
    let experiment = match &args.experiment {
        Some(path) => crate::experiment::read(path)?,
        None => Experiment::ladder(),
    };
    if record.experiment != experiment.name {
        let (file, of) = (args.record.display(), &record.experiment);
        let error = anyhow::anyhow!("{file} is a record of {of:?}, and not of {:?}", experiment.name);
        return Err(Failure::input(error).help("--record and --experiment belong together"));
    }
    let verdicts = check(&experiment, &record);
    let command = match &args.experiment {
        Some(path) => format!("run {}", path.display()),
        None => "ladder".to_owned(),
    };
    let all = designs::list();
    let run: Vec<&Summary> =
        all.iter().filter(|design| record.cells.iter().any(|cell| cell.design == design.name)).collect();
    let mut stale = Vec::new();
    for (index, design) in run.iter().enumerate() {
        let text = page(design, run.get(index + 1).copied(), &record, &verdicts, &command)?;
        let path = args.out.join(format!("{}.md", design.name));
        if args.check {
            if fs::read_to_string(&path).ok().as_deref() != Some(&text) {
                stale.push(path.display().to_string());
            }
        } else {
            write(&path, &text)?;
        }
    }
    if !stale.is_empty() {
        let error = anyhow::anyhow!("not what the record says: {}", stale.join(", "));
        return Err(Failure::stopped(error).help("write them again: the same command without --check"));
    }
    output::print(&format!("{} pages in {}\n", run.len(), args.out.display()))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .with_context(|| format!("cannot write {}", path.display()))
        .map_err(Failure::input)
}

fn page(
    design: &Summary,
    next: Option<&Summary>,
    record: &Record,
    verdicts: &[Verdict],
    command: &str,
) -> Result<String, Failure> {
    let Summary { name, title, lesson, extends } = design;
    let mut text = format!("# {name}: {title}\n\n");
    text.push_str(
        "<!-- Written by `failfirst designs pages`: change the design or the code, not this page. -->\n\n",
    );
    let context = match extends {
        Some(parent) => {
            format!("Builds upon [{parent}]({parent}.md), which is left as it is but for what stands below.")
        }
        None => "Where the ladder begins: nothing that later designs add is there yet.".to_owned(),
    };
    let shown = designs::show(name).map_err(wrong)?;
    let diff = match extends {
        Some(parent) => designs::diff(parent, name).map_err(wrong)?.to_string(),
        None => "everything is new\n".to_owned(),
    };
    let own = sections_from(&shown, &format!("# from designs/{name}.toml"));
    let _infallible = write!(
        text,
        "## Context\n\n{context}\n\n## The one constraint\n\n```toml\n{own}```\n\n## The difference\n\n```text\n{diff}```\n\n\
         ## Expected\n\n{lesson}.\n\n{}\n## How to reproduce\n\n```sh\ncargo run --release -- {command} --designs {name} \
         --seed {} --check\ncargo run --release -- designs show {name}\n```\n\n## What was observed\n\n\
         Seed {}, in the simulated world; everything below is computed from the record of the run.\n\n{}\n",
        expected(record, verdicts, name),
        record.seed,
        record.seed,
        report::observed(record, name),
    );
    let held = verdicts_of(record, verdicts, name).filter(|verdict| verdict.passed).count();
    let total = verdicts_of(record, verdicts, name).count();
    let _infallible = write!(text, "## Lessons\n\n{held} of {total} expectations about this design hold.");
    text.push_str(&match next {
        Some(next) => format!(" What is still wrong with it is what [{0}]({0}.md) is about.\n\n## Next\n\n[{0}]({0}.md), {1}: {2}.\n", next.name, next.title, next.lesson),
        None => "\n\n## Next\n\nTry it against your own ideas of what may go wrong: `failfirst verify`.\n".to_owned(),
    });
    Ok(text)
}

/// The sections of a shown design that come from its own file.
fn sections_from(shown: &str, origin: &str) -> String {
    let mut text = String::new();
    for block in shown.split("\n\n").filter(|block| block.starts_with(origin)) {
        if !text.is_empty() {
            text.push('\n');
        }
        for line in block.lines().skip(1) {
            let _infallible = writeln!(text, "{line}");
        }
    }
    text
}

fn verdicts_of<'a>(
    record: &'a Record,
    verdicts: &'a [Verdict],
    design: &'a str,
) -> impl Iterator<Item = &'a Verdict> {
    verdicts.iter().filter(move |verdict| record.cells[verdict.cell].design == design)
}

/// Each lesson once, with what was expected and what the cells have.
fn expected(record: &Record, verdicts: &[Verdict], design: &str) -> String {
    let mut text = "| what must show | metric | expected | observed | |\n|---|---|---|---|---|\n".to_owned();
    let mut lessons: Vec<&Verdict> = Vec::new();
    for verdict in verdicts_of(record, verdicts, design).filter(|verdict| verdict.metric != "offered") {
        if !lessons.iter().any(|other| (&other.lesson, &other.metric) == (&verdict.lesson, &verdict.metric)) {
            lessons.push(verdict);
        }
    }
    for first in lessons {
        let same = || {
            verdicts_of(record, verdicts, design)
                .filter(|verdict| (&verdict.lesson, &verdict.metric) == (&first.lesson, &first.metric))
        };
        let values: Vec<f64> = same().filter_map(|verdict| verdict.value).collect();
        let low = values.iter().copied().reduce(f64::min);
        let high = values.iter().copied().reduce(f64::max);
        let observed = match (low, high) {
            (Some(low), Some(high)) if low < high => format!("{low} to {high}"),
            (Some(value), _) => value.to_string(),
            _ => "null".to_owned(),
        };
        let mark = if same().all(|verdict| verdict.passed) { "✓" } else { "✗" };
        let several = same().any(|verdict| verdict.expected != first.expected);
        let wanted = if several { "compared cell by cell" } else { &first.expected };
        let Verdict { lesson, metric, .. } = first;
        let _infallible = writeln!(text, "| {lesson} | `{metric}` | {wanted} | {observed} | {mark} |");
    }
    text
}
