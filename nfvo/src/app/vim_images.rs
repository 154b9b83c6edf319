//! Software images that VIMs have by themselves (IFA005 clause 7.2): put there, listed and deleted by the operator, and looked
//! for where a VNFD names an image that its package does not bring.

use std::collections::BTreeSet;

use axum::body::Bytes;
use futures::Stream;
use reference_points::common::{Owner, OwnerKind};
use reference_points::or_vi::{SoftwareImage, SoftwareImageSpec};
use reference_points::os_ma_nfvo::AddImage;
use service::http::{ApiError, ApiResult};
use uuid::Uuid;

use super::{App, vims};
use crate::ops::held::{Held, Wanted};
use crate::ops::resolve::PackageFacts;

/// Images that a package names and does not bring.
pub fn lacking(package: &PackageFacts) -> impl Iterator<Item = Wanted> {
    let all = package.vnfd.flavours.iter().flat_map(|f| &f.sw_images);
    all.filter(|image| !package.images.contains_key(&image.id)).map(Wanted::of)
}

/// Looks for images in a VIM, by name.
///
/// # Errors
/// 404 for the VIM; what the vim-adapter answers.
pub async fn find(app: &App, vim: Uuid, wanted: BTreeSet<Wanted>) -> ApiResult<Held> {
    let mut held = Held::new();
    if wanted.is_empty() {
        return Ok(held);
    }
    let name = vims::require(app, vim).await?.name;
    for wanted in wanted {
        let named = app.vi.software_images_named(vim, &wanted.name).await?;
        let near = match named.is_empty() {
            true => app.vi.software_images_near(vim, &wanted.name).await?,
            false => Vec::new(),
        };
        let found = wanted.choose(&name, &named, &near);
        held.insert(wanted, found);
    }
    Ok(held)
}

/// Announces an image of the operator's; its content follows.
///
/// # Errors
/// 404 for the VIM, 409 when it has an image of this name and content, what the vim-adapter answers.
pub async fn add(app: &App, vim: Uuid, image: AddImage) -> ApiResult<SoftwareImage> {
    let record = vims::require(app, vim).await?;
    let AddImage { name, version, format, sha256, size_bytes } = image;
    let of_operator = |i: &&SoftwareImage| i.spec.owner.kind == OwnerKind::Vim;
    let named = app.vi.software_images_named(vim, &name).await?;
    if let Some(same) = named.iter().filter(of_operator).find(|i| i.spec.sha256.eq_ignore_ascii_case(&sha256)) {
        let detail = format!("VIM {} has an image \"{name}\" with this content already: {}", record.name, same.id);
        let mut error = ApiError::conflict(detail);
        error.problem.next = Some(format!("mano vim image delete {} --vim {}", same.id, record.name));
        return Err(error);
    }
    let owner = Owner { kind: OwnerKind::Vim, id: vim, operation: None, step: None };
    let (min_disk_bytes, min_memory_bytes) = (None, None);
    let spec = SoftwareImageSpec { name, owner, version, format, sha256, size_bytes, min_disk_bytes, min_memory_bytes };
    Ok(app.vi.put_software_image(vim, app.ids.mint(), &spec).await?)
}

/// Passes the content of an announced image on, as it comes.
///
/// # Errors
/// 404 for the VIM; what the vim-adapter answers: 404 for the image, 422 when the content is another one.
pub async fn take_content<S>(
    app: &App,
    vim: Uuid,
    id: Uuid,
    length: Option<u64>,
    content: S,
) -> ApiResult<SoftwareImage>
where
    S: Stream<Item = Result<Bytes, ApiError>> + Send + 'static,
{
    own(app, vim, id).await?;
    Ok(app.vi.upload_image(vim, id, length, content).await?)
}

/// All images of a VIM, those of packages too.
///
/// # Errors
/// 404 for the VIM; what the vim-adapter answers.
pub async fn list(app: &App, vim: Uuid) -> ApiResult<Vec<SoftwareImage>> {
    vims::require(app, vim).await?;
    Ok(app.vi.software_images(vim).await?)
}

/// Deletes an image of the operator's.
///
/// # Errors
/// 404; 409 when it belongs to a package, or while computes are made from it, naming them.
pub async fn delete(app: &App, vim: Uuid, id: Uuid) -> ApiResult<()> {
    own(app, vim, id).await?;
    Ok(app.vi.delete_software_image(vim, id).await?)
}

/// 404 without such an image, 409 for one that a package brought.
async fn own(app: &App, vim: Uuid, id: Uuid) -> ApiResult<()> {
    vims::require(app, vim).await?;
    let found = app.vi.software_image(vim, id).await?;
    let image = found.ok_or_else(|| ApiError::not_found(format!("software image {id}")))?;
    if image.spec.owner.kind == OwnerKind::Vim {
        return Ok(());
    }
    let package = image.spec.owner.id;
    let mut error =
        ApiError::conflict(format!("software image {id} belongs to VNF package {package} and goes with it"));
    error.problem.next = Some(format!("mano vnfpkg delete {package}"));
    Err(error)
}
