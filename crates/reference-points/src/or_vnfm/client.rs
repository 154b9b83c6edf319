//! Clients of Or-Vnfm: VNF lifecycle management of a VNFM, and the grants of an NFVO.

use uuid::Uuid;

use super::{
    CancelMode, ChangeCurrentVnfPkgRequest, ChangeExtVnfConnectivityRequest, ChangeVnfFlavourRequest, CreateVnfRequest,
    CreateVnfSnapshotInfoRequest, CreateVnfSnapshotRequest, Grant, GrantRequest, HealVnfRequest, InstantiateVnfRequest,
    LccnSubscription, LccnSubscriptionRequest, OperateVnfRequest, RevertToVnfSnapshotRequest, ScaleVnfRequest,
    ScaleVnfToLevelRequest, TerminateVnfRequest, VnfInfoModificationRequest, VnfInstance, VnfLcmOpOcc, VnfSnapshotInfo,
    VnfSnapshotInfoModificationRequest,
};
use crate::common::{CallError, Client, Reply};

/// Version of `vnflcm/v2` that is spoken (SOL003 v3.3.1 clause 5.1).
pub const LCM_VERSION: &str = "2.0.0";
/// Version of `grant/v1` that is spoken (SOL003 v3.3.1 clause 9.1).
pub const GRANT_VERSION: &str = "1.4.0";

/// Paths of the VNF LCM and grant interfaces.
pub mod paths {
    use uuid::Uuid;

    /// VNF instances.
    pub const VNF_INSTANCES: &str = "/vnflcm/v2/vnf_instances";
    /// Operation occurrences.
    pub const VNF_LCM_OP_OCCS: &str = "/vnflcm/v2/vnf_lcm_op_occs";
    /// VNF snapshots.
    pub const VNF_SNAPSHOTS: &str = "/vnflcm/v2/vnf_snapshots";
    /// Subscriptions to VNF lifecycle changes.
    pub const LCM_SUBSCRIPTIONS: &str = "/vnflcm/v2/subscriptions";
    /// Grants.
    pub const GRANTS: &str = "/grant/v1/grants";

    /// One VNF instance.
    pub fn vnf_instance(id: Uuid) -> String {
        format!("{VNF_INSTANCES}/{id}")
    }

    /// An operation of a VNF instance, e.g. `instantiate`.
    pub fn vnf_operation(id: Uuid, operation: &str) -> String {
        format!("{VNF_INSTANCES}/{id}/{operation}")
    }

    /// One VNF snapshot.
    pub fn vnf_snapshot(id: Uuid) -> String {
        format!("{VNF_SNAPSHOTS}/{id}")
    }

    /// One operation occurrence.
    pub fn vnf_lcm_op_occ(id: Uuid) -> String {
        format!("{VNF_LCM_OP_OCCS}/{id}")
    }

    /// A task of an operation occurrence, e.g. `retry`.
    pub fn vnf_lcm_op_occ_task(id: Uuid, task: &str) -> String {
        format!("{VNF_LCM_OP_OCCS}/{id}/{task}")
    }

    /// One subscription to VNF lifecycle changes.
    pub fn lcm_subscription(id: Uuid) -> String {
        format!("{LCM_SUBSCRIPTIONS}/{id}")
    }

    /// One grant.
    pub fn grant(id: Uuid) -> String {
        format!("{GRANTS}/{id}")
    }
}

/// Client of a VNFM's `vnflcm/v2`.
#[derive(Debug, Clone)]
pub struct LcmClient(Client);

impl LcmClient {
    /// A client of the VNFM at `base`.
    pub fn new(base: &str) -> Self {
        Self(Client::new("vnfm", base).version(LCM_VERSION))
    }

    /// Creates a VNF instance (clause 5.4.2.3.1).
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn create(&self, request: &CreateVnfRequest) -> Result<VnfInstance, CallError> {
        Ok(self.0.post(paths::VNF_INSTANCES, request).await?.body)
    }

