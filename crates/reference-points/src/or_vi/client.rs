//! Client of the vim-adapter.

use bytes::Bytes;
use futures::Stream;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::*;
use crate::common::{CallError, Client, EventStream};
use crate::nf_vi::{ConsoleAccess, Measurements, PowerRequest, Reality, absent};

/// Paths of the interface.
pub mod paths {
    use uuid::Uuid;

    /// VIMs.
    pub const VIMS: &str = "/vi/v1/vims";

    /// One VIM.
    pub fn vim(vim: Uuid) -> String {
        format!("{VIMS}/{vim}")
    }

    /// A collection of a VIM, or a singleton like `capacity`.
    pub fn collection(vim: Uuid, collection: &str) -> String {
        format!("{VIMS}/{vim}/{collection}")
    }

    /// A resource of a VIM.
    pub fn resource(vim: Uuid, collection: &str, id: Uuid) -> String {
        format!("{VIMS}/{vim}/{collection}/{id}")
    }

    /// A host of a VIM.
    pub fn host(vim: Uuid, name: &str) -> String {
        format!("{VIMS}/{vim}/hosts/{name}")
    }
}

/// Client of the vim-adapter.
#[derive(Debug, Clone)]
pub struct ViClient(Client);

impl ViClient {
    /// A client of the vim-adapter at `base`.
    pub fn new(base: &str) -> Self {
        Self(Client::new("vim-adapter", base))
    }

    /// Base address.
    pub fn base(&self) -> &str {
        self.0.base()
    }

