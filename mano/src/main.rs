//! `mano`: the command line of the stack. It speaks SOL005 to the NFVO, SOL003 to the VNFM for single VNFs, and shows
//! long work while it happens.

mod cli;
mod cli_images;
mod cli_monitoring;
mod cli_vims;
mod clock;
mod commands;
mod context;
mod fail;
mod lists;
mod live;
mod output;

use std::process::ExitCode;

use clap::Parser;
use reference_points::common::TraceContext;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let trace = TraceContext::random();
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(fail::Failure::from)
        .and_then(|runtime| runtime.block_on(trace.scope(commands::run(cli))));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, fail::Failure::Reported) {
                output::note(&failure.to_string());
            }
            ExitCode::from(failure.code())
        }
    }
}
