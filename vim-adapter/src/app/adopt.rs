//! What a VIM has by itself and a consumer names by the VIM's own identifier, as one does who was told by another NFVO (SOL003
//! clauses 4.4.1.12 and 9.5.3.5): its networks are noted with the VIM as their owner, are neither changed nor removed, and are
//! forgotten with the VIM. Images need no note.

use reference_points::common::OwnerKind;
use reference_points::or_vi::{ComputeRoot, ComputeSpec};
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
            for subnet in &its_subnets {
                if subnets::get(tx, vim, subnet.id).await?.is_none() {
                    subnets::insert(tx, vim, subnet).await?;
                    subnets::set_vim_id(tx, vim, subnet.id, subnet.vim_resource_id.as_deref()).await?;
                }
            }
            Ok::<_, Failure>(())
        })
    }

    /// The least disk of the image of the VIM's own that a compute boots from; `None` when it boots from something else.
    ///
    /// # Errors
    /// What the VIM says.
    pub(super) async fn own_image(&self, vim: Uuid, spec: &ComputeSpec) -> Result<Option<u64>> {
        let ComputeRoot::Image { image_id, .. } = &spec.root else { return Ok(None) };
        if images::get(&mut *self.store.db.pool.acquire().await?, vim, *image_id).await?.is_some() {
            return Ok(None);
        }
        self.driver(vim).await?.own_image(*image_id).await
    }
}
