//! Configuration of the VNFM.

use std::collections::BTreeSet;
use std::path::PathBuf;

use reference_points::common::Fault;
use serde::{Deserialize, Serialize};
use service::config::BaseConfig;
use service::run::ServiceConfig;

use crate::ops::occurrence::{
    CHANGE_EXT_CONN, CHANGE_FLAVOUR, CHANGE_VNFPKG, HEAL, INSTANTIATE, MODIFY_INFO, OPERATE, SCALE, SCALE_TO_LEVEL,
};
use crate::scripts::Settings;

/// Operations that can be rolled back.
const REVERSIBLE: [&str; 9] =
    [INSTANTIATE, SCALE, SCALE_TO_LEVEL, MODIFY_INFO, HEAL, OPERATE, CHANGE_FLAVOUR, CHANGE_EXT_CONN, CHANGE_VNFPKG];

/// Configuration of the VNFM.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What every service has: address, database, logs, limits.
    pub service: BaseConfig,
    /// Base address of the NFVO: packages and grants come from it.
    pub nfvo: String,
    /// Base address of the vim-adapter that OpenStacks are registered with whose credentials come in a grant or a request, as
    /// those of other NFVOs do; absent means that such are refused. Then a connection must name its vim-adapter itself.
    pub vim_adapter: Option<String>,
    /// Own base address as the NFVO and subscribers reach it, without a trailing slash; absent means the address listened on.
    pub public_url: Option<String>,
    /// File with OpenSSH public keys, one per line, that every guest gets.
    pub public_keys_file: Option<PathBuf>,
    /// Kinds of operations (`INSTANTIATE`, `SCALE` …) that are rolled back as soon as they fail, without waiting for anybody;
    /// none by default. A termination cannot be rolled back.
    pub automatic_rollback: BTreeSet<String>,
    /// Whether an operation that rests in FAILED_TEMP because a VIM had no room is retried when the NFVO tells that this VIM
    /// allows more, once for each such notification.
    pub retry_when_quota_grows: bool,
    /// How long a fault lasts before a VNF that may be healed by itself is, in seconds, 0..=86400: what goes by itself, or is
    /// repaired by the host, shall not cost a VNFC its disk.
    pub auto_heal_after_seconds: u32,
    /// How long a VNF that was scaled by a trigger of its indicators is not scaled again by one, in seconds, 0..=86400: its
    /// indicators need time to show what came of it.
    pub auto_scale_pause_seconds: u32,
    /// Steps of all operations that run side by side, 1..=1000.
    pub parallel_steps: usize,
    /// How often thresholds are measured, in seconds, 1..=3600.
    pub threshold_period_seconds: u32,
    /// How scripts of VNF packages run.
    pub scripts: Settings,
    /// Where interfaces of VNFs and element managers are when neither instance nor VNFD says.
    pub ve_vnfm: Endpoints,
}

/// Default addresses of interfaces of SOL002.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Endpoints {
    /// Base address of LCM coordination.
    pub coordination_endpoint: Option<String>,
    /// Base address of VNF configuration.
    pub configuration_endpoint: Option<String>,
    /// Base address of VNF indicators.
    pub indicator_endpoint: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            service: BaseConfig::default(),
            nfvo: "http://127.0.0.1:8700".to_owned(),
            vim_adapter: None,
            public_url: None,
            public_keys_file: None,
            automatic_rollback: BTreeSet::new(),
            retry_when_quota_grows: false,
            auto_heal_after_seconds: 30,
            auto_scale_pause_seconds: 60,
            parallel_steps: 64,
            threshold_period_seconds: 10,
            scripts: Settings::default(),
            ve_vnfm: Endpoints::default(),
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
        let own = [("nfvo", Some(&self.nfvo)), ("public_url", self.public_url.as_ref())];
        let ve = &self.ve_vnfm;
        let theirs = [
            ("ve_vnfm.coordination_endpoint", ve.coordination_endpoint.as_ref()),
            ("ve_vnfm.configuration_endpoint", ve.configuration_endpoint.as_ref()),
            ("ve_vnfm.indicator_endpoint", ve.indicator_endpoint.as_ref()),
        ];
        for (key, url) in own.into_iter().chain(theirs) {
            if let Some(url) = url.filter(|u| !u.starts_with("http://")) {
                faults.push(Fault::new(key, format!("{url:?} is no http:// address")).mend("http://HOST:PORT"));
            }
        }
        for kind in self.automatic_rollback.iter().filter(|kind| !REVERSIBLE.contains(&kind.as_str())) {
            let fault = Fault::new("automatic_rollback", format!("{kind:?} is no operation that can be rolled back"));
            faults.push(fault.mend(format!("these can: {}", REVERSIBLE.join(", "))));
        }
        if !(1..=1000).contains(&self.parallel_steps) {
            faults.push(Fault::new("parallel_steps", format!("{} is not within 1..=1000", self.parallel_steps)));
        }
        if !(1..=3600).contains(&self.threshold_period_seconds) {
            let found = format!("{} is not within 1..=3600", self.threshold_period_seconds);
            faults.push(Fault::new("threshold_period_seconds", found));
        }
        let patience = [
            ("auto_heal_after_seconds", self.auto_heal_after_seconds),
            ("auto_scale_pause_seconds", self.auto_scale_pause_seconds),
        ];
        for (key, seconds) in patience.into_iter().filter(|(_, seconds)| *seconds > 86_400) {
            faults.push(Fault::new(key, format!("{seconds} is not within 0..=86400")));
        }
        faults.extend(self.scripts.faults());
        faults
    }
}
