//! PNF descriptors: the typed model and its reader (SOL001 clause 8, IFA014 clause 6.6).

mod model;
mod read;

pub use model::{Coordinates, ExtCp, Location, Pnfd};
pub use read::read_pnfd;
