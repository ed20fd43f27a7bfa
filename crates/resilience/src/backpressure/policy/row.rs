//! Things with tickets, in the order of their tickets.
//!
//! A deque, because almost everything comes at the back and goes at the front, and is found by how far its
//! ticket is from the first one's. What goes from the middle leaves a gap. Gaps go with their neighbours, or all at
//! once when they become more than what is between them; so everything takes constant or logarithmic time, on
//! average, and room for at most twice what is there.

use std::collections::VecDeque;

use super::Ticket;

/// See the module.
#[derive(Clone, Debug)]
pub(in crate::backpressure) struct Row<T> {
    /// Neither the first nor the last is a gap.
    entries: VecDeque<(Ticket, Option<T>)>,
    gaps: usize,
}

impl<T> Default for Row<T> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), gaps: 0 }
    }
}

impl<T> Row<T> {
    /// Tickets come in ascending order.
    pub(in crate::backpressure) fn push(&mut self, ticket: Ticket, value: T) {
        assert!(self.entries.back().is_none_or(|(last, _)| *last < ticket), "tickets ascend");
        self.entries.push_back((ticket, Some(value)));
    }

    fn find(&self, ticket: Ticket) -> Option<usize> {
        let (first, _) = self.entries.front()?;
        // Where it is if none is missing in between.
        let guess = usize::try_from(ticket.0.checked_sub(first.0)?).ok()?;
        if self.entries.get(guess).is_some_and(|(found, _)| *found == ticket) {
            return Some(guess);
        }
        self.entries.binary_search_by_key(&ticket, |(ticket, _)| *ticket).ok()
    }

    pub(in crate::backpressure) fn get_mut(&mut self, ticket: Ticket) -> Option<&mut T> {
        let index = self.find(ticket)?;
        self.entries.get_mut(index)?.1.as_mut()
    }

    pub(in crate::backpressure) fn remove(&mut self, ticket: Ticket) -> Option<T> {
        let index = self.find(ticket)?;
        let value = self.entries.get_mut(index)?.1.take()?;
        self.gaps += 1;
        self.tidy();
        Some(value)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.iter_mut().filter_map(|(_, value)| value.as_mut())
    }

    pub(super) fn first(&self) -> Option<&T> {
        self.entries.front()?.1.as_ref()
    }

    pub(super) fn pop_first(&mut self) -> Option<T> {
        let (_, value) = self.entries.pop_front()?;
        self.tidy();
        value
    }

    pub(super) fn pop_last(&mut self) -> Option<T> {
        let (_, value) = self.entries.pop_back()?;
        self.tidy();
        value
    }

    pub(in crate::backpressure) fn len(&self) -> usize {
        self.entries.len() - self.gaps
    }

    fn tidy(&mut self) {
        while self.entries.front().is_some_and(|(_, value)| value.is_none()) {
            self.entries.pop_front();
            self.gaps -= 1;
        }
        while self.entries.back().is_some_and(|(_, value)| value.is_none()) {
            self.entries.pop_back();
            self.gaps -= 1;
        }
        if self.gaps > self.len() {
            self.entries.retain(|(_, value)| value.is_some());
            self.gaps = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_a_map_ordered_by_ticket_with_few_gaps(
            steps in prop::collection::vec((0..6_u8, 0..30_u64), 0..200),
        ) {
            let (mut row, mut model, mut next) = (Row::default(), BTreeMap::new(), 0);
            for (step, number) in steps {
                let ticket = Ticket(number);
                match step {
                    0 | 1 => {
                        next += 1 + number % 2;
                        row.push(Ticket(next), next);
                        model.insert(Ticket(next), next);
                    }
                    2 => prop_assert_eq!(row.remove(ticket), model.remove(&ticket)),
                    3 => prop_assert_eq!(row.pop_first(), model.pop_first().map(|(_, value)| value)),
                    4 => prop_assert_eq!(row.pop_last(), model.pop_last().map(|(_, value)| value)),
                    _ => prop_assert_eq!(row.get_mut(ticket), model.get_mut(&ticket)),
                }
                prop_assert_eq!(row.first(), model.first_key_value().map(|(_, value)| value));
                prop_assert_eq!(row.len(), model.len());
                prop_assert!(row.entries.len() <= 2 * model.len());
            }
        }
    }
}
