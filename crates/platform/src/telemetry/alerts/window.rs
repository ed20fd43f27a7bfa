//! Sums over the last so many evaluations.

use std::collections::VecDeque;

/// How many there were, and how many of them were bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// All of them.
    pub(crate) all: u64,
    /// The bad ones.
    pub(crate) bad: u64,
}

/// What was counted within the last so many evaluations: as many entries at most, however long it runs.
#[derive(Debug)]
pub(super) struct Window {
    entries: VecDeque<Counted>,
    entries_max: usize,
    sum: Counted,
}

impl Window {
    /// Over so many evaluations.
    pub(super) fn over(entries_max: usize) -> Self {
        Self { entries: VecDeque::with_capacity(entries_max), entries_max, sum: Counted::default() }
    }

    /// What was counted since the last evaluation; answers with the sum of all that is not too old.
    pub(super) fn push(&mut self, counted: Counted) -> Counted {
        if self.entries.len() == self.entries_max
            && let Some(oldest) = self.entries.pop_front()
        {
            self.sum.all -= oldest.all;
            self.sum.bad -= oldest.bad;
        }
        self.entries.push_back(counted);
        self.sum.all += counted.all;
        self.sum.bad += counted.bad;
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_forgets_what_is_older_than_its_width() {
        let mut window = Window::over(3);
        let sums: Vec<_> = (1..=5).map(|n| window.push(Counted { all: n, bad: 1 })).collect();
        let sums: Vec<_> = sums.into_iter().map(|sum| (sum.all, sum.bad)).collect();
        assert_eq!(sums, [(1, 1), (3, 2), (6, 3), (9, 3), (12, 3)]);
    }
}
