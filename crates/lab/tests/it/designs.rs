//! The built-in designs, and what is made of them.

use std::{fs, num::NonZeroU32};

use lab::designs::{diff, list, resolve, show};
use platform::design::{AdmissionLimit, Profile};

#[test]
fn every_design_that_extends_another_adds_exactly_one_section_and_changes_nothing() {
    let designs = list();
    let roots: Vec<_> =
        designs.iter().filter(|design| design.extends.is_none()).map(|design| &design.name).collect();
    assert_eq!(
        roots,
        ["v0.1.0", "events-naive", "small-service"],
        "a baseline of each ladder, and what stands by itself"
    );
    for design in designs {
        let Some(parent) = &design.extends else { continue };
        let diff = diff(parent, &design.name).expect("both resolve");
        assert_eq!(diff.added.len(), 1, "{diff}");
        assert!(diff.removed.is_empty(), "{diff}");
        // A composition may state other sections anew; that is what it says of itself.
        assert!(diff.added.contains_key("composition") || diff.changed.is_empty(), "{diff}");
    }
}

#[test]
fn every_built_in_design_has_its_own_name_a_title_and_a_lesson() {
    for design in list() {
        assert_eq!(resolve(&design.name).expect("it resolves").design.name, design.name);
        assert!(!design.title.is_empty() && !design.lesson.is_empty(), "{}", design.name);
    }
}

#[test]
fn a_design_inherits_what_it_does_not_state() {
    let design = resolve("v0.3.0").expect("it resolves").design;
    assert_eq!(design.payment, Profile::Ladder.payment());
    let admission = design.admission.expect("from v0.2.0");
    let sixty_four = NonZeroU32::new(64).expect("not zero");
    assert_eq!(admission.limit, AdmissionLimit::Concurrency { limit: sixty_four });
    assert_eq!(design.backpressure.expect("its own").queue_max(), Some(16));
}

#[test]
fn a_file_may_extend_a_built_in_design_and_another_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("writable");
    write("base.toml", "name = 'base'\nextends = 'v0.3.0'\n[payment]\nprofile = 'flaky'\n");
    write("top.toml", "name = 'top'\nextends = 'base.toml'\n[admission]\nkind = 'concurrency'\nlimit = 5\n");
    let resolved = resolve(&folder.path().join("top.toml").display().to_string()).expect("it resolves");
    assert_eq!(resolved.design.payment, Profile::Flaky.payment());
    assert_eq!(resolved.origins["backpressure"].file, "designs/v0.3.0.toml");
    assert!(resolved.origins["payment"].file.ends_with("base.toml"));
    assert!(resolved.origins["admission"].file.ends_with("top.toml"));
}

#[test]
fn what_is_shown_says_where_it_comes_from_and_can_be_read_back() {
    let shown = show("v0.3.0").expect("it resolves");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shown.toml");
    fs::write(&path, &shown).expect("writable");
    let again = resolve(&path.display().to_string()).expect("what is shown is a design");
    assert_eq!(again.design, resolve("v0.3.0").expect("it resolves").design);
    insta::assert_snapshot!(shown);
}

#[test]
fn a_difference_is_one_line_for_each_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.toml");
    let other = "name = 'other'\n[payment]\nprofile = 'ladder'\nslots = 8\n[admission]\nkind = 'rate'\nrate_per_s = 9\nburst = 2\n";
    fs::write(&path, other).expect("writable");
    let other = path.display().to_string();
    let difference = |a: &str, b: &str| diff(a, b).expect("both resolve").to_string();
    insta::assert_snapshot!(
        [
            difference("v0.1.0", "v0.2.0"),
            difference("v0.3.0", "v0.2.0"),
            difference("v0.3.0", &other),
            difference("v0.1.0", "v0.1.0"),
        ]
        .join("\n")
    );
}

#[test]
fn a_variant_lacks_what_it_is_without_and_can_be_shown_by_its_experiment_and_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("variants.toml");
    let text = r#"
name = "variants"
designs = ["v0.3.0", "v0.3.0 without admission"]

[[variant]]
name = "v0.3.0 without admission"
extends = "v0.3.0"
without = ["admission"]
[variant.payment]
profile = "flaky"

[load]
kind = "constant"
rates = [50]
duration = "3s"
"#;
    fs::write(&path, text).expect("writable");
    let experiment = lab::experiment::Experiment::read(&path).expect("a good experiment");
    let variant = &experiment.designs[1].resolved;
    assert_eq!(variant.design.name, "v0.3.0 without admission");
    assert!(variant.design.admission.is_none() && variant.design.backpressure.is_some());
    assert_eq!(variant.design.payment, Profile::Flaky.payment());
    let shown = resolve(&format!("{}#v0.3.0 without admission", path.display())).expect("it resolves");
    assert_eq!(shown.design, variant.design);
    let difference = diff("v0.3.0", &format!("{}#v0.3.0 without admission", path.display())).expect("both");
    assert_eq!(difference.removed.keys().collect::<Vec<_>>(), ["admission"]);
    assert!(resolve(&format!("{}#another", path.display())).is_err());
}

/// Every experiment that comes with the program can be read: its designs resolve, and each of its expectations and
/// sections speaks of something that it has.
#[test]
fn every_experiment_in_the_folder_can_be_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is part of the repository") {
        let path = entry.expect("it can be listed").path();
        let experiment = lab::experiment::Experiment::read(&path).unwrap_or_else(|error| panic!("{error}"));
        assert!(!experiment.expectations.is_empty() && !experiment.title.is_empty(), "{}", path.display());
        names.push(experiment.name);
    }
    assert!(names.len() >= 3, "{names:?}");
}
