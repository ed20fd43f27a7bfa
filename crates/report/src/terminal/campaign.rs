//! Campaigns of random schedules in a terminal: what was found, how to find it again, and how much was tried.

use std::fmt::Write;

use evidence::campaign::{Campaign, Coverage, DesignCampaign, Finding, ScheduleRecord};
use evidence::ledger::{Invariant, Violation};
use evidence::record::Cell;
use evidence::timeline::{FAULT, Moment};

use super::{Column, Field, WIDTH, heading, paragraph, render};
use crate::format;
use crate::words::Tone;

/// How many findings of a design are shown; the record has all.
const FINDINGS_MAX: usize = 5;
/// How many further seeds are named.
const SEEDS_MAX: usize = 20;

/// The campaign: a table of what was broken, a table of what happened, then the findings.
#[must_use]
pub fn campaign(campaign: &Campaign, width: Option<u16>, colour: bool) -> String {
    let width = width.unwrap_or(WIDTH);
    let [first, last] = campaign.seeds;
    let mut text =
        heading(&format!("Random schedules, seeds {first} to {last}: how many broke what"), colour);
    text.push_str(&broken_table(campaign, width, colour));
    text.push('\n');
    text.push_str(&heading("What happened in them", colour));
    let longest = campaign.designs.iter().map(|design| design.design.chars().count()).max().unwrap_or(0);
    for design in &campaign.designs {
        let name = format!("  {:<longest$}  ", design.design);
        text.push_str(&paragraph(&name, &in_words(&design.coverage), width));
    }
    for design in &campaign.designs {
        text.push_str(&findings(design, colour));
    }
    text.push('\n');
    let found: usize = campaign.designs.iter().map(|design| design.findings.len()).sum();
    let tried: u64 = campaign.designs.iter().map(|design| design.schedules).sum();
    let tried = format::counted(tried, "schedule", "schedules");
    let _ = match found {
        0 => writeln!(text, "✓ every invariant held in {tried}"),
        found => writeln!(text, "✗ invariants were broken in {} of {tried}", format::count(found as u64)),
    };
    text
}

fn broken_table(campaign: &Campaign, width: u16, colour: bool) -> String {
    let columns = [
        Column::left("design", Column::ALWAYS),
        Column::right("schedules", Column::ALWAYS),
        Column::right("lost", Column::ALWAYS),
        Column::right("charged\ntwice", Column::ALWAYS),
        Column::right("ghost\ncharges", Column::ALWAYS),
        Column::right("stuck", Column::ALWAYS),
        Column::right("told\ntwice", Column::ALWAYS),
        Column::right("bounds\nexceeded", Column::ALWAYS),
        Column::left("digest", 1),
    ];
    let line = |design: &DesignCampaign| {
        let mut line =
            vec![Field::plain(design.design.clone()), Field::plain(format::count(design.schedules))];
        line.extend(Invariant::ALL.into_iter().map(|invariant| {
            match design.broken.get(&invariant).copied().unwrap_or_default() {
                0 => Field::toned("0".to_owned(), Tone::Good),
                broken => Field::toned(format::count(broken), Tone::Bad),
            }
        }));
        line.push(Field::plain(design.digest.clone()));
        line
    };
    render(&columns, &[campaign.designs.iter().map(line).collect()], width, colour)
}

fn in_words(coverage: &Coverage) -> String {
    let injected: u64 = coverage.faults.values().sum();
    let kinds = coverage.faults.iter().map(|(kind, count)| format!("{} {kind}", format::count(*count)));
    let states =
        coverage.orders_by_state.iter().map(|(state, count)| format!("{} {state}", format::count(*count)));
    let shared = match coverage.shared {
        0 => String::new(),
        shared => format!(
            "; in {} the work was shared by several order-processors",
            format::counted(shared, "schedule", "schedules")
        ),
    };
    format!(
        "{} faults ({}){shared}; {} orders and {} sent twice: {} succeeded, {} declined, {} refused, {} failed, {} timed \
         out, {} clients never told; {} calls to payment, {} charges, {} refunds; in the end {}; {} completed \
         without a success told.",
        format::count(injected),
        kinds.collect::<Vec<_>>().join(", "),
        format::count(coverage.orders),
        format::count(coverage.duplicates),
        format::count(coverage.succeeded),
        format::count(coverage.declined),
        format::count(coverage.rejected),
        format::count(coverage.failed),
        format::count(coverage.timed_out),
        format::count(coverage.untold),
        format::count(coverage.payment_calls),
        format::count(coverage.charges),
        format::count(coverage.refunds),
        states.collect::<Vec<_>>().join(", "),
        format::count(coverage.completed_untold),
    )
}

