//! Client of an NFVO's `vnfpkgm/v2` (SOL005 clause 9), as an operator uses it.

use bytes::Bytes;
use futures::Stream;
use uuid::Uuid;

use super::packages::{
    CreateVnfPkgInfoRequest, PkgmSubscription, PkgmSubscriptionRequest, VNF_PACKAGES, VNFPKGM_VERSION, VnfPkgInfo,
    VnfPkgInfoModifications,
};
use crate::common::{CallError, Client, Reply};

/// Subscriptions to package notifications.
pub const PKGM_SUBSCRIPTIONS: &str = "/vnfpkgm/v2/subscriptions";

/// Client of an NFVO's `vnfpkgm/v2`.
#[derive(Debug, Clone)]
pub struct PackageClient(Client);

impl PackageClient {
    /// A client of the NFVO at `base`.
    pub fn new(base: &str) -> Self {
        Self(Client::new("nfvo", base).version(VNFPKGM_VERSION))
    }

    /// Creates a package resource.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn create(&self, request: &CreateVnfPkgInfoRequest) -> Result<VnfPkgInfo, CallError> {
        Ok(self.0.post(VNF_PACKAGES, request).await?.body)
    }

    /// Streams the archive into a package resource.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn upload<S, E>(&self, id: Uuid, length: Option<u64>, content: S) -> Result<(), CallError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let path = format!("{VNF_PACKAGES}/{id}/package_content");
        let sent = self.0.upload(reqwest::Method::PUT, &path, "application/zip", length, content);
        sent.await.map(|_: serde_json::Value| ())
    }

    /// A package; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn get(&self, id: Uuid) -> Result<Option<VnfPkgInfo>, CallError> {
        crate::nf_vi::absent(self.0.get(&format!("{VNF_PACKAGES}/{id}")).await.map(|r| r.body))
    }

    /// Packages; `query` with its question mark, or empty.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn list(&self, query: &str) -> Result<Reply<Vec<VnfPkgInfo>>, CallError> {
        self.0.get(&format!("{VNF_PACKAGES}{query}")).await
    }

    /// Modifies a package.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn modify(
        &self,
        id: Uuid,
        changes: &VnfPkgInfoModifications,
    ) -> Result<VnfPkgInfoModifications, CallError> {
        Ok(self.0.patch(&format!("{VNF_PACKAGES}/{id}"), changes, None).await?.body)
    }

    /// Deletes a package.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 while it is in use.
    pub async fn delete(&self, id: Uuid) -> Result<(), CallError> {
        self.0.delete(&format!("{VNF_PACKAGES}/{id}")).await.map(drop)
    }

    /// The archive as a stream; `None` when there is no such package.
    ///
    /// # Errors
    /// Any [`CallError`] but 404, 409 before it is onboarded; an item of the stream fails when the connection breaks.
    pub async fn content_stream(
        &self,
        id: Uuid,
    ) -> Result<Option<impl Stream<Item = Result<Bytes, CallError>> + Send + Unpin + use<>>, CallError> {
        let path = format!("{VNF_PACKAGES}/{id}/package_content");
        crate::nf_vi::absent(self.0.download(&path, "application/zip").await.map(|r| r.body))
    }

    /// Subscribes to package notifications. An equal subscription that exists already (303) counts as made.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn subscribe(&self, request: &PkgmSubscriptionRequest) -> Result<Option<PkgmSubscription>, CallError> {
        match self.0.post(PKGM_SUBSCRIPTIONS, request).await {
            Err(error) if error.status() == Some(303) => Ok(None),
            other => Ok(Some(other?.body)),
        }
    }

    /// Ends a subscription; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn unsubscribe(&self, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&format!("{PKGM_SUBSCRIPTIONS}/{id}")).await
    }
}
