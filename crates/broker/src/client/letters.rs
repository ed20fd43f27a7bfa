//! Dead letters of the embedded broker.

use async_trait::async_trait;
use domain::broker::{BrokerError, DeadLetter, DeadLetterFilter, DeadLetters};
use http::Method;

use super::Client;
use crate::wire::{Letter, Total, letter_id};

fn query(filter: &DeadLetterFilter) -> Vec<(&'static str, &str)> {
    let topic = filter.topic.as_deref().map(|topic| ("topic", topic));
    topic.into_iter().chain(filter.group.as_deref().map(|group| ("group", group))).collect()
}

/// The path of a letter; one that no letter can have is refused here.
fn path(id: &str) -> Result<String, BrokerError> {
    // Zeros in front are for sorting, and need not be typed.
    match id.parse().map(letter_id) {
        Ok(id) => Ok(format!("/v1/dead-letters/{id}")),
        Err(_no_number) => Err(BrokerError::NoSuchLetter { id: id.to_owned() }),
    }
}

/// A letter that is not there is called as it was asked for.
fn as_asked<T>(id: &str, answer: Result<T, BrokerError>) -> Result<T, BrokerError> {
    answer.map_err(|error| match error {
        BrokerError::NoSuchLetter { .. } => BrokerError::NoSuchLetter { id: id.to_owned() },
        other => other,
    })
}

fn read(letter: Letter) -> Result<DeadLetter, BrokerError> {
    letter.read().ok_or_else(|| BrokerError::unknown("the answer holds a letter that cannot be read"))
}

#[async_trait]
impl DeadLetters for Client {
    async fn list(
        &self,
        filter: &DeadLetterFilter,
        after: &str,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, BrokerError> {
        let (mut letters, mut after) = (Vec::new(), after.to_owned());
        // Page by page, until one is empty.
        while letters.len() < limit {
            let left = (limit - letters.len()).to_string();
            let page = [query(filter), vec![("after", after.as_str()), ("limit", left.as_str())]].concat();
            let page: Vec<Letter> = self.calls.query("/v1/dead-letters", &page).await?;
            let Some(last) = page.last() else { break };
            after = last.id.clone();
            for letter in page {
                letters.push(read(letter)?);
            }
        }
        Ok(letters)
    }

    async fn show(&self, id: &str) -> Result<DeadLetter, BrokerError> {
        read(as_asked(id, self.calls.get(&path(id)?).await)?)
    }

    async fn replay(&self, id: &str) -> Result<(), BrokerError> {
        as_asked(id, self.calls.tell(Method::POST, &format!("{}/replay", path(id)?)).await)
    }

    async fn purge(&self, id: &str) -> Result<(), BrokerError> {
        as_asked(id, self.calls.tell(Method::DELETE, &path(id)?).await)
    }

    async fn total(&self, filter: &DeadLetterFilter) -> Result<u64, BrokerError> {
        let Total { total } = self.calls.query("/v1/dead-letters/total", &query(filter)).await?;
        Ok(total)
    }
}