    /// A VNF instance; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn get(&self, id: Uuid) -> Result<Option<VnfInstance>, CallError> {
        crate::nf_vi::absent(self.0.get(&paths::vnf_instance(id)).await.map(|r| r.body))
    }

    /// VNF instances; `query` with its question mark, or empty. The reply's `link` leads to the next page.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn list(&self, query: &str) -> Result<Reply<Vec<VnfInstance>>, CallError> {
        self.0.get(&format!("{}{query}", paths::VNF_INSTANCES)).await
    }

    /// Begins a modification; returns the operation occurrence.
    ///
    /// # Errors
    /// Any [`CallError`]; 412 when `if_match` is given and the instance has changed since.
    pub async fn modify(
        &self,
        id: Uuid,
        changes: &VnfInfoModificationRequest,
        if_match: Option<&str>,
    ) -> Result<Uuid, CallError> {
        let path = paths::vnf_instance(id);
        occurrence(&path, self.0.patch(&path, changes, if_match).await?)
    }

    /// Deletes a VNF instance; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404; 409 while it is instantiated.
    pub async fn delete(&self, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::vnf_instance(id)).await
    }

    /// Begins an instantiation; returns the operation occurrence.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn instantiate(&self, id: Uuid, request: &InstantiateVnfRequest) -> Result<Uuid, CallError> {
        let path = paths::vnf_operation(id, "instantiate");
        occurrence(&path, self.0.post(&path, request).await?)
    }

    /// Begins a termination; returns the operation occurrence.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn terminate(&self, id: Uuid, request: &TerminateVnfRequest) -> Result<Uuid, CallError> {
        let path = paths::vnf_operation(id, "terminate");
        occurrence(&path, self.0.post(&path, request).await?)
    }

    /// Begins a scaling by steps; returns the operation occurrence.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn scale(&self, id: Uuid, request: &ScaleVnfRequest) -> Result<Uuid, CallError> {
        let path = paths::vnf_operation(id, "scale");
        occurrence(&path, self.0.post(&path, request).await?)
    }

    /// Begins a scaling to a level; returns the operation occurrence.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn scale_to_level(&self, id: Uuid, request: &ScaleVnfToLevelRequest) -> Result<Uuid, CallError> {
        let path = paths::vnf_operation(id, "scale_to_level");
        occurrence(&path, self.0.post(&path, request).await?)
    }

    /// Begins a start or stop; returns the operation occurrence.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn operate(&self, id: Uuid, request: &OperateVnfRequest) -> Result<Uuid, CallError> {
        let path = paths::vnf_operation(id, "operate");
        occurrence(&path, self.0.post(&path, request).await?)
    }

    /// Begins a healing; returns the operation occurrence.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn heal(&self, id: Uuid, request: &HealVnfRequest) -> Result<Uuid, CallError> {
        let path = paths::vnf_operation(id, "heal");
        occurrence(&path, self.0.post(&path, request).await?)
    }

    /// Begins a change of the deployment flavour; returns the operation occurrence.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn change_flavour(&self, id: Uuid, request: &ChangeVnfFlavourRequest) -> Result<Uuid, CallError> {
        let path = paths::vnf_operation(id, "change_flavour");
        occurrence(&path, self.0.post(&path, request).await?)
    }

    /// Begins a change of the external connectivity; returns the operation occurrence.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn change_ext_conn(
        &self,
        id: Uuid,
        request: &ChangeExtVnfConnectivityRequest,
    ) -> Result<Uuid, CallError> {
        let path = paths::vnf_operation(id, "change_ext_conn");
        occurrence(&path, self.0.post(&path, request).await?)
    }

    /// Begins a change of the VNF package; returns the operation occurrence.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn change_vnfpkg(&self, id: Uuid, request: &ChangeCurrentVnfPkgRequest) -> Result<Uuid, CallError> {
        let path = paths::vnf_operation(id, "change_vnfpkg");
        occurrence(&path, self.0.post(&path, request).await?)
    }

    /// Begins to take a snapshot; returns the operation occurrence.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn create_snapshot(&self, id: Uuid, request: &CreateVnfSnapshotRequest) -> Result<Uuid, CallError> {
        let path = paths::vnf_operation(id, "create_snapshot");
        occurrence(&path, self.0.post(&path, request).await?)
    }

    /// Begins a return to a snapshot; returns the operation occurrence.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn revert_to_snapshot(&self, id: Uuid, request: &RevertToVnfSnapshotRequest) -> Result<Uuid, CallError> {
        let path = paths::vnf_operation(id, "revert_to_snapshot");
        occurrence(&path, self.0.post(&path, request).await?)
    }

    /// Creates a VNF snapshot resource, yet without content.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn create_snapshot_info(
        &self,
        request: &CreateVnfSnapshotInfoRequest,
    ) -> Result<VnfSnapshotInfo, CallError> {
        Ok(self.0.post(paths::VNF_SNAPSHOTS, request).await?.body)
    }

    /// A VNF snapshot; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn snapshot(&self, id: Uuid) -> Result<Option<VnfSnapshotInfo>, CallError> {
        crate::nf_vi::absent(self.0.get(&paths::vnf_snapshot(id)).await.map(|r| r.body))
    }

    /// VNF snapshots; `query` with its question mark, or empty. The reply's `link` leads to the next page.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn list_snapshots(&self, query: &str) -> Result<Reply<Vec<VnfSnapshotInfo>>, CallError> {
        self.0.get(&format!("{}{query}", paths::VNF_SNAPSHOTS)).await
    }

    /// Modifies a VNF snapshot that has no content.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 when it has content or an operation fills it.
    pub async fn modify_snapshot(
        &self,
        id: Uuid,
        changes: &VnfSnapshotInfoModificationRequest,
        if_match: Option<&str>,
    ) -> Result<serde_json::Value, CallError> {
        Ok(self.0.patch(&paths::vnf_snapshot(id), changes, if_match).await?.body)
    }

    /// The VNF-specific state in a VNF snapshot, as text; `None` when none was stored.
    ///
    /// # Errors
    /// Any [`CallError`] but 404; 409 while the snapshot has no content.
    pub async fn snapshot_state(&self, id: Uuid) -> Result<Option<String>, CallError> {
        crate::nf_vi::absent(self.0.get_text(&format!("{}/vnf_state_snapshot", paths::vnf_snapshot(id))).await)
    }

    /// Deletes a VNF snapshot and what of it is in VIMs; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404; 409 while an operation uses it.
    pub async fn delete_snapshot(&self, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::vnf_snapshot(id)).await
    }

    /// An operation occurrence; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn op_occ(&self, id: Uuid) -> Result<Option<VnfLcmOpOcc>, CallError> {
        crate::nf_vi::absent(self.0.get(&paths::vnf_lcm_op_occ(id)).await.map(|r| r.body))
    }

    /// Operation occurrences; `query` with its question mark, or empty.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn list_op_occs(&self, query: &str) -> Result<Reply<Vec<VnfLcmOpOcc>>, CallError> {
        self.0.get(&format!("{}{query}", paths::VNF_LCM_OP_OCCS)).await
    }

    /// Tries the failed steps of an operation again.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 when its state does not allow it.
    pub async fn retry(&self, id: Uuid) -> Result<(), CallError> {
        self.0.post_empty(&paths::vnf_lcm_op_occ_task(id, "retry")).await
    }

    /// Undoes an operation.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 when its state does not allow it.
    pub async fn rollback(&self, id: Uuid) -> Result<(), CallError> {
        self.0.post_empty(&paths::vnf_lcm_op_occ_task(id, "rollback")).await
    }

    /// Gives an operation up; returns it.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 when its state does not allow it.
    pub async fn fail(&self, id: Uuid) -> Result<(), CallError> {
        self.0.post_empty(&paths::vnf_lcm_op_occ_task(id, "fail")).await
    }

    /// Cancels an operation.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 when its state does not allow it.
    pub async fn cancel(&self, id: Uuid, mode: &CancelMode) -> Result<(), CallError> {
        let path = paths::vnf_lcm_op_occ_task(id, "cancel");
        self.0.post::<_, serde_json::Value>(&path, mode).await.map(drop)
    }

    /// Subscribes to lifecycle changes. An equal subscription that exists already (303) counts as made.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn subscribe(&self, request: &LccnSubscriptionRequest) -> Result<Option<LccnSubscription>, CallError> {
        match self.0.post(paths::LCM_SUBSCRIPTIONS, request).await {
            Err(error) if error.status() == Some(303) => Ok(None),
            other => Ok(Some(other?.body)),
        }
    }

    /// Subscriptions; `query` with its question mark, or empty.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn list_subscriptions(&self, query: &str) -> Result<Reply<Vec<LccnSubscription>>, CallError> {
        self.0.get(&format!("{}{query}", paths::LCM_SUBSCRIPTIONS)).await
    }

    /// Ends a subscription; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn unsubscribe(&self, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::lcm_subscription(id)).await
    }
}

