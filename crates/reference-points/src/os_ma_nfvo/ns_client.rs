//! Client of an NFVO's `nslcm/v2` (SOL005 clause 6).

use uuid::Uuid;

use super::{
    CreateNsRequest, InstantiateNsRequest, NsInstance, NsLccnSubscription, NsLccnSubscriptionRequest, NsLcmOpOcc,
    TerminateNsRequest,
};
use crate::common::{CallError, Client, Reply};
use crate::or_vnfm::CancelMode;
use crate::or_vnfm::client::occurrence;

/// Version of `nslcm/v2` that is spoken (SOL005 v3.3.1 clause 6.1).
pub const NSLCM_VERSION: &str = "2.0.0";

/// Network services.
pub const NS_INSTANCES: &str = "/nslcm/v2/ns_instances";
/// Operation occurrences.
pub const NS_LCM_OP_OCCS: &str = "/nslcm/v2/ns_lcm_op_occs";
/// Subscriptions to NS lifecycle changes.
pub const NSLCM_SUBSCRIPTIONS: &str = "/nslcm/v2/subscriptions";

/// Client of an NFVO's `nslcm/v2`.
#[derive(Debug, Clone)]
pub struct NsClient(Client);

impl NsClient {
    /// A client of the NFVO at `base`.
    pub fn new(base: &str) -> Self {
        Self(Client::new("nfvo", base).version(NSLCM_VERSION))
    }

    /// Creates a network service record.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn create(&self, request: &CreateNsRequest) -> Result<NsInstance, CallError> {
        Ok(self.0.post(NS_INSTANCES, request).await?.body)
    }

    /// A network service; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn get(&self, id: Uuid) -> Result<Option<NsInstance>, CallError> {
        crate::nf_vi::absent(self.0.get(&format!("{NS_INSTANCES}/{id}")).await.map(|r| r.body))
    }

    /// Network services; `query` with its question mark, or empty.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn list(&self, query: &str) -> Result<Reply<Vec<NsInstance>>, CallError> {
        self.0.get(&format!("{NS_INSTANCES}{query}")).await
    }

    /// Deletes the record of a network service that does not run.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 while it is instantiated.
    pub async fn delete(&self, id: Uuid) -> Result<(), CallError> {
        self.0.delete(&format!("{NS_INSTANCES}/{id}")).await.map(drop)
    }

    /// Begins an instantiation; returns the operation occurrence.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn instantiate(&self, id: Uuid, request: &InstantiateNsRequest) -> Result<Uuid, CallError> {
        let path = format!("{NS_INSTANCES}/{id}/instantiate");
        occurrence(&path, self.0.post(&path, request).await?)
    }

    /// Begins a termination; returns the operation occurrence.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn terminate(&self, id: Uuid, request: &TerminateNsRequest) -> Result<Uuid, CallError> {
        let path = format!("{NS_INSTANCES}/{id}/terminate");
        occurrence(&path, self.0.post(&path, request).await?)
    }

    /// An operation occurrence; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn op_occ(&self, id: Uuid) -> Result<Option<NsLcmOpOcc>, CallError> {
        crate::nf_vi::absent(self.0.get(&format!("{NS_LCM_OP_OCCS}/{id}")).await.map(|r| r.body))
    }

    /// Operation occurrences; `query` with its question mark, or empty.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn list_op_occs(&self, query: &str) -> Result<Reply<Vec<NsLcmOpOcc>>, CallError> {
        self.0.get(&format!("{NS_LCM_OP_OCCS}{query}")).await
    }

    /// Tries the failed steps of an operation again.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 when its state does not allow it.
    pub async fn retry(&self, id: Uuid) -> Result<(), CallError> {
        self.0.post_empty(&format!("{NS_LCM_OP_OCCS}/{id}/retry")).await
    }

    /// Undoes an operation.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 when its state does not allow it.
    pub async fn rollback(&self, id: Uuid) -> Result<(), CallError> {
        self.0.post_empty(&format!("{NS_LCM_OP_OCCS}/{id}/rollback")).await
    }

    /// Gives an operation up.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 when its state does not allow it.
    pub async fn fail(&self, id: Uuid) -> Result<(), CallError> {
        self.0.post_empty(&format!("{NS_LCM_OP_OCCS}/{id}/fail")).await
    }

    /// Cancels an operation.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 when its state does not allow it.
    pub async fn cancel(&self, id: Uuid, mode: &CancelMode) -> Result<(), CallError> {
        let path = format!("{NS_LCM_OP_OCCS}/{id}/cancel");
        self.0.post::<_, serde_json::Value>(&path, mode).await.map(drop)
    }

    /// Subscribes to lifecycle changes. An equal subscription that exists already (303) counts as made.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn subscribe(
        &self,
        request: &NsLccnSubscriptionRequest,
    ) -> Result<Option<NsLccnSubscription>, CallError> {
        match self.0.post(NSLCM_SUBSCRIPTIONS, request).await {
            Err(error) if error.status() == Some(303) => Ok(None),
            other => Ok(Some(other?.body)),
        }
    }

    /// Ends a subscription; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn unsubscribe(&self, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&format!("{NSLCM_SUBSCRIPTIONS}/{id}")).await
    }
}
