//! What else the numbers show: causes and side effects, the gravest first.
//!
//! Each note is one rule over one design's cells under one fault; it speaks of the worst of them and
//! says at which load that was, when there are several.

use evidence::record::Ledger;

use super::{at, reading::Reading};
use crate::format;

/// A load's name for a reading.
pub(crate) type Namer<'n> = &'n dyn Fn(&Reading<'_>) -> String;

/// All notes that the numbers justify.
pub(crate) fn notes(group: &[Reading<'_>], name: Namer<'_>) -> Vec<String> {
    let context = Context { group, name };
    let ledger = LEDGER.iter().filter_map(|(count, one, many)| context.ledger(*count, one, many));
    let others = [
        context.bounds_exceeded(),
        context.bounds_unreported(),
        context.connections(),
        context.attempts(),
        context.gave_up(),
        context.wasted(),
        context.waiting(),
        context.detected(),
        context.undetected(),
        context.alarmed(),
        context.dropped_sends(),
    ];
    ledger.chain(others.into_iter().flatten()).collect()
}

/// How to count one invariant's violations, and how to say them.
type LedgerNote = (fn(&Ledger) -> u64, &'static str, &'static str);

const LEDGER: [LedgerNote; 5] = [
    (
        |ledger| ledger.lost,
        "order was lost after a success was promised",
        "orders were lost after a success was promised",
    ),
    (|ledger| ledger.double_charged, "order was charged twice", "orders were charged twice"),
    (
        |ledger| ledger.ghost_charged,
        "order was charged without being completed",
        "orders were charged without being completed",
    ),
    (|ledger| ledger.stuck, "order never reached an end", "orders never reached an end"),
    (|ledger| ledger.duplicate_notified, "customer was told twice", "customers were told twice"),
];

struct Context<'a, 'n> {
    group: &'a [Reading<'a>],
    name: Namer<'n>,
}

impl<'a> Context<'a, '_> {
    /// The highest value, if that is above zero, and where it was seen: empty for a cell by itself.
    fn worst(&self, value: impl Fn(&Reading<'a>) -> u64) -> Option<(u64, String)> {
        let most = self.group.iter().map(&value).max().filter(|most| *most > 0)?;
        Some((most, self.at(|reading| value(reading) == most)))
    }

    /// ` at 200/s`: the loads of those that are meant, or nothing when those are all.
    fn at(&self, meant: impl Fn(&Reading<'a>) -> bool) -> String {
        let meant: Vec<Reading<'_>> = self.group.iter().filter(|reading| meant(reading)).copied().collect();
        if meant.len() == self.group.len() {
            return String::new();
        }
        format!(" {}", at(&meant, self.group, self.name))
    }

    fn ledger(&self, count: fn(&Ledger) -> u64, one: &str, many: &str) -> Option<String> {
        let (worst, at) = self.worst(|reading| count(&reading.cell.ledger))?;
        Some(format!("{}{at}", format::counted(worst, one, many)))
    }

    fn bounds_exceeded(&self) -> Option<String> {
        let above = |reading: &Reading<'_>| reading.cell.ledger.bounds_exceeded - reading.bounds_unreported();
        let (worst, at) = self.worst(above)?;
        let gauges = format::counted(worst, "gauge went above its bound", "gauges went above their bounds");
        Some(format!("{gauges}{at}"))
    }

    fn bounds_unreported(&self) -> Option<String> {
        let (worst, at) = self.worst(Reading::bounds_unreported)?;
        let gauges = format::counted(
            worst,
            "gauge that has a bound was never reported",
            "gauges that have a bound were never reported",
        );
        Some(format!("{gauges}{at}"))
    }

    fn connections(&self) -> Option<String> {
        let most = |reading: &Reading<'a>| reading.connections_stop_at().map_or(0, |ceiling| ceiling.most);
        let (_, at) = self.worst(most)?;
        let ceilings = self.group.iter().filter_map(Reading::connections_stop_at);
        let ceiling = ceilings.max_by_key(|ceiling| ceiling.most)?;
        // A plateau by itself does not tell which resource was short.
        let what = if ceiling.declared { "descriptors run out" } else { "connections stop growing" };
        let (service, most) = (ceiling.service, format::count(ceiling.most));
        Some(format!("{what}{at}: {service} stops at {most} connections, the next clients wait outside"))
    }

    fn attempts(&self) -> Option<String> {
        const MANY: f64 = 1.3;
        let attempts = |reading: &Reading<'_>| reading.cell.attempts_per_order.unwrap_or(0.0);
        let most = self.group.iter().map(attempts).max_by(f64::total_cmp).filter(|most| *most >= MANY)?;
        let at = self.at(|reading| attempts(reading) >= most);
        Some(format!("each order calls payment {most:.1} times{at}"))
    }

    fn gave_up(&self) -> Option<String> {
        const MANY: f64 = 0.05;
        let most =
            self.group.iter().map(Reading::gave_up).max_by(f64::total_cmp).filter(|most| *most >= MANY)?;
        let (share, at) = (format::percent(Some(most)), self.at(|reading| reading.gave_up() >= most));
        Some(format!("{share} of the clients wait in vain{at}"))
    }

    fn wasted(&self) -> Option<String> {
        let (most, at) = self.worst(|reading| reading.cell.wasted_payments)?;
        let charges = format::counted(most, "charge was made for a client", "charges were made for clients");
        Some(format!("{charges} that had gone{at}"))
    }

    /// Whether payment's own queue, which nobody sees from outside, was used under overload.
    fn waiting(&self) -> Option<String> {
        let overloaded = self.group.iter().filter(|reading| reading.overloaded());
        let (service, most) =
            overloaded.filter_map(Reading::waiting_max).max_by_key(|(_, waiting)| *waiting)?;
        if most == 0 {
            return Some(format!("nothing ever waits inside {service}"));
        }
        let payments = format::counted(most, "payment waits", "payments wait");
        let there = |reading: &Reading<'_>| {
            reading.overloaded() && reading.waiting_max().is_some_and(|(_, waiting)| waiting == most)
        };
        Some(format!("up to {payments} unseen inside {service}{}", self.at(there)))
    }

    /// How soon the platform noticed by itself, at the slowest.
    fn detected(&self) -> Option<String> {
        let soonness = |reading: &Reading<'_>| reading.cell.detection_s;
        let slowest = self.group.iter().filter_map(soonness).max_by(f64::total_cmp)?;
        let at = self.at(|reading| soonness(reading).is_some());
        Some(format!("its own alerts name the cause within {} s{at}", format::number(slowest)))
    }

    fn undetected(&self) -> Option<String> {
        let missed = |reading: &Reading<'_>| {
            let cell = reading.cell;
            cell.alerts_total.is_some() && cell.fault_window_s.is_some() && cell.detection_s.is_none()
        };
        let any = self.group.iter().any(missed);
        any.then(|| format!("no alert of its own names the cause{}", self.at(missed)))
    }

    /// Alerts where nothing was broken: overload, or a false alarm.
    fn alarmed(&self) -> Option<String> {
        let undisturbed = |reading: &Reading<'_>| {
            let calm = reading.cell.fault_window_s.is_none();
            if calm { reading.cell.alerts_total.unwrap_or(0) } else { 0 }
        };
        let (most, at) = self.worst(undisturbed)?;
        Some(format!("{}{at}", format::counted(most, "alert is raised", "alerts are raised")))
    }

    fn dropped_sends(&self) -> Option<String> {
        let (most, at) = self.worst(|reading| reading.cell.dropped_sends)?;
        let sends = format::counted(most, "request was", "requests were");
        Some(format!("{sends} never sent: the generator's own bound was reached{at}"))
    }
}
