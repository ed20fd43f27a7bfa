//! `GET /metrics`: the facts in Prometheus' text format.

use std::fmt::Write as _;

use crate::owner::{Facts, GroupFacts};

/// The media type of the text.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A number that every group has: name, kind, what it is, where it stands.
type OfGroup = (&'static str, &'static str, &'static str, fn(&GroupFacts) -> u64);

const OF_GROUPS: &[OfGroup] = &[
    ("consumer_lag", "gauge", "Messages that a group has not dealt with", |g| g.waiting + g.in_flight),
    ("messages_waiting", "gauge", "Messages that no consumer of a group has", |g| g.waiting),
    ("messages_in_flight", "gauge", "Messages that a consumer of a group has", |g| g.in_flight),
    ("dead_letters", "gauge", "Messages that a group has put aside", |g| g.dead_letters),
    ("events_delivered_total", "counter", "Messages given out", |g| g.delivered_total),
    ("events_acknowledged_total", "counter", "Messages dealt with", |g| g.acknowledged_total),
    ("events_retried_total", "counter", "Messages put off", |g| g.retried_total),
    ("events_expired_total", "counter", "Leases that were over", |g| g.expired_total),
    ("events_buried_total", "counter", "Messages put aside", |g| g.buried_total),
    ("stale_verdicts_total", "counter", "Verdicts that came too late", |g| g.stale_total),
];

/// All of it. Names of topics and groups need no escaping.
pub(super) fn text(facts: &Facts) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, help: &str, samples: Vec<(String, u64)>| {
        let head = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        head.expect("a string takes all text");
        for (labels, value) in samples {
            writeln!(text, "{name}{labels} {value}").expect("a string takes all text");
        }
    };
    for (name, kind, help, read) in OF_GROUPS {
        let of_group = |group: &GroupFacts| {
            let GroupFacts { topic, group: name, .. } = group;
            (format!("{{topic=\"{topic}\",group=\"{name}\"}}"), read(group))
        };
        family(name, kind, help, facts.groups.iter().map(of_group).collect());
    }
    let published = facts.topics.iter();
    let published =
        published.map(|topic| (format!("{{topic=\"{}\"}}", topic.topic), topic.published_total)).collect();
    family("events_published_total", "counter", "Messages taken", published);
    let single = |value: u64| vec![(String::new(), value)];
    family("messages_held", "gauge", "Messages that some group has not dealt with", single(facts.messages));
    family("message_bytes_in_memory", "gauge", "Bytes of them in memory", single(facts.bytes_in_memory));
    family("fetches_waiting", "gauge", "Fetches that wait for messages", single(facts.fetches_waiting));
    family("writable", "gauge", "1 while messages can be written", single(facts.trouble.is_none().into()));
    family("commit_failures_total", "counter", "Commits that failed", single(facts.failures_total));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::owner::TopicFacts;

    #[test]
    fn every_family_is_told_once_and_every_sample_belongs_to_one() {
        let group = |name: &str| GroupFacts {
            topic: "orders".to_owned(),
            group: name.to_owned(),
            waiting: 2,
            in_flight: 1,
            ..GroupFacts::default()
        };
        let facts = Facts {
            topics: vec![TopicFacts { topic: "orders".to_owned(), published_total: 7 }],
            groups: vec![group("a"), group("b")],
            ..Facts::default()
        };
        let text = text(&facts);
        assert!(text.contains("consumer_lag{topic=\"orders\",group=\"b\"} 3\n"), "{text}");
        assert!(text.contains("events_published_total{topic=\"orders\"} 7\n"), "{text}");
        let mut families = std::collections::BTreeSet::new();
        for line in text.lines() {
            match line.strip_prefix("# TYPE ") {
                Some(family) => {
                    let (name, kind) = family.split_once(' ').expect("a name and a kind");
                    assert!(families.insert(name), "{name} twice");
                    assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
                }
                None if line.starts_with("# HELP ") => {}
                None => {
                    let name = line.split(['{', ' ']).next().expect("a name");
                    assert!(families.contains(name), "{line}");
                }
            }
        }
    }
}
