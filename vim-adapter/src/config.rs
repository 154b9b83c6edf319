//! Configuration of the vim-adapter.

use std::path::PathBuf;

use reference_points::common::Fault;
use serde::{Deserialize, Serialize};
use service::config::BaseConfig;
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
}

impl Default for Config {
    fn default() -> Self {
        Self {
            service: BaseConfig::default(),
            state_dir: PathBuf::from("/var/lib/mano/vim-adapter"),
            max_image_bytes: 64 << 30,
            event_history: 50_000,
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
        if self.max_image_bytes == 0 {
            faults.push(Fault::new("/max_image_bytes", "is 0: no image would be accepted"));
        }
        faults
    }
}
