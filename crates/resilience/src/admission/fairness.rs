//! Fairness: a concurrency limit shared out among tenants, so that one cannot have it all.
//!
//! A limit without it belongs to whoever asks most: one tenant's runaway script holds every place, and
//! the refusals go to everybody. Here each tenant gets its **max-min fair share** (Bertsekas and
//! Gallager, *Data Networks*, 6.5.2): who wants less than an equal part gets all it wants, and what that
//! leaves is shared out equally among the rest, again and again. So nobody is held back while there are
//! places that nobody else wants, and who is held back has at least as much as anybody else but one place.
//!
//! What a tenant *wants* is measured: the most places it had or asked for (one above what it had, when
//! it was refused) in this and the last `memory`. Admission does not queue and interrupts nothing, which
//! sets the limit of what it can do: a tenant who comes when all places are taken is refused too. But
//! from then on its share is kept: as calls end, the places above the others' shares go to it and not
//! back. That takes about one service time.
//!
//! **Bounded**: at most `keys_max` tenants are told apart. When more come, the one seen least recently
//! among those without a call inside is forgotten; when all have calls inside, newcomers share one common
//! account. With `keys_max` at least the limit the latter does not happen for long. Forgetting is no
//! protection against somebody who invents tenants: take the key from what was authenticated.
//!
//! A decision takes constant time in the number of tenants but for three cases: once per `memory`, once
//! per change of what somebody wants while there is not enough for all, and per forgotten tenant;
//! in these it is linear in `keys_max` (with the sorting, a little more).
//!
//! Invariants: calls in flight never exceed the limit; while the limit is reached, or somebody is told
//! [`Reason::FairShare`](crate::Reason::FairShare), no tenant got beyond its share since it was last
//! worked out. Defaults: 1024 keys, 1 s.
//!
//! ```
//! use std::time::Duration;
//! use resilience::admission::adaptive::AdaptiveLimit;
//! use resilience::admission::fairness::{FairSettings, FairShare};
//! use resilience::admission::guard::GuardLayer;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let rule = FairShare::new(AdaptiveLimit::fixed(64), FairSettings::default(), Duration::from_secs(1));
//! let layer = GuardLayer::new(rule).tagged(|order: &(String, u32)| order.0.clone());
//! let service = layer.layer(service_fn(|(_, n): (String, u32)| async move { Ok::<_, std::io::Error>(n + 1) }));
//! assert_eq!(service.oneshot(("c1".to_owned(), 41)).await.unwrap(), 42);
//! # });
//! ```

mod rule;
mod share;

pub use rule::{FairPass, FairSettings, FairShare};

#[cfg(test)]
mod tests;
