//! Network service descriptors: the typed model and its reader (SOL001 clause 7).

mod model;
mod order;

pub use model::{Connection, NsFlavour, NsLevels, NsVirtualLink, Nsd, Sap, VnfProfile};
pub use order::DependencyCycle;
