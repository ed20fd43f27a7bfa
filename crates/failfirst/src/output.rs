//! What a command leaves: text on standard output, files in a folder.
//!
//! A file appears under its name only when it is complete: it is written beside its place and renamed. Whether the
//! folder can be written is found out before a run, not after it.

use std::fs::{self, File, Permissions};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::{Builder, NamedTempFile};

use crate::failure::Failure;

/// Prints to standard output. A reader that has seen enough (`failfirst … | head`) is no error.
///
/// # Errors
///
/// When standard output cannot be written for another reason.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::stopped(anyhow::Error::new(error).context("cannot write to standard output")))
        }
        _ => Ok(()),
    }
}

/// What standard output can show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// In characters; `None` when it is no terminal.
    pub(crate) width: Option<u16>,
    /// Whether colours are seen, and not unwanted (`NO_COLOR`).
    pub(crate) colour: bool,
}

impl Screen {
    pub(crate) fn of_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let width = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0);
        Self { width, colour: io::stdout().is_terminal() && !unwanted }
    }
}

/// A folder that was found to be writable.
#[derive(Debug)]
pub(crate) struct OutDir {
    path: PathBuf,
}

impl OutDir {
    /// Creates the folder if need be, and makes sure that `names` can be written in it.
    ///
    /// # Errors
    ///
    /// When they cannot.
    pub(crate) fn claim(path: &Path, names: &[&str]) -> Result<Self, Failure> {
        let refused = |error: anyhow::Error| {
            Failure::input(error).help("choose a folder that can be written with --out DIR")
        };
        let cannot = || format!("cannot write to {}", path.display());
        fs::create_dir_all(path).with_context(cannot).map_err(refused)?;
        beside(path).with_context(cannot).map_err(refused)?;
        for name in names {
            if path.join(name).is_dir() {
                return Err(refused(anyhow::anyhow!("{} is a folder", path.join(name).display())));
            }
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Writes all of the files, or none: each is complete on disk before the first gets its name.
    ///
    /// # Errors
    ///
    /// When the disk is full, or the folder has gone since.
    pub(crate) fn write(&self, files: &[(&str, &str)]) -> Result<Vec<PathBuf>, Failure> {
        self.try_write(files)
            .with_context(|| format!("cannot write to {}", self.path.display()))
            .map_err(Failure::input)
    }

    fn try_write(&self, files: &[(&str, &str)]) -> io::Result<Vec<PathBuf>> {
        let mut complete = Vec::new();
        for (name, text) in files {
            let mut file = beside(&self.path)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            complete.push((self.path.join(name), file));
        }
        let mut written = Vec::new();
        for (path, file) in complete {
            file.persist(&path).map_err(|error| error.error)?;
            written.push(path);
        }
        // The names themselves are kept by the folder. Not every system can sync one; the files are whole anyhow.
        if let Ok(folder) = File::open(&self.path) {
            let _unsupported = folder.sync_all();
        }
        Ok(written)
    }
}

/// A temporary file beside `path`, which is to become it.
///
/// # Errors
///
/// When it cannot become it.
pub(crate) fn beside_file(path: &Path) -> Result<NamedTempFile, Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let cannot = || format!("cannot write to {}", path.display());
    let refused = |error: anyhow::Error| Failure::input(error).help("choose another file with --output FILE");
    if path.is_dir() {
        return Err(refused(anyhow::anyhow!("{} is a folder", path.display())));
    }
    beside(folder).with_context(cannot).map_err(refused)
}

/// A temporary file in the folder where it will get its name, removed unless it does.
fn beside(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".failfirst-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any other new file: readable as the user's umask says, and not by its owner alone.
        builder.permissions(Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::OutDir;

    #[test]
    fn files_appear_complete_and_nothing_else_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b");
        let out = OutDir::claim(&path, &["x.json", "x.html"]).expect("writable");
        assert_eq!(std::fs::read_dir(&path).expect("created").count(), 0);
        out.write(&[("x.json", "old"), ("x.html", "<p>")]).expect("written");
        out.write(&[("x.json", "{}")]).expect("replaced");
        assert_eq!(std::fs::read_to_string(path.join("x.json")).expect("there"), "{}");
        assert_eq!(std::fs::read_dir(&path).expect("readable").count(), 2);
    }

    #[test]
    fn a_folder_below_a_file_or_a_file_that_is_a_folder_is_refused_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("written");
        let error = OutDir::claim(&file.join("out"), &[]).expect_err("below a file").to_string();
        assert!(error.contains("cannot write to") && error.contains("--out"), "{error}");
        std::fs::create_dir_all(folder.path().join("x.json")).expect("created");
        let error = OutDir::claim(folder.path(), &["x.json"]).expect_err("a folder").to_string();
        assert!(error.contains("x.json is a folder"), "{error}");
    }
}
