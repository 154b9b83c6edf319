//! The VNF manager's process.

fn main() -> std::process::ExitCode {
    service::cli::run_main::<vnfm::Vnfm>()
}
