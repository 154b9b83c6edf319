//! How scripts of VNF packages may run: the section `scripts` of the configuration.

use std::path::PathBuf;

use reference_points::common::Fault;
use serde::{Deserialize, Serialize};

use crate::ops::hooks::ScriptKind;

/// Whether scripts have the network of the VNFM's host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Never; a script that asks for it is refused.
    Never,
    /// Those whose artifact has the property `network: true`.
    Declared,
    /// All.
    Always,
}

/// The section `scripts` of the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// User that scripts run as, by name or as `UID:GID`. A VNFM that is not root runs them as its own user.
    pub user: String,
    /// Kinds of scripts that run: bash, python, ansible.
    pub kinds: Vec<ScriptKind>,
    /// Whether scripts have the network of the VNFM's host, and with it whatever answers there.
    pub network: Network,
    /// Longest that a script may take, in seconds, 1..=3600.
    pub timeout_seconds: u64,
    /// Processor time of each process, in seconds, 1..=3600.
    pub cpu_seconds: u64,
    /// Memory of each process, in MiB, 32..=65536.
    pub memory_mib: u64,
    /// Processes and threads of the user that runs scripts, 16..=65536.
    pub processes: u64,
    /// Scratch space of a script, which lies in memory, in MiB, 1..=4096.
    pub scratch_mib: u64,
    /// Where the files of a script are put while it runs; absent means the system's folder for temporary files.
    pub folder: Option<PathBuf>,
    /// Folders beside those of the system that scripts may read, such as a Python environment.
    pub readable: Vec<PathBuf>,
    /// `ansible-playbook`; absent means the one on PATH.
    pub ansible_playbook: Option<PathBuf>,
    /// Private key with which playbooks that have the network log in to VNFCs.
    pub ssh_key_file: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            user: "nobody".to_owned(),
            kinds: vec![ScriptKind::Bash, ScriptKind::Python, ScriptKind::Ansible],
            network: Network::Declared,
            timeout_seconds: 600,
            cpu_seconds: 300,
            memory_mib: 1024,
            processes: 512,
            scratch_mib: 64,
            folder: None,
            readable: Vec::new(),
            ansible_playbook: None,
            ssh_key_file: None,
        }
    }
}

impl Settings {
    /// Everything that is wrong with it.
    pub fn faults(&self) -> Vec<Fault> {
        let limits = [
            ("timeout_seconds", self.timeout_seconds, 1, 3600),
            ("cpu_seconds", self.cpu_seconds, 1, 3600),
            ("memory_mib", self.memory_mib, 32, 65536),
            ("processes", self.processes, 16, 65536),
            ("scratch_mib", self.scratch_mib, 1, 4096),
        ];
        let beyond = limits.into_iter().filter(|(_, value, low, high)| !(low..=high).contains(&value));
        let mut faults: Vec<Fault> = beyond
            .map(|(key, value, low, high)| {
                Fault::new(format!("scripts.{key}"), format!("{value} is not within {low}..={high}"))
            })
            .collect();
        if let Err(text) = super::account::Account::of(&self.user) {
            faults.push(Fault::new("scripts.user", text).mend("the name of a user, or UID:GID"));
        }
        faults
    }

    /// Where the files of scripts are put.
    pub fn folder(&self) -> PathBuf {
        self.folder.clone().unwrap_or_else(std::env::temp_dir)
    }
}
