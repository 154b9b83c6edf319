//! One module per noun of the command tree.

mod build;
mod clouds;
mod doctor;
mod lint;
mod ns;
mod op;
mod ovf;
mod package;
mod plan;
mod topology;
mod vim;
mod vim_events;
mod vim_images;
mod vnf;
mod vnf_changes;
mod vnf_snapshots;

mod alarm;
mod pm;

use clap::CommandFactory;

use descriptors::archive::PackageKind;

use crate::cli::{Cli, Command, Pkg, VnfPkg};
use crate::context::Context;
use crate::fail::Failure;

/// Runs one command.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    // What works on files alone needs no service.
    let command = match cli.command {
        Command::Vnfpkg(VnfPkg::Package(Pkg::Build(args))) | Command::Nsd(Pkg::Build(args)) => {
            return build::run(&args);
        }
        Command::Vnfpkg(VnfPkg::FromOvf(args)) => return ovf::from_ovf(&args, cli.global.output),
        Command::Vnfpkg(VnfPkg::ToOva(args)) => return ovf::to_ova(&args, cli.global.output),
        Command::Vnfpkg(VnfPkg::Package(Pkg::Lint(args))) => {
            return lint::run(&args, PackageKind::Vnf, cli.global.output);
        }
        Command::Nsd(Pkg::Lint(args)) => return lint::run(&args, PackageKind::Ns, cli.global.output),
        other => other,
    };
    let context = Context::new(&cli.global)?;
    match command {
        Command::Vnfpkg(command) => package::vnfpkg(&context, command).await,
        Command::Nsd(command) => package::nsd(&context, command).await,
        Command::Ns(command) => ns::run(&context, command).await,
        Command::Vnf(command) => vnf::run(&context, command).await,
        Command::Op(command) => op::run(&context, command).await,
        Command::Vim(command) => vim::vim(&context, command).await,
        Command::Host(command) => vim::host(&context, command).await,
        Command::Leaks => vim::leaks(&context).await,
        Command::Topology { ns } => topology::run(&context, &ns).await,
        Command::Doctor { state_dir } => doctor::run(context.format, &state_dir),
        Command::Alarm(command) => alarm::run(&context, command).await,
        Command::Pm(command) => pm::run(&context, command).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "mano", &mut std::io::stdout());
            Ok(())
        }
    }
}
