//! From flags to an attack: everything that can be wrong is found here, before anything is sent or written.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal as _};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use lab::load::attack::{AttackOptions, Pace, Source, WebOptions};
use lab::load::targets::{self, Defaults, header};
use lab::load::{Offset, Think};

use crate::cli::{AttackArgs, ThinkTime};
use crate::failure::Failure;

/// How many requests may be without an answer when nobody says.
const OUTSTANDING_MAX: usize = 65_536;

/// Requests per second when nobody says, as in vegeta.
const RATE_PER_S: f64 = 50.0;

/// What is attacked, and how.
pub(super) struct Planned {
    pub(super) source: Source,
    pub(super) options: AttackOptions,
}

/// Checks the flags and reads the targets.
///
/// # Errors
/// When something is wrong with them.
pub(super) fn plan(args: &AttackArgs) -> Result<Planned, Failure> {
    let pace = pace(args)?;
    let options = AttackOptions {
        name: args.name.clone(),
        pace,
        outstanding_max: args.max_workers.map_or(OUTSTANDING_MAX, Into::into),
        web: web(args),
    };
    Ok(Planned { source: source(args)?, options })
}

fn pace(args: &AttackArgs) -> Result<Pace, Failure> {
    let duration = Some(args.duration).filter(|duration| !duration.is_zero());
    if let Some(ramp) = &args.ramp {
        return Ok(Pace::Ramp(ramp.clone()));
    }
    if let Some(users) = args.users {
        let ThinkTime(min, max) = args.think.unwrap_or(ThinkTime(Duration::ZERO, Duration::ZERO));
        let offset = |time| Offset::new(time).map_err(Failure::input);
        return Ok(Pace::Users {
            users: users.get() as usize,
            spawn_per_s: args.spawn_rate.unwrap_or(f64::INFINITY),
            think: Think { min: offset(min)?, max: offset(max)? },
            duration,
        });
    }
    match args.rate {
        Some(rate) if rate.is_unlimited() => {
            let workers = args.max_workers.ok_or_else(|| {
                Failure::input(anyhow!("-rate 0 is as fast as -max-workers allow, and they are not given"))
                    .help("say how many requests may be under way at once, for example -max-workers 64")
            })?;
            let think = Think { min: Offset::default(), max: Offset::default() };
            Ok(Pace::Users { users: workers.get(), spawn_per_s: f64::INFINITY, think, duration })
        }
        rate => Ok(Pace::Rate { per_s: rate.map_or(RATE_PER_S, lab::load::AttackRate::per_s), duration }),
    }
}

fn web(args: &AttackArgs) -> WebOptions {
    let kept = WebOptions::default();
    WebOptions {
        timeout: if args.timeout.is_zero() { Duration::from_secs(24 * 60 * 60) } else { args.timeout },
        keepalive: args.keepalive,
        idle_connections_max: args.connections,
        connections_max: args.max_connections.map(Into::into),
        insecure: args.insecure,
        redirects_max: u32::try_from(args.redirects).ok(),
        body_bytes_max: usize::try_from(args.max_body).unwrap_or(kept.body_bytes_max),
    }
}

fn source(args: &AttackArgs) -> Result<Source, Failure> {
    let mut defaults = Defaults::default();
    for line in &args.header {
        let (name, value) = header(line).context("-header").map_err(Failure::input)?;
        defaults.headers.append(name, value);
    }
    if let Some(path) = &args.body {
        let read = std::fs::read(path).with_context(|| format!("cannot read the body {}", path.display()));
        defaults.body = read.map_err(Failure::input)?.into();
    }
    let (name, reader): (&str, Box<dyn BufRead + Send>) = if args.targets == "stdin" {
        if std::io::stdin().is_terminal() {
            return Err(Failure::input(anyhow!("no targets")).help(
                "name a file with -targets FILE, or pipe them: echo 'GET http://127.0.0.1:8080/' | failfirst attack",
            ));
        }
        ("stdin", Box::new(BufReader::new(std::io::stdin())))
    } else {
        let file =
            File::open(&args.targets).with_context(|| format!("cannot read the targets {}", args.targets));
        (&args.targets, Box::new(BufReader::new(file.map_err(Failure::input)?)))
    };
    let targets = targets::read(name, reader, args.format, defaults);
    if args.lazy {
        return Ok(Source::lazy(targets));
    }
    let all = targets::read_all(name, targets).map_err(Failure::input)?;
    Ok(Source::all(all))
}
