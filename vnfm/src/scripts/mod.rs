//! Running what a VNF package brings: in a sandbox, with bounded everything, and with what it printed kept.
//!
//! The sandbox is that of `bubblewrap`, entered by `prlimit` and `setpriv`, all with fixed arguments: another user, no
//! capability and no way to a new one, its own process, IPC, host name and cgroup namespaces, a file system that has the
//! programs of the host and the script's own files read-only and a small scratch space, and, unless the VNFD asks and the
//! configuration allows it, a network namespace with nothing in it. It dies with the VNFM.

mod account;
mod inventory;
mod output;
mod sandbox;
mod settings;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use lcm::Problem;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::process::{Child, Command};

pub use inventory::inventory;
pub use settings::{Network, Settings};

use crate::ops::hooks::ScriptKind;
use account::Account;
pub use output::last_lines;
use output::tail;

/// A script with everything that it is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Names the private folder: the same for every try of a step.
    pub name: String,
    /// What runs it.
    pub kind: ScriptKind,
    /// It asks for the VNFM's network.
    pub network: bool,
    /// Path of the script among `files`.
    pub file: String,
    /// Files of the package, by path.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What it can read as `input.json`.
    pub input: Value,
    /// Inputs and parameters: its environment, and the extra variables of a playbook.
    pub variables: Map<String, Value>,
    /// Environment of the VNFM's own making.
    pub environment: Vec<(&'static str, String)>,
}

/// How a script ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finished {
    /// Exit status; 128 and the number of the signal that ended it.
    pub exit_status: i32,
    /// The end of what it wrote to standard output.
    pub stdout: String,
    /// The end of what it wrote to standard error.
    pub stderr: String,
}

/// What runs scripts; a seam for tests.
#[async_trait]
pub trait Runner: Send + Sync {
    /// Runs one to its end. A script that fails is no error of this.
    ///
    /// # Errors
    /// When it cannot be run, or does not end in time.
    async fn run(&self, job: &Job) -> Result<Finished, Box<Problem>>;

    /// How long one may take.
    fn time_limit(&self) -> Duration;
}

/// The real one.
#[derive(Debug, Clone)]
pub struct Confined {
    settings: Settings,
}

fn cannot(detail: impl Into<String>) -> Box<Problem> {
    Box::new(Problem::new("The script cannot be run", detail).status(500))
}

impl Confined {
    /// A runner with these settings.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Refuses what the configuration does not allow, before anything is made.
    fn allowed(&self, job: &Job) -> Result<bool, Box<Problem>> {
        if !self.settings.kinds.contains(&job.kind) {
            let text =
                format!("{} is of kind {}, which scripts.kinds of the VNFM leaves out", job.file, job.kind.word());
            return Err(cannot(text));
        }
        match (self.settings.network, job.network) {
            (Network::Never, true) => {
                let text = format!("{} asks for the network, and scripts.network of the VNFM is never", job.file);
                Err(cannot(text))
            }
            (network, asked) => Ok(network == Network::Always || asked),
        }
    }

    fn program(&self, kind: ScriptKind) -> Result<PathBuf, Box<Problem>> {
        match kind {
            ScriptKind::Bash => found("bash", "install the package bash"),
            ScriptKind::Python => found("python3", "install the package python3"),
            ScriptKind::Ansible => {
                let mend =
                    "pip install ansible-core, and name it in scripts.ansible_playbook of the VNFM's configuration";
                match &self.settings.ansible_playbook {
                    Some(path) if path.is_file() => Ok(path.clone()),
                    Some(path) => Err(cannot(format!("there is no {}: {mend}", path.display()))),
                    None => found("ansible-playbook", mend),
                }
            }
        }
    }

    async fn watched(&self, mut child: Child) -> Result<Finished, Box<Problem>> {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let ended = async { tokio::join!(tail(stdout), tail(stderr), child.wait()) };
        let limit = Duration::from_secs(self.settings.timeout_seconds);
        let Ok((stdout, stderr, status)) = tokio::time::timeout(limit, ended).await else {
            // The child is killed as it is dropped, and everything in its sandbox with it.
            let text = format!("it did not end within {} s and was killed", self.settings.timeout_seconds);
            return Err(Box::new(Problem::new("The script took too long", text).status(504)));
        };
        let status = status.map_err(|e| cannot(format!("its end was not seen: {e}")))?;
        use std::os::unix::process::ExitStatusExt;
        let exit_status = status.code().or(status.signal().map(|s| 128 + s)).unwrap_or(-1);
        let finished = Finished { exit_status, stdout, stderr };
        match sandbox::complaint(&finished) {
            Some(line) => Err(cannot(format!("it could not be confined: {line}"))),
            None => Ok(finished),
        }
    }
}

/// A program on the paths that scripts have, else on the VNFM's own, which may lead where the scripts' user cannot read.
fn found(name: &str, mend: &str) -> Result<PathBuf, Box<Problem>> {
    let own = std::env::var_os("PATH").unwrap_or_default();
    let folders = sandbox::PATH.split(':').map(PathBuf::from).chain(std::env::split_paths(&own));
    let mut paths = folders.map(|folder| folder.join(name));
    paths.find(|path| path.is_file()).ok_or_else(|| cannot(format!("{name} is not installed: {mend}")))
}

#[async_trait]
impl Runner for Confined {
    async fn run(&self, job: &Job) -> Result<Finished, Box<Problem>> {
        let network = self.allowed(job)?;
        let program = self.program(job.kind)?;
        found("bwrap", "install the package bubblewrap")?;
        let account = Account::of(&self.settings.user).map_err(cannot)?;
        let folder = sandbox::Folder::new(&self.settings, job, &account).map_err(|e| {
            cannot(format!("its files could not be written below {}: {e}", self.settings.folder().display()))
        })?;
        let words = sandbox::command(
            &self.settings,
            job,
            &sandbox::Around { program: &program, folder: &folder, account: &account, network },
        );
        let mut words = words.into_iter();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).env_clear().current_dir("/").kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|e| cannot(format!("prlimit could not be started: {e}")))?;
        self.watched(child).await
    }

    fn time_limit(&self) -> Duration {
        Duration::from_secs(self.settings.timeout_seconds)
    }
}

#[cfg(test)]
mod tests;
