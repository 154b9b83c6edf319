//! Affinity groups (IFA005 clause 7.3.1, affinity or anti-affinity constraints).

use reference_points::or_vi::{AffinityGroup, AffinityGroupSpec};
use uuid::Uuid;

use super::{App, in_use, name_faults};
use crate::diff::same;
use crate::error::{Failure, Result, no_faults};
use crate::store::{groups, vims};
use crate::vim::Gone;

impl App {
    /// Ensures an affinity group.
    ///
    /// # Errors
    /// 409, 422, or what the VIM says.
    pub async fn put_group(&self, vim: Uuid, id: Uuid, spec: AffinityGroupSpec) -> Result<AffinityGroup> {
        no_faults("the affinity group", name_faults(&spec.name))?;
        let driver = self.driver(vim).await?;
        let group = db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            if let Some(found) = groups::get(tx, vim, id).await? {
                same(&format!("affinity group {id}"), &found.spec, &spec)?;
                return Ok(found);
            }
            let group = AffinityGroup { id, spec: spec.clone(), vim_resource_id: None, members: Vec::new() };
            groups::insert(tx, vim, &group).await?;
            Ok::<_, Failure>(group)
        })?;
        let made = driver.ensure_affinity_group(&group).await?;
        if let Some(its) = &made.its().id {
            db::transaction!(self.store.db, |tx| {
                vims::lock(tx, vim).await?;
                Ok::<_, Failure>(groups::set_vim_id(tx, vim, id, Some(its)).await?)
            })?;
        }
        self.group(vim, id).await
    }

    /// An affinity group.
    ///
    /// # Errors
    /// 404.
    pub async fn group(&self, vim: Uuid, id: Uuid) -> Result<AffinityGroup> {
        self.driver(vim).await?;
        let found = groups::get(&mut *self.store.db.pool.acquire().await?, vim, id).await?;
        found.ok_or_else(|| Failure::not_found(format!("affinity group {id}")))
    }

    /// All affinity groups of a VIM.
    ///
    /// # Errors
    /// 404 for the VIM.
    pub async fn groups(&self, vim: Uuid) -> Result<Vec<AffinityGroup>> {
        self.driver(vim).await?;
        Ok(groups::list(&mut *self.store.db.pool.acquire().await?, vim).await?)
    }

    /// Removes an affinity group.
    ///
    /// # Errors
    /// 409 while it has members, or what the VIM says.
    pub async fn delete_group(&self, vim: Uuid, id: Uuid) -> Result<Gone> {
        let driver = self.driver(vim).await?;
        let Some(group) = groups::get(&mut *self.store.db.pool.acquire().await?, vim, id).await? else {
            return Ok(Gone::Now);
        };
        let members: Vec<String> = group.members.iter().map(|id| format!("compute {id}")).collect();
        if !members.is_empty() {
            return Err(in_use(&format!("affinity group {id} ({})", group.spec.name), &members));
        }
        driver.delete_affinity_group(&group).await?;
        db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            let members = groups::get(tx, vim, id).await?.map(|group| group.members).unwrap_or_default();
            if !members.is_empty() {
                return Err(in_use(&format!("affinity group {id}"), &[format!("compute {}", members[0])]));
            }
            Ok::<_, Failure>(groups::delete(tx, vim, id).await?)
        })?;
        Ok(Gone::Now)
    }
}
