//! The tree as git knows it: the rules apply to what is kept, not to what lies around. Where there is no git or no
//! checkout (an unpacked archive), it is the tree as it lies there.

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
    listed_by_git(&root)
        .unwrap_or_else(|| walked(&root))
        .into_iter()
        .filter_map(|path| {
            // Neither a file that was deleted and not yet committed nor a binary one has text to judge.
            let text = std::fs::read_to_string(root.join(&path)).ok()?;
            Some(Tracked { path, text })
        })
        .collect()
}

/// The paths that git keeps below `root`; `None` without git, or where git keeps nothing of ours.
fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output().ok()?;
    let text = String::from_utf8(output.stdout).expect("tracked paths are UTF-8");
    let paths: Vec<_> = text.split_terminator('\0').map(str::to_owned).collect();
    // An archive that was unpacked within somebody else's checkout is listed there as nothing at all.
    (output.status.success() && paths.iter().any(|path| path == "Cargo.toml")).then_some(paths)
}

/// The paths of every file below `root` that could be kept: nothing built, nothing hidden but `.ci`.
fn walked(root: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder)).expect("a folder of the tree can be read") {
            let entry = entry.expect("an entry of a folder can be read");
            let name = entry.file_name().into_string().expect("names in the tree are UTF-8");
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if !entry.file_type().expect("an entry has a type").is_dir() {
                paths.push(path);
            } else if !(["target", "out"].contains(&path.as_str()) || name.starts_with('.') && name != ".ci")
            {
                folders.push(path);
            }
        }
    }
    paths.sort();
    paths
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

#[test]
fn without_git_the_tree_is_walked_past_what_is_built_or_hidden() {
    let folder = tempfile::tempdir().expect("a folder");
    for path in [
        ".ci/run",
        ".git/config",
        ".gitignore",
        "Cargo.toml",
        "crates/a/src/out/b.rs",
        "crates/a/.cache/c",
        "out/x.json",
        "target/debug/d",
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("in a folder")).expect("created");
        std::fs::write(path, "").expect("written");
    }
    assert_eq!(walked(folder.path()), [".ci/run", ".gitignore", "Cargo.toml", "crates/a/src/out/b.rs"]);
    assert_eq!(listed_by_git(folder.path()), None, "it is no checkout");
}

#[test]
fn walking_finds_everything_that_git_keeps() {
    let walked = walked(&root());
    let kept = listed_by_git(&root()).unwrap_or_default();
    let missed = kept.into_iter().filter(|path| root().join(path).is_file() && !walked.contains(path));
    assert_none("kept, and not found without git", &missed.collect::<Vec<_>>());
}
