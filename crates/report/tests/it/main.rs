//! What people read, held by snapshots over a plausible ladder.

mod fixture;
mod snapshots;