    /// Registers or updates a VIM; it is checked at once.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn put_vim(&self, vim: Uuid, spec: &VimSpec) -> Result<Vim, CallError> {
        Ok(self.0.put(&paths::vim(vim), spec).await?.body)
    }

    /// A VIM; `None` when it is not registered.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn vim(&self, vim: Uuid) -> Result<Option<Vim>, CallError> {
        absent(self.0.get(&paths::vim(vim)).await.map(|r| r.body))
    }

    /// All VIMs.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn vims(&self) -> Result<Vec<Vim>, CallError> {
        Ok(self.0.get(paths::VIMS).await?.body)
    }

    /// Forgets a VIM.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 while it holds resources, naming them.
    pub async fn delete_vim(&self, vim: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::vim(vim)).await
    }

    /// Adds or changes a host.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn put_host(&self, vim: Uuid, name: &str, spec: &HostSpec) -> Result<Host, CallError> {
        Ok(self.0.put(&paths::host(vim, name), spec).await?.body)
    }

    /// Hosts of a VIM.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn hosts(&self, vim: Uuid) -> Result<Vec<Host>, CallError> {
        Ok(self.0.get(&paths::collection(vim, "hosts")).await?.body)
    }

    /// Removes a host.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 while computes are on it, naming them.
    pub async fn delete_host(&self, vim: Uuid, name: &str) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::host(vim, name)).await
    }

    /// Streams an image's content into the VIM.
    ///
    /// # Errors
    /// Any [`CallError`]; 422 when the checksum differs.
    pub async fn upload_image<S, E>(
        &self,
        vim: Uuid,
        id: Uuid,
        length: Option<u64>,
        content: S,
    ) -> Result<SoftwareImage, CallError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let path = format!("{}/content", paths::resource(vim, "software_images", id));
        self.0.upload(reqwest::Method::PUT, &path, "application/octet-stream", length, content).await
    }

    /// Starts, stops or reboots a compute.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn power(&self, vim: Uuid, id: Uuid, request: &PowerRequest) -> Result<Compute, CallError> {
        Ok(self.0.post(&format!("{}/power", paths::resource(vim, "computes", id)), request).await?.body)
    }

    /// Moves a compute to another host; an event tells the end.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn migrate(&self, vim: Uuid, id: Uuid, request: &MigrateRequest) -> Result<Compute, CallError> {
        Ok(self.0.post(&format!("{}/migrate", paths::resource(vim, "computes", id)), request).await?.body)
    }

    /// Lets go what a compute's disks held before a return to a snapshot; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn let_go(&self, vim: Uuid, compute: Uuid, revert: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&format!("{}/reverts/{revert}", paths::resource(vim, "computes", compute))).await
    }

    /// The last `bytes` of a compute's serial console log.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn console_log(&self, vim: Uuid, id: Uuid, bytes: u64) -> Result<String, CallError> {
        self.0.get_text(&format!("{}/console_log?bytes={bytes}", paths::resource(vim, "computes", id))).await
    }

    /// Where a compute's console can be reached.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn console(&self, vim: Uuid, id: Uuid) -> Result<ConsoleAccess, CallError> {
        Ok(self.0.get(&format!("{}/console", paths::resource(vim, "computes", id))).await?.body)
    }

    /// A compute's counters.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn measurements(&self, vim: Uuid, id: Uuid) -> Result<Measurements, CallError> {
        Ok(self.0.get(&format!("{}/measurements", paths::resource(vim, "computes", id))).await?.body)
    }

    /// What is really there of a compute, asked now; `None` when the VIM has nothing of it.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn reality(&self, vim: Uuid, id: Uuid) -> Result<Option<Reality>, CallError> {
        absent(self.0.get(&format!("{}/reality", paths::resource(vim, "computes", id))).await.map(|r| r.body))
    }

    /// Counters of many computes, at most [`crate::nf_vi::MAX_MEASURED`]; each host is asked once.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn measure(&self, vim: Uuid, computes: Vec<Uuid>) -> Result<MeasuredComputes, CallError> {
        Ok(self.0.post(&paths::collection(vim, "measurements"), &MeasureComputes { computes }).await?.body)
    }

    /// Resource zones.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn resource_zones(&self, vim: Uuid) -> Result<Vec<ResourceZone>, CallError> {
        Ok(self.0.get(&paths::collection(vim, "resource_zones")).await?.body)
    }

    /// Capacity.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn capacity(&self, vim: Uuid) -> Result<VimCapacity, CallError> {
        Ok(self.0.get(&paths::collection(vim, "capacity")).await?.body)
    }

    /// What is really there.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn inventory(&self, vim: Uuid) -> Result<VimInventory, CallError> {
        Ok(self.0.get(&paths::collection(vim, "inventory")).await?.body)
    }

    /// Events of a VIM behind `after`.
    pub fn events(&self, vim: Uuid, after: i64) -> EventStream {
        EventStream::new(self.0.clone(), paths::collection(vim, "events"), after)
    }

    /// The same as a stream of bytes, to be handed on.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn event_bytes(
        &self,
        vim: Uuid,
        after: i64,
    ) -> Result<impl Stream<Item = Result<Bytes, CallError>> + Send + Unpin + use<>, CallError> {
        let path = format!("{}?after={after}", paths::collection(vim, "events"));
        Ok(self.0.download(&path, "text/event-stream").await?.body)
    }

    /// Ensures a network.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn put_network(&self, vim: Uuid, id: Uuid, spec: &NetworkSpec) -> Result<Network, CallError> {
        self.ensure(vim, "networks", id, spec).await
    }

    /// Looks a network up by id; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn network(&self, vim: Uuid, id: Uuid) -> Result<Option<Network>, CallError> {
        self.find(vim, "networks", id).await
    }

    /// Lists the VIM's whole collection.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn networks(&self, vim: Uuid) -> Result<Vec<Network>, CallError> {
        Ok(self.0.get(&paths::collection(vim, "networks")).await?.body)
    }

    /// Removes a network; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404; 409 while it is in use.
    pub async fn delete_network(&self, vim: Uuid, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::resource(vim, "networks", id)).await
    }

    /// Ensures a subnet.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn put_subnet(&self, vim: Uuid, id: Uuid, spec: &SubnetSpec) -> Result<Subnet, CallError> {
        self.ensure(vim, "subnets", id, spec).await
    }

    /// Looks a subnet up by id; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn subnet(&self, vim: Uuid, id: Uuid) -> Result<Option<Subnet>, CallError> {
        self.find(vim, "subnets", id).await
    }

    /// Lists the VIM's whole collection.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn subnets(&self, vim: Uuid) -> Result<Vec<Subnet>, CallError> {
        Ok(self.0.get(&paths::collection(vim, "subnets")).await?.body)
    }

    /// Removes a subnet; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404; 409 while it is in use.
    pub async fn delete_subnet(&self, vim: Uuid, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::resource(vim, "subnets", id)).await
    }

    /// Ensures a port.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn put_port(&self, vim: Uuid, id: Uuid, spec: &PortSpec) -> Result<Port, CallError> {
        self.ensure(vim, "ports", id, spec).await
    }

    /// Looks a port up by id; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn port(&self, vim: Uuid, id: Uuid) -> Result<Option<Port>, CallError> {
        self.find(vim, "ports", id).await
    }

    /// Lists the VIM's whole collection.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn ports(&self, vim: Uuid) -> Result<Vec<Port>, CallError> {
        Ok(self.0.get(&paths::collection(vim, "ports")).await?.body)
    }

    /// Removes a port; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404; 409 while it is in use.
    pub async fn delete_port(&self, vim: Uuid, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::resource(vim, "ports", id)).await
    }

    /// Ensures a volume.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn put_volume(&self, vim: Uuid, id: Uuid, spec: &VolumeSpec) -> Result<Volume, CallError> {
        self.ensure(vim, "volumes", id, spec).await
    }

    /// Looks a volume up by id; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn volume(&self, vim: Uuid, id: Uuid) -> Result<Option<Volume>, CallError> {
        self.find(vim, "volumes", id).await
    }

    /// Lists the VIM's whole collection.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn volumes(&self, vim: Uuid) -> Result<Vec<Volume>, CallError> {
        Ok(self.0.get(&paths::collection(vim, "volumes")).await?.body)
    }

    /// Removes a volume; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404; 409 while it is in use.
    pub async fn delete_volume(&self, vim: Uuid, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::resource(vim, "volumes", id)).await
    }

    /// Ensures an affinity group.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn put_affinity_group(
        &self,
        vim: Uuid,
        id: Uuid,
        spec: &AffinityGroupSpec,
    ) -> Result<AffinityGroup, CallError> {
        self.ensure(vim, "affinity_groups", id, spec).await
    }

    /// Looks an affinity group up by id; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn affinity_group(&self, vim: Uuid, id: Uuid) -> Result<Option<AffinityGroup>, CallError> {
        self.find(vim, "affinity_groups", id).await
    }

    /// Lists the VIM's whole collection.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn affinity_groups(&self, vim: Uuid) -> Result<Vec<AffinityGroup>, CallError> {
        Ok(self.0.get(&paths::collection(vim, "affinity_groups")).await?.body)
    }

    /// Removes an affinity group; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404; 409 while it is in use.
    pub async fn delete_affinity_group(&self, vim: Uuid, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::resource(vim, "affinity_groups", id)).await
    }

    /// Ensures a compute.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn put_compute(&self, vim: Uuid, id: Uuid, spec: &ComputeSpec) -> Result<Compute, CallError> {
        self.ensure(vim, "computes", id, spec).await
    }

    /// Looks a compute up by id; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn compute(&self, vim: Uuid, id: Uuid) -> Result<Option<Compute>, CallError> {
        self.find(vim, "computes", id).await
    }

    /// Lists the VIM's whole collection.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn computes(&self, vim: Uuid) -> Result<Vec<Compute>, CallError> {
        Ok(self.0.get(&paths::collection(vim, "computes")).await?.body)
    }

    /// Removes a compute; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404; 409 while it is in use.
    pub async fn delete_compute(&self, vim: Uuid, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::resource(vim, "computes", id)).await
    }

    /// Ensures a snapshot.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn put_snapshot(&self, vim: Uuid, id: Uuid, spec: &SnapshotSpec) -> Result<Snapshot, CallError> {
        self.ensure(vim, "snapshots", id, spec).await
    }

    /// Looks a snapshot up by id; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn snapshot(&self, vim: Uuid, id: Uuid) -> Result<Option<Snapshot>, CallError> {
        self.find(vim, "snapshots", id).await
    }

    /// Removes a snapshot; gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404; 409 while a compute is being reverted to it.
    pub async fn delete_snapshot(&self, vim: Uuid, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::resource(vim, "snapshots", id)).await
    }

    /// Ensures a software image (its metadata).
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn put_software_image(
        &self,
        vim: Uuid,
        id: Uuid,
        spec: &SoftwareImageSpec,
    ) -> Result<SoftwareImage, CallError> {
        self.ensure(vim, "software_images", id, spec).await
    }

    /// Looks a software image (its metadata) up by id; `None` when there is none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn software_image(&self, vim: Uuid, id: Uuid) -> Result<Option<SoftwareImage>, CallError> {
        self.find(vim, "software_images", id).await
    }

    /// Lists the VIM's whole collection.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn software_images(&self, vim: Uuid) -> Result<Vec<SoftwareImage>, CallError> {
        Ok(self.0.get(&paths::collection(vim, "software_images")).await?.body)
    }

    /// Software images with this name.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn software_images_named(&self, vim: Uuid, name: &str) -> Result<Vec<SoftwareImage>, CallError> {
        let filter = format!("(eq,spec/name,'{}')", name.replace('\'', "''"));
        self.asked(&paths::collection(vim, "software_images"), &[("filter", &filter)]).await
    }

    /// Software images whose names stand next to this one in the order of names, at most twenty on each side.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn software_images_near(&self, vim: Uuid, name: &str) -> Result<Vec<SoftwareImage>, CallError> {
        self.asked(&paths::collection(vim, "software_images_near"), &[("name", name)]).await
    }

    /// Removes a software image (its metadata); gone already is done.
    ///
    /// # Errors
    /// Any [`CallError`] but 404; 409 while it is in use.
    pub async fn delete_software_image(&self, vim: Uuid, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::resource(vim, "software_images", id)).await
    }

    async fn asked<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, CallError> {
        let query = reqwest::Url::parse_with_params("http://vim-adapter", query).ok();
        let query = query.as_ref().and_then(reqwest::Url::query).unwrap_or_default();
        Ok(self.0.get(&format!("{path}?{query}")).await?.body)
    }

    async fn ensure<S: Serialize + Sync, T: DeserializeOwned>(
        &self,
        vim: Uuid,
        collection: &str,
        id: Uuid,
        spec: &S,
    ) -> Result<T, CallError> {
        Ok(self.0.put(&paths::resource(vim, collection, id), spec).await?.body)
    }

    async fn find<T: DeserializeOwned>(&self, vim: Uuid, collection: &str, id: Uuid) -> Result<Option<T>, CallError> {
        absent(self.0.get(&paths::resource(vim, collection, id)).await.map(|r| r.body))
    }
}
