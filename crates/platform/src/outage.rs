//! What the log says of something that does not work for a while: a line when that begins, one when the reason is another
//! one, and one when it works again. What is away for an hour is one thing to know, and not one every second.

use std::sync::{Mutex, PoisonError};

/// Something that is tried again and again, and whether it works.
#[derive(Debug)]
pub(crate) struct Outage {
    begins: &'static str,
    ends: &'static str,
    topic: Option<&'static str>,
    group: Option<&'static str>,
    /// Why it does not work, as it was said last; `None` while it does.
    reason: Mutex<Option<String>>,
}

impl Outage {
    /// What is said when it does not work any more, and when it does again.
    pub(crate) const fn new(begins: &'static str, ends: &'static str) -> Self {
        Self { begins, ends, topic: None, group: None, reason: Mutex::new(None) }
    }

    /// Says in each line whose events it is about.
    pub(crate) const fn of(mut self, topic: &'static str, group: &'static str) -> Self {
        (self.topic, self.group) = (Some(topic), Some(group));
        self
    }

    /// It was tried and did not work.
    pub(crate) fn failed(&self, reason: &str) {
        let mut said = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        if said.as_deref() != Some(reason) {
            tracing::warn!(topic = self.topic, group = self.group, reason, "{}", self.begins);
            *said = Some(reason.to_owned());
        }
    }

    /// It was tried and worked.
    pub(crate) fn worked(&self) {
        let said = self.reason.lock().unwrap_or_else(PoisonError::into_inner).take();
        if said.is_some() {
            tracing::info!(topic = self.topic, group = self.group, "{}", self.ends);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logged::logged;

    #[test]
    fn it_is_said_once_again_when_the_reason_changes_and_once_when_it_is_over() {
        let lines = logged(|| {
            let outage = Outage::new("nothing comes in", "everything comes in").of("orders", "order-api");
            outage.worked();
            for reason in ["refused", "refused", "no answer", "no answer"] {
                outage.failed(reason);
            }
            outage.worked();
            outage.worked();
            Outage::new("it waits", "it goes on").failed("refused");
        });
        let about = "topic=\"orders\" group=\"order-api\"";
        assert_eq!(
            lines,
            [
                &format!("WARN nothing comes in {about} reason=\"refused\""),
                &format!("WARN nothing comes in {about} reason=\"no answer\""),
                &format!("INFO everything comes in {about}"),
                "WARN it waits reason=\"refused\"",
            ]
        );
    }
}
