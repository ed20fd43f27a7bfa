//! Where an attack's targets come from: a list that is gone through over and over, or a stream that ends.

use std::fmt;
use std::sync::{Arc, Mutex};

use crate::targets::{Target, TargetError, Targets};

/// An attack's targets.
pub struct Source {
    kind: Kind,
}

enum Kind {
    All(Vec<Arc<Target>>),
    Lazy(Mutex<Lazy>),
}

struct Lazy {
    targets: Option<Targets>,
    error: Option<TargetError>,
}

impl Source {
    /// All targets, in turn, without end. There has to be one.
    #[must_use]
    pub fn all(targets: Vec<Target>) -> Self {
        assert!(!targets.is_empty(), "an attack has a target");
        Self { kind: Kind::All(targets.into_iter().map(Arc::new).collect()) }
    }

    /// Each target once, read when it is needed.
    #[must_use]
    pub fn lazy(targets: Targets) -> Self {
        Self { kind: Kind::Lazy(Mutex::new(Lazy { targets: Some(targets), error: None })) }
    }

    /// The target of this turn; `None` when there is none any more.
    pub(super) fn next(&self, sequence: u64) -> Option<Arc<Target>> {
        match &self.kind {
            Kind::All(targets) => {
                let index = usize::try_from(sequence % targets.len() as u64).expect("below the length");
                Some(Arc::clone(&targets[index]))
            }
            Kind::Lazy(lazy) => {
                let mut lazy = lazy.lock().expect("reading targets does not panic");
                match lazy.targets.as_mut()?.next() {
                    Some(Ok(target)) => Some(Arc::new(target)),
                    ended => {
                        lazy.error = ended.and_then(Result::err);
                        lazy.targets = None;
                        None
                    }
                }
            }
        }
    }

    /// Why there is none any more, if not because they were all read.
    pub(super) fn error(&self) -> Option<TargetError> {
        match &self.kind {
            Kind::All(_) => None,
            Kind::Lazy(lazy) => lazy.lock().expect("reading targets does not panic").error.take(),
        }
    }

    /// Whether one of them is encrypted, or nobody knows.
    pub(super) fn may_need_tls(&self) -> bool {
        match &self.kind {
            Kind::All(targets) => targets.iter().any(|target| target.url.scheme_str() == Some("https")),
            Kind::Lazy(_) => true,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::All(targets) => write!(f, "{} targets", targets.len()),
            Kind::Lazy(_) => f.write_str("targets as they are read"),
        }
    }
}
