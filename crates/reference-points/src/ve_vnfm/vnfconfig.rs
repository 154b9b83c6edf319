//! Configuration of a VNF and its VNFCs (SOL002 v3.3.1 clause 9).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::common::{CallError, Client, KeyValuePairs, Reply};

/// Version of `vnfconfig/v1` that is spoken (SOL002 v3.3.1 clause 9.1).
pub const CONFIGURATION_VERSION: &str = "1.2.0";
/// The one resource.
const CONFIGURATION: &str = "/vnfconfig/v1/configuration";

/// Configuration of a VNF (clause 9.5.2.2). What this VNFM does not set itself is kept as the VNF gave it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VnfConfiguration {
    /// Of the VNF.
    pub vnf_configuration_data: VnfConfigurationData,
    /// Of its VNFCs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vnfc_configuration_data: Vec<VnfcConfigurationData>,
}

/// Configuration of a VNF as a whole (clause 9.5.3.2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VnfConfigurationData {
    /// What only this VNF knows.
    #[serde(skip_serializing_if = "KeyValuePairs::is_empty")]
    pub vnf_specific_data: KeyValuePairs,
    /// Its connection points and its DHCP server.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Configuration of a VNFC (clause 9.5.3.3).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VnfcConfigurationData {
    /// The VNFC: `vnfcInfo` identifier.
    pub vnfc_instance_id: String,
    /// What only this VNF knows.
    #[serde(skip_serializing_if = "KeyValuePairs::is_empty")]
    pub vnfc_specific_data: KeyValuePairs,
    /// Its connection points and its DHCP server.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Client of a VNF's `vnfconfig/v1`.
#[derive(Debug, Clone)]
pub struct ConfigClient(Client);

impl ConfigClient {
    /// A client of the VNF at `base`.
    pub fn new(base: &str) -> Self {
        Self(Client::new("VNF", base).version(CONFIGURATION_VERSION))
    }

    /// The configuration and its ETag (clause 9.4.2.3.2).
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn get(&self) -> Result<(VnfConfiguration, Option<String>), CallError> {
        let reply: Reply<VnfConfiguration> = self.0.get(CONFIGURATION).await?;
        Ok((reply.body, reply.etag))
    }

    /// Changes it by merge patch (clause 9.4.2.3.4), if it is still what the ETag stands for.
    ///
    /// # Errors
    /// Any [`CallError`]; 412 when it was changed meanwhile.
    pub async fn patch(&self, patch: &Value, etag: Option<&str>) -> Result<(), CallError> {
        self.0.patch::<_, Value>(CONFIGURATION, patch, etag).await.map(drop)
    }
}
