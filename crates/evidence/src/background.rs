//! What becomes of orders that were answered before they were done: when they end, and how many wait meanwhile.
//!
//! An order is in the *backlog* from the moment at which it was accepted until it is in a final state. Completion is
//! counted from the intended send time, like every latency, and of orders that their clients know to be accepted.

use std::collections::BTreeMap;

use crate::facts::{Course, Facts, StoredState};
use crate::latency::Latencies;
use crate::outcomes::Outcome;
use crate::record::Background;
use crate::rounding;

const BIN_US: u64 = 1_000_000;

/// The numbers; `None` where orders are answered when they are done.
pub(crate) fn background(facts: &Facts) -> Option<Background> {
    let courses = facts.background.as_ref()?;
    let states: BTreeMap<&str, StoredState> =
        facts.stored.iter().map(|stored| (stored.order.as_str(), stored.state)).collect();
    let mut background = Background::default();
    let (mut completion, mut notice) = (Latencies::new(), Latencies::new());
    for asked in facts.asked.iter().filter(|asked| Outcome::of(asked.answer) == Outcome::Succeeded) {
        background.accepted += 1;
        let Some(course) = courses.get(&asked.order) else { continue };
        match (course.ended_us, states.get(asked.order.as_str())) {
            (Some(_), Some(StoredState::Completed)) => background.completed += 1,
            (Some(_), Some(StoredState::Declined)) => background.declined += 1,
            (Some(_), Some(StoredState::Failed)) => background.failed += 1,
            _ => {}
        }
        if let Some(ended_us) = course.ended_us {
            completion.record_us(ended_us.saturating_sub(asked.intended_us));
        }
        if let Some(told_us) = course.told_us {
            background.notified += 1;
            notice.record_us(told_us.saturating_sub(asked.intended_us));
        }
    }
    let ends = || courses.values().filter_map(|course| course.ended_us);
    background.completion_ms = completion.cell();
    background.notice_ms = notice.cell();
    background.backlog_max = levels(courses).into_iter().map(|(_, level)| level).max().unwrap_or(0);
    background.last_done_s = ends().max().map(rounding::seconds);
    background.dead_letters = facts.dead.len() as u64;
    background.poisoned = facts.poisoned.values().sum();
    Some(background)
}

/// The longest backlog within each second of a run; nothing where orders are answered when they are done.
pub(crate) fn backlog_per_second(facts: &Facts, bins: usize) -> Vec<u64> {
    let Some(courses) = &facts.background else { return Vec::new() };
    let mut levels = levels(courses).into_iter().peekable();
    let mut level = 0;
    (0..bins as u64)
        .map(|bin| {
            let mut longest = level;
            while let Some((_, next)) = levels.next_if(|(at_us, _)| *at_us < (bin + 1) * BIN_US) {
                level = next;
                longest = longest.max(level);
            }
            longest
        })
        .collect()
}

/// How long the backlog is from each instant on at which it changes. Who ends at the instant at which another comes makes
/// room first.
fn levels(courses: &BTreeMap<String, Course>) -> Vec<(u64, u64)> {
    let mut changes: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for course in courses.values() {
        changes.entry(course.accepted_us).or_default().0 += 1;
        if let Some(ended_us) = course.ended_us {
            changes.entry(ended_us.max(course.accepted_us)).or_default().1 += 1;
        }
    }
    let mut level = 0;
    let level_after = |(at_us, (came, ended)): (u64, (u64, u64))| {
        level = (level + came) - ended;
        (at_us, level)
    };
    changes.into_iter().map(level_after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Answer, Asked, Stored};

    const S: u64 = 1_000_000;

    fn facts(courses: &[(&str, u64, Option<u64>, Option<u64>)]) -> Facts {
        let asked = |order: &str, at_us| Asked {
            order: order.to_owned(),
            intended_us: at_us,
            sent_us: Some(at_us),
            done_us: at_us + 5_000,
            answer: Answer::Status(202),
        };
        let course = |accepted_us, ended_us, told_us| Course { accepted_us, ended_us, told_us };
        let state = |ended_us: Option<u64>| ended_us.map_or(StoredState::Placed, |_| StoredState::Completed);
        Facts {
            asked: courses.iter().map(|(order, at_us, ..)| asked(order, *at_us)).collect(),
            stored: courses
                .iter()
                .map(|(order, _, ended_us, _)| Stored { order: (*order).to_owned(), state: state(*ended_us) })
                .collect(),
            background: Some(
                courses
                    .iter()
                    .map(|(order, at_us, ended_us, told_us)| {
                        ((*order).to_owned(), course(*at_us, *ended_us, *told_us))
                    })
                    .collect(),
            ),
            ..Facts::default()
        }
    }

    #[test]
    fn is_nothing_where_orders_are_answered_when_they_are_done() {
        assert_eq!(background(&Facts::default()), None);
        assert!(backlog_per_second(&Facts::default(), 3).is_empty());
    }

    #[test]
    fn counts_who_ended_and_how_long_that_took_from_the_intended_send() {
        let facts =
            facts(&[("a", 0, Some(2 * S), Some(3 * S)), ("b", S, Some(2 * S), None), ("c", S, None, None)]);
        let found = background(&facts).expect("there are courses");
        assert_eq!((found.accepted, found.completed, found.notified), (3, 2, 1));
        assert_eq!((found.completion_ms.max, found.notice_ms.max), (Some(2000.0), Some(3000.0)));
        assert_eq!((found.backlog_max, found.last_done_s), (3, Some(2.0)));
    }

    #[test]
    fn an_order_that_nobody_was_promised_counts_in_the_backlog_only() {
        let mut facts = facts(&[("a", 0, Some(S), None)]);
        facts.asked[0].answer = Answer::TimedOut;
        let found = background(&facts).expect("there are courses");
        assert_eq!((found.accepted, found.completed, found.backlog_max), (0, 0, 1));
        assert_eq!(found.completion_ms.p50, None);
    }

    #[test]
    fn the_backlog_of_a_second_is_its_longest_in_it() {
        let facts = facts(&[
            ("a", 0, Some(S / 2), None),
            ("b", S / 4, Some(2 * S + 1), None),
            ("c", S / 2, Some(S + 1), None),
            ("d", 3 * S, None, None),
        ]);
        assert_eq!(backlog_per_second(&facts, 5), [2, 2, 1, 1, 1]);
    }
}
