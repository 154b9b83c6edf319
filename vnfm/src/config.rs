//! Configuration of the VNFM.

use std::path::PathBuf;

use reference_points::common::Fault;
use serde::{Deserialize, Serialize};
use service::config::BaseConfig;
use service::run::ServiceConfig;

/// Configuration of the VNFM.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What every service has: address, database, logs, limits.
    pub service: BaseConfig,
    /// Base address of the NFVO: packages and grants come from it.
    pub nfvo: String,
    /// Own base address as the NFVO and subscribers reach it, without a trailing slash; absent means the address listened on.
    pub public_url: Option<String>,
    /// File with OpenSSH public keys, one per line, that every guest gets.
    pub public_keys_file: Option<PathBuf>,
    /// Steps of all operations that run side by side, 1..=1000.
    pub parallel_steps: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            service: BaseConfig::default(),
            nfvo: "http://127.0.0.1:8700".to_owned(),
            public_url: None,
            public_keys_file: None,
            parallel_steps: 64,
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
        for (key, url) in [("nfvo", Some(&self.nfvo)), ("public_url", self.public_url.as_ref())] {
            if let Some(url) = url.filter(|u| !u.starts_with("http://")) {
                faults.push(Fault::new(key, format!("{url:?} is no http:// address")).mend("http://HOST:PORT"));
            }
        }
        if !(1..=1000).contains(&self.parallel_steps) {
            faults.push(Fault::new("parallel_steps", format!("{} is not within 1..=1000", self.parallel_steps)));
        }
        faults
    }
}
