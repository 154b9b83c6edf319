//! Network service descriptors: the typed model and its reader (SOL001 clause 7).

mod model;
mod order;
mod read;
mod read_parts;

pub use model::{Connection, NsFlavour, NsLevels, NsVirtualLink, Nsd, Sap, VnfProfile};
pub use order::DependencyCycle;
pub(crate) use order::cycle;
pub use read::read_nsd;
