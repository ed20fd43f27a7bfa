//! How far the groups of consumers are behind, as the embedded broker knows it: the same gauges in every world, under the
//! broker's name among those of the services.

use std::{collections::BTreeMap, sync::Arc};

use broker::Facts;
use domain::broker::{BrokerError, DeadLetterFilter, DeadLetters};
use evidence::facts::Dead;

/// What the broker puts aside is asked for so many at a time.
const LETTERS_PAGE: usize = 200;

/// For each group the messages that it has not dealt with: those that nobody has, and those that a consumer has.
pub(crate) fn gauges(facts: &Facts) -> BTreeMap<String, u64> {
    facts
        .groups
        .iter()
        .map(|group| (lag(&group.topic, &group.group), group.waiting + group.in_flight))
        .collect()
}

/// What a group's gauge is called.
pub(crate) fn lag(topic: &str, group: &str) -> String {
    format!("lag_{topic}_{group}")
}

/// Everything that a broker has put aside.
///
/// # Errors
/// When it does not say.
pub(crate) async fn put_aside(letters: &Arc<dyn DeadLetters>) -> Result<Vec<Dead>, BrokerError> {
    let (mut dead, mut after) = (Vec::new(), String::new());
    loop {
        let page = letters.list(&DeadLetterFilter::default(), &after, LETTERS_PAGE).await?;
        let Some(last) = page.last() else { return Ok(dead) };
        after.clone_from(&last.id);
        dead.extend(page.into_iter().map(|letter| Dead {
            topic: letter.message.topic,
            group: letter.group,
            event: letter.message.event_id.to_string(),
            reason: letter.reason,
        }));
    }
}

#[cfg(test)]
mod tests {
    use broker::GroupFacts;

    use super::*;

    #[test]
    fn what_a_group_has_not_dealt_with_waits_or_is_in_somebodys_hands() {
        let group = |topic: &str, group: &str, waiting, in_flight| GroupFacts {
            topic: topic.to_owned(),
            group: group.to_owned(),
            waiting,
            in_flight,
            ..GroupFacts::default()
        };
        let groups = vec![group("orders", "order-processor", 3, 2), group("payments", "order-api", 0, 0)];
        let facts = Facts { groups, ..Facts::default() };
        let gauges: Vec<_> = gauges(&facts).into_iter().collect();
        let expected = [("lag_orders_order-processor", 5), ("lag_payments_order-api", 0)];
        assert_eq!(gauges, expected.map(|(name, lag)| (name.to_owned(), lag)));
    }
}
