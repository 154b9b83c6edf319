//! The command line that every service has, and its `main`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{self, BaseConfig};
use crate::run::{self, Service, ServiceConfig};
use crate::{backup, http::openapi, telemetry};

/// Options of a service.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Configuration file (YAML). Without it /etc/mano/SERVICE.yaml
    #[arg(long, short, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Read and check the configuration, tell every fault with file and line, and end
    #[arg(long)]
    check_config: bool,
    /// Print the configuration in effect, defaults included, passwords left out, and end
    #[arg(long)]
    print_config: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the OpenAPI document of this service
    Openapi,
    /// Write a consistent copy of the database to FILE, while the service runs or not
    Backup {
        /// File to write; it must not exist
        file: PathBuf,
    },
    /// Put a backup in the place of the database; the service must be stopped
    Restore {
        /// File that `backup` wrote
        file: PathBuf,
        /// Replace a database that holds something; it is kept beside as NAME.before-restore
        #[arg(long)]
        replace: bool,
    },
}

const COMMON_HELP: &str = "\
Common configuration, under the key `service` (defaults shown by --print-config):
  service:
    listen: 127.0.0.1:PORT        # beyond loopback only with allow_remote: true
    database: sqlite:///var/lib/mano/NAME.db   # or postgres://user:password@host/name
    log: {level: info, format: json}           # or text

The running service answers /healthz, /readyz and /metrics. SIGTERM and Ctrl-C stop it in order; a second one at once.
Exit codes: 0 ended in order, 1 failed while running, 2 wrong command line or configuration.";

/// Runs a service from its command line: the whole `main` of its binary.
pub fn run_main<S: Service>() -> ExitCode {
    run_from::<S>(std::env::args_os())
}

/// The same with a command line of the caller's, program name first.
pub fn run_from<S: Service>(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let help =
        format!("{}\n\n{}", S::HELP.trim(), COMMON_HELP.replace("PORT", &S::PORT.to_string()).replace("NAME", S::NAME));
    let command = Args::command().name(S::NAME).about(S::ABOUT).after_help(help);
    let args = match Args::from_arg_matches(&command.get_matches_from(arguments)) {
        Ok(args) => args,
        Err(error) => error.exit(),
    };
    match act::<S>(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, why }) => {
            eprintln!("{}: {why}", S::NAME);
            ExitCode::from(code)
        }
    }
}

struct Failure {
    code: u8,
    why: String,
}

fn usage(why: impl std::fmt::Display) -> Failure {
    Failure { code: 2, why: why.to_string() }
}

fn failed(why: impl std::fmt::Display) -> Failure {
    Failure { code: 1, why: why.to_string() }
}

fn act<S: Service>(args: Args) -> Result<(), Failure> {
    if let Some(Command::Openapi) = args.command {
        print!("{}", openapi::text(&run::openapi_of::<S>()));
        return Ok(());
    }
    let path = args.config.unwrap_or_else(|| PathBuf::from(format!("/etc/mano/{}.yaml", S::NAME)));
    let config: S::Config = read::<S>(&path)?;
    if args.print_config {
        let mut shown = config;
        let base = shown.base_mut();
        base.listen = Some(base.listen_on(S::PORT));
        base.database = backup::without_password(&base.database);
        print!("{}", serde_saphyr::to_string(&shown).map_err(failed)?);
        return Ok(());
    }
    if args.check_config {
        println!("{} is sound", path.display());
        return Ok(());
    }
    let runtime = runtime(config.base()).map_err(failed)?;
    match args.command {
        Some(Command::Backup { file }) => {
            println!("{}", runtime.block_on(backup::backup(config.base(), &file)).map_err(failed)?);
            Ok(())
        }
        Some(Command::Restore { file, replace }) => {
            println!("{}", runtime.block_on(backup::restore(config.base(), &file, replace)).map_err(failed)?);
            Ok(())
        }
        _ => {
            telemetry::init(S::NAME, &config.base().log).map_err(usage)?;
            let ended = runtime.block_on(serve::<S>(config));
            // A blocking call that hangs must not keep the process.
            runtime.shutdown_timeout(std::time::Duration::from_secs(2));
            ended
        }
    }
}

fn read<S: Service>(path: &Path) -> Result<S::Config, Failure> {
    let config: S::Config = config::load(path).map_err(|e| match e {
        config::ConfigError::Unreadable { .. } => {
            usage(format!("{e}\nname the configuration with --config FILE; {} --help shows a minimal one", S::NAME))
        }
        faulty => usage(faulty),
    })?;
    run::check(&config, &path.display().to_string()).map_err(usage)?;
    Ok(config)
}

fn runtime(base: &BaseConfig) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(base.worker_threads)
        .max_blocking_threads(16)
        .thread_name("worker")
        .enable_all()
        .build()
}

async fn serve<S: Service>(config: S::Config) -> Result<(), Failure> {
    let mut term = signal(SignalKind::terminate()).map_err(failed)?;
    let mut int = signal(SignalKind::interrupt()).map_err(failed)?;
    let running = tokio::select! {
        started = run::start::<S>(config) => started.map_err(|e| match e {
            run::StartError::Config(_) => usage(e),
            other => failed(other),
        })?,
        _ = term.recv() => return Ok(()),
        _ = int.recv() => return Ok(()),
    };
    let stop = running.stopper();
    let ended = running.wait();
    tokio::pin!(ended);
    loop {
        let signal = tokio::select! {
            ended = &mut ended => return ended.map_err(failed),
            _ = term.recv() => "SIGTERM",
            _ = int.recv() => "SIGINT",
        };
        if stop.is_cancelled() {
            return Err(failed(format!("{signal} came again: ended at once")));
        }
        tracing::info!(signal, "stopping");
        stop.cancel();
    }
}
