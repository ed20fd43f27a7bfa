//! Which offset of a partition may be committed, when messages are dealt with in any order.
//!
//! Kafka knows one number for a group and a partition: everything before it is dealt with. Messages that are dealt with
//! beyond a gap wait for it:
//!
//! ```text
//! offset    4    5    6    7    8
//!           done done held done          position 6: of a consumer that dies now, 6 and 7 come again
//! ```
//!
//! Offsets come in their order, and some of them never do (compacted ones, markers of transactions): what lies before a
//! received one is not waited for.

use std::collections::BTreeMap;

/// One partition, since it was given to this consumer.
#[derive(Clone, Debug, Default)]
pub(super) struct Offsets {
    /// From the first that is not dealt with: whether each is.
    open: BTreeMap<i64, bool>,
    /// Behind the last that was received.
    next: i64,
    committed: i64,
}

impl Offsets {
    /// One was received.
    pub(super) fn received(&mut self, offset: i64) {
        self.open.insert(offset, false);
        self.next = self.next.max(offset + 1);
    }

    /// One is dealt with.
    pub(super) fn done(&mut self, offset: i64) {
        if let Some(is_done) = self.open.get_mut(&offset) {
            *is_done = true;
        }
        while let Some(first) = self.open.first_entry()
            && *first.get()
        {
            first.remove();
        }
    }

    /// Before this, everything is dealt with; `None` when that is committed already.
    pub(super) fn to_commit(&self) -> Option<i64> {
        let position = self.open.first_key_value().map_or(self.next, |(first, _)| *first);
        (position > self.committed).then_some(position)
    }

    /// The group's offset is this now.
    pub(super) fn committed(&mut self, position: i64) {
        self.committed = self.committed.max(position);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_gap_holds_back_what_is_behind_it() {
        let mut offsets = Offsets::default();
        (4..=7).for_each(|offset| offsets.received(offset));
        offsets.committed(4);
        assert_eq!(offsets.to_commit(), None, "nothing is dealt with");
        offsets.done(4);
        offsets.done(7);
        assert_eq!(offsets.to_commit(), Some(5));
        offsets.committed(5);
        assert_eq!(offsets.to_commit(), None, "said once");
        offsets.done(6);
        assert_eq!(offsets.to_commit(), None, "5 is in somebody's hands");
        offsets.done(5);
        assert_eq!(offsets.to_commit(), Some(8));
    }

    #[test]
    fn offsets_that_never_come_are_not_waited_for() {
        let mut offsets = Offsets::default();
        offsets.received(10);
        offsets.received(14);
        offsets.done(10);
        assert_eq!(offsets.to_commit(), Some(14));
        offsets.done(14);
        assert_eq!(offsets.to_commit(), Some(15));
    }

    proptest! {
        /// Whatever is dealt with in whatever order: nothing that is not lies before the position, and when all is
        /// dealt with, nothing is left behind it.
        #[test]
        fn nothing_that_is_not_dealt_with_lies_before_the_position(
            steps in prop::collection::vec(1_i64..4, 1..40),
            order in prop::collection::vec(any::<prop::sample::Index>(), 1..60),
        ) {
            let mut offsets = Offsets::default();
            let mut open = BTreeSet::new();
            let mut last = -1;
            for step in steps {
                last += step;
                offsets.received(last);
                open.insert(last);
            }
            let mut position = 0;
            for index in order {
                let Some(offset) = open.iter().nth(index.index(open.len().max(1))).copied() else { break };
                open.remove(&offset);
                offsets.done(offset);
                if let Some(next) = offsets.to_commit() {
                    prop_assert!(next > position, "positions ascend");
                    prop_assert!(open.range(..next).next().is_none(), "{next} leaves {open:?} behind");
                    position = next;
                    offsets.committed(next);
                }
            }
            for offset in open {
                offsets.done(offset);
            }
            if let Some(next) = offsets.to_commit() {
                position = next;
            }
            prop_assert_eq!(position, last + 1);
        }
    }
}