fn findings(design: &DesignCampaign, colour: bool) -> String {
    let mut text = String::new();
    if design.findings.is_empty() {
        return text;
    }
    text.push('\n');
    text.push_str(&heading(&format!("What broke {}", design.design), colour));
    for finding in design.findings.iter().take(FINDINGS_MAX) {
        text.push_str(&one(finding));
    }
    let others: Vec<_> =
        design.findings.iter().skip(FINDINGS_MAX).map(|other| other.seed.to_string()).collect();
    if !others.is_empty() {
        let named = others.iter().take(SEEDS_MAX).cloned().collect::<Vec<_>>().join(", ");
        let more = if others.len() > SEEDS_MAX { ", …" } else { "" };
        let _ = writeln!(text, "  and {} more: seeds {named}{more}", format::count(others.len() as u64));
    }
    text
}

fn one(finding: &Finding) -> String {
    let mut text = format!("✗ seed {}\n", finding.seed);
    for violation in &finding.violations {
        let _ = writeln!(text, "    {violation}");
    }
    let drawn = finding.schedule.faults.len() as u64;
    match &finding.minimised {
        Some(least) => {
            let kept = least.schedule.faults.len();
            let _ = writeln!(
                text,
                "    {}: {kept} of {} needed (found in {} runs), under {}{}",
                least.invariant,
                format::counted(drawn, "fault", "faults"),
                least.runs,
                least.schedule.load,
                sharing(&least.schedule),
            );
            text.push_str(&faults(&least.schedule, "      "));
            let _ = writeln!(text, "    replay: {}", least.replay);
        }
        None => {
            let _ = writeln!(text, "    replay: {}", finding.replay);
        }
    }
    text
}

fn sharing(schedule: &ScheduleRecord) -> String {
    match schedule.order_processors {
        1 => String::new(),
        several => format!("; {several} order-processors share the work"),
    }
}

fn faults(schedule: &ScheduleRecord, indent: &str) -> String {
    let mut text = String::new();
    for fault in &schedule.faults {
        let _ = writeln!(
            text,
            "{indent}{}  {:>7.3} s to {:>7.3} s  {}",
            fault.number, fault.at_s, fault.until_s, fault.what
        );
    }
    text
}

/// One run that was replayed: what it was, what came of it, what it broke.
#[must_use]
pub fn replay(
    title: &str,
    schedule: &ScheduleRecord,
    steps: &[Moment],
    cell: &Cell,
    violations: &[Violation],
    colour: bool,
) -> String {
    let mut text = heading(title, colour);
    let _ = writeln!(text, "  load    {}{}", schedule.load, sharing(schedule));
    match (schedule.faults.is_empty(), steps.is_empty()) {
        (true, true) => text.push_str("  faults  none\n"),
        (true, false) => {
            text.push_str("  faults\n");
            for step in steps {
                let _ = writeln!(text, "    {:>9.3} s  {}", seconds(step.at_us), step.what);
            }
        }
        (false, _) => {
            text.push_str("  faults\n");
            text.push_str(&faults(schedule, "    "));
        }
    }
    let Cell { offered, succeeded, declined, rejected, failed, timed_out, virtual_s, .. } = cell;
    let _ = writeln!(
        text,
        "  came    {offered} orders: {succeeded} succeeded, {declined} declined, {rejected} refused, {failed} \
         failed, {timed_out} timed out; at rest after {virtual_s} s"
    );
    if violations.is_empty() {
        text.push_str("  ✓ every invariant holds\n");
    }
    for violation in violations {
        let _ = writeln!(text, "  ✗ {violation}");
    }
    text
}

/// Orders that are worth a look, with why, and how to look at one.
#[must_use]
pub fn worth_a_look(orders: &[(String, String)], colour: bool) -> String {
    if orders.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}", heading("Orders worth a look (--timeline ORDER)", colour));
    let longest = orders.iter().map(|(order, _)| order.chars().count()).max().unwrap_or(0);
    for (order, why) in orders {
        let _ = writeln!(text, "  {order:<longest$}  {why}");
    }
    text
}

