//! VNF descriptors: the typed model and its reader (SOL001 clause 6).

mod boot;
mod compute;
mod cp;
mod model;
mod read;
mod read_boot;
mod read_compute;
mod read_cp;
mod read_flavour;
mod read_scaling;
mod scaling;

pub use boot::{BootContext, BootData, ConfigDriveLayout, ContentOrFile, ResolvedBootData};
pub use compute::{
    Checksum, Cpu, CpuPinning, HugePages, LocalStorage, Memory, Readiness, StorageKind, SwImage, Vdu, VduProfile,
    VirtualStorage,
};
pub use cp::{ExtCp, ExtCpKind, VduCp, VnfVirtualLink};
pub use model::{ConfigurableProperties, Flavour, LcmOperations, ModifiableAttributes, Vnfd};
pub use read::read_vnfd;
pub use scaling::{Aspect, Level, Scaling, Size, SizeError};
