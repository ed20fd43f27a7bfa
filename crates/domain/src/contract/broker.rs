//! What a [`Broker`] promises, with its [`Consumer`]s and its [`DeadLetters`].
//!
//! It is driven over a network as well as in virtual time: each test waits for a state and never for a duration, with a
//! deadline that is only there so that a broken broker ends it. What has to take time (a delay, a lease) is measured
//! from its beginning, so that a slow machine cannot break it. Tests have topics of their own, whose names begin with
//! the broker's prefix, so that one server can be shared by many runs. They run at the same time, as many as the
//! [`Pace`] says. What depends on [`Capabilities`](crate::broker::Capabilities) asks them.

mod case;
mod flow;
mod groups;
mod layout;
mod leases;
mod letters;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;

use self::case::Case;
use crate::broker::{Broker, DeadLetters};

/// A broker that is examined.
#[derive(Clone, Debug)]
pub struct BrokerUnderTest {
    /// The broker.
    pub broker: Arc<dyn Broker>,
    /// Its dead letters.
    pub letters: Arc<dyn DeadLetters>,
    /// How its topics' names begin: lower-case letters, digits and dashes, at most 24, and new for each run where a
    /// server outlives it.
    pub prefix: String,
}

/// How fast a broker is examined.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How many tests run at the same time. Default 64: all.
    pub at_once: usize,
    /// How long something that has to happen may take. Default 60 s.
    pub within: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { at_once: 64, within: Duration::from_secs(60) }
    }
}

/// One test of the suite.
type Test = for<'a> fn(&'a Case) -> LocalBoxFuture<'a, ()>;

/// Runs the whole suite. `make` is called for each test, and may give the same broker every time.
///
/// # Panics
/// When the broker breaks its contract.
pub async fn broker<F>(make: impl Fn() -> F, pace: Pace)
where
    F: Future<Output = BrokerUnderTest>,
{
    let tests = [layout::TESTS, flow::TESTS, groups::TESTS, leases::TESTS, letters::TESTS].concat();
    let runs = tests.iter().enumerate().map(|(number, (name, test))| {
        let made = make();
        async move {
            let case = Case::new(made.await, name, number, pace.within);
            test(&case).await;
        }
    });
    futures_util::stream::iter(runs).buffer_unordered(pace.at_once).collect::<()>().await;
}

/// Names tests after their functions.
macro_rules! tests {
    ($($test:ident),* $(,)?) => {
        /// The tests of this module.
        pub(super) const TESTS: &[(&str, super::Test)] =
            &[$((stringify!($test), |case| Box::pin($test(case)))),*];
    };
}
use tests;
