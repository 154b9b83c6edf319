//! The seam towards Vi-Vnfm: what the steps ask of a VIM, so that tests can put a world of their own behind it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use reference_points::common::CallError;
use reference_points::nf_vi::{PowerRequest, Reality};
use reference_points::or_vi::{
    AffinityGroup, AffinityGroupSpec, Compute, ComputeSpec, Network, NetworkSpec, Port, PortSpec, Snapshot,
    SnapshotSpec, Subnet, SubnetSpec, ViClient, Volume, VolumeSpec,
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;
use uuid::Uuid;

/// Where a resource is: the adapter that drives the VIM, and the VIM's id there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VimRef {
    /// Base address of the vim-adapter (`interfaceInfo.endpoint` of the VIM connection).
    pub endpoint: String,
    /// Identifier of the VIM, which is the id of the VIM connection too.
    pub vim: Uuid,
}

/// A kind of resource that is removed by its id alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Affinity group.
    AffinityGroup,
    /// Network.
    Network,
    /// Subnet.
    Subnet,
    /// Port.
    Port,
    /// Volume.
    Volume,
    /// Compute.
    Compute,
    /// Snapshot of a compute.
    Snapshot,
}

impl Kind {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::AffinityGroup => "affinity group",
            Self::Network => "network",
            Self::Subnet => "subnet",
            Self::Port => "port",
            Self::Volume => "volume",
            Self::Compute => "compute",
            Self::Snapshot => "snapshot",
        }
    }
}

/// What steps ask of a VIM. Every `put` is "ensure"; removing something gone is done.
#[async_trait]
pub trait Vi: Send + Sync {
    /// Ensures an affinity group.
    async fn put_affinity_group(
        &self,
        at: &VimRef,
        id: Uuid,
        spec: &AffinityGroupSpec,
    ) -> Result<AffinityGroup, CallError>;
    /// Ensures a network.
    async fn put_network(&self, at: &VimRef, id: Uuid, spec: &NetworkSpec) -> Result<Network, CallError>;
    /// Ensures a subnet.
    async fn put_subnet(&self, at: &VimRef, id: Uuid, spec: &SubnetSpec) -> Result<Subnet, CallError>;
    /// Ensures a port.
    async fn put_port(&self, at: &VimRef, id: Uuid, spec: &PortSpec) -> Result<Port, CallError>;
    /// Ensures a volume.
    async fn put_volume(&self, at: &VimRef, id: Uuid, spec: &VolumeSpec) -> Result<Volume, CallError>;
    /// Ensures a compute.
    async fn put_compute(&self, at: &VimRef, id: Uuid, spec: &ComputeSpec) -> Result<Compute, CallError>;
    /// Looks a compute up.
    async fn compute(&self, at: &VimRef, id: Uuid) -> Result<Option<Compute>, CallError>;
    /// Looks a port up.
    async fn port(&self, at: &VimRef, id: Uuid) -> Result<Option<Port>, CallError>;
    /// Starts, stops or reboots a compute.
    async fn power(&self, at: &VimRef, id: Uuid, request: &PowerRequest) -> Result<Compute, CallError>;
    /// Removes a resource.
    async fn delete(&self, at: &VimRef, kind: Kind, id: Uuid) -> Result<(), CallError>;
    /// Whether a volume is still there.
    async fn volume(&self, at: &VimRef, id: Uuid) -> Result<Option<Volume>, CallError>;
    /// Ensures a snapshot of a compute.
    async fn put_snapshot(&self, at: &VimRef, id: Uuid, spec: &SnapshotSpec) -> Result<Snapshot, CallError>;
    /// Looks a snapshot up.
    async fn snapshot(&self, at: &VimRef, id: Uuid) -> Result<Option<Snapshot>, CallError>;
    /// Lets go what a compute's disks held before a return to a snapshot.
    async fn let_go(&self, at: &VimRef, compute: Uuid, revert: Uuid) -> Result<(), CallError>;
    /// Looks a network up.
    async fn network(&self, at: &VimRef, id: Uuid) -> Result<Option<Network>, CallError>;
    /// What is really there of a compute.
    async fn reality(&self, at: &VimRef, id: Uuid) -> Result<Option<Reality>, CallError>;
}

/// The VIMs as everybody in the service shares them.
#[derive(Clone)]
pub struct Shared(pub Arc<dyn Vi>);

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VIMs")
    }
}

