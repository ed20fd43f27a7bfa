//! What people read, held by snapshots over a plausible ladder.

mod fixture;
mod page;
mod snapshots;
