//! Requests that are sent twice: what an impatient finger, a proxy or a client library does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use node::{Rng, draw};

/// The shortest time between a request and its duplicate; simulated time has no finer tick.
const DELAY_MIN: Duration = Duration::from_millis(1);
/// The longest: about when an impatient client asks again.
const DELAY_MAX: Duration = Duration::from_millis(500);

/// How large a share of the requests is sent twice. Clones share it, so that a fault can change it while a
/// load runs; none at first.
#[derive(Clone, Debug, Default)]
pub struct Duplicates {
    share: Arc<Mutex<f64>>,
}

impl Duplicates {
    /// From now on this share, from 0 to 1, is sent twice.
    pub fn set(&self, share: f64) {
        *self.share.lock().unwrap_or_else(PoisonError::into_inner) = share;
    }

    /// The share now.
    #[must_use]
    pub fn share(&self) -> f64 {
        *self.share.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this request has a duplicate, and how much later that is sent. Draws only while there are any.
    pub(crate) fn draw(&self, rng: &mut Rng) -> Option<Duration> {
        let share = self.share();
        if share <= 0.0 || !draw::chance(rng, share) {
            return None;
        }
        let delay_ms = draw::uniform(rng, DELAY_MIN.as_millis() as f64, DELAY_MAX.as_millis() as f64);
        Some(Duration::from_millis(delay_ms as u64).max(DELAY_MIN))
    }
}

#[cfg(test)]
mod tests {
    use node::named_rng;

    use super::*;

    #[test]
    fn the_share_decides_and_delays_are_short() {
        let duplicates = Duplicates::default();
        let mut rng = named_rng(1, "duplicates");
        assert!((0..1_000).all(|_| duplicates.draw(&mut rng).is_none()), "nobody asked for any");
        duplicates.clone().set(0.25);
        let delays: Vec<_> = (0..1_000).filter_map(|_| duplicates.draw(&mut rng)).collect();
        assert!((200..300).contains(&delays.len()), "{}", delays.len());
        assert!(delays.iter().all(|delay| (DELAY_MIN..=DELAY_MAX).contains(delay)));
        duplicates.set(1.0);
        assert!((0..1_000).all(|_| duplicates.draw(&mut rng).is_some()));
    }
}
