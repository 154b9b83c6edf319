//! The typed OVF descriptor: what of DSP0243 a VDU can be made from.

use serde::{Deserialize, Serialize};

use super::disk::DiskFormat;

/// An OVF descriptor (clause 7).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Major version of the namespace, 1 or 2; 0 for drafts.
    pub version: u8,
    /// Name of the `VirtualSystemCollection`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Product of the collection as a whole.
    #[serde(default)]
    pub product: Product,
    /// `EulaSection`s of the collection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eulas: Vec<String>,
    /// `References`.
    pub files: Vec<FileReference>,
    /// `DiskSection`.
    pub disks: Vec<Disk>,
    /// `NetworkSection`.
    pub networks: Vec<Network>,
    /// The virtual systems, those of nested collections too.
    pub systems: Vec<System>,
}

/// `File` of the references (clause 7.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReference {
    /// `ovf:id`.
    pub id: String,
    /// `ovf:href`: a path beside the descriptor.
    pub href: String,
    /// `ovf:size` in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
}

/// `Disk` (clause 9.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// `ovf:diskId`.
    pub id: String,
    /// `ovf:capacity` in bytes.
    pub capacity_bytes: u64,
    /// `ovf:fileRef`: the file with its content; an empty disk has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// `ovf:format`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<DiskFormat>,
}

/// `Network` (clause 9.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// `ovf:name`.
    pub name: String,
    /// `Description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// `ProductSection` (clause 9.5), without properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// `Product`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `Vendor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// `Version`, or `FullVersion` where only that is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// `VirtualSystem` (clause 7.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// `ovf:id`.
    pub id: String,
    /// `Name`, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `AnnotationSection`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotation: Option<String>,
    /// `Description` of the `OperatingSystemSection`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operating_system: Option<String>,
    /// `ProductSection`.
    #[serde(default)]
    pub product: Product,
    /// `EulaSection`s.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eulas: Vec<String>,
    /// Virtual CPUs, at least 1.
    pub cpus: u32,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Disks, the boot disk first.
    pub drives: Vec<Drive>,
    /// Network adapters in the order of the descriptor.
    pub nics: Vec<Nic>,
}

/// A disk of a virtual system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drive {
    /// `rasd:ElementName`.
    pub name: String,
    /// What `rasd:HostResource` leads to.
    pub source: DriveSource,
}

/// What a drive shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriveSource {
    /// A `Disk`, by identifier.
    Disk(String),
    /// A `File`, by identifier.
    File(String),
}

/// A network adapter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nic {
    /// `rasd:ElementName`.
    pub name: String,
    /// The network it is on, by name.
    pub network: String,
    /// `rasd:ResourceSubType`, such as `E1000` or `virtio`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl DriveSource {
    /// The disk's identifier, where it is a disk.
    #[must_use]
    pub fn disk(&self) -> Option<&str> {
        match self {
            Self::Disk(id) => Some(id),
            Self::File(_) => None,
        }
    }

    /// The file's identifier, where it is a file.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::File(id) => Some(id),
            Self::Disk(_) => None,
        }
    }
}

impl Envelope {
    /// How many systems have an adapter on a network.
    #[must_use]
    pub fn systems_on(&self, network: &str) -> usize {
        self.systems.iter().filter(|s| s.nics.iter().any(|n| n.network == network)).count()
    }

    /// The file that fills a drive; `None` for an empty disk.
    #[must_use]
    pub fn content(&self, drive: &Drive) -> Option<&FileReference> {
        match &drive.source {
            DriveSource::Disk(id) => self.file(self.disk(id)?.file.as_deref()?),
            DriveSource::File(id) => self.file(id),
        }
    }

    /// A disk by identifier.
    #[must_use]
    pub fn disk(&self, id: &str) -> Option<&Disk> {
        self.disks.iter().find(|d| d.id == id)
    }

    /// A file by identifier.
    #[must_use]
    pub fn file(&self, id: &str) -> Option<&FileReference> {
        self.files.iter().find(|f| f.id == id)
    }
}
