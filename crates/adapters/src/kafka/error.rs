//! Why Kafka did not do what it was asked, and whether it may have done it.

use domain::broker::BrokerError;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// A call that only reads, or that was not sent.
pub(super) fn untouched(error: &KafkaError) -> BrokerError {
    BrokerError::untouched(describe(error))
}

/// Why a message was not taken into the client's queue.
pub(super) fn of_enqueue(error: &KafkaError, topic: &str) -> BrokerError {
    match error.rdkafka_error_code() {
        Some(Code::UnknownTopic | Code::UnknownPartition | Code::UnknownTopicOrPartition) => no_such(topic),
        _ => untouched(error),
    }
}

/// Why a message that was queued was not written, or nobody knows whether it was.
pub(super) fn of_delivery(error: &KafkaError, topic: &str) -> BrokerError {
    match error.rdkafka_error_code() {
        Some(Code::UnknownTopic | Code::UnknownPartition | Code::UnknownTopicOrPartition) => no_such(topic),
        Some(Code::MessageSizeTooLarge | Code::TopicAuthorizationFailed | Code::InvalidRecord) => {
            untouched(error)
        }
        _ => BrokerError::unknown(describe(error)),
    }
}

fn no_such(topic: &str) -> BrokerError {
    BrokerError::NoSuchTopic { topic: topic.to_owned() }
}

/// Whether a commit came too late for the group: somebody joined or left meanwhile.
pub(super) fn is_of_another_generation(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::IllegalGeneration
                | Code::UnknownMemberId
                | Code::RebalanceInProgress
                | Code::AssignmentLost
                | Code::NoOffset
        )
    )
}

/// Whether the servers are still finding out who leads what, as after a topic was made or a server died.
pub(super) fn is_passing(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::NotLeaderForPartition
                | Code::LeaderNotAvailable
                | Code::UnknownPartition
                | Code::UnknownTopicOrPartition
                | Code::CoordinatorLoadInProgress
                | Code::CoordinatorNotAvailable
                | Code::NotCoordinator
        )
    )
}

pub(super) fn describe(error: &KafkaError) -> String {
    error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string())
}
