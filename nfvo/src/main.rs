//! The NFV orchestrator's process.

fn main() -> std::process::ExitCode {
    service::cli::run_main::<nfvo::Nfvo>()
}
