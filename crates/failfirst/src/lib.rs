//! The command line of Failfirst: it reads what is asked, has the laboratory do it, and says what came of it.
//!
//! A library only so that tests can reach [`cli`]; the program is `main.rs`. What a command knows of the world it
//! knows from `lab` and `report`. This is the one crate that talks to people: it alone prints, draws progress,
//! listens to signals and starts processes.

mod attack;
pub mod cli;
mod compare;
mod designs;
mod dlq;
mod drive;
mod experiment;
mod failure;
mod logs;
mod output;
mod pages;
mod progress;
mod replay;
mod report_verb;
mod results;
mod serve;
mod signals;
mod up;
mod verify;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use self::cli::{Cli, Command};
use self::failure::Failure;

/// Who logs when no service does.
const PROGRAM: &str = "failfirst";

/// Reads the command line, does what it says, and returns the exit code.
#[must_use]
pub fn main() -> ExitCode {
    // Wrong usage ends here, with clap's own message and exit code 2.
    let outcome = cli::arguments(std::env::args_os())
        .map_err(|said| Failure::input(anyhow::anyhow!(said)))
        .and_then(|arguments| run(&Cli::parse_from(arguments).command));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let said = failure.to_string();
            if !said.is_empty() {
                // Where it cannot be said, the exit code still says it.
                let _unsaid = writeln!(std::io::stderr(), "{said}");
            }
            failure.code()
        }
    }
}

fn run(command: &Command) -> Result<(), Failure> {
    let served;
    let (name, level) = match command {
        // What simulated services warn of is a finding and stands in the record, not in the program's own log.
        Command::Ladder(_) | Command::Run(_) | Command::Verify(_) | Command::Replay(_) => {
            (PROGRAM, "warn,platform=error")
        }
        Command::Serve(args) => {
            served = args.process_name();
            (served.as_str(), "info")
        }
        Command::Drive => ("driver", "warn"),
        // What its broker's client has to say is told once, as the error that it ends with.
        Command::Dlq(_) => (PROGRAM, "off"),
        Command::Compare(_)
        | Command::Designs(_)
        | Command::Up(_)
        | Command::Attack(_)
        | Command::Report(_)
        | Command::Plot(_)
        | Command::Encode(_) => (PROGRAM, "warn"),
    };
    logs::start(name.to_owned(), level);
    match command {
        Command::Ladder(options) => experiment::ladder(options),
        Command::Run(args) => experiment::file(args),
        Command::Compare(args) => compare::compare(args),
        Command::Designs(args) => designs::designs(args),
        Command::Verify(args) => verify::verify(args),
        Command::Replay(args) => replay::replay(args),
        Command::Up(args) => up::up(args),
        Command::Serve(args) => serve::serve(args),
        Command::Dlq(args) => dlq::dlq(args),
        Command::Attack(args) => attack::attack(args),
        Command::Report(args) => report_verb::report(args),
        Command::Plot(args) => report_verb::plot(args),
        Command::Encode(args) => report_verb::encode(args),
        Command::Drive => drive::drive(),
    }
}
