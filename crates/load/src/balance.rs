//! Whom to ask: clients choose among the replicas of what they call.
//!
//! Three ways, each with its own blindness. *Random* needs no memory, and now and then sends many the same way.
//! *Round robin* sends everybody equally many, however long they take. *Least outstanding* asks where the fewest of
//! our own requests are in flight, which is all that a client side knows: work that lives on when its client has left
//! is not in that number.
//!
//! The choice is pure ([`Picker`]); [`Targets`] joins it with base addresses and takes a request off the count when
//! its answer is in or given up. With one target nothing is drawn.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::uri::{Authority, Scheme};
use http::{Request, Uri};
use node::Rng;
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most targets of a load.
pub const TARGETS_MAX: usize = 64;

/// How clients choose among replicas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// Any, with equal chance: the default.
    #[default]
    Random,
    /// One after the other.
    RoundRobin,
    /// Where the fewest requests of these clients are in flight; among equals any.
    LeastOutstanding,
}

impl Balance {
    /// The name in files and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::RoundRobin => "round-robin",
            Self::LeastOutstanding => "least-outstanding",
        }
    }
}

/// The choice by itself: which of so many, by number.
#[derive(Clone, Debug)]
pub struct Picker {
    balance: Balance,
    next: usize,
    outstanding: Vec<u64>,
}

impl Picker {
    /// Chooses among so many; none is in flight.
    ///
    /// # Panics
    /// When there is nothing to choose from.
    #[must_use]
    pub fn new(balance: Balance, targets: usize) -> Self {
        assert!(targets > 0, "there is a target to choose");
        Self { balance, next: 0, outstanding: vec![0; targets] }
    }

    /// The next one, which has one more in flight from now on.
    pub fn pick(&mut self, rng: &mut Rng) -> usize {
        let targets = self.outstanding.len();
        let picked = match self.balance {
            _ if targets == 1 => 0,
            Balance::Random => rng.random_range(0..targets),
            Balance::RoundRobin => {
                let turn = self.next;
                self.next = (turn + 1) % targets;
                turn
            }
            Balance::LeastOutstanding => {
                let least = self.outstanding.iter().min().expect("there is a target");
                let idle = self.outstanding.iter().enumerate().filter(|(_, count)| *count == least);
                let idle: Vec<usize> = idle.map(|(target, _)| target).collect();
                if idle.len() == 1 { idle[0] } else { idle[rng.random_range(0..idle.len())] }
            }
        };
        self.outstanding[picked] += 1;
        picked
    }

    /// One less is in flight there.
    pub fn done(&mut self, target: usize) {
        self.outstanding[target] = self.outstanding[target].saturating_sub(1);
    }

    /// How many are in flight, by target.
    #[must_use]
    pub fn outstanding(&self) -> &[u64] {
        &self.outstanding
    }
}

/// Addresses that are no targets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetsError {
    /// None or too many.
    #[error("{0} targets: there must be 1 to {TARGETS_MAX}")]
    Number(usize),
    /// Not an address to which a path can be added.
    #[error("{0:?} is no base address such as \"http://127.0.0.1:8080\"")]
    Base(String),
}

/// Where the requests of a load go. Clones share the count of what is in flight. By default requests go where they
/// say themselves.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    shared: Option<Arc<Shared>>,
}

#[derive(Debug)]
struct Shared {
    bases: Vec<(Scheme, Authority)>,
    choice: Mutex<(Picker, Rng)>,
}

/// A request in flight, as its target's count knows it; dropping it says that it is over.
#[derive(Debug)]
pub struct InFlight {
    shared: Arc<Shared>,
    target: usize,
}

impl Targets {
    /// Targets by their base addresses (`http://order-api-2:8080`); the randomness should be a stream of its own.
    ///
    /// # Errors
    /// When there are none, too many, or one is no base address.
    pub fn new<S: AsRef<str>>(bases: &[S], balance: Balance, rng: Rng) -> Result<Self, TargetsError> {
        if bases.is_empty() || bases.len() > TARGETS_MAX {
            return Err(TargetsError::Number(bases.len()));
        }
        let bases = bases.iter().map(|base| parse(base.as_ref())).collect::<Result<Vec<_>, _>>()?;
        let choice = Mutex::new((Picker::new(balance, bases.len()), rng));
        Ok(Self { shared: Some(Arc::new(Shared { bases, choice })) })
    }

