//! Network service descriptors: the typed model and its reader (SOL001 clause 7).

mod forwarding;
mod model;
mod order;
mod parts;
mod read;
mod read_forwarding;
mod read_nested;
mod read_parts;
mod read_policies;
mod scaling;

pub use forwarding::{ForwardingGraph, ForwardingPoint, Mask, Nfp, NfpElement, NfpPosition, NfpRule, PathPoint};
pub use model::{Connection, NsFlavour, NsLevels, NsVirtualLink, Nsd, Sap, VnfProfile};
pub use order::DependencyCycle;
pub(crate) use order::cycle;
pub use parts::{AutoScale, DataFlow, MirroringJob, Monitoring, NestedNs, NsProfile, PnfProfile};
pub use read::read_nsd;
pub use scaling::{Mapping, NsAspect, NsScaling, NsSize, NsSizeError};
