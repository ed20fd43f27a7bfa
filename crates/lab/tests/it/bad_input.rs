//! What people get wrong in a file, and what they are told. The messages are a snapshot: read them.

use std::{error::Error, fs, path::Path};

use lab::{designs, experiment::Experiment};

/// An error as the command line prints it, without the folder that differs from run to run.
fn told(error: &dyn Error, folder: &Path) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    // The list of designs grows; what is told here is how a wrong one is refused.
    let known = designs::known().join(", ");
    text.replace(&format!("{}/", folder.display()), "").replace(&known, "<the designs>")
}

fn table(cases: &[&str], judge: impl Fn(&Path, &str) -> String) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let mut table = String::new();
    for case in cases {
        let path = folder.path().join("x.toml");
        fs::write(&path, case).expect("writable");
        table.push_str(&format!(
            "{}\n  → {}\n\n",
            case.trim(),
            judge(folder.path(), &path.display().to_string())
        ));
    }
    table
}

#[test]
fn a_wrong_design_is_refused_with_its_place_and_its_reason() {
    let cases = [
        "name = \"x\"\nextends = \"v0.1.0\"\n\n[admission]\nkind = \"concurrency\"\nlimt = 64\n",
        "name = \"x\"\nextends = \"v0.1.0\"\n[admission]\nkind = \"concurrency\"\nlimit = 0\n",
        "name = \"x\"\nextends = \"v0.1.0\"\n[admission]\nkind = \"concurrency\"\nlimit = -1\n",
        "name = \"x\"\nextends = \"v0.1.0\"\n[admission]\nkind = \"concurrency\"\nlimit = \"many\"\n",
        "name = \"x\"\nextends = \"v0.1.0\"\n[admission]\nkind = \"rate\"\nlimit = 3\n",
        "name = \"x\"\nextends = \"v0.1.0\"\n[admission]\nkind = \"turnstile\"\n",
        "name = \"x\"\nextends = \"v0.1.0\"\n[backpressure]\nstrategy = \"bounded-queue\"\nworkers = 1\nqueue = 1\nretry_after = \"soon\"\n",
        "name = \"x\"\n[payment]\nprofile = \"ladder\"\nfailure_rate = 1.5\n",
        "name = \"x\"\n[payment]\nprofile = \"leader\"\n",
        "name = \"x\"\n[fuse]\n",
        "name = \"x\"\ntopology = \"ring\"\n",
        "name = \"x\"\n[payment\n",
        "name = \"x\"\nname = \"y\"\n",
        "name = 7\n",
        "[payment]\nprofile = \"ladder\"\n",
        "name = \"a b\"\n[payment]\nprofile = \"ladder\"\n",
        "name = \"\"\n",
        "name = \"x\"\n",
        "name = \"x\"\nextends = \"v0.9.9\"\n",
        "name = \"x\"\nextends = \"missing.toml\"\n",
        "name = \"x\"\nextends = \"x.toml\"\n",
    ];
    let judge = |folder: &Path, path: &str| match designs::resolve(path) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => told(&error, folder),
    };
    insta::assert_snapshot!(table(&cases, judge));
}

