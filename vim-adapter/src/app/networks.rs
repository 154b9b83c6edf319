//! Networks (IFA005 clause 7.4).

use reference_points::common::Fault;
use reference_points::or_vi::{Network, NetworkRealisation, NetworkSpec, ResourceState, ViEvent};
use uuid::Uuid;

use super::{App, being_deleted, in_use, name_faults};
use crate::diff::same;
use crate::error::{Failure, Result, is_refusal, no_faults};
use crate::ledger::Report;
use crate::store::{events, networks, vims};
use crate::vim::{Gone, Made};

/// Bit rates that ports can be held to, in bits per second.
const BITRATES: std::ops::RangeInclusive<u64> = 1_000..=1_000_000_000_000;

/// Everything wrong with a network by itself.
fn faults_of(spec: &NetworkSpec) -> Vec<Fault> {
    let mut faults = name_faults(&spec.name);
    if let Some(mtu) = spec.mtu.filter(|mtu| !(68..=65_535).contains(mtu)) {
        faults.push(Fault::new("/mtu", format!("{mtu} is outside 68 to 65535")));
    }
    if let Some(rate) = spec.max_port_bitrate.filter(|rate| !BITRATES.contains(rate)) {
        let fault =
            Fault::new("/maxPortBitrate", format!("{rate} is outside {} to {}", BITRATES.start(), BITRATES.end()));
        faults.push(fault.mend("it is in bits per second"));
    }
    let (physical, tag) = match &spec.realisation {
        NetworkRealisation::Overlay => (None, None),
        NetworkRealisation::Flat { physical_network } => (Some(physical_network), None),
        NetworkRealisation::Vlan { physical_network, segmentation_id } => {
            (Some(physical_network), Some(*segmentation_id))
        }
    };
    if physical.is_some_and(|name| {
        name.is_empty() || name.len() > 64 || name.contains(|c: char| c.is_control() || ",:= ".contains(c))
    }) {
        faults.push(Fault::new(
            "/realisation/physicalNetwork",
            "must be 1 to 64 characters without spaces, commas, colons or =",
        ));
    }
    if let Some(tag) = tag.filter(|tag| !(1..=4094).contains(tag)) {
        faults.push(Fault::new("/realisation/segmentationId", format!("{tag} is outside 1 to 4094")));
    }
    faults
}

impl App {
    /// Ensures a network.
    ///
    /// # Errors
    /// 409, 422, or what the VIM says.
    pub async fn put_network(&self, vim: Uuid, id: Uuid, spec: NetworkSpec) -> Result<Network> {
        no_faults("the network", faults_of(&spec))?;
        let driver = self.driver(vim).await?;
        let what = format!("network {id}");
        let (network, fresh) = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            if let Some(found) = networks::get(tx, vim, id).await? {
                if found.state == ResourceState::Deleting {
                    return Err(being_deleted(&what));
                }
                same(&what, &found.spec, &spec)?;
                return Ok((found, false));
            }
            let network = Network {
                id,
                spec: spec.clone(),
                vim_resource_id: None,
                state: ResourceState::Building,
                problem: None,
            };
            networks::insert(tx, vim, &network).await?;
            Ok::<_, Failure>((network, true))
        })?;
        if network.state == ResourceState::Active {
            return Ok(network);
        }
        let outcome = driver.ensure_network(&network).await;
        self.settle_network(vim, id, fresh, outcome).await
    }

    async fn settle_network(&self, vim: Uuid, id: Uuid, fresh: bool, outcome: Result<Made>) -> Result<Network> {
        match outcome {
            Ok(made) => {
                if let Some(its) = &made.its().id {
                    db::transaction!(self.store.db, |tx| {
                        vims::lock(tx, vim).await?;
                        Ok::<_, Failure>(networks::set_vim_id(tx, vim, id, Some(its)).await?)
                    })?;
                }
                if matches!(made, Made::Now(_)) {
                    self.ledger(vim).record(&[Report::Network(id, ResourceState::Active, None)]).await?;
                }
            }
            Err(failure) if fresh && is_refusal(&failure) => {
                db::transaction!(self.store.db, |tx| {
                    vims::lock(tx, vim).await?;
                    Ok::<_, Failure>(networks::delete(tx, vim, id).await?)
                })?;
                return Err(failure);
            }
            Err(Failure::Cut) => return Err(Failure::Cut),
            Err(failure) => {
                let state = if is_refusal(&failure) { ResourceState::Error } else { ResourceState::Building };
                self.ledger(vim).record(&[Report::Network(id, state, Some(failure.to_problem()))]).await?;
                return Err(failure);
            }
        }
        self.network(vim, id).await
    }

    /// A network.
    ///
    /// # Errors
    /// 404.
    pub async fn network(&self, vim: Uuid, id: Uuid) -> Result<Network> {
        self.driver(vim).await?;
        let mut connection = self.store.db.pool.acquire().await?;
        let found = networks::get(&mut connection, vim, id).await?;
        found.ok_or_else(|| Failure::not_found(format!("network {id}")))
    }

    /// All networks of a VIM.
    ///
    /// # Errors
    /// 404 for the VIM.
    pub async fn networks(&self, vim: Uuid) -> Result<Vec<Network>> {
        self.driver(vim).await?;
        Ok(networks::list(&mut *self.store.db.pool.acquire().await?, vim).await?)
    }

    /// Removes a network.
    ///
    /// # Errors
    /// 409 while ports or subnets are on it, or what the VIM says.
    pub async fn delete_network(&self, vim: Uuid, id: Uuid) -> Result<Gone> {
        let driver = self.driver(vim).await?;
        let found = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            let Some(mut network) = networks::get(tx, vim, id).await? else { return Ok(None) };
            let users = networks::users(tx, vim, id).await?;
            if !users.is_empty() {
                return Err(in_use(&format!("network {id} ({})", network.spec.name), &users));
            }
            networks::set_state(tx, vim, id, ResourceState::Deleting, None).await?;
            network.state = ResourceState::Deleting;
            let news = ViEvent::Network { network: Box::new(network.clone()) };
            events::append(tx, &self.store, vim, &[news]).await?;
            Ok::<_, Failure>(Some(network))
        })?;
        let Some(network) = found else { return Ok(Gone::Now) };
        self.store.wake.ring();
        let gone = driver.delete_network(&network).await?;
        if gone == Gone::Now {
            db::transaction!(self.store.db, |tx| {
                vims::lock(tx, vim).await?;
                Ok::<_, Failure>(networks::delete(tx, vim, id).await?)
            })?;
        }
        Ok(gone)
    }
}