/// The operation occurrence that a `Location` header names.
pub(crate) fn occurrence(path: &str, reply: Reply<serde_json::Value>) -> Result<Uuid, CallError> {
    let location = reply.location.unwrap_or_default();
    location.rsplit('/').next().and_then(|id| id.parse().ok()).ok_or_else(|| CallError::Garbled {
        peer: "producer".to_owned(),
        url: path.to_owned(),
        why: format!("status {} with Location {location:?}, which names no operation occurrence", reply.status),
    })
}

/// What a grant request brings.
#[derive(Debug, Clone, PartialEq)]
pub enum GrantAnswer {
    /// Decided at once (201).
    Granted(Box<Grant>),
    /// To be decided (202); where to look.
    Later(String),
}

/// Client of an NFVO's `grant/v1`.
#[derive(Debug, Clone)]
pub struct GrantClient(Client);

impl GrantClient {
    /// A client of the NFVO at `base`.
    pub fn new(base: &str) -> Self {
        Self(Client::new("nfvo", base).version(GRANT_VERSION))
    }

    /// Asks for a grant (clause 9.4.2.3.1).
    ///
    /// # Errors
    /// Any [`CallError`]; 403 when it is refused.
    pub async fn request(&self, request: &GrantRequest) -> Result<GrantAnswer, CallError> {
        let reply: Reply<serde_json::Value> = self.0.post(paths::GRANTS, request).await?;
        match (reply.status, reply.location) {
            (202, Some(location)) => Ok(GrantAnswer::Later(location)),
            (_, _) => Ok(GrantAnswer::Granted(Box::new(read(reply.body)?))),
        }
    }

    /// Looks at a grant that was promised, by the location it was promised at; `None` while it is not decided.
    ///
    /// # Errors
    /// Any [`CallError`]; 403 when it is refused.
    pub async fn get(&self, location: &str) -> Result<Option<Grant>, CallError> {
        let reply: Reply<serde_json::Value> = self.0.get(location).await?;
        if reply.status == 202 || reply.body.is_null() { Ok(None) } else { read(reply.body).map(Some) }
    }
}

fn read(body: serde_json::Value) -> Result<Grant, CallError> {
    serde_json::from_value(body).map_err(|error| CallError::Garbled {
        peer: "nfvo".to_owned(),
        url: paths::GRANTS.to_owned(),
        why: error.to_string(),
    })
}
