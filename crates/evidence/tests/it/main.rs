//! The crate from outside: random facts against simple reference implementations, and the record as people
//! read it.

mod properties;
mod record;
mod reference;

use evidence::CellMeta;
use evidence::record::LoadRecord;

/// A cell that exists only here.
fn meta() -> CellMeta {
    CellMeta {
        design: "v0.1.0".into(),
        fault: "blackout".into(),
        seed: 7,
        load: LoadRecord::Constant { rate_per_s: 100.0, duration_s: 20.0, spacing: "poisson".into() },
        load_name: None,
        slo: evidence::SLO,
        capacity_per_s: 152.0,
        detail: None,
    }
}