/// What happened to one order. What was done to the platform meanwhile is marked.
#[must_use]
pub fn timeline(order: &str, moments: &[Moment], width: Option<u16>, colour: bool) -> String {
    let width = width.unwrap_or(WIDTH);
    let mut text = format!("\n{}", heading(&format!("What happened to {order}"), colour));
    let longest = moments.iter().map(|moment| moment.place.chars().count()).max().unwrap_or(0);
    for Moment { at_us, place, what } in moments {
        let mark = if place == FAULT { '!' } else { ' ' };
        let prefix = format!("{mark} {:>9.3} s  {place:<longest$}  ", seconds(*at_us));
        text.push_str(&paragraph(&prefix, what, width));
    }
    text
}

fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use evidence::campaign::{CAMPAIGN_SCHEMA, FaultRecord, Minimised};

    use super::*;

    fn schedule(faults: u32) -> ScheduleRecord {
        let fault = |number| FaultRecord {
            number,
            kind: "kill".to_owned(),
            at_s: 0.5,
            until_s: 1.25,
            what: "kill order-api".to_owned(),
        };
        ScheduleRecord {
            load: "50/s for 2s".to_owned(),
            order_processors: 1,
            faults: (1..=faults).map(fault).collect(),
        }
    }

    fn finding(seed: u64, minimised: bool) -> Finding {
        let violation = Violation {
            invariant: Invariant::Stuck,
            count: 2,
            named: vec!["o-1".to_owned(), "o-3".to_owned()],
        };
        let least = Minimised {
            invariant: Invariant::Stuck,
            schedule: schedule(1),
            runs: 9,
            replay: format!("failfirst replay --seed {seed} --only 1"),
        };
        Finding {
            seed,
            violations: vec![violation],
            schedule: schedule(4),
            replay: format!("failfirst replay --seed {seed}"),
            minimised: minimised.then_some(least),
        }
    }

    fn found(findings: Vec<Finding>) -> Campaign {
        let broken = [(Invariant::Stuck, findings.len() as u64)].into();
        let coverage =
            Coverage { faults: [("kill".to_owned(), 12)].into(), orders: 1_234, ..Coverage::default() };
        let design = DesignCampaign {
            design: "v0.1.0".to_owned(),
            schedules: 40,
            broken,
            coverage,
            digest: "0123456789abcdef".to_owned(),
            findings,
        };
        Campaign { schema: CAMPAIGN_SCHEMA, world: "sim".to_owned(), seeds: [1, 40], designs: vec![design] }
    }

    #[test]
    fn a_finding_says_what_is_needed_and_how_to_see_it_again() {
        let findings = (1..=7).map(|seed| finding(seed, seed == 1)).collect();
        let text = campaign(&found(findings), None, false);
        for said in [
            "✗ seed 1\n    stuck: 2 (o-1, o-3)\n    stuck: 1 of 4 faults needed (found in 9 runs), under 50/s for 2s\n",
            "      1    0.500 s to   1.250 s  kill order-api\n    replay: failfirst replay --seed 1 --only 1\n",
            "✗ seed 2\n    stuck: 2 (o-1, o-3)\n    replay: failfirst replay --seed 2\n",
            "  and 2 more: seeds 6, 7\n",
            "✗ invariants were broken in 7 of 40 schedules\n",
        ] {
            assert!(text.contains(said), "{said}\nin\n{text}");
        }
    }

    #[test]
    fn finding_nothing_says_how_much_was_tried() {
        let text = campaign(&found(Vec::new()), None, false);
        assert!(text.contains("12 faults (12 kill); 1,234 orders"), "{text}");
        assert!(text.ends_with("✓ every invariant held in 40 schedules\n"), "{text}");
    }

    #[test]
    fn a_timeline_marks_what_was_done_to_the_platform() {
        let moment =
            |at_us, place: &str, what: &str| Moment { at_us, place: place.to_owned(), what: what.to_owned() };
        let moments = [moment(12_000, "client", "asks"), moment(20_000, FAULT, "kill order-api")];
        assert_eq!(
            timeline("o-1", &moments, None, false),
            "\nWhat happened to o-1\n      0.012 s  client  asks\n!     0.020 s  fault   kill order-api\n"
        );
    }
}
