//! Outcomes: what an answer means to the client who asked.
//!
//! Five outcomes cover every possible [`Answer`], so that `offered` is their sum by construction. An outcome
//! is frozen at the client's first answer: what the platform settles later changes nothing here.

use std::collections::BTreeMap;

use crate::facts::{Answer, Asked};

/// How an order ended for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// 2xx.
    Succeeded,
    /// 402: the payment was declined, which is business as usual.
    Declined,
    /// 429 (we are full) and 503 (a dependency is down, a breaker is open).
    Rejected,
    /// Every other answer or connection error, and sends that never left.
    Failed,
    /// 504 and the client's own timeout.
    TimedOut,
}

impl Outcome {
    /// Its name in records: the cell's own key for it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Declined => "declined",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
        }
    }

    /// The outcome of an answer.
    #[must_use]
    pub const fn of(answer: Answer) -> Self {
        match answer {
            Answer::Status(200..=299) => Self::Succeeded,
            Answer::Status(402) => Self::Declined,
            Answer::Status(429 | 503) => Self::Rejected,
            Answer::Status(504) | Answer::TimedOut => Self::TimedOut,
            Answer::Status(_) | Answer::ConnectFailed | Answer::Reset | Answer::Broken | Answer::NotSent => {
                Self::Failed
            }
        }
    }
}

/// The key of an answer in `errors`: the status, or the kind of error. `None` for 2xx and 402, which are no
/// errors.
pub(crate) fn error_key(answer: Answer) -> Option<String> {
    match (Outcome::of(answer), answer) {
        (Outcome::Succeeded | Outcome::Declined, _) => None,
        (_, Answer::Status(status)) => Some(status.to_string()),
        (_, Answer::TimedOut) => Some("timeout".to_owned()),
        (_, Answer::ConnectFailed) => Some("connect".to_owned()),
        (_, Answer::Reset) => Some("reset".to_owned()),
        (_, Answer::Broken) => Some("broken".to_owned()),
        (_, Answer::NotSent) => Some("dropped".to_owned()),
    }
}

/// All outcomes of a run, counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) succeeded: u64,
    pub(crate) declined: u64,
    pub(crate) rejected: u64,
    pub(crate) failed: u64,
    pub(crate) timed_out: u64,
    pub(crate) dropped_sends: u64,
    pub(crate) errors: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn of<'a>(asked: impl IntoIterator<Item = &'a Asked>) -> Self {
        let mut tally = Self::default();
        let mut answers: BTreeMap<Answer, u64> = BTreeMap::new();
        for order in asked {
            *answers.entry(order.answer).or_default() += 1;
        }
        for (answer, count) in answers {
            *tally.count_of(Outcome::of(answer)) += count;
            if answer == Answer::NotSent {
                tally.dropped_sends = count;
            }
            if let Some(key) = error_key(answer) {
                tally.errors.insert(key, count);
            }
        }
        tally
    }

    fn count_of(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Succeeded => &mut self.succeeded,
            Outcome::Declined => &mut self.declined,
            Outcome::Rejected => &mut self.rejected,
            Outcome::Failed => &mut self.failed,
            Outcome::TimedOut => &mut self.timed_out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(answer: Answer) -> Asked {
        Asked { order: "o".into(), intended_us: 0, sent_us: Some(0), done_us: 0, answer }
    }

    #[test]
    fn every_answer_has_the_outcome_that_the_design_names() {
        for (answer, outcome) in [
            (Answer::Status(200), Outcome::Succeeded),
            (Answer::Status(202), Outcome::Succeeded),
            (Answer::Status(402), Outcome::Declined),
            (Answer::Status(429), Outcome::Rejected),
            (Answer::Status(503), Outcome::Rejected),
            (Answer::Status(504), Outcome::TimedOut),
            (Answer::TimedOut, Outcome::TimedOut),
            (Answer::Status(199), Outcome::Failed),
            (Answer::Status(300), Outcome::Failed),
            (Answer::Status(500), Outcome::Failed),
            (Answer::ConnectFailed, Outcome::Failed),
            (Answer::Reset, Outcome::Failed),
            (Answer::Broken, Outcome::Failed),
            (Answer::NotSent, Outcome::Failed),
        ] {
            assert_eq!(Outcome::of(answer), outcome, "{answer:?}");
        }
    }

    #[test]
    fn successes_and_declines_are_no_errors() {
        let answers = [200, 202, 402, 429, 429, 503, 504].map(Answer::Status);
        let others =
            [Answer::TimedOut, Answer::ConnectFailed, Answer::Reset, Answer::Broken, Answer::NotSent];
        let tally = Tally::of(&answers.into_iter().chain(others).map(asked).collect::<Vec<_>>());
        let errors: Vec<_> = tally.errors.iter().map(|(key, count)| (key.as_str(), *count)).collect();
        assert_eq!(
            errors,
            [
                ("429", 2),
                ("503", 1),
                ("504", 1),
                ("broken", 1),
                ("connect", 1),
                ("dropped", 1),
                ("reset", 1),
                ("timeout", 1)
            ]
        );
        assert_eq!(tally.dropped_sends, 1);
    }
}
