//! Client of an agent.

use bytes::Bytes;
use futures::Stream;
use uuid::Uuid;

use super::*;
use crate::common::{CallError, Client, EventStream, Owner};

/// Paths of the interface.
pub mod paths {
    use uuid::Uuid;

    /// Host facts.
    pub const HOST: &str = "/nf-vi/v1/host";
    /// Images.
    pub const IMAGES: &str = "/nf-vi/v1/images";
    /// Volumes.
    pub const VOLUMES: &str = "/nf-vi/v1/volumes";
    /// Machines.
    pub const MACHINES: &str = "/nf-vi/v1/machines";
    /// Snapshots.
    pub const SNAPSHOTS: &str = "/nf-vi/v1/snapshots";
    /// Inventory.
    pub const INVENTORY: &str = "/nf-vi/v1/inventory";
    /// Counters of many machines.
    pub const MEASUREMENTS: &str = "/nf-vi/v1/measurements";
    /// Events.
    pub const EVENTS: &str = "/nf-vi/v1/events";

    /// One image.
    pub fn image(id: Uuid) -> String {
        format!("{IMAGES}/{id}")
    }

    /// One volume.
    pub fn volume(id: Uuid) -> String {
        format!("{VOLUMES}/{id}")
    }

    /// One machine.
    pub fn machine(id: Uuid) -> String {
        format!("{MACHINES}/{id}")
    }

    /// One snapshot.
    pub fn snapshot(id: Uuid) -> String {
        format!("{SNAPSHOTS}/{id}")
    }

    /// A sub-resource of a machine: `power`, `console_log`, `console`, `measurements`, `reality`.
    pub fn machine_sub(id: Uuid, sub: &str) -> String {
        format!("{MACHINES}/{id}/{sub}")
    }
}

/// Client of one agent.
#[derive(Debug, Clone)]
pub struct AgentClient(Client);

impl AgentClient {
    /// A client of the agent at `base`; `host` names it in errors.
    pub fn new(host: &str, base: &str) -> Self {
        Self(Client::new(format!("nfvi-agent {host}"), base))
    }

