//! The tree as git knows it: the rules apply to what is kept, not to what lies around.

use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{Metadata, MetadataCommand};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the crate lies two folders below the root")
        .to_owned()
}

/// A tracked text file.
#[derive(Debug)]
pub(crate) struct Tracked {
    /// Its path from the root, with `/` between the folders.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) text: String,
}

impl Tracked {
    /// Whether it is a Rust source of a crate's library or binary.
    pub(crate) fn is_src(&self) -> bool {
        self.is_rust() && self.path.starts_with("crates/") && self.path.split('/').nth(2) == Some("src")
    }

    /// Whether it is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// Every tracked text file that exists on disk.
pub(crate) fn tracked() -> Vec<Tracked> {
    let root = root();
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(&root)
        .output()
        .expect("git is needed to know which files belong to the tree");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .expect("tracked paths are UTF-8")
        .split_terminator('\0')
        .filter_map(|path| {
            // Neither a file that was deleted and not yet committed nor a binary one has text to judge.
            let text = std::fs::read_to_string(root.join(path)).ok()?;
            Some(Tracked { path: path.to_owned(), text })
        })
        .collect()
}

/// One tracked file that has to be there.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What cargo says of the workspace, without a network.
pub(crate) fn metadata(more: &[&str]) -> Metadata {
    let mut options = vec!["--offline".to_owned(), "--locked".to_owned()];
    options.extend(more.iter().map(|&option| option.to_owned()));
    MetadataCommand::new()
        .current_dir(root())
        .other_options(options)
        .exec()
        .expect("cargo metadata works offline once the workspace was built")
}

/// Fails with everything that is wrong at once, one per line.
#[track_caller]
pub(crate) fn assert_none(rule: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{rule}:\n  {}", wrong.join("\n  "));
}
