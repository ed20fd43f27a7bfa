//! Loads as they are written in files: what is accepted, and what is refused where.

use std::time::Duration;

use super::*;

fn parse(text: &str) -> Result<Load, toml::de::Error> {
    toml::from_str(text)
}

/// The error and the line that it names.
fn refusal(text: &str) -> (String, usize) {
    let error = parse(text).expect_err("it must be refused");
    let line = error.span().map_or(0, |span| 1 + text[..span.start].matches('\n').count());
    (error.message().to_owned(), line)
}

fn rate(per_s: f64) -> Rate {
    Rate::new(per_s).expect("a good rate")
}

fn span(secs: u64) -> Span {
    Span::new(Duration::from_secs(secs)).expect("a good span")
}

#[test]
fn every_kind_is_read_and_written_back() {
    for text in [
        "kind = \"constant\"\nrate_per_s = 1000\nduration = \"20s\"\nspacing = \"even\"\n",
        "kind = \"ramp\"\nfrom_per_s = 1\nto_per_s = 1000.5\nduration = \"1m 30s\"\n",
        "kind = \"burst\"\nbase_per_s = 50\npeak_per_s = 1000\nburst_start = \"0s\"\nburst_duration = \"3s\"\nduration = \"20s\"\n",
        "kind = \"steps\"\nsteps = [{ rate_per_s = 70, duration = \"20s\" }, { rate_per_s = 200, duration = \"10s\" }]\n",
        "kind = \"users\"\nusers = 20\nspawn_per_s = 10\nthink = { min = \"1s\", max = \"3s\" }\nduration = \"1m\"\n",
    ] {
        let load = parse(text).expect("a good load");
        let written = toml::to_string(&load).expect("it can be written");
        assert_eq!(parse(&written).as_ref(), Ok(&load), "{written}");
    }
}

#[test]
fn spacing_is_poisson_unless_said_otherwise() {
    let load = parse("kind = \"constant\"\nrate_per_s = 50\nduration = \"20s\"").expect("a good load");
    assert_eq!(
        load,
        Load::Constant { rate_per_s: rate(50.0), duration: span(20), spacing: Spacing::Poisson }
    );
}

#[test]
fn wrong_values_are_refused_at_their_line() {
    let constant = |rate: &str, duration: &str| {
        refusal(&format!("kind = \"constant\"\nrate_per_s = {rate}\nduration = {duration}\n"))
    };
    assert_eq!(constant("0", "\"20s\"").1, 2);
    assert_eq!(constant("-1", "\"20s\"").1, 2);
    assert_eq!(constant("inf", "\"20s\"").1, 2);
    assert_eq!(constant("nan", "\"20s\"").1, 2);
    assert_eq!(constant("1e7", "\"20s\"").1, 2);
    assert_eq!(constant("50", "\"-20s\"").1, 3);
    assert_eq!(constant("50", "\"0s\"").1, 3);
    assert_eq!(constant("50", "20").1, 3);
    let (message, line) = refusal("kind = \"constant\"\nrate_per_s = 50\n\nrate = 3\nduration = \"20s\"");
    assert_eq!(line, 4);
    assert!(message.contains("unknown field `rate`"), "{message}");
}

#[test]
fn fields_of_another_kind_are_refused() {
    let (message, _) = refusal("kind = \"constant\"\nrate_per_s = 50\nto_per_s = 3\nduration = \"20s\"");
    assert_eq!(message, "a constant load has no `to_per_s`");
    let (message, _) = refusal("kind = \"ramp\"\nfrom_per_s = 50\nduration = \"20s\"");
    assert_eq!(message, "a ramp load needs `to_per_s`");
}

#[test]
fn steps_and_users_have_their_bounds() {
    let (message, _) = refusal("kind = \"steps\"\nsteps = []");
    assert_eq!(message, "a load has 1 to 1000 steps, not 0");
    let (message, _) =
        refusal("kind = \"steps\"\nduration = \"1s\"\nsteps = [{ rate_per_s = 70, duration = \"20s\" }]");
    assert_eq!(message, "a steps load has no `duration`");
    let users = |users: u32, rest: &str| {
        refusal(&format!("kind = \"users\"\nusers = {users}\nspawn_per_s = 10\nduration = \"9s\"\n{rest}")).0
    };
    assert_eq!(
        users(70_000, "think = { min = \"1s\", max = \"3s\" }"),
        "a load has at most 65536 users, not 70000"
    );
    assert_eq!(
        users(7, "think = { min = \"3s\", max = \"1s\" }"),
        "a user thinks for at least 3s and at most 1s, which is less"
    );
    assert_eq!(
        users(7, "spacing = \"even\"\nthink = { min = \"1s\", max = \"3s\" }"),
        "a users load has no `spacing`"
    );
}

#[test]
fn steps_keep_their_shares_of_another_time_and_add_up_to_it() {
    let step = |rate_per_s, secs| RateStep { rate_per_s: rate(rate_per_s), duration: span(secs) };
    let steps = vec![step(70.0, 20), step(200.0, 10), step(70.0, 20)];
    let load = Load::Steps { steps, spacing: Spacing::Even };
    assert_eq!(load.duration(), span(50));
    let short = load.clone().lasting(span(5)).expect("a good load");
    let Load::Steps { steps, .. } = &short else { panic!("still in steps") };
    assert_eq!(steps[1].duration.get(), Duration::from_secs(1));
    assert_eq!(short.duration(), span(5));
    let odd = Span::new(Duration::from_millis(3_333)).expect("a good span");
    assert_eq!(load.lasting(odd).map(|load| load.duration()), Ok(odd));
}

#[test]
fn a_burst_ends_with_the_load_at_the_latest() {
    let (message, _) = refusal(
        "kind = \"burst\"\nbase_per_s = 5\npeak_per_s = 9\nburst_start = \"18s\"\nburst_duration = \"3s\"\nduration = \"20s\"",
    );
    assert_eq!(message, "the burst ends at 21s, after the load's 20s");
}

#[test]
fn more_orders_than_a_run_can_hold_are_refused() {
    let (message, _) = refusal("kind = \"ramp\"\nfrom_per_s = 1e6\nto_per_s = 1e6\nduration = \"11s\"");
    assert_eq!(message, "the load asks for about 11000000 orders: at most 10000000 fit in a run");
    assert!(Load::constant(rate(1e6), span(10), Spacing::Even).is_ok(), "the bound itself is allowed");
}

#[test]
fn the_same_load_for_another_time_is_checked_again() {
    let load = Load::constant(rate(1e6), span(10), Spacing::Even).expect("a good load");
    assert_eq!(load.clone().lasting(span(2)).map(|load| load.duration()), Ok(span(2)));
    assert!(load.lasting(span(20)).is_err());
}

#[test]
fn the_record_says_what_was_asked() {
    let burst = Load::Burst {
        base_per_s: rate(50.0),
        peak_per_s: rate(500.0),
        burst_start: Offset::new(Duration::from_secs(5)).expect("a good offset"),
        burst_duration: span(3),
        duration: span(20),
        spacing: Spacing::Even,
    };
    let expected = LoadRecord::Burst {
        base_per_s: 50.0,
        peak_per_s: 500.0,
        burst_s: [5.0, 8.0],
        duration_s: 20.0,
        spacing: "even".to_owned(),
    };
    assert_eq!(burst.record(), expected);
}

#[test]
fn the_schema_has_one_shape_for_each_kind() {
    let schema = serde_json::to_value(schemars::schema_for!(Load)).expect("a schema is JSON");
    assert_eq!(schema["oneOf"].as_array().map(Vec::len), Some(5), "{schema:#}");
}
