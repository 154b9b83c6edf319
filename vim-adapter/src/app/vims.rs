//! Registered VIMs and their drivers.

use std::sync::Arc;
use std::time::Duration;

use reference_points::common::Fault;
use reference_points::or_vi::{ExternalNetwork, OpenstackSecrets, Secret, Vim as VimView, VimKind, VimSpec};
use sqlx::AnyConnection;
use uuid::Uuid;

use super::{App, in_use, name_faults};
use crate::error::{Failure, Result, is_refusal, no_faults};
use crate::hosts::HostsVim;
use crate::ipam::faults_outside;
use crate::openstack::{OpenstackVim, faults_of as openstack_faults};
use crate::sim::{SimVim, faults_of as sim_faults};
use crate::store::{images, networks, ports, snapshots, subnets, vims, volumes};
use crate::vim::Vim;

fn faults_of(spec: &VimSpec) -> Vec<Fault> {
    let mut faults = name_faults(&spec.name);
    match &spec.kind {
        VimKind::Hosts { northbound, external_network } => {
            let outside = external_network.iter().flat_map(faults_outside);
            faults.extend(outside.map(|fault| {
                let location = format!("/kind/externalNetwork{}", fault.location);
                Fault { location, ..fault }
            }));
            if let Err(error) = northbound.parse::<ovsdb::Endpoint>() {
                faults.push(
                    Fault::new("/kind/northbound", error.to_string())
                        .mend("e.g. unix:/run/ovn/ovnnb_db.sock, or tcp:192.0.2.1:6641"),
                );
            }
        }
        VimKind::Sim { sim } => faults.extend(sim_faults(sim)),
        VimKind::Openstack { interface_info, access_info } => {
            faults.extend(openstack_faults(interface_info, access_info));
        }
    }
    faults
}

/// What of a specification is to be kept secret, as one text; `None` when nothing is.
fn secrets_of(spec: &VimSpec) -> Option<String> {
    let VimKind::Openstack { access_info, .. } = &spec.kind else { return None };
    let secrets = access_info.secrets();
    (secrets != OpenstackSecrets::default()).then(|| serde_json::json!(secrets).to_string())
}

/// Reads what [`secrets_of`] wrote, or a secret that stands alone, as it was sealed before there could be two.
fn read_secrets(text: String) -> OpenstackSecrets {
    let alone = |_| OpenstackSecrets { secret: Some(Secret::new(&text)), notifications_url: None };
    serde_json::from_str(&text).unwrap_or_else(alone)
}

/// Who asks without a secret means the one that is kept, if it is about the same account of the same cloud; who names no
/// message broker or network outside means that of the same cloud.
fn with_kept_secrets(mut spec: VimSpec, there: Option<&VimSpec>) -> VimSpec {
    if let (VimKind::Openstack { interface_info, access_info }, Some(there)) = (&mut spec.kind, there)
        && let VimKind::Openstack { interface_info: kept_at, access_info: kept } = &there.kind
        && interface_info.endpoint == kept_at.endpoint
    {
        let same = (&access_info.username, &access_info.application_credential_id)
            == (&kept.username, &kept.application_credential_id);
        // The message broker and the network outside are the cloud's, whoever enters that.
        if interface_info.external_network.is_none() {
            interface_info.external_network.clone_from(&kept_at.external_network);
        }
        let secrets = kept.secrets();
        access_info.add_secrets(OpenstackSecrets { secret: secrets.secret.filter(|_| same), ..secrets });
    }
    spec
}

/// Whether the network outside that the adapter gives addresses of is another than before; other pools are no other network.
fn other_outside(before: &VimKind, now: &VimKind) -> bool {
    let outside = |kind: &VimKind| match kind {
        VimKind::Hosts { external_network, .. } => {
            external_network.clone().map(|network| ExternalNetwork { pools: Vec::new(), ..network })
        }
        VimKind::Sim { .. } | VimKind::Openstack { .. } => None,
    };
    outside(before) != outside(now)
}

