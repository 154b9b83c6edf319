//! What is kept of a machine, put into the words of the hypervisor: pure.

use std::path::PathBuf;

use reference_points::nf_vi::{DiskFormat, MachineSpec, RootDisk};
use uuid::Uuid;

use super::plan::{Desired, returning};
use crate::hypervisor::{Acceleration, Disk, DomainPlan, Nic, Shape, domain_name, tap_name};
use crate::media::layout::Layout;
use crate::store::machines::MachineRow;

/// What the machines of a host share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// How guest code is run.
    pub acceleration: Acceleration,
    /// Integration bridge.
    pub bridge: String,
    /// Checksums and segmentation may be left to the other side.
    pub offloads: bool,
}

/// The disks of a machine, the one it boots from first, its first-boot data last.
pub fn disks(layout: &Layout, id: Uuid, spec: &MachineSpec) -> Vec<Disk> {
    let writable = |path, serial: String| Disk { path, format: DiskFormat::Qcow2, read_only: false, serial };
    // Guests find a volume under /dev/disk/by-id by the beginning of its id; virtio allows 20 characters.
    let volume = |id: Uuid| writable(layout.volume(id), id.simple().to_string()[..20].to_owned());
    let root = match &spec.root {
        RootDisk::Image { .. } => writable(layout.root_disk(id), "root".into()),
        RootDisk::Volume { volume_id } => volume(*volume_id),
    };
    let config = spec.config_drive.as_ref().map(|_| Disk {
        path: layout.config_drive(id),
        format: DiskFormat::Raw,
        read_only: true,
        serial: "config".into(),
    });
    std::iter::once(root).chain(spec.volumes.iter().map(|v| volume(v.volume_id))).chain(config).collect()
}

/// A disk that the guest writes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WritableDisk {
    /// Its file.
    pub path: PathBuf,
    /// The volume; `None` for the machine's own disk over an image.
    pub volume: Option<Uuid>,
}

impl WritableDisk {
    /// Name of its file in a snapshot.
    pub fn captured_as(&self) -> String {
        self.volume.map_or_else(|| "root.qcow2".to_owned(), |id| format!("{id}.qcow2"))
    }
}

/// The disks that a snapshot captures.
pub fn writable(layout: &Layout, row: &MachineRow) -> Vec<WritableDisk> {
    let volume = |id: Uuid| WritableDisk { path: layout.volume(id), volume: Some(id) };
    let root = match &row.spec.root {
        RootDisk::Image { .. } => WritableDisk { path: layout.root_disk(row.id), volume: None },
        RootDisk::Volume { volume_id } => volume(*volume_id),
    };
    std::iter::once(root).chain(row.spec.volumes.iter().map(|v| volume(v.volume_id))).collect()
}

/// The interfaces of a machine.
pub fn nics(spec: &MachineSpec, around: &Surroundings) -> Vec<Nic> {
    let nic = |nic: &reference_points::nf_vi::NicSpec| Nic {
        port_id: nic.port_id,
        mac: nic.mac.clone(),
        mtu: nic.mtu,
        bridge: around.bridge.clone(),
        tap: tap_name(nic.port_id),
        offloads: around.offloads,
    };
    spec.nics.iter().map(nic).collect()
}

/// What shall be of a machine.
pub fn desired(layout: &Layout, row: &MachineRow) -> Desired {
    Desired {
        present: !row.deleting,
        power: row.spec.power,
        shape: Shape {
            vcpus: row.spec.vcpus,
            memory_bytes: row.spec.memory_bytes,
            pinned: row.pinned.clone(),
            hugepage_bytes: row.spec.cpu.hugepage_bytes,
        },
        own_root: matches!(row.spec.root, RootDisk::Image { .. }).then_some(row.root_bytes),
        config_drive: row.spec.config_drive.is_some(),
        ports: row.spec.nics.iter().map(|nic| nic.port_id).collect(),
        disks: disks(layout, row.id, &row.spec).into_iter().map(|disk| disk.path).collect(),
        pending: row.pending,
        returning: returning(row.spec.revert, row.reverted, row.reverting),
        keeps_former: row.spec.revert.is_some(),
    }
}

/// Everything the hypervisor must be told about a machine.
pub fn domain(layout: &Layout, row: &MachineRow, around: &Surroundings) -> DomainPlan {
    DomainPlan {
        id: row.id,
        name: domain_name(row.id),
        title: row.spec.name.clone(),
        owner: row.spec.owner.clone(),
        acceleration: around.acceleration,
        vcpus: row.spec.vcpus,
        pinned: row.pinned.clone(),
        memory_bytes: row.spec.memory_bytes,
        hugepage_bytes: row.spec.cpu.hugepage_bytes,
        disks: disks(layout, row.id, &row.spec),
        nics: nics(&row.spec, around),
        console_log: layout.console_log(row.id),
    }
}
