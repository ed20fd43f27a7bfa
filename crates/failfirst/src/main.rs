//! The program `failfirst`.

use std::process::ExitCode;

/// A simulated run is many small allocations, for which this one is quicker than most systems' own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    failfirst::main()
}
