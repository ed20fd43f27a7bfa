//! The program `failfirst`.

use std::process::ExitCode;

/// A simulated second is millions of small allocations: the system's allocator would take twice the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    failfirst::main()
}
