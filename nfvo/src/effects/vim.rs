//! The VIM, as far as the steps of an NS need it (IFA005 clauses 7.2 and 7.4).

use async_trait::async_trait;
use reference_points::common::CallError;
use reference_points::or_vi::{Network, NetworkSpec, SoftwareImage, SoftwareImageSpec, Subnet, SubnetSpec, ViClient};
use uuid::Uuid;

use super::images::Content;

/// Networks, subnets and software images of the VIMs. Every `put` is "ensure", every `delete` of something gone is done.
#[async_trait]
pub trait Vims: Send + Sync {
    /// Ensures a network.
    async fn put_network(&self, vim: Uuid, id: Uuid, spec: &NetworkSpec) -> Result<Network, CallError>;
    /// Looks a network up.
    async fn network(&self, vim: Uuid, id: Uuid) -> Result<Option<Network>, CallError>;
    /// Removes a network.
    async fn delete_network(&self, vim: Uuid, id: Uuid) -> Result<(), CallError>;
    /// Ensures a subnet.
    async fn put_subnet(&self, vim: Uuid, id: Uuid, spec: &SubnetSpec) -> Result<Subnet, CallError>;
    /// Looks a subnet up.
    async fn subnet(&self, vim: Uuid, id: Uuid) -> Result<Option<Subnet>, CallError>;
    /// Removes a subnet.
    async fn delete_subnet(&self, vim: Uuid, id: Uuid) -> Result<(), CallError>;
    /// Ensures a software image's record.
    async fn put_image(&self, vim: Uuid, id: Uuid, spec: &SoftwareImageSpec) -> Result<SoftwareImage, CallError>;
    /// Looks a software image up.
    async fn image(&self, vim: Uuid, id: Uuid) -> Result<Option<SoftwareImage>, CallError>;
    /// Streams a software image's content.
    async fn upload_image(&self, vim: Uuid, id: Uuid, content: Content) -> Result<SoftwareImage, CallError>;
}

#[async_trait]
impl Vims for ViClient {
    async fn put_network(&self, vim: Uuid, id: Uuid, spec: &NetworkSpec) -> Result<Network, CallError> {
        Self::put_network(self, vim, id, spec).await
    }

    async fn network(&self, vim: Uuid, id: Uuid) -> Result<Option<Network>, CallError> {
        Self::network(self, vim, id).await
    }

    async fn delete_network(&self, vim: Uuid, id: Uuid) -> Result<(), CallError> {
        Self::delete_network(self, vim, id).await
    }

    async fn put_subnet(&self, vim: Uuid, id: Uuid, spec: &SubnetSpec) -> Result<Subnet, CallError> {
        Self::put_subnet(self, vim, id, spec).await
    }

    async fn subnet(&self, vim: Uuid, id: Uuid) -> Result<Option<Subnet>, CallError> {
        Self::subnet(self, vim, id).await
    }

    async fn delete_subnet(&self, vim: Uuid, id: Uuid) -> Result<(), CallError> {
        Self::delete_subnet(self, vim, id).await
    }

    async fn put_image(&self, vim: Uuid, id: Uuid, spec: &SoftwareImageSpec) -> Result<SoftwareImage, CallError> {
        self.put_software_image(vim, id, spec).await
    }

    async fn image(&self, vim: Uuid, id: Uuid) -> Result<Option<SoftwareImage>, CallError> {
        self.software_image(vim, id).await
    }

    async fn upload_image(&self, vim: Uuid, id: Uuid, content: Content) -> Result<SoftwareImage, CallError> {
        Self::upload_image(self, vim, id, Some(content.size), content.stream).await
    }
}
