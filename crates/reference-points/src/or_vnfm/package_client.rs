//! The VNFM's client of an NFVO's `vnfpkgm/v2` (SOL003 clause 10): descriptors and artifacts of onboarded packages.

use crate::common::{CallError, Client};

/// Version of `vnfpkgm/v2` that is spoken (SOL003 v3.3.1 clause 10.1).
pub const PACKAGES_VERSION: &str = "2.1.0";

/// Onboarded packages by their descriptor's id.
pub const ONBOARDED: &str = "/vnfpkgm/v2/onboarded_vnf_packages";

/// Client of an NFVO's `vnfpkgm/v2`, as a VNFM uses it.
#[derive(Debug, Clone)]
pub struct OnboardedClient(Client);

impl OnboardedClient {
    /// A client of the NFVO at `base`.
    pub fn new(base: &str) -> Self {
        Self(Client::new("nfvo", base).version(PACKAGES_VERSION))
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
        let parts: Vec<String> = artifact.split('/').map(segment).collect();
        let path = format!("{ONBOARDED}/{}/artifacts/{}", segment(vnfd_id), parts.join("/"));
        crate::nf_vi::absent(self.0.get_bytes(&path, "*/*").await)
    }
}

/// A path segment with what has a meaning of its own escaped (RFC 3986).
fn segment(text: &str) -> String {
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
