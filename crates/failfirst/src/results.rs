//! Result files as the load tool's verbs share them: opening, writing, and holding them against thresholds.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lab::load::hit::{Hit, HitFormat, HitWriter, Hits, ReadError, ReadProblem};
use lab::load::summary::Summary;
use lab::load::threshold::Threshold;
use tempfile::NamedTempFile;

use crate::failure::Failure;
use crate::output;

/// The name of standard input and output among files.
const STANDARD: [&str; 3] = ["-", "stdin", "stdout"];

/// A file of hits, whatever it is.
pub(crate) type Input = Hits<Box<dyn BufRead>>;

/// Opens each of the files; standard input when there is none.
///
/// # Errors
/// When one cannot be read, or is in neither format.
pub(crate) fn open(files: &[String]) -> Result<Vec<(String, Input)>, Failure> {
    let standard = ["stdin".to_owned()];
    let files = if files.is_empty() { &standard[..] } else { files };
    files
        .iter()
        .map(|name| {
            let reader: Box<dyn BufRead> = if STANDARD.contains(&name.as_str()) {
                Box::new(BufReader::new(io::stdin()))
            } else {
                let file = File::open(name).with_context(|| format!("cannot read the results {name}"));
                Box::new(BufReader::new(file.map_err(Failure::input)?))
            };
            Ok((name.clone(), Hits::new(name, reader).map_err(unreadable)?))
        })
        .collect()
}

/// The error of a file, and what to do about it.
pub(crate) fn unreadable(error: ReadError) -> Failure {
    let help = match error.problem {
        ReadProblem::Unknown => "vegeta's own encoding is converted by `vegeta encode --to json`".to_owned(),
        ReadProblem::CutOff => format!(
            "its writer was stopped; take what is whole with `head -n {} {}`",
            error.line.saturating_sub(1),
            error.file
        ),
        _ => return Failure::input(error),
    };
    Failure::input(error).help(help)
}

/// Where hits are written: a file that gets its name when it is whole, standard output, or nowhere.
pub(crate) struct Sink {
    kind: Kind,
}

enum Kind {
    File { writer: HitWriter<BufWriter<NamedTempFile>>, path: PathBuf },
    Stdout(HitWriter<BufWriter<io::Stdout>>),
    Nowhere,
}

impl Sink {
    /// Opens it. On a terminal nobody wants to see results, if `not_on_terminals`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn open(name: &str, format: HitFormat, not_on_terminals: bool) -> Result<Self, Failure> {
        let kind = if STANDARD.contains(&name) {
            match not_on_terminals && io::stdout().is_terminal() {
                true => Kind::Nowhere,
                false => Kind::Stdout(HitWriter::new(BufWriter::new(io::stdout()), format)),
            }
        } else {
            let path = Path::new(name);
            let file = output::beside_file(path)?;
            Kind::File { writer: HitWriter::new(BufWriter::new(file), format), path: path.to_owned() }
        };
        Ok(Self { kind })
    }

    /// Whether standard output can be used for something else.
    pub(crate) fn leaves_stdout_free(&self) -> bool {
        !matches!(self.kind, Kind::Stdout(_))
    }

    /// Writes one hit.
    ///
    /// # Errors
    /// When it cannot be written. Silent when the reader of standard output has seen enough.
    pub(crate) fn write(&mut self, hit: &Hit) -> Result<(), Failure> {
        match &mut self.kind {
            Kind::File { writer, path } => writer.write(hit).map_err(|error| unwritable(error, path)),
            Kind::Stdout(writer) => writer.write(hit).map_err(closed),
            Kind::Nowhere => Ok(()),
        }
    }

    /// All of it is written; a file gets its name now.
    ///
    /// # Errors
    /// As for [`Sink::write`].
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self.kind {
            Kind::Nowhere => Ok(()),
            Kind::Stdout(mut writer) => writer.flush().map_err(closed),
            Kind::File { writer, path } => {
                let file = writer
                    .into_inner()
                    .into_inner()
                    .map_err(|error| unwritable(error.into_error(), &path))?;
                file.persist(&path).map_err(|error| unwritable(error.error, &path))?;
                Ok(())
            }
        }
    }
}

fn unwritable(error: io::Error, path: &Path) -> Failure {
    Failure::stopped(anyhow::Error::new(error).context(format!("cannot write to {}", path.display())))
}

/// A reader who has gone is told nothing.
fn closed(error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::NotAsExpected;
    }
    Failure::stopped(anyhow::Error::new(error).context("cannot write to standard output"))
}

/// Writes a text to a file, whole or not at all, or to standard output.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_text(name: &str, text: &str) -> Result<(), Failure> {
    if STANDARD.contains(&name) {
        return output::print(text);
    }
    let path = Path::new(name);
    let mut file = output::beside_file(path)?;
    file.write_all(text.as_bytes()).map_err(|error| unwritable(error, path))?;
    file.persist(path).map_err(|error| unwritable(error.error, path))?;
    Ok(())
}

/// Holds each summary against all thresholds, and says on standard error what was measured.
///
/// # Errors
/// When one does not hold.
pub(crate) fn judge(thresholds: &[Threshold], summaries: &[(String, &Summary)]) -> Result<(), Failure> {
    let mut hold = true;
    for (name, summary) in summaries {
        for threshold in thresholds {
            let checked = threshold.check(summary);
            let file = if summaries.len() > 1 { format!("  ({name})") } else { String::new() };
            eprintln!("{checked}{file}");
            hold &= checked.holds;
        }
    }
    if hold { Ok(()) } else { Err(Failure::NotAsExpected) }
}
