//! What a VIM has by itself and a consumer names by the VIM's own identifier, as one does who was told by another NFVO (SOL003
//! clauses 4.4.1.12 and 9.5.3.5): its networks are noted with the VIM as their owner, are neither changed nor removed, and are
//! forgotten with the VIM. Images need no note.

use reference_points::common::OwnerKind;
use uuid::Uuid;

use super::App;
use crate::error::{Failure, Result};
use crate::store::{images, networks, subnets, vims};

impl App {
    /// Notes a network of the VIM's own, with the subnets that it has now; one that the adapter made is left alone.
    ///
    /// # Errors
    /// What the VIM says.
    pub(super) async fn adopt_network(&self, vim: Uuid, id: Uuid) -> Result<()> {
        let known = networks::get(&mut *self.store.db.pool.acquire().await?, vim, id).await?;
        if known.is_some_and(|network| network.spec.owner.kind != OwnerKind::Vim) {
            return Ok(());
        }
        let Some((network, its_subnets)) = self.driver(vim).await?.own_network(id).await? else { return Ok(()) };
        db::transaction!(self.store.db, |tx| {
            vims::lock(tx, vim).await?;
            if networks::get(tx, vim, id).await?.is_none() {
                networks::insert(tx, vim, &network).await?;
                networks::set_vim_id(tx, vim, id, network.vim_resource_id.as_deref()).await?;
            }
            for gone in subnets::of_network(tx, vim, id)
                .await?
                .into_iter()
                .filter(|old| !its_subnets.iter().any(|s| s.id == old.id))
            {
                subnets::delete(tx, vim, gone.id).await?;
            }
            for subnet in &its_subnets {
                if subnets::get(tx, vim, subnet.id).await?.is_none() {
                    subnets::insert(tx, vim, subnet).await?;
                    subnets::set_vim_id(tx, vim, subnet.id, subnet.vim_resource_id.as_deref()).await?;
                }
            }
            Ok::<_, Failure>(())
        })
    }

    /// The least disk of an image of the VIM's own; `None` when it is none.
    ///
    /// # Errors
    /// What the VIM says.
    pub(super) async fn own_image(&self, vim: Uuid, image: Uuid) -> Result<Option<u64>> {
        if images::get(&mut *self.store.db.pool.acquire().await?, vim, image).await?.is_some() {
            return Ok(None);
        }
        self.driver(vim).await?.own_image(image).await
    }
}
