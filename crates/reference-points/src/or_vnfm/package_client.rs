//! The VNFM's client of an NFVO's `vnfpkgm/v2` (SOL003 clause 10): descriptors and artifacts of onboarded packages.

use bytes::Bytes;
use futures::Stream;
use uuid::Uuid;

use crate::common::{CallError, Client, Reply};
use crate::os_ma_nfvo::VnfPkgInfo;

/// Version of `vnfpkgm/v2` that is spoken (SOL003 v3.3.1 clause 10.1).
pub const PACKAGES_VERSION: &str = "2.1.0";

/// Onboarded packages by their descriptor's id.
pub const ONBOARDED: &str = "/vnfpkgm/v2/onboarded_vnf_packages";

/// Packages by their own id.
pub const PACKAGES: &str = "/vnfpkgm/v2/vnf_packages";

/// Client of an NFVO's `vnfpkgm/v2`, as a VNFM uses it.
#[derive(Debug, Clone)]
pub struct OnboardedClient(Client);

impl OnboardedClient {
    /// A client of the NFVO at `base`.
    pub fn new(base: &str) -> Self {
        Self(Client::new("nfvo", base).version(PACKAGES_VERSION))
    }

    /// The onboarded package with this descriptor; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn get(&self, vnfd_id: &str) -> Result<Option<VnfPkgInfo>, CallError> {
        crate::nf_vi::absent(self.0.get(&format!("{ONBOARDED}/{}", segment(vnfd_id))).await.map(|r| r.body))
    }

    /// The descriptor's files of a package as a zip archive; `None` when there is no such onboarded package.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn package_vnfd(&self, package: Uuid) -> Result<Option<Vec<u8>>, CallError> {
        crate::nf_vi::absent(self.0.get_bytes(&format!("{PACKAGES}/{package}/vnfd"), "application/zip").await)
    }

    /// A small file of a package, by its path in it; `None` when it has none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn package_artifact(&self, package: Uuid, artifact: &str) -> Result<Option<Vec<u8>>, CallError> {
        let path = artifact_path(PACKAGES, &package.to_string(), artifact);
        crate::nf_vi::absent(self.0.get_bytes(&path, "*/*").await)
    }

    /// Onboarded packages; `query` with its question mark, or empty.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn list(&self, query: &str) -> Result<Reply<Vec<VnfPkgInfo>>, CallError> {
        self.0.get(&format!("{ONBOARDED}{query}")).await
    }

    /// The descriptor's files as a zip archive; `None` when no onboarded package has this descriptor.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn vnfd(&self, vnfd_id: &str) -> Result<Option<Vec<u8>>, CallError> {
        let path = format!("{ONBOARDED}/{}/vnfd", segment(vnfd_id));
        crate::nf_vi::absent(self.0.get_bytes(&path, "application/zip").await)
    }

    /// A small file of the package, by its path in it; `None` when it has none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn artifact(&self, vnfd_id: &str, artifact: &str) -> Result<Option<Vec<u8>>, CallError> {
        crate::nf_vi::absent(self.0.get_bytes(&artifact_path(ONBOARDED, vnfd_id, artifact), "*/*").await)
    }

    /// A file of the package of any size, as a stream; `None` when it has none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404; an item of the stream fails when the connection breaks.
    pub async fn artifact_stream(
        &self,
        vnfd_id: &str,
        artifact: &str,
    ) -> Result<Option<impl Stream<Item = Result<Bytes, CallError>> + Send + Unpin + use<>>, CallError> {
        let reply = self.0.download(&artifact_path(ONBOARDED, vnfd_id, artifact), "*/*").await;
        crate::nf_vi::absent(reply.map(|r| r.body))
    }

    /// The whole package as a stream; `None` when no onboarded package has this descriptor.
    ///
    /// # Errors
    /// Any [`CallError`] but 404; an item of the stream fails when the connection breaks.
    pub async fn content_stream(
        &self,
        vnfd_id: &str,
    ) -> Result<Option<impl Stream<Item = Result<Bytes, CallError>> + Send + Unpin + use<>>, CallError> {
        let path = format!("{ONBOARDED}/{}/package_content", segment(vnfd_id));
        crate::nf_vi::absent(self.0.download(&path, "application/zip").await.map(|r| r.body))
    }
}

fn artifact_path(collection: &str, id: &str, artifact: &str) -> String {
    let parts: Vec<String> = artifact.split('/').map(segment).collect();
    format!("{collection}/{}/artifacts/{}", segment(id), parts.join("/"))
}

/// A path segment with what has a meaning of its own escaped (RFC 3986).
pub fn segment(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_a_path_is_escaped() {
        assert_eq!(
            artifact_path(ONBOARDED, "urn:x/1?", "Artifacts/a b#1.sh"),
            format!("{ONBOARDED}/urn%3Ax%2F1%3F/artifacts/Artifacts/a%20b%231.sh")
        );
    }
}
