//! What is really there of one machine: hypervisor, switch and disk are asked, the records are not.

use reference_points::nf_vi::{RealDisk, RealPort, Reality};
use service::http::{ApiError, ApiResult};
use uuid::Uuid;

use super::Agent;
use crate::media::disks;
use crate::reconcile::act::Failure;

impl Agent {
    /// A machine as it really is.
    ///
    /// # Errors
    /// 404 when the hypervisor has no such domain, 503 while hypervisor or switch cannot be asked.
    pub async fn reality(&self, id: Uuid) -> ApiResult<Reality> {
        let told = |failure: Failure| ApiError::new(*failure.problem);
        let found = self.hypervisor.domain(id).await.map_err(|e| told(e.into()))?;
        let domain = found.ok_or_else(|| ApiError::not_found(format!("domain of machine {id}")))?;
        let plugged = self.switch.ports().await.map_err(|e| told(e.into()))?.unwrap_or_default();
        let config_drive = self.layout.config_drive(id);
        let volumes = self.layout.volumes();
        let mut real = Vec::new();
        for path in domain.disks.into_iter().filter(|path| *path != config_drive) {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let volume_id = stem.filter(|_| path.starts_with(&volumes)).and_then(|stem| stem.parse().ok());
            let size_bytes = disks::virtual_size(&path).map_err(|e| told(e.into()))?;
            real.push(RealDisk { volume_id, size_bytes });
        }
        let port = |id: Uuid| RealPort { id, plugged: plugged.iter().any(|port| port.iface_id == Some(id)) };
        Ok(Reality {
            runs: domain.state.is_active(),
            vcpus: domain.shape.vcpus,
            memory_bytes: domain.shape.memory_bytes,
            disks: real,
            ports: domain.ports.into_iter().map(port).collect(),
        })
    }
}
