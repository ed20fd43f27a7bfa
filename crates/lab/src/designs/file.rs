//! One design file as people write it.

use platform::design::{
    Acknowledgement, Admission, Backpressure, Breaker, Composition, Consumers, DeadLetters, DelayedRetries,
    Idempotency, Inbox, Observability, Outbox, Payment, Replicas, Retries, Scale, Timeouts, Topology,
};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// A design as one file states it: its own sections, and what it extends.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Design")]
pub struct DesignFile {
    /// The name it is known by; letters, digits, `.`, `-` and `_`.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// The design it builds upon: a built-in name, or a path relative to this file.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub extends: Option<Spanned<String>>,
    /// Sections of what it extends that it does not have.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub without: Vec<Spanned<String>>,
    /// What it adds, in a few words.
    #[serde(default)]
    pub title: String,
    /// What it must show in the evidence.
    #[serde(default)]
    pub lesson: String,
    /// Which services there are and how they are joined.
    pub topology: Option<Topology>,
    /// How many processes there are of the service that clients call: they share nothing. Needs the topology
    /// `monolith`; one unless said.
    #[schemars(with = "Option<Replicas>")]
    pub replicas: Option<Spanned<Replicas>>,
    /// How many processes share the work of the services that consume events. Needs the topology `events`; one each
    /// unless said.
    pub scale: Option<Scale>,
    /// How hard it is to be paid. Every design has or inherits it.
    pub payment: Option<Payment>,
    /// What order-api lets in.
    pub admission: Option<Admission>,
    /// What order-processor works on, and what it lets wait.
    pub backpressure: Option<Backpressure>,
    /// How long anybody waits.
    pub timeouts: Option<Timeouts>,
    /// That however often a call comes, it runs once.
    pub idempotency: Option<Idempotency>,
    /// How often order-processor repeats a call to payment.
    pub retries: Option<Retries>,
    /// When order-processor leaves payment alone.
    pub breaker: Option<Breaker>,
    /// What the platform notices by itself, and what it remembers of single orders.
    pub observability: Option<Observability>,
    /// What it takes for all of them to work together.
    pub composition: Option<Composition>,
    /// That what was accepted is told, whoever dies. This section and the following need the topology `events`.
    pub outbox: Option<Outbox>,
    /// That an event is dealt with before it is gone.
    pub acknowledgement: Option<Acknowledgement>,
    /// That however often an event comes, it has its effect once.
    pub inbox: Option<Inbox>,
    /// When an event that failed comes again.
    pub delayed_retries: Option<DelayedRetries>,
    /// When an event is put aside for people.
    pub dead_letters: Option<DeadLetters>,
    /// How much is worked on at once, and how much may wait.
    pub consumers: Option<Consumers>,
}

impl DesignFile {
    /// The sections that a design can do without, and whether this file states them.
    pub(super) const fn constraints(&self) -> [(&'static str, bool); 14] {
        [
            ("admission", self.admission.is_some()),
            ("backpressure", self.backpressure.is_some()),
            ("timeouts", self.timeouts.is_some()),
            ("idempotency", self.idempotency.is_some()),
            ("retries", self.retries.is_some()),
            ("breaker", self.breaker.is_some()),
            ("observability", self.observability.is_some()),
            ("composition", self.composition.is_some()),
            ("outbox", self.outbox.is_some()),
            ("acknowledgement", self.acknowledgement.is_some()),
            ("inbox", self.inbox.is_some()),
            ("delayed_retries", self.delayed_retries.is_some()),
            ("dead_letters", self.dead_letters.is_some()),
            ("consumers", self.consumers.is_some()),
        ]
    }

    /// Whether it states this section.
    pub(super) fn states(&self, section: &str) -> bool {
        self.constraints().contains(&(section, true))
    }
}

/// What is wrong with a variant's name, if anything: it may be words, because it stands only in its experiment.
pub(super) fn variant_name_fault(name: &str) -> Option<&'static str> {
    let words = name.split(' ');
    let is_plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "._-+%".contains(c));
    match name {
        "" => Some("a variant needs a name"),
        name if name.len() > 64 => Some("a variant's name has at most 64 characters"),
        _ if words.clone().any(|word| word.is_empty() || !is_plain(word)) => {
            Some("a variant's name is made of words of letters, digits, `.`, `-`, `_`, `+` and `%`")
        }
        _ => None,
    }
}

/// What is wrong with a design's name, if anything: it stands in lists, file names and commands.
pub(super) fn name_fault(name: &str) -> Option<&'static str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    match name {
        "" => Some("a design needs a name"),
        name if name.len() > 64 => Some("a design's name has at most 64 characters"),
        name if !name.chars().all(is_plain) => {
            Some("a design's name is made of letters, digits, `.`, `-` and `_`")
        }
        _ => None,
    }
}
