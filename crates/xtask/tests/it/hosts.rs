//! Nothing in the tree names a package registry's host or a path of somebody's machine: a mirror, another
//! checkout or another home must do as well.

use crate::repo::{assert_none, tracked};

/// In two halves each, so that this list passes itself.
const BANNED: &[(&str, &str)] = &[
    ("crates", ".io"),
    ("npmjs", ".org"),
    ("npmjs", ".com"),
    ("pypi", ".org"),
    ("pythonhosted", ".org"),
    ("proxy.golang", ".org"),
    ("repo.maven", ".apache.org"),
    ("docker", ".io/"),
    ("/ro", "ot/"),
    ("/ho", "me/"),
    ("/Us", "ers/"),
    ("/wo", "rk/"),
    (":\\Us", "ers\\"),
];

#[test]
fn no_registry_and_no_machine_is_named() {
    let mut wrong = Vec::new();
    // Cargo writes the lock file and names the registry in it, as it must.
    for file in tracked().iter().filter(|file| file.path != "Cargo.lock") {
        for (number, line) in file.text.lines().enumerate() {
            for (first, second) in BANNED {
                if line.contains(&format!("{first}{second}")) {
                    wrong.push(format!("{}:{}: {first}{second}", file.path, number + 1));
                }
            }
        }
    }
    assert_none("hosts and paths that do not belong here", &wrong);
}
