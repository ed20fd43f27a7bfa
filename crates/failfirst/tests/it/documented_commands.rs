//! Every command that the documents show is one that the program understands.

use std::path::Path;

use clap::Parser as _;
use failfirst::cli::{Cli, Command, arguments};

/// Documents with commands to copy.
const DOCUMENTS: [&str; 5] =
    ["README.md", "docs/events.md", "docs/load.md", "docs/local.md", "docs/verify.md"];

/// How a command of ours begins in a document.
const PREFIXES: [&str; 2] = ["cargo run --release -- ", "failfirst "];

/// The arguments of our commands in fenced code blocks.
fn commands(text: &str) -> Vec<String> {
    let text = text.replace("\\\n", " ");
    let mut in_code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if let (true, Some(arguments)) =
            (in_code, PREFIXES.iter().find_map(|prefix| line.trim_start_matches("$ ").strip_prefix(prefix)))
        {
            found.push(arguments.split(" #").next().unwrap_or_default().trim().to_owned());
        }
    }
    found
}

fn designs_of(command: &Command) -> Vec<String> {
    match command {
        Command::Ladder(options) => options.designs.clone(),
        Command::Run(args) => args.experiment.designs.clone(),
        Command::Up(args) => vec![args.design.clone()],
        Command::Serve(args) => vec![args.design.clone()],
        Command::Verify(args) => args.designs.clone(),
        Command::Replay(args) => vec![args.design.clone()],
        _ => vec![],
    }
}

#[test]
fn every_documented_command_is_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for document in DOCUMENTS {
        let text = std::fs::read_to_string(root.join(document)).expect("a document");
        let commands = commands(&text);
        assert!(commands.len() >= 3, "{document} shows {} commands: is it read rightly?", commands.len());
        for command in commands {
            let words = std::iter::once("failfirst").chain(command.split_whitespace());
            let words = words.map(|word| word.trim_matches('\'').into());
            let arguments = arguments(words).unwrap_or_else(|error| panic!("{document}: {command}\n{error}"));
            let cli = Cli::try_parse_from(arguments)
                .unwrap_or_else(|error| panic!("{document}: {command}\n{error}"));
            for design in designs_of(&cli.command) {
                lab::designs::resolve(&design)
                    .unwrap_or_else(|error| panic!("{document}: {command}\n{error}"));
            }
            if let Command::Run(args) = &cli.command {
                assert!(root.join(&args.file).is_file(), "{document}: {command}");
            }
        }
    }
}

#[test]
fn commands_are_found_in_code_and_only_there() {
    let text = "failfirst prose\n```sh\n$ failfirst ladder --seed 1 # why\ncargo run --release -- up \\\n  v0.1.0\nls\n```\n";
    assert_eq!(commands(text), ["ladder --seed 1", "up    v0.1.0"]);
}

#[test]
fn the_commands_are_defined_without_contradiction() {
    use clap::CommandFactory as _;
    Cli::command().debug_assert();
}