/// The real one, over HTTP; one client, and so one pool of connections, for each adapter.
#[derive(Debug)]
pub struct OverHttp {
    clients: Mutex<BTreeMap<VimRef, ViClient>>,
    used: UnboundedSender<VimRef>,
}

impl OverHttp {
    /// Tells `used` of every VIM before the first request to it, so that its events are listened to.
    pub fn new(used: UnboundedSender<VimRef>) -> Self {
        Self { clients: Mutex::default(), used }
    }

    fn client(&self, at: &VimRef) -> ViClient {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(at) {
            return client.clone();
        }
        // Without a listener (the service is ending) the slow poll remains.
        let _ = self.used.send(at.clone());
        clients.entry(at.clone()).or_insert_with(|| ViClient::new(&at.endpoint)).clone()
    }
}

#[async_trait]
impl Vi for OverHttp {
    async fn put_affinity_group(
        &self,
        at: &VimRef,
        id: Uuid,
        spec: &AffinityGroupSpec,
    ) -> Result<AffinityGroup, CallError> {
        self.client(at).put_affinity_group(at.vim, id, spec).await
    }

    async fn put_network(&self, at: &VimRef, id: Uuid, spec: &NetworkSpec) -> Result<Network, CallError> {
        self.client(at).put_network(at.vim, id, spec).await
    }

    async fn put_subnet(&self, at: &VimRef, id: Uuid, spec: &SubnetSpec) -> Result<Subnet, CallError> {
        self.client(at).put_subnet(at.vim, id, spec).await
    }

    async fn put_port(&self, at: &VimRef, id: Uuid, spec: &PortSpec) -> Result<Port, CallError> {
        self.client(at).put_port(at.vim, id, spec).await
    }

    async fn put_volume(&self, at: &VimRef, id: Uuid, spec: &VolumeSpec) -> Result<Volume, CallError> {
        self.client(at).put_volume(at.vim, id, spec).await
    }

    async fn put_compute(&self, at: &VimRef, id: Uuid, spec: &ComputeSpec) -> Result<Compute, CallError> {
        self.client(at).put_compute(at.vim, id, spec).await
    }

    async fn compute(&self, at: &VimRef, id: Uuid) -> Result<Option<Compute>, CallError> {
        self.client(at).compute(at.vim, id).await
    }

    async fn port(&self, at: &VimRef, id: Uuid) -> Result<Option<Port>, CallError> {
        self.client(at).port(at.vim, id).await
    }

    async fn power(&self, at: &VimRef, id: Uuid, request: &PowerRequest) -> Result<Compute, CallError> {
        self.client(at).power(at.vim, id, request).await
    }

    async fn delete(&self, at: &VimRef, kind: Kind, id: Uuid) -> Result<(), CallError> {
        let (client, vim) = (self.client(at), at.vim);
        match kind {
            Kind::AffinityGroup => client.delete_affinity_group(vim, id).await,
            Kind::Network => client.delete_network(vim, id).await,
            Kind::Subnet => client.delete_subnet(vim, id).await,
            Kind::Port => client.delete_port(vim, id).await,
            Kind::Volume => client.delete_volume(vim, id).await,
            Kind::Compute => client.delete_compute(vim, id).await,
            Kind::Snapshot => client.delete_snapshot(vim, id).await,
        }
    }

    async fn volume(&self, at: &VimRef, id: Uuid) -> Result<Option<Volume>, CallError> {
        self.client(at).volume(at.vim, id).await
    }

    async fn put_snapshot(&self, at: &VimRef, id: Uuid, spec: &SnapshotSpec) -> Result<Snapshot, CallError> {
        self.client(at).put_snapshot(at.vim, id, spec).await
    }

    async fn snapshot(&self, at: &VimRef, id: Uuid) -> Result<Option<Snapshot>, CallError> {
        self.client(at).snapshot(at.vim, id).await
    }

    async fn let_go(&self, at: &VimRef, compute: Uuid, revert: Uuid) -> Result<(), CallError> {
        self.client(at).let_go(at.vim, compute, revert).await
    }

    async fn network(&self, at: &VimRef, id: Uuid) -> Result<Option<Network>, CallError> {
        self.client(at).network(at.vim, id).await
    }

    async fn reality(&self, at: &VimRef, id: Uuid) -> Result<Option<Reality>, CallError> {
        self.client(at).reality(at.vim, id).await
    }
}