/// That no router has an address of the network outside.
async fn nothing_leads_outside(tx: &mut AnyConnection, vim: Uuid) -> Result<()> {
    let all = subnets::list(tx, vim).await?;
    let routed = all.iter().filter(|subnet| subnet.spec.routed);
    let names: Vec<String> = routed.take(20).map(|s| format!("subnet {} ({})", s.id, s.spec.name)).collect();
    if names.is_empty() {
        return Ok(());
    }
    let names = names.join(", ");
    Err(Failure::conflict(format!(
        "routers have addresses of the network outside, which stays until they are gone: {names}"
    )))
}

impl App {
    /// Starts the drivers of every registered VIM: what a crash interrupted is carried on.
    ///
    /// # Errors
    /// [`Failure::Db`].
    pub async fn resume(self: &Arc<Self>) -> Result<()> {
        let registered = vims::list(&mut *self.store.db.pool.acquire().await?).await?;
        for (id, spec) in registered {
            let opened = self.opened(id, spec.clone()).await;
            match opened.and_then(|spec| self.build(id, &spec)) {
                Ok(driver) => {
                    self.vims.write().await.insert(id, Arc::clone(&driver));
                    driver.start().await?;
                    let app = Arc::clone(self);
                    self.tasks.spawn("interrupted requests", async move { app.carry_on(id).await });
                }
                Err(failure) => {
                    tracing::error!(vim = %id, name = spec.name, %failure, "a registered VIM cannot be driven")
                }
            }
        }
        Ok(())
    }

