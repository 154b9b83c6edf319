//! VNF descriptors: the typed model and its reader (SOL001 clause 6).

mod boot;
mod check_scaling;
mod compute;
mod container;
mod cp;
mod hardware;
mod model;
mod policies;
mod read;
mod read_boot;
mod read_compute;
mod read_container;
mod read_cp;
mod read_flavour;
mod read_image;
mod read_lcm;
mod read_policies;
mod read_scaling;
mod scaling;
mod scaling_links;

pub use boot::{BootContext, BootData, ConfigDriveLayout, ContentOrFile, ResolvedBootData};
pub use compute::{
    Checksum, Cpu, CpuPinning, HugePages, LocalStorage, Memory, Readiness, StorageKind, SwImage, Vdu, VduProfile,
    VirtualStorage,
};
pub use container::{DeployableUnit, ExtendedResource, Mciop, OsContainer, ServiceData, ServicePort, VirtualCp};
pub use cp::{ExtCp, ExtCpKind, VduCp, VduSubCp, VipCp, VnfVirtualLink};
pub use hardware::{AdditionalCapability, InterfaceRequirement, LogicalNode};
pub use model::{ConfigurableProperties, Flavour, LcmOperations, ModifiableAttributes, Vnfd};
pub use policies::{
    ChangeSelector, ComponentMapping, CoordinationAction, Indicator, OperationCoordination, PackageChange,
    SupportedInterface, Uri,
};
pub use read::read_vnfd;
pub use scaling::{Aspect, Level, Scaling, Size, SizeError};
