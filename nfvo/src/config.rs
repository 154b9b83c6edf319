//! Configuration of the NFVO.

use std::path::PathBuf;

use descriptors::signature::Unsigned;
use reference_points::common::Fault;
use serde::{Deserialize, Serialize};
use service::config::BaseConfig;
use service::run::ServiceConfig;

/// Configuration of the NFVO.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What every service has: address, database, logs, limits.
    pub service: BaseConfig,
    /// Base address of the VNFM.
    pub vnfm: String,
    /// Base address of the vim-adapter.
    pub vim_adapter: String,
    /// Directory of the package and NSD archives; made when it is missing.
    pub state_dir: PathBuf,
    /// Own base address as the VNFM reaches it, without a trailing slash; absent means the address listened on.
    pub callback_base: Option<String>,
    /// Largest archive taken, in bytes.
    pub max_archive_bytes: u64,
    /// Files with the certificates (PEM or DER) that vouch for signers of packages and NSD archives (SOL004 clause 5.1).
    /// When there are any, every signature must lead to one of them.
    pub trust_anchors: Vec<PathBuf>,
    /// What becomes of packages and NSD archives without a signature, or with one that nobody vouches for because there are
    /// no trust anchors: `accept`, `warn` (in the log) or `refuse`.
    pub unsigned_packages: Unsigned,
    /// Steps of all operations that run side by side, 1..=1000.
    pub parallel_steps: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            service: BaseConfig::default(),
            vnfm: "http://127.0.0.1:8701".to_owned(),
            vim_adapter: "http://127.0.0.1:8702".to_owned(),
            state_dir: PathBuf::from("/var/lib/mano/nfvo"),
            callback_base: None,
            max_archive_bytes: 64 << 30,
            trust_anchors: Vec::new(),
            unsigned_packages: Unsigned::Accept,
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
        let addresses = [
            ("vnfm", Some(&self.vnfm)),
            ("vim_adapter", Some(&self.vim_adapter)),
            ("callback_base", self.callback_base.as_ref()),
        ];
        for (key, url) in addresses {
            if let Some(url) = url.filter(|u| !u.starts_with("http://")) {
                faults.push(
                    Fault::new(format!("/{key}"), format!("{url:?} is no http:// address")).mend("http://HOST:PORT"),
                );
            }
        }
        if !self.state_dir.is_absolute() {
            let shown = self.state_dir.display();
            faults.push(Fault::new("/state_dir", format!("{shown} is no absolute path")).mend("/var/lib/mano/nfvo"));
        }
        if !(1..=1000).contains(&self.parallel_steps) {
            faults.push(Fault::new("/parallel_steps", format!("{} is not within 1..=1000", self.parallel_steps)));
        }
        if self.max_archive_bytes < 1024 * 1024 {
            faults.push(Fault::new("/max_archive_bytes", "is less than 1 MiB").mend("at least 1048576"));
        }
        faults
    }
}
