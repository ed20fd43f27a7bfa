//! A refusal: a problem document for people, with what the client makes the same error of.

use domain::Effect;
use domain::broker::BrokerError;
use http::StatusCode;
use serde::{Deserialize, Serialize};

/// A [`BrokerError`] on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Refusal {
    Untouched { detail: String },
    Unknown { detail: String },
    NoSuchTopic { topic: String },
    NoSuchGroup { topic: String, group: String },
    NoSuchLetter { id: String },
    BadName { name: String },
    TooLarge { bytes: usize, bytes_max: usize },
}

impl From<BrokerError> for Refusal {
    fn from(error: BrokerError) -> Self {
        match error {
            BrokerError::Unavailable { detail, effect: Effect::None } => Self::Untouched { detail },
            BrokerError::Unavailable { detail, effect: Effect::Unknown } => Self::Unknown { detail },
            BrokerError::NoSuchTopic { topic } => Self::NoSuchTopic { topic },
            BrokerError::NoSuchGroup { topic, group } => Self::NoSuchGroup { topic, group },
            BrokerError::NoSuchLetter { id } => Self::NoSuchLetter { id },
            BrokerError::BadName { name } => Self::BadName { name },
            BrokerError::TooLarge { bytes, bytes_max } => Self::TooLarge { bytes, bytes_max },
        }
    }
}

impl From<Refusal> for BrokerError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Untouched { detail } => Self::untouched(detail),
            Refusal::Unknown { detail } => Self::unknown(detail),
            Refusal::NoSuchTopic { topic } => Self::NoSuchTopic { topic },
            Refusal::NoSuchGroup { topic, group } => Self::NoSuchGroup { topic, group },
            Refusal::NoSuchLetter { id } => Self::NoSuchLetter { id },
            Refusal::BadName { name } => Self::BadName { name },
            Refusal::TooLarge { bytes, bytes_max } => Self::TooLarge { bytes, bytes_max },
        }
    }
}

impl Refusal {
    /// The status that goes with it.
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::Untouched { .. } | Self::Unknown { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoSuchTopic { .. } | Self::NoSuchGroup { .. } | Self::NoSuchLetter { .. } => {
                StatusCode::NOT_FOUND
            }
            Self::BadName { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }
}

/// A problem document as RFC 9457 has it, with a member of our own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Problem {
    pub(crate) title: String,
    pub(crate) status: u16,
    pub(crate) detail: String,
    /// For the client.
    pub(crate) refusal: Refusal,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::answered(refusal.status(), refusal)
    }
}

impl Problem {
    /// A refusal that is answered with this status.
    pub(crate) fn answered(status: StatusCode, refusal: Refusal) -> Self {
        let detail = match &refusal {
            // The broker is there, but what was asked of it is wrong.
            Refusal::Untouched { detail } if status.is_client_error() => detail.clone(),
            refusal => BrokerError::from(refusal.clone()).to_string(),
        };
        let title = status.canonical_reason().unwrap_or_default().to_owned();
        Self { title, status: status.as_u16(), detail, refusal }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_comes_back_as_it_was() {
        let name = || "x".to_owned();
        for error in [
            BrokerError::untouched("a"),
            BrokerError::unknown("b"),
            BrokerError::NoSuchTopic { topic: name() },
            BrokerError::NoSuchGroup { topic: name(), group: "g".to_owned() },
            BrokerError::NoSuchLetter { id: name() },
            BrokerError::BadName { name: name() },
            BrokerError::TooLarge { bytes: 2, bytes_max: 1 },
        ] {
            let problem = Problem::from(Refusal::from(error.clone()));
            let text = serde_json::to_string(&problem).expect("text keys only");
            let read: Problem = serde_json::from_str(&text).expect("what was written");
            assert_eq!(BrokerError::from(read.refusal), error, "{text}");
            let bytes = crate::wire::encode(&Refusal::from(error.clone()));
            let read: Refusal = postcard::from_bytes(&bytes).expect("what was written");
            assert_eq!(BrokerError::from(read), error);
        }
    }
}
