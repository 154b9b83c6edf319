//! The nfvi-agent's binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::cli::run_main::<nfvi_agent::serve::NfviAgent>()
}
