//! Software images that an operator puts into a VIM, for VNFDs that name an image which no package brings. Beyond SOL005,
//! below `/mano/v1`.

use bytes::Bytes;
use futures::Stream;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::mano::{ManoClient, paths};
use crate::common::CallError;
use crate::nf_vi::DiskFormat;
use crate::or_vi::SoftwareImage;

/// A software image to put into a VIM. Its content follows by a streamed PUT on `content`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddImage {
    /// Name by which VNFDs name it, 1..=255 characters.
    pub name: String,
    /// Version text.
    #[serde(default)]
    pub version: String,
    /// Disk format.
    pub format: DiskFormat,
    /// SHA-256 of the content, 64 hexadecimal digits. The content is refused when it differs.
    pub sha256: String,
    /// Size of the content in bytes, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
}

fn images(vim: Uuid) -> String {
    format!("{}/software_images", paths::vim(vim))
}

impl ManoClient {
    /// Announces a software image of the operator's.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 when the VIM has it already, 422 with every fault.
    pub async fn add_image(&self, vim: Uuid, image: &AddImage) -> Result<SoftwareImage, CallError> {
        Ok(self.0.post(&images(vim), image).await?.body)
    }

    /// Streams the content of an announced software image into the VIM.
    ///
    /// # Errors
    /// Any [`CallError`]; 422 when the content is not what was announced.
    pub async fn upload_image<S, E>(
        &self,
        vim: Uuid,
        image: Uuid,
        length: Option<u64>,
        content: S,
    ) -> Result<SoftwareImage, CallError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let path = format!("{}/{image}/content", images(vim));
        self.0.upload(reqwest::Method::PUT, &path, "application/octet-stream", length, content).await
    }

    /// Software images of a VIM, those of packages too.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn vim_images(&self, vim: Uuid) -> Result<Vec<SoftwareImage>, CallError> {
        Ok(self.0.get(&images(vim)).await?.body)
    }

    /// Deletes a software image of the operator's.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 while computes are made from it, or when it belongs to a VNF package.
    pub async fn delete_image(&self, vim: Uuid, image: Uuid) -> Result<(), CallError> {
        self.0.delete(&format!("{}/{image}", images(vim))).await.map(drop)
    }
}