    /// The same request to whichever target is next; its path and everything else stay.
    pub(crate) fn aim<B>(&self, mut request: Request<B>) -> (Request<B>, Option<InFlight>) {
        let Some(shared) = &self.shared else { return (request, None) };
        let target = {
            let mut choice = shared.choice();
            let (picker, rng) = &mut *choice;
            picker.pick(rng)
        };
        let (scheme, authority) = shared.bases[target].clone();
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        (parts.scheme, parts.authority) = (Some(scheme), Some(authority));
        *request.uri_mut() = Uri::from_parts(parts).expect("scheme, authority and path are an address");
        (request, Some(InFlight { shared: Arc::clone(shared), target }))
    }
}

impl Shared {
    fn choice(&self) -> MutexGuard<'_, (Picker, Rng)> {
        self.choice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.shared.choice().0.done(self.target);
    }
}

fn parse(base: &str) -> Result<(Scheme, Authority), TargetsError> {
    let wrong = || TargetsError::Base(base.to_owned());
    let parts = base.parse::<Uri>().map_err(|_| wrong())?.into_parts();
    match (parts.scheme, parts.authority, parts.path_and_query) {
        (Some(scheme), Some(authority), path) if path.as_ref().is_none_or(|path| path == "/") => {
            Ok((scheme, authority))
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use node::named_rng;

    use super::*;

    fn picks(balance: Balance, many: usize) -> Vec<usize> {
        let mut picker = Picker::new(balance, 3);
        let mut rng = named_rng(1, "balance");
        (0..many).map(|_| picker.pick(&mut rng)).collect()
    }

    #[test]
    fn round_robin_takes_one_after_the_other() {
        assert_eq!(picks(Balance::RoundRobin, 7), [0, 1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn random_is_fair_in_the_long_run_and_the_same_for_the_same_seed() {
        let random = picks(Balance::Random, 3_000);
        let of = |target| random.iter().filter(|picked| **picked == target).count();
        assert!((0..3).all(|target| (900..1_100).contains(&of(target))), "{} {} {}", of(0), of(1), of(2));
        assert_eq!(random, picks(Balance::Random, 3_000));
    }

    #[test]
    fn least_outstanding_goes_where_the_fewest_are_in_flight() {
        let mut picker = Picker::new(Balance::LeastOutstanding, 3);
        let mut rng = named_rng(1, "balance");
        let mut first: Vec<_> = (0..3).map(|_| picker.pick(&mut rng)).collect();
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2], "nobody gets a second one before everybody has one");
        picker.done(1);
        assert_eq!(picker.pick(&mut rng), 1);
        picker.done(2);
        picker.done(2);
        assert_eq!(picker.outstanding(), [1, 1, 0], "a count never falls below nothing");
    }

    #[test]
    fn equals_are_chosen_at_random() {
        let mut rng = named_rng(1, "balance");
        let mut first = |_| Picker::new(Balance::LeastOutstanding, 2).pick(&mut rng);
        let second: usize = (0..1_000).map(&mut first).sum();
        assert!((400..600).contains(&second), "{second}");
    }

    #[test]
    fn a_request_is_aimed_at_a_target_and_counted_until_it_is_over() {
        let bases = ["http://a:8080", "http://b:8080/"];
        let targets = Targets::new(&bases, Balance::RoundRobin, named_rng(1, "balance")).expect("two bases");
        let request = || Request::get("http://elsewhere:1/orders?x=1").body(()).expect("a request");
        let (first, flight) = targets.aim(request());
        let (second, _over) = targets.clone().aim(request());
        assert_eq!(first.uri(), "http://a:8080/orders?x=1");
        assert_eq!(second.uri(), "http://b:8080/orders?x=1");
        drop(flight);
        let shared = targets.shared.as_ref().expect("there are targets");
        assert_eq!(shared.choice().0.outstanding(), [0, 1]);
        assert_eq!(Targets::default().aim(request()).0.uri(), "http://elsewhere:1/orders?x=1");
    }

    #[test]
    fn what_is_no_base_address_is_refused() {
        let refused = |bases: &[&str]| {
            Targets::new(bases, Balance::Random, named_rng(1, "balance")).expect_err("refused").to_string()
        };
        assert_eq!(refused(&[]), "0 targets: there must be 1 to 64");
        for base in ["", "a:8080", "/orders", "http://a/orders", "http://"] {
            assert!(refused(&["http://a:1", base]).contains("no base address"), "{base:?}");
        }
    }
}
