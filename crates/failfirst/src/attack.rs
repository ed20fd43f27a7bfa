//! `failfirst attack`: sends load, writes down what came of every request, and judges the whole.
//!
//! The requests live on the runtime's threads; this thread takes the hits they hand over, writes them, and keeps the
//! line on the terminal. So a slow disk holds up no request until the channel between the two is full.

mod live;
mod plan;

use anyhow::{Context as _, anyhow};
use lab::load::attack::{Attack, HITS_WAITING_MAX};
use lab::load::hit::{Hit, HitFormat};
use lab::load::summary::Summary;
use lab::load::{Stopper, format_duration, rounded, stop};
use lab::node::{Node, RealOptions};
use tokio::sync::mpsc;

use self::live::Live;
use crate::cli::AttackArgs;
use crate::failure::Failure;
use crate::results::{Sink, judge};
use crate::{output, signals};

/// How many hits are taken from the channel at once.
const BATCH: usize = 1_024;

/// After so many polls a worker of the runtime looks whether a timer or a socket is ready. Fewer than tokio's 61: a
/// send has to leave on time also while many answers are being read.
const EVENT_INTERVAL: u32 = 13;

/// Attacks until the time is over or somebody stops it.
///
/// # Errors
/// When the targets or the flags are wrong, results cannot be written, or a threshold does not hold.
pub(crate) fn attack(args: &AttackArgs) -> Result<(), Failure> {
    let planned = plan::plan(args)?;
    let sink = Sink::open(&args.output, format(args), true)?;
    let shows_report = sink.leaves_stdout_free();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .event_interval(EVENT_INTERVAL)
        .build()
        .context("cannot start the runtime")
        .map_err(Failure::stopped)?;
    let (summary, outcome) = runtime.block_on(async {
        let node = Node::real(RealOptions { name: "attack".to_owned(), ..RealOptions::default() });
        let attack = Attack::new(&node, planned.source, planned.options).map_err(Failure::input)?;
        run(&node, attack, sink).await
    })?;
    runtime.shutdown_background();
    outcome?;
    if shows_report {
        output::print(&summary.text())?;
    } else {
        warn(&summary);
    }
    judge(&args.threshold, &[(String::new(), &summary)])
}

fn format(args: &AttackArgs) -> HitFormat {
    let by_name = if args.output.ends_with(".csv") { HitFormat::Csv } else { HitFormat::Json };
    args.encode.unwrap_or(by_name)
}

/// What was seen, and whether the targets lasted. Results are complete when it returns.
async fn run(node: &Node, attack: Attack, mut sink: Sink) -> Result<(Summary, Result<(), Failure>), Failure> {
    let (stopper, stopped) = stop();
    let (hits, mut seen) = mpsc::channel(HITS_WAITING_MAX);
    let mut live = Live::new(attack.under_way());
    let mut interrupts = signals::interrupts().map_err(Failure::stopped)?;
    let attacking = node.spawn(attack.run(stopped, hits));
    let mut summary = Summary::default();
    let mut batch: Vec<Hit> = Vec::with_capacity(BATCH);
    let mut times = 0;
    let mut written = Ok(());
    loop {
        tokio::select! {
            biased;
            () = interrupts.next() => {
                times += 1;
                ask_to_stop(&stopper, times);
            }
            () = live.tick() => live.draw(),
            taken = seen.recv_many(&mut batch, BATCH) => {
                if taken == 0 {
                    break;
                }
                for hit in batch.drain(..) {
                    summary.add(&hit);
                    live.add(&hit);
                    if written.is_ok() {
                        written = sink.write(&hit);
                    }
                }
                if written.is_err() {
                    stopper.waiting();
                }
            }
        }
    }
    live.finish();
    let ended = attacking.await.map_err(|_| Failure::stopped(anyhow!("the attack broke off")))?;
    written.and_then(|()| sink.finish())?;
    Ok((summary, ended.map_err(Failure::input)))
}

fn ask_to_stop(stopper: &Stopper, times: u32) {
    if times == 1 {
        eprintln!("stopping: what is under way is waited for; ctrl-c again gives it up");
        stopper.sending();
    } else {
        stopper.waiting();
    }
}

/// Says what a reader of the results alone might miss.
fn warn(summary: &Summary) {
    if summary.dropped > 0 || summary.late > 0 {
        eprintln!(
            "warning: {} requests were not sent, {} left late (p99 {} after their time)",
            summary.dropped,
            summary.late,
            format_duration(rounded(summary.delays.quantile(0.99)))
        );
    }
}
