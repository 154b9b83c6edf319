//! Subnets (IFA005 clause 7.4).

use reference_points::or_vi::{ResourceState, Subnet, SubnetSpec};
use uuid::Uuid;

use super::ports::take_outside;
use super::{App, being_deleted, in_use, name_faults};
use crate::diff::same;
use crate::error::{Failure, Result, is_refusal, no_faults};
use crate::ipam;
use crate::ledger::Report;
use crate::store::{addresses, networks, subnets, vims};
use crate::vim::{Gone, Made, NO_ROUTERS, ROUTERS};

impl App {
    /// Ensures a subnet.
    ///
    /// # Errors
    /// 409, 422, or what the VIM says.
    pub async fn put_subnet(&self, vim: Uuid, id: Uuid, spec: SubnetSpec) -> Result<Subnet> {
        no_faults("the subnet", name_faults(&spec.name).into_iter().chain(ipam::faults_of(&spec)).collect())?;
        let driver = self.driver(vim).await?;
        let profile = driver.profile();
        if spec.routed {
            profile.needs(ROUTERS, "a router", NO_ROUTERS)?;
        }
        let ranges = if profile.own_addresses { Vec::new() } else { ipam::ranges_of(&spec) };
        let what = format!("subnet {id}");
        let (subnet, fresh) = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            if let Some(found) = subnets::get(tx, vim, id).await? {
                if found.state == ResourceState::Deleting {
                    return Err(being_deleted(&what));
                }
                same(&what, &found.spec, &spec)?;
                return Ok((found, false));
            }
            super::ports::usable_network(networks::get(tx, vim, spec.network_id).await?, spec.network_id)?;
            for other in subnets::of_network(tx, vim, spec.network_id).await? {
                if other.spec.cidr.contains(&spec.cidr) || spec.cidr.contains(&other.spec.cidr) {
                    return Err(Failure::conflict(format!(
                        "{} overlaps {} of subnet {} ({}) on the same network",
                        spec.cidr, other.spec.cidr, other.id, other.spec.name
                    )));
                }
            }
            let subnet =
                Subnet { id, spec: spec.clone(), vim_resource_id: None, state: ResourceState::Building, problem: None };
            subnets::insert(tx, vim, &subnet).await?;
            addresses::open(tx, vim, id, &ranges).await?;
            if let Some(outside) = profile.external.as_ref().filter(|_| spec.routed) {
                take_outside(tx, vim, outside, id).await?;
                // Where the router stands nobody else does.
                if let Some(gateway) = spec.gateway {
                    addresses::take(tx, vim, id, spec.cidr, gateway, id).await?;
                }
            }
            Ok::<_, Failure>((subnet, true))
        })?;
        if subnet.state == ResourceState::Active {
            return Ok(subnet);
        }
        let outcome = driver.ensure_subnet(&subnet).await;
        self.settle_subnet(vim, id, fresh, outcome).await
    }

    async fn settle_subnet(&self, vim: Uuid, id: Uuid, fresh: bool, outcome: Result<Made>) -> Result<Subnet> {
        match outcome {
            Ok(made) => {
                if let Some(its) = &made.its().id {
                    db::transaction!(self.store.db, |tx| {
                        vims::lock(tx, vim).await?;
                        Ok::<_, Failure>(subnets::set_vim_id(tx, vim, id, Some(its)).await?)
                    })?;
                }
                if matches!(made, Made::Now(_)) {
                    self.ledger(vim).record(&[Report::Subnet(id, ResourceState::Active, None)]).await?;
                }
            }
            Err(failure) if fresh && is_refusal(&failure) => {
                self.forget_subnet(vim, id).await?;
                return Err(failure);
            }
            Err(Failure::Cut) => return Err(Failure::Cut),
            Err(failure) => {
                let state = if is_refusal(&failure) { ResourceState::Error } else { ResourceState::Building };
                self.ledger(vim).record(&[Report::Subnet(id, state, Some(failure.to_problem()))]).await?;
                return Err(failure);
            }
        }
        self.subnet(vim, id).await
    }

    /// A subnet.
    ///
    /// # Errors
    /// 404.
    pub async fn subnet(&self, vim: Uuid, id: Uuid) -> Result<Subnet> {
        self.driver(vim).await?;
        let found = subnets::get(&mut *self.store.db.pool.acquire().await?, vim, id).await?;
        found.ok_or_else(|| Failure::not_found(format!("subnet {id}")))
    }

    /// All subnets of a VIM.
    ///
    /// # Errors
    /// 404 for the VIM.
    pub async fn subnets(&self, vim: Uuid) -> Result<Vec<Subnet>> {
        self.driver(vim).await?;
        Ok(subnets::list(&mut *self.store.db.pool.acquire().await?, vim).await?)
    }

    /// Removes a subnet.
    ///
    /// # Errors
    /// 409 while a port has one of its addresses, or what the VIM says.
    pub async fn delete_subnet(&self, vim: Uuid, id: Uuid) -> Result<Gone> {
        let driver = self.driver(vim).await?;
        let found = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            let Some(subnet) = subnets::get(tx, vim, id).await? else { return Ok(None) };
            let users = subnets::users(tx, vim, id).await?;
            if !users.is_empty() {
                return Err(in_use(&format!("subnet {id} ({})", subnet.spec.name), &users));
            }
            subnets::set_state(tx, vim, id, ResourceState::Deleting, None).await?;
            Ok::<_, Failure>(Some(subnet))
        })?;
        let Some(subnet) = found else { return Ok(Gone::Now) };
        let gone = driver.delete_subnet(&subnet).await?;
        if gone == Gone::Now {
            self.forget_subnet(vim, id).await?;
        }
        Ok(gone)
    }

    /// With it goes the address of its router.
    async fn forget_subnet(&self, vim: Uuid, id: Uuid) -> Result<()> {
        db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            addresses::release(tx, vim, id).await?;
            Ok::<_, Failure>(subnets::delete(tx, vim, id).await?)
        })
    }
}
