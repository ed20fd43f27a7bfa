//! `designs --json`: the keys that its help promises.

use std::path::Path;

use serde_json::Value;

use crate::failfirst;

fn printed(arguments: &[&str]) -> Value {
    let run = failfirst(Path::new(".")).arg("designs").args(arguments).assert().success().stderr("");
    serde_json::from_slice(&run.get_output().stdout).expect("JSON and nothing else")
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn list_has_every_design_with_what_it_adds() {
    let listed = printed(&["list", "--json"]);
    let listed = listed.as_array().expect("an array");
    let names: Vec<_> = listed.iter().map(|design| design["name"].as_str().expect("a name")).collect();
    assert_eq!(names, lab::designs::known());
    for design in listed {
        assert_eq!(keys(design), ["extends", "lesson", "name", "title"]);
    }
    assert_eq!(listed[1]["extends"], "v0.1.0");
    assert_eq!(printed(&["--json"]), printed(&["list", "--json"]), "listing is what `designs` does");
}

#[test]
fn show_has_the_complete_design_and_where_it_is_from() {
    let shown = printed(&["show", "v0.2.0", "--json"]);
    assert_eq!(keys(&shown), ["design", "extends", "lesson", "origins", "title"]);
    assert_eq!(shown["design"]["name"], "v0.2.0");
    assert_eq!(shown["design"]["admission"]["limit"], 64);
    assert!(shown["design"]["payment"]["slots"].is_u64(), "the profile is filled in: {shown}");
    assert_eq!(keys(&shown["origins"]["payment"]), ["comment", "file"]);
}

#[test]
fn diff_has_what_was_added_removed_and_changed() {
    let diff = printed(&["diff", "v0.1.0", "v0.2.0", "--json"]);
    assert_eq!(keys(&diff), ["added", "changed", "from", "removed", "to"]);
    assert_eq!((&diff["from"], &diff["to"]), (&"v0.1.0".into(), &"v0.2.0".into()));
    assert_eq!(diff["added"]["admission"]["limit"], "64");
    let same = printed(&["--json", "diff", "v0.1.0", "v0.1.0"]);
    assert!(keys(&same["added"]).is_empty() && keys(&same["changed"]).is_empty());
}
