//! The generator in a simulated world: what its clients see, and when.

mod attack;
mod drive;