#[test]
fn a_wrong_experiment_is_refused_with_its_place_and_its_reason() {
    let head = "name = \"x\"\ndesigns = [\"v0.1.0\"]\n";
    let load = "[load]\nkind = \"constant\"\nrates = [50]\nduration = \"3s\"\n";
    let expect = "[[expect]]\nlesson = \"l\"\n";
    let cases = [
        "designs = []\n[load]\n".to_owned(),
        format!("{head}[load]\nkind = \"constant\"\nrates = [50, 0]\nduration = \"3s\"\n"),
        format!("{head}[load]\nkind = \"constant\"\nrates = [50, 50]\nduration = \"3s\"\n"),
        format!("{head}[load]\nkind = \"constant\"\nrates = []\nduration = \"3s\"\n"),
        format!("{head}[load]\nkind = \"constant\"\nrates = [50]\nduration = \"-3s\"\n"),
        format!("{head}[load]\nkind = \"constant\"\nrates = [50]\nduration = \"0s\"\n"),
        format!("{head}[load]\nkind = \"constant\"\nrates = [1000000]\nduration = \"1h\"\n"),
        format!("{head}[load]\nkind = \"ramp\"\nrates = [50]\nduration = \"3s\"\n"),
        format!(
            "{head}[load]\nkind = \"burst\"\nbase_per_s = 1\npeak_per_s = 9\nburst_start = \"2s\"\nburst_duration = \"2s\"\nduration = \"3s\"\n"
        ),
        format!("{head}[load]\nkind = \"constant\"\nrates = [50]\nduration = \"3s\"\nspacing = \"odd\"\n"),
        format!("name = \"x\"\ndesigns = [\"v9\"]\n{load}"),
        format!("name = \"x\"\ndesigns = [\"v0.1.0\", \"v0.1.0\"]\n{load}"),
        format!("name = \"x\"\ndesigns = []\n{load}"),
        format!("name = \"x y\"\ndesigns = [\"v0.1.0\"]\n{load}"),
        format!("{head}faults = [\"blackut\"]\n{load}"),
        format!("{head}faults = [\"none\", \"none\"]\n{load}"),
        format!("{head}faults = []\n{load}"),
        format!(
            "{head}{load}[[fault]]\nname = \"f\"\nat = \"5s\"\nuntil = \"2s\"\nkind = \"kill\"\nhost = \"order-api\"\n"
        ),
        format!(
            "{head}{load}[[fault]]\nname = \"f\"\nat = \"1s\"\nuntil = \"2s\"\nkind = \"kill\"\nhost = \"order\"\n"
        ),
        format!(
            "{head}{load}[[fault]]\nname = \"none\"\nat = \"1s\"\nuntil = \"2s\"\nkind = \"kill\"\nhost = \"order-api\"\n"
        ),
        format!(
            "{head}faults = [\"none\"]\n{load}[[fault]]\nname = \"f\"\nat = \"1s\"\nuntil = \"2s\"\nkind = \"kill\"\nhost = \"order-api\"\n"
        ),
        format!("{head}{load}[[expect]]\nlesson = \"\"\nmetric = \"offered\"\nat_least = 1\n"),
        format!("{head}{load}{expect}metric = \"offered\"\n"),
        format!("{head}{load}{expect}metric = \"errors.timeuot\"\nequals = 0\n"),
        format!("{head}{load}{expect}metric = \"goodput\"\nat_least = 1\n"),
        format!("{head}{load}{expect}metric = \"latency_ms.p999\"\nat_most = 1\n"),
        format!("{head}{load}{expect}metric = \"services.payment.waiting_max\"\nequals = 0\n"),
        format!("{head}{load}{expect}metric = \"phases.afterwards.offered\"\nat_least = 1\n"),
        format!("{head}{load}{expect}designs = [\"v0.2.0\"]\nmetric = \"offered\"\nat_least = 1\n"),
        format!("{head}{load}{expect}rates = [100]\nmetric = \"offered\"\nat_least = 1\n"),
        format!("{head}{load}{expect}faults = [\"blackout\"]\nmetric = \"offered\"\nat_least = 1\n"),
        format!("{head}{load}{expect}faults = []\nmetric = \"offered\"\nat_least = 1\n"),
        format!("{head}{load}{expect}metric = \"offered\"\nat_lest = 1\n"),
        format!("{head}{load}{expect}metric = \"offered\"\nis = \"many\"\n"),
        format!("{head}{load}[[variant]]\nname = \"v\"\n"),
        format!("{head}{load}[[variant]]\nname = \"v\"\nextends = \"v0.3.0\"\n"),
        format!("{head}{load}[[variant]]\nname = \"v/w\"\nextends = \"v0.3.0\"\n"),
        format!("{head}{load}[[variant]]\nname = \"v\"\nextends = \"v0.1.0\"\nwithout = [\"admission\"]\n"),
        format!("{head}{load}[[variant]]\nname = \"v\"\nextends = \"v0.3.0\"\nwithout = [\"payment\"]\n"),
        format!(
            "{head}{load}[[variant]]\nname = \"v\"\nextends = \"v0.2.0\"\nwithout = [\"admission\"]\n[variant.admission]\nkind = \"concurrency\"\nlimit = 3\n"
        ),
        format!("{head}{load}[[section]]\nkind = \"table\"\ntitle = \"t\"\n"),
        format!("{head}{load}[[section]]\nkind = \"matrix\"\ntitle = \"t\"\nmetrics = [\"goodput\"]\n"),
        format!("{head}{load}[[section]]\nkind = \"hysteresis\"\ntitle = \"t\"\n"),
        format!("{head}{load}[[section]]\nkind = \"ablation\"\ntitle = \"t\"\nreference = \"v9\"\n"),
        format!("{head}{load}{expect}loads = [\"x\"]\nmetric = \"offered\"\nat_least = 1\n"),
        format!("{head}[load]\nkind = \"steps\"\nsteps = [{{ rate_per_s = 5, duration = \"0s\" }}]\n"),
        format!(
            "{head}[load]\nkind = \"steps\"\nduration = \"3s\"\nsteps = [{{ rate_per_s = 5, duration = \"3s\" }}]\n"
        ),
        format!("{head}[load]\nkind = \"users\"\nusers = 20\nduration = \"3s\"\n"),
        format!("{head}[load]\nkind = \"constant\"\nname = \"both\"\nrates = [50, 100]\nduration = \"3s\"\n"),
        format!(
            "{head}[load]\nkind = \"constant\"\nhigh_priority_share = 1.5\nrates = [50]\nduration = \"3s\"\n"
        ),
        format!("{head}[[load]]\nkind = \"constant\"\nrates = [50]\nduration = \"3s\"\n"),
        format!(
            "{head}[[load]]\nname = \"a\"\nkind = \"constant\"\nrates = [50]\nduration = \"3s\"\n[[load]]\nname = \"b\"\nkind = \"constant\"\nrates = [50]\nduration = \"3s\"\n"
        ),
        format!("slo = \"0s\"\n{head}{load}"),
        format!("{head}{load}{expect}metric = \"offered\"\nat_most_times = {{ times = 1 }}\n"),
        format!(
            "{head}{load}{expect}metric = \"offered\"\nat_most_times = {{ times = 0, metric = \"rejected\" }}\n"
        ),
        format!(
            "{head}{load}{expect}metric = \"offered\"\nat_most_times = {{ times = 1, design = \"v0.2.0\" }}\n"
        ),
        format!(
            "{head}{load}{expect}metric = \"offered\"\nat_most_times = {{ times = 1, design = \"v0.1.0\" }}\n"
        ),
        format!(
            "{head}{load}{expect}metric = \"offered\"\nat_least_times = {{ times = 1, metric = \"offred\" }}\n"
        ),
        format!("{head}{load}{expect}metric = \"offered\"\nat_least = 1\nover_seeds = \"median\"\n"),
        format!("{head}{load}[[section]]\nkind = \"business\"\ntitle = \"t\"\norder_value = -50\n"),
        format!("{head}{load}[[section]]\nkind = \"business\"\ntitle = \"t\"\nsales_per_year = 0\n"),
        format!("{head}{load}[[section]]\nkind = \"capacity\"\ntitle = \"t\"\norder_value = 50\n"),
        format!("{head}{load}[[section]]\nkind = \"histogram\"\ntitle = \"t\"\nof = \"money\"\n"),
        format!("{head}{load}[[section]]\nkind = \"expected\"\ntitle = \"t\"\n"),
        format!(
            "{head}{load}[[section]]\nkind = \"expected\"\ntitle = \"t\"\nexpected = [{{ what = \"w\", metric = \"responses.requests\", value = 1 }}]\n"
        ),
        format!("{head}{load}balance = \"fair\"\n"),
        format!("{head}{load}[[variant]]\nname = \"v\"\nextends = \"small-service\"\nreplicas = 0\n"),
    ];
    let cases: Vec<_> = cases.iter().map(String::as_str).collect();
    let judge = |folder: &Path, path: &str| match Experiment::read(Path::new(path)) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => told(&error, folder),
    };
    insta::assert_snapshot!(table(&cases, judge));
}

#[test]
fn designs_that_extend_each_other_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.toml"), "name = \"a\"\nextends = \"b.toml\"\n").expect("writable");
    fs::write(folder.path().join("b.toml"), "name = \"b\"\nextends = \"./a.toml\"\n").expect("writable");
    let error = designs::resolve(&folder.path().join("a.toml").display().to_string()).expect_err("a circle");
    assert_eq!(
        told(&error, folder.path()),
        "b.toml:2:11: the designs extend each other in a circle: a.toml → b.toml → ./a.toml"
    );
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let error = designs::resolve("v0.9.9").expect_err("unknown");
    assert_eq!(
        error.to_string(),
        format!(
            "no design \"v0.9.9\", expected one of {}, or a path to a .toml file",
            designs::known().join(", ")
        )
    );
    let error = Experiment::read(Path::new("no/such.toml")).expect_err("missing");
    assert_eq!(error.to_string(), "the experiment no/such.toml cannot be read");
}
