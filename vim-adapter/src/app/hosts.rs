//! Hosts of a VIM.

use reference_points::common::Fault;
use reference_points::or_vi::{Host, HostSpec, VimKind};
use uuid::Uuid;

use super::{App, in_use};
use crate::error::{Failure, Result, no_faults};
use crate::store::{hosts, vims};
use crate::vim::cannot;

fn faults_of(name: &str, spec: &HostSpec) -> Vec<Fault> {
    let mut faults = Vec::new();
    let plain = |text: &str| {
        !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
    };
    if !plain(name) {
        faults.push(Fault::new("path.name", "must be 1 to 64 letters, digits, dots, dashes or underscores"));
    }
    if !plain(&spec.zone) {
        faults.push(Fault::new("/zone", "must be 1 to 64 letters, digits, dots, dashes or underscores"));
    }
    let rest = spec.agent.strip_prefix("http://").or_else(|| spec.agent.strip_prefix("https://"));
    if rest.is_none_or(|rest| rest.is_empty() || rest.contains(char::is_whitespace)) {
        faults.push(Fault::new("/agent", "is no http:// or https:// address").mend("e.g. http://192.0.2.10:8703"));
    }
    faults
}

impl App {
    /// Adds or changes a host. An agent that does not answer yet is told in the answer, and asked again until it does.
    ///
    /// # Errors
    /// 409 when another host has the same agent, 422.
    pub async fn put_host(&self, vim: Uuid, name: &str, spec: HostSpec) -> Result<Host> {
        no_faults("the host", faults_of(name, &spec))?;
        let driver = self.driver(vim).await?;
        db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            if !matches!(vims::get(tx, vim).await?.map(|spec| spec.kind), Some(VimKind::Hosts { .. })) {
                return Err(cannot("adding a host", "only VIMs of kind hosts have hosts of their own choice"));
            }
            for other in hosts::list(tx, vim).await? {
                let same = other.spec.agent.trim_end_matches('/') == spec.agent.trim_end_matches('/');
                if same && other.name != name {
                    return Err(Failure::conflict(format!("host {} has the agent {} already", other.name, spec.agent)));
                }
            }
            Ok::<_, Failure>(hosts::put(tx, vim, name, &spec).await?)
        })?;
        driver.hosts_changed().await?;
        self.host(vim, name).await
    }

    /// A host.
    ///
    /// # Errors
    /// 404.
    pub async fn host(&self, vim: Uuid, name: &str) -> Result<Host> {
        let found = self.hosts(vim).await?.into_iter().find(|host| host.name == name);
        found.ok_or_else(|| Failure::not_found(format!("host {name}")))
    }

    /// Hosts of a VIM.
    ///
    /// # Errors
    /// 404 for the VIM.
    pub async fn hosts(&self, vim: Uuid) -> Result<Vec<Host>> {
        self.driver(vim).await?.hosts().await
    }

    /// Removes a host.
    ///
    /// # Errors
    /// 409 while computes, volumes or snapshots are on it, naming them.
    pub async fn delete_host(&self, vim: Uuid, name: &str) -> Result<()> {
        let driver = self.driver(vim).await?;
        db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            let holdings = hosts::holdings(tx, vim, name).await?;
            if !holdings.is_empty() {
                return Err(in_use(&format!("host {name}"), &holdings));
            }
            Ok::<_, Failure>(hosts::delete(tx, vim, name).await?)
        })?;
        driver.hosts_changed().await
    }
}
