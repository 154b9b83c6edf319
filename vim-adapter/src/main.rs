//! The vim-adapter process.

fn main() -> std::process::ExitCode {
    service::cli::run_main::<vim_adapter::VimAdapter>()
}
