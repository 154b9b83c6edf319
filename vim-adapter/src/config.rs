//! Configuration of the vim-adapter.

use std::path::PathBuf;

use reference_points::common::Fault;
use serde::{Deserialize, Serialize};
use service::config::{BaseConfig, SecretFile};
use service::run::ServiceConfig;

/// What the vim-adapter is told at start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What all services are told.
    pub service: BaseConfig,
    /// Directory of software images, an absolute path; made if it is missing.
    pub state_dir: PathBuf,
    /// Largest software image accepted, in bytes.
    pub max_image_bytes: u64,
    /// Events kept per VIM for consumers that were away, 100 to 10000000.
    pub event_history: i64,
    /// Files of the keys that secrets of VIMs are sealed with in the database, each 64 hexadecimal digits. The first seals,
    /// all of them open. Needed only for VIMs that have secrets.
    pub secret_key_files: Vec<SecretFile>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            service: BaseConfig::default(),
            state_dir: PathBuf::from("/var/lib/mano/vim-adapter"),
            max_image_bytes: 64 << 30,
            event_history: 50_000,
            secret_key_files: Vec::new(),
        }
    }
}

impl ServiceConfig for Config {
    fn base(&self) -> &BaseConfig {
        &self.service
    }

    fn base_mut(&mut self) -> &mut BaseConfig {
        &mut self.service
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !self.state_dir.is_absolute() {
            faults.push(Fault::new("/state_dir", format!("{} is no absolute path", self.state_dir.display())));
        }
        if !(100..=10_000_000).contains(&self.event_history) {
            faults.push(
                Fault::new("/event_history", format!("{} is out of range", self.event_history)).mend("100 to 10000000"),
            );
        }
        for fault in crate::vault::Vault::open(&self.secret_key_files).err().unwrap_or_default() {
            faults.push(Fault::new("/secret_key_files", fault));
        }
        if self.max_image_bytes == 0 {
            faults.push(Fault::new("/max_image_bytes", "is 0: no image would be accepted"));
        }
        faults
    }
}
