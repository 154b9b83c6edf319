//! An NFVO in memory: it grants everything to the one VIM.

use async_trait::async_trait;
use reference_points::common::CallError;
use reference_points::or_vnfm::{Grant, GrantAnswer, GrantRequest};
use serde_json::{Value, json};
use uuid::Uuid;
use vnfm::steps::Granting;

use super::{IMAGE, VIM, snapshots, vnfd};

/// Grants everything to the one VIM.
#[derive(Debug, Default)]
pub struct Nfvo;

/// The grant of a request.
pub fn grant_of(request: &GrantRequest) -> Grant {
    let add: Vec<Value> = [&request.add_resources, &request.update_resources]
        .into_iter()
        .flatten()
        .map(|r| json!({ "resourceDefinitionId": r.id, "vimConnectionId": VIM }))
        .collect();
    let images: Vec<Value> = vnfd()
        .sw_images()
        .iter()
        .map(|i| json!({ "vnfdSoftwareImageId": i.id, "vimSoftwareImageId": IMAGE }))
        .collect();
    serde_json::from_value(json!({
        "id": Uuid::new_v5(&request.vnf_lcm_op_occ_id, b"grant"),
        "vnfInstanceId": request.vnf_instance_id,
        "vnfLcmOpOccId": request.vnf_lcm_op_occ_id,
        "vimConnectionInfo": { (VIM.to_string()): { "vimType": "MANO.HOSTS.V_1", "interfaceInfo": { "endpoint": "http://vim" } } },
        "addResources": add,
        "vimAssets": { "softwareImages": images, "snapshotResources": snapshots::granted(request) },
        "_links": { "self": { "href": "x" }, "vnfLcmOpOcc": { "href": "x" }, "vnfInstance": { "href": "x" } }
    }))
    .unwrap()
}

#[async_trait]
impl Granting for Nfvo {
    async fn request(&self, request: &GrantRequest) -> Result<GrantAnswer, CallError> {
        Ok(GrantAnswer::Granted(Box::new(grant_of(request))))
    }

    async fn get(&self, _: &str) -> Result<Option<Grant>, CallError> {
        Ok(None)
    }
}
