//! The VNFM, as far as the steps of an NS need it (SOL003 clause 5).

use async_trait::async_trait;
use reference_points::common::CallError;
use reference_points::or_vnfm::{
    CreateVnfRequest, InstantiateVnfRequest, TerminateVnfRequest, VnfInstance, VnfLcmOpOcc,
};
use uuid::Uuid;

use crate::ops::pursue::Ask;

/// VNF instances and their operations.
#[async_trait]
pub trait Vnfms: Send + Sync {
    /// Creates a VNF instance.
    async fn create(&self, request: &CreateVnfRequest) -> Result<VnfInstance, CallError>;
    /// Looks a VNF instance up by its place in an NS, which its metadata tell.
    async fn find(&self, ns: Uuid, part: &str) -> Result<Option<VnfInstance>, CallError>;
    /// Looks a VNF instance up.
    async fn instance(&self, id: Uuid) -> Result<Option<VnfInstance>, CallError>;
    /// Deletes a VNF instance; gone already is done.
    async fn delete(&self, id: Uuid) -> Result<(), CallError>;
    /// Begins an instantiation; returns the operation occurrence.
    async fn instantiate(&self, id: Uuid, request: &InstantiateVnfRequest) -> Result<Uuid, CallError>;
    /// Begins a termination; returns the operation occurrence.
    async fn terminate(&self, id: Uuid, request: &TerminateVnfRequest) -> Result<Uuid, CallError>;
    /// The newest operation of a VNF instance.
    async fn newest_operation(&self, vnf: Uuid) -> Result<Option<VnfLcmOpOcc>, CallError>;
    /// Asks for a task of an operation.
    async fn ask(&self, operation: Uuid, ask: Ask) -> Result<(), CallError>;
}