    /// Carries on what requests had begun and a stop of the process interrupted, until nothing of it is left.
    async fn carry_on(&self, vim: Uuid) {
        let mut pause = Duration::from_millis(200);
        loop {
            match self.carry_on_once(vim).await {
                Ok(0) => return,
                Ok(left) => tracing::info!(%vim, left, "interrupted requests could not be ended yet"),
                Err(failure) => tracing::warn!(%vim, %failure, "interrupted requests cannot be read"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(30));
        }
    }

    /// How many are left.
    async fn carry_on_once(&self, vim: Uuid) -> Result<usize> {
        use reference_points::or_vi::ResourceState::{Building, Deleting};
        let mut connection = self.store.db.pool.acquire().await?;
        let networks = networks::list(&mut connection, vim).await?;
        let subnets = subnets::list(&mut connection, vim).await?;
        let ports = ports::list(&mut connection, vim).await?;
        let volumes = volumes::list(&mut connection, vim).await?;
        let snapshots = snapshots::list(&mut connection, vim).await?;
        let images = images::list(&mut connection, vim).await?;
        drop(connection);
        let mut left = 0;
        let mut note = |what: &str, id: Uuid, failure: Option<Failure>| {
            // What the VIM refuses is told by the resource's state; asking again is the consumer's choice.
            if let Some(failure) = failure.filter(|failure| !is_refusal(failure)) {
                tracing::info!(%vim, %id, %failure, "an interrupted request for a {what} is tried again later");
                left += 1;
            }
        };
        for network in networks.iter().filter(|n| n.state == Building) {
            note("network", network.id, self.put_network(vim, network.id, network.spec.clone()).await.err());
        }
        for subnet in subnets.iter().filter(|s| s.state == Building) {
            note("subnet", subnet.id, self.put_subnet(vim, subnet.id, subnet.spec.clone()).await.err());
        }
        for port in ports.iter().filter(|p| p.state == Building) {
            note("port", port.id, self.put_port(vim, port.id, port.spec.clone()).await.err());
        }
        for volume in volumes.iter().filter(|v| v.state == Building) {
            note("volume", volume.id, self.put_volume(vim, volume.id, volume.spec.clone()).await.err());
        }
        for port in ports.iter().filter(|p| p.state == Deleting) {
            note("port", port.id, self.delete_port(vim, port.id).await.err());
        }
        for subnet in subnets.iter().filter(|s| s.state == Deleting) {
            note("subnet", subnet.id, self.delete_subnet(vim, subnet.id).await.err());
        }
        for network in networks.iter().filter(|n| n.state == Deleting) {
            note("network", network.id, self.delete_network(vim, network.id).await.err());
        }
        for volume in volumes.iter().filter(|v| v.state == Deleting) {
            note("volume", volume.id, self.delete_volume(vim, volume.id).await.err());
        }
        for snapshot in snapshots.iter().map(|row| &row.snapshot).filter(|s| s.state == Building) {
            note("snapshot", snapshot.id, self.put_snapshot(vim, snapshot.id, snapshot.spec.clone()).await.err());
        }
        for snapshot in snapshots.iter().map(|row| &row.snapshot).filter(|s| s.state == Deleting) {
            note("snapshot", snapshot.id, self.delete_snapshot(vim, snapshot.id).await.err());
        }
        for row in images.iter().filter(|row| row.image.state == Deleting) {
            note("software image", row.image.id, self.delete_image(vim, row.image.id).await.err());
        }
        Ok(left)
    }

    fn build(&self, id: Uuid, spec: &VimSpec) -> Result<Arc<dyn Vim>> {
        let (ledger, tasks) = (self.ledger(id), self.tasks.child());
        Ok(match &spec.kind {
            VimKind::Hosts { northbound, external_network } => {
                let outside = external_network.clone();
                Arc::new(HostsVim::new(ledger, tasks, self.images.clone(), northbound, outside)?)
            }
            VimKind::Sim { sim } => Arc::new(SimVim::new(ledger, tasks, sim.clone())),
            VimKind::Openstack { interface_info, access_info } => {
                Arc::new(OpenstackVim::new(ledger, tasks, interface_info.clone(), access_info.clone()))
            }
        })
    }

    /// A specification as it was given, with its secret, which is sealed anew when the first key is another by now.
    async fn opened(&self, id: Uuid, mut spec: VimSpec) -> Result<VimSpec> {
        let VimKind::Openstack { access_info, .. } = &mut spec.kind else { return Ok(spec) };
        let sealed = vims::secret(&mut *self.store.db.pool.acquire().await?, id).await?;
        let Some(sealed) = sealed else { return Ok(spec) };
        let opened = self.vault.unseal(id, &sealed)?;
        access_info.add_secrets(read_secrets(opened.secret.clone()));
        if opened.old_key {
            let sealed = self.vault.seal(id, &opened.secret)?;
            db::transaction!(self.store.db, |tx| { Ok::<_, Failure>(vims::put(tx, id, &spec, Some(&sealed)).await?) })?;
        }
        Ok(spec)
    }

    /// Registers a VIM or changes how it is reached; it is asked at once whether that works.
    ///
    /// # Errors
    /// 409, 422, 503 when it cannot be reached.
    pub async fn put_vim(&self, id: Uuid, spec: VimSpec) -> Result<VimView> {
        let _turn = self.registering.lock().await;
        let stored = vims::get(&mut *self.store.db.pool.acquire().await?, id).await?;
        let there = match stored {
            // A secret that cannot be opened any more is one that is given again.
            Some(stored) => Some(self.opened(id, stored.clone()).await.unwrap_or(stored)),
            None => None,
        };
        let spec = with_kept_secrets(spec, there.as_ref());
        no_faults("the VIM", faults_of(&spec))?;
        if let Some(there) = &there {
            if there.kind.vim_type() != spec.kind.vim_type() {
                return Err(Failure::conflict(format!(
                    "VIM {id} ({}) is of kind {}; a VIM's kind cannot be changed",
                    there.name,
                    there.kind.vim_type()
                )));
            }
            if *there == spec && self.vims.read().await.contains_key(&id) {
                return self.vim(id).await;
            }
        }
        let driver = self.build(id, &spec)?;
        let sealed = secrets_of(&spec).map(|secrets| self.vault.seal(id, &secrets)).transpose()?;
        driver.check().await?;
        let other_outside = there.as_ref().is_some_and(|there| other_outside(&there.kind, &spec.kind));
        db::transaction!(self.store.db, |tx| {
            if other_outside {
                vims::lock(tx, id).await?;
                nothing_leads_outside(tx, id).await?;
            }
            Ok::<_, Failure>(vims::put(tx, id, &spec, sealed.as_deref()).await?)
        })?;
        let old = self.vims.write().await.remove(&id);
        if let Some(old) = old {
            old.stop().await;
        }
        self.vims.write().await.insert(id, Arc::clone(&driver));
        driver.start().await?;
        self.vim(id).await
    }

    /// A VIM with its health.
    ///
    /// # Errors
    /// 404.
    pub async fn vim(&self, id: Uuid) -> Result<VimView> {
        let driver = self.driver(id).await?;
        let spec = vims::get(&mut *self.store.db.pool.acquire().await?, id).await?;
        let spec = spec.ok_or_else(|| Failure::not_found(format!("VIM {id}")))?;
        let capabilities = driver.profile().capabilities.into_iter().map(str::to_owned).collect();
        let report = driver.report().await;
        Ok(VimView { id, spec, health: driver.health().await, capabilities, report })
    }

    /// All VIMs.
    ///
    /// # Errors
    /// [`Failure::Db`].
    pub async fn vims(&self) -> Result<Vec<VimView>> {
        let registered = vims::list(&mut *self.store.db.pool.acquire().await?).await?;
        let mut views = Vec::with_capacity(registered.len());
        for (id, _) in registered {
            match self.vim(id).await {
                Ok(view) => views.push(view),
                Err(Failure::Problem(problem)) if problem.status == 404 => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(views)
    }

    /// Forgets a VIM.
    ///
    /// # Errors
    /// 409 while it holds resources, naming them.
    pub async fn delete_vim(&self, id: Uuid) -> Result<()> {
        let _turn = self.registering.lock().await;
        db::transaction!(self.store.db, |tx| {
            if !vims::lock(tx, id).await? {
                return Ok(());
            }
            let holdings = vims::holdings(tx, id, 10).await?;
            if !holdings.is_empty() {
                return Err(in_use(&format!("VIM {id}"), &holdings));
            }
            Ok::<_, Failure>(vims::delete(tx, id).await?)
        })?;
        if let Some(driver) = self.vims.write().await.remove(&id) {
            driver.stop().await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reference_points::or_vi::{OpenstackAccessInfo, OpenstackInterfaceInfo};

    use super::*;

    fn cloud(account: OpenstackAccessInfo) -> VimSpec {
        let interface_info = serde_json::from_str::<OpenstackInterfaceInfo>(r#"{"endpoint": "http://k/v3"}"#).unwrap();
        VimSpec { name: "cloud".to_owned(), kind: VimKind::Openstack { interface_info, access_info: account } }
    }

    fn account(password: Option<&str>, notifications: Option<&str>) -> OpenstackAccessInfo {
        OpenstackAccessInfo {
            username: Some("nfv".to_owned()),
            password: password.map(Secret::new),
            notifications_url: notifications.map(Secret::new),
            ..OpenstackAccessInfo::default()
        }
    }

    #[test]
    fn both_secrets_are_kept_and_one_that_was_sealed_alone_is_read() {
        let spec = cloud(account(Some("pw"), Some("rabbit://u:p@h/")));
        let text = secrets_of(&spec).unwrap();
        let mut shown = account(None, None);
        shown.add_secrets(read_secrets(text));
        assert_eq!(cloud(shown), spec);
        assert_eq!(read_secrets("pw".to_owned()).secret, Some(Secret::new("pw")));
        assert_eq!(secrets_of(&cloud(account(None, None))), None);
    }

    #[test]
    fn what_is_not_given_again_is_what_was_given_and_an_empty_address_ends_it() {
        let there = cloud(account(Some("pw"), Some("rabbit://u:p@h/")));
        assert_eq!(with_kept_secrets(cloud(account(None, None)), Some(&there)), there);
        let mut other = account(Some("new"), None);
        other.username = Some("other".to_owned());
        let mut rotated = other.clone();
        rotated.notifications_url = Some(Secret::new("rabbit://u:p@h/"));
        assert_eq!(with_kept_secrets(cloud(other), Some(&there)), cloud(rotated));
        let off = with_kept_secrets(cloud(account(None, Some(""))), Some(&there));
        assert_eq!(off, cloud(account(Some("pw"), Some(""))));
    }
}
