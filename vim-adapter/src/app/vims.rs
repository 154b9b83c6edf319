//! Registered VIMs and their drivers.

use std::sync::Arc;
use std::time::Duration;

use reference_points::common::Fault;
use reference_points::or_vi::{Vim as VimView, VimKind, VimSpec};
use uuid::Uuid;

use super::{App, in_use, name_faults};
use crate::error::{Failure, Result, is_refusal, no_faults};
use crate::hosts::HostsVim;
use crate::sim::{SimVim, faults_of as sim_faults};
use crate::store::{images, networks, ports, subnets, vims, volumes};
use crate::vim::Vim;

fn faults_of(spec: &VimSpec) -> Vec<Fault> {
    let mut faults = name_faults(&spec.name);
    match &spec.kind {
        VimKind::Hosts { northbound } => {
            if let Err(error) = northbound.parse::<ovsdb::Endpoint>() {
                faults.push(
                    Fault::new("/kind/northbound", error.to_string())
                        .mend("e.g. unix:/run/ovn/ovnnb_db.sock, or tcp:192.0.2.1:6641"),
                );
            }
        }
        VimKind::Sim { sim } => faults.extend(sim_faults(sim)),
    }
    faults
}

impl App {
    /// Starts the drivers of every registered VIM: what a crash interrupted is carried on.
    ///
    /// # Errors
    /// [`Failure::Db`].
    pub async fn resume(self: &Arc<Self>) -> Result<()> {
        let registered = vims::list(&mut *self.store.db.pool.acquire().await?).await?;
        for (id, spec) in registered {
            match self.build(id, &spec) {
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
        for row in images.iter().filter(|row| row.image.state == Deleting) {
            note("software image", row.image.id, self.delete_image(vim, row.image.id).await.err());
        }
        Ok(left)
    }

    fn build(&self, id: Uuid, spec: &VimSpec) -> Result<Arc<dyn Vim>> {
        let (ledger, tasks) = (self.ledger(id), self.tasks.child());
        Ok(match &spec.kind {
            VimKind::Hosts { northbound } => Arc::new(HostsVim::new(ledger, tasks, self.images.clone(), northbound)?),
            VimKind::Sim { sim } => Arc::new(SimVim::new(ledger, tasks, sim.clone())),
        })
    }

    /// Registers a VIM or changes how it is reached; it is asked at once whether that works.
    ///
    /// # Errors
    /// 409, 422, 503 when it cannot be reached.
    pub async fn put_vim(&self, id: Uuid, spec: VimSpec) -> Result<VimView> {
        no_faults("the VIM", faults_of(&spec))?;
        let _turn = self.registering.lock().await;
        let there = vims::get(&mut *self.store.db.pool.acquire().await?, id).await?;
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
        driver.check().await?;
        db::transaction!(self.store.db, |tx| { Ok::<_, Failure>(vims::put(tx, id, &spec).await?) })?;
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
        Ok(VimView { id, spec, health: driver.health().await, capabilities })
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