    /// Facts, capacity, health.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn host(&self) -> Result<HostInfo, CallError> {
        Ok(self.0.get(paths::HOST).await?.body)
    }

    /// An image; `None` when it is not on the host.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn image(&self, id: Uuid) -> Result<Option<ImageInfo>, CallError> {
        absent(self.0.get(&paths::image(id)).await.map(|r| r.body))
    }

    /// All images.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn images(&self) -> Result<Vec<ImageInfo>, CallError> {
        Ok(self.0.get(paths::IMAGES).await?.body)
    }

    /// Streams an image onto the host.
    ///
    /// # Errors
    /// Any [`CallError`]; 422 when the checksum or the format differs or the image refers to another file, 507 when the
    /// disk is full.
    pub async fn upload_image<S, E>(
        &self,
        id: Uuid,
        format: DiskFormat,
        sha256: &str,
        owner: &Owner,
        length: Option<u64>,
        content: S,
    ) -> Result<ImageInfo, CallError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        let format = match format {
            DiskFormat::Qcow2 => "qcow2",
            DiskFormat::Raw => "raw",
        };
        let owner = serde_json::to_string(owner).unwrap_or_default();
        let headers = [(HEADER_IMAGE_SHA256, sha256), (HEADER_IMAGE_FORMAT, format), (HEADER_IMAGE_OWNER, &owner)];
        let path = paths::image(id);
        self.0.upload_with(reqwest::Method::PUT, &path, "application/octet-stream", length, &headers, content).await
    }

    /// Removes an image.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 while a machine uses it.
    pub async fn delete_image(&self, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::image(id)).await
    }

    /// Ensures a volume.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn put_volume(&self, id: Uuid, spec: &VolumeSpec) -> Result<VolumeInfo, CallError> {
        Ok(self.0.put(&paths::volume(id), spec).await?.body)
    }

    /// A volume; `None` when it is not on the host.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn volume(&self, id: Uuid) -> Result<Option<VolumeInfo>, CallError> {
        absent(self.0.get(&paths::volume(id)).await.map(|r| r.body))
    }

    /// All volumes.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn volumes(&self) -> Result<Vec<VolumeInfo>, CallError> {
        Ok(self.0.get(paths::VOLUMES).await?.body)
    }

    /// Removes a volume.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 while a machine uses it.
    pub async fn delete_volume(&self, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::volume(id)).await
    }

    /// Ensures a machine; answers at once, the events tell the rest.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 when a different machine has this id, 422 naming an image, volume or capacity that the
    /// host lacks.
    pub async fn put_machine(&self, id: Uuid, spec: &MachineSpec) -> Result<Machine, CallError> {
        Ok(self.0.put(&paths::machine(id), spec).await?.body)
    }

    /// A machine; `None` when the agent knows none.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn machine(&self, id: Uuid) -> Result<Option<Machine>, CallError> {
        absent(self.0.get(&paths::machine(id)).await.map(|r| r.body))
    }

    /// All machines.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn machines(&self) -> Result<Vec<Machine>, CallError> {
        Ok(self.0.get(paths::MACHINES).await?.body)
    }

    /// Removes a machine and all that belonged to it; answers at once, [`AgentEvent::MachineDeleted`] tells the end.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn delete_machine(&self, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::machine(id)).await
    }

    /// Starts, stops or reboots.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn power(&self, id: Uuid, request: &PowerRequest) -> Result<Machine, CallError> {
        Ok(self.0.post(&paths::machine_sub(id, "power"), request).await?.body)
    }

    /// The last `bytes` of the serial console's log.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn console_log(&self, id: Uuid, bytes: u64) -> Result<String, CallError> {
        let path = format!("{}?bytes={bytes}", paths::machine_sub(id, "console_log"));
        self.0.get_text(&path).await
    }

    /// Where the console can be reached.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn console(&self, id: Uuid) -> Result<ConsoleAccess, CallError> {
        Ok(self.0.get(&paths::machine_sub(id, "console")).await?.body)
    }

    /// Counters.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn measurements(&self, id: Uuid) -> Result<Measurements, CallError> {
        Ok(self.0.get(&paths::machine_sub(id, "measurements")).await?.body)
    }

    /// Ensures a snapshot; answers at once, the events tell the rest.
    ///
    /// # Errors
    /// Any [`CallError`]; 422 when the machine is not on the host, 507 when its disk is full.
    pub async fn put_snapshot(&self, id: Uuid, spec: &SnapshotSpec) -> Result<Snapshot, CallError> {
        Ok(self.0.put(&paths::snapshot(id), spec).await?.body)
    }

    /// A snapshot; `None` when it is not on the host.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn snapshot(&self, id: Uuid) -> Result<Option<Snapshot>, CallError> {
        absent(self.0.get(&paths::snapshot(id)).await.map(|r| r.body))
    }

    /// All snapshots.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn snapshots(&self) -> Result<Vec<Snapshot>, CallError> {
        Ok(self.0.get(paths::SNAPSHOTS).await?.body)
    }

    /// Removes a snapshot; answers at once, [`AgentEvent::SnapshotDeleted`] tells the end.
    ///
    /// # Errors
    /// Any [`CallError`]; 409 while a machine is being reverted to it.
    pub async fn delete_snapshot(&self, id: Uuid) -> Result<(), CallError> {
        self.0.delete_if_there(&paths::snapshot(id)).await
    }

    /// What is really there of a machine; `None` when the host has nothing of it.
    ///
    /// # Errors
    /// Any [`CallError`] but 404.
    pub async fn reality(&self, id: Uuid) -> Result<Option<Reality>, CallError> {
        absent(self.0.get(&paths::machine_sub(id, "reality")).await.map(|r| r.body))
    }

    /// Counters of many machines, at most [`MAX_MEASURED`]; those that do not run are left out.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn measure(&self, machines: Vec<Uuid>) -> Result<MeasuredMachines, CallError> {
        Ok(self.0.post(paths::MEASUREMENTS, &MeasureMachines { machines }).await?.body)
    }

    /// What is really there.
    ///
    /// # Errors
    /// Any [`CallError`].
    pub async fn inventory(&self) -> Result<Inventory, CallError> {
        Ok(self.0.get(paths::INVENTORY).await?.body)
    }

    /// The agent's events behind `after`.
    pub fn events(&self, after: i64) -> EventStream {
        EventStream::new(self.0.clone(), paths::EVENTS, after)
    }
}

/// Turns "not found" into `None`.
pub(crate) fn absent<T>(result: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.status() == Some(404) => Ok(None),
        Err(error) => Err(error),
    }
}
